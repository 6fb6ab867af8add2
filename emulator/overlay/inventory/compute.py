"""Lambda functions."""

from overlay.inventory.client import Client, parsed, without

_MOVING = ("LastModified", "RevisionId", "CodeSha256", "Environment", "LoggingConfig", "FunctionName", "CodeSize")


def functions(client: Client) -> dict:
    names = [function["FunctionName"] for function in client.items("lambda", "list_functions", "Functions")]
    return {name: _function(client, name) for name in names}


def _function(client: Client, name: str) -> dict:
    function = client.call("lambda", "get_function", FunctionName=name)
    configuration = function["Configuration"]
    policy = client.call_or_none("lambda", "get_policy", FunctionName=name)
    return {
        "configuration": without(configuration, *_MOVING),
        "environment": configuration.get("Environment", {}).get("Variables", {}),
        "tags": function.get("Tags", {}),
        "policy": parsed(policy["Policy"]) if policy else None,
        "loggingConfig": configuration.get("LoggingConfig"),
        "codeSha256": configuration["CodeSha256"],
    }

"""IAM roles."""

from overlay.inventory.client import Client, tags_as_object


def roles(client: Client) -> dict:
    listed = client.items("iam", "list_roles", "Roles")
    return {
        role["RoleName"]: _role(client, role["RoleName"])
        for role in listed
        if not role["Path"].startswith("/aws-service-role/")
    }


def _role(client: Client, name: str) -> dict:
    role = client.call("iam", "get_role", RoleName=name)["Role"]
    inline = client.items("iam", "list_role_policies", "PolicyNames", RoleName=name)
    attached = client.items("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
    return {
        "arn": role["Arn"],
        "path": role["Path"],
        "trustPolicy": role["AssumeRolePolicyDocument"],
        "inlinePolicies": {
            policy: client.call("iam", "get_role_policy", RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in inline
        },
        "attachedPolicies": sorted(policy["PolicyArn"] for policy in attached),
        "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "tags": tags_as_object(role.get("Tags", [])),
        "description": role.get("Description"),
        "maxSessionDuration": role.get("MaxSessionDuration"),
    }

"""SNS: pending subscriptions, topics that exist already, policies and endpoints as SNS checks and shows them.

SNS API reference: CreateTopic, Subscribe, Unsubscribe, ListSubscriptionsByTopic, SetTopicAttributes. That a password in an
endpoint is shown as `****` is documented for the Terraform resource aws_sns_topic_subscription. Developer guide: "Overview of
managing access in Amazon SNS", for callers of another account.
"""

import json
import re

from ministack.core import iam_evaluator
from ministack.services import sns

from overlay.rules import policy_document
from overlay.rules.patch import replace

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}(\.fifo)?")
_PAGE = 100
_PASSWORD = re.compile(r"(?<=://)([^/?#:]*):[^/?#]*(?=@)")
# The codes on the wire are shorter than the names of the exceptions.
_CODES = {
    "InvalidParameterException": "InvalidParameter", "NotFoundException": "NotFound",
    "ResourceNotFoundException": "ResourceNotFound",
}
_CONFIRMED_BY_MAIL = ("email", "email-json")
_ENDPOINTS = {
    "email": (re.compile(r"[^@\s]+@[^@\s]+"), "Email address"),
    "email-json": (re.compile(r"[^@\s]+@[^@\s]+"), "Email address"),
    "http": (re.compile(r"http://\S+"), "Endpoint must match the specified protocol"),
    "https": (re.compile(r"https://\S+"), "Endpoint must match the specified protocol"),
    "sms": (re.compile(r"\+?[0-9][0-9 ()-]{4,19}"), "Invalid SMS endpoint"),
    "sqs": (re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:\S+"), "SQS endpoint ARN"),
    "lambda": (re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:\S+"), "Lambda endpoint ARN"),
    "firehose": (re.compile(r"arn:aws[a-z-]*:firehose:[a-z0-9-]+:\d{12}:deliverystream/\S+"), "Firehose endpoint ARN"),
    "application": (re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:endpoint/\S+"),
                    "Application endpoint arn invalid"),
}
_ATTRIBUTES = frozenset({
    "DisplayName", "Policy", "DeliveryPolicy", "KmsMasterKeyId", "SignatureVersion", "TracingConfig", "FifoTopic",
    "ContentBasedDeduplication", "ArchivePolicy", "FifoThroughputScope", "DataProtectionPolicy",
    *(f"{kind}{suffix}" for kind in ("HTTP", "Firehose", "Lambda", "Application", "SQS")
      for suffix in ("SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn")),
})
_REMOVED_BY_EMPTY = ("KmsMasterKeyId", "DeliveryPolicy", "ArchivePolicy")


def apply() -> None:
    replace(sns, "_error")(lambda original, code, message, status: original(_CODES.get(code, code), message, status))
    replace(sns, "_enforce_topic_policy")(_enforce_topic_policy)
    replace(sns, "_create_topic")(_create_topic)
    replace(sns, "_set_topic_attributes")(_set_topic_attributes)
    replace(sns, "_subscribe")(_subscribe)
    replace(sns, "_unsubscribe")(_unsubscribe)
    replace(sns, "_list_subscriptions")(_list_subscriptions)
    replace(sns, "_list_subscriptions_by_topic")(_list_subscriptions_by_topic)


def _enforce_topic_policy(original, topic: dict, action: str):
    """Callers of another account need the policy's leave, whether or not identities are checked."""
    account = sns.get_account_id()
    if sns._topic_owner(topic) == account:
        return original(topic, action)
    context = iam_evaluator.EvalContext(
        principal_arn=iam_evaluator.caller_arn(), principal_type="Root", principal_account=account, action=action,
        resource_arn=topic["arn"], region=sns.get_region(),
    )
    if iam_evaluator.resource_policy_allows(topic["attributes"].get("Policy"), context, same_account=False):
        return None
    return sns._error("AuthorizationError", f"User: {context.principal_arn} is not authorized to perform: {action} on "
                      f"resource: {topic['arn']}", 403)


def _invalid(message: str):
    return sns._error("InvalidParameter", f"Invalid parameter: {message}", 400)


def _entries(params) -> dict[str, str]:
    entries = {}
    number = 1
    while key := sns._p(params, f"Attributes.entry.{number}.key"):
        entries[key] = sns._p(params, f"Attributes.entry.{number}.value") or ""
        number += 1
    return entries


def _attribute_error(name: str, value: str):
    if name not in _ATTRIBUTES:
        return _invalid("AttributeName")
    if name != "Policy" or not value:
        return None
    statements = policy_document.statements(value)
    if statements is None:
        return _invalid("Policy Error: null")
    for statement in statements:
        problem = policy_document.statement_problem(statement)
        if problem is None and policy_document.principal_problem(statement):
            problem = "PrincipalNotFound"
        if problem:
            return _invalid(f"Policy Error: {problem}")
        actions = policy_document.as_list(statement.get("Action", statement.get("NotAction")))
        if not all(action == "*" or action.lower().startswith("sns:") for action in actions):
            return _invalid("Policy statement action out of service scope!")
    return None


def _same(name: str, ours: str, given: str) -> bool:
    if name not in ("Policy", "DeliveryPolicy"):
        return ours == given
    try:
        return json.loads(ours) == json.loads(given)
    except ValueError:
        return ours == given


def _create_topic(original, params):
    name = sns._p(params, "Name")
    if not _NAME.fullmatch(name or ""):
        return _invalid("Topic Name")
    attributes, tags = _entries(params), sns._param_tags(params)
    for key, value in attributes.items():
        error = _attribute_error(key, value)
        if error:
            return error
    topic = sns._topics.get(f"arn:aws:sns:{sns.get_region()}:{sns.get_account_id()}:{name}")
    if topic is not None:
        if any(not _same(key, topic["attributes"].get(key, ""), value) for key, value in attributes.items()):
            return _invalid("Attributes Reason: Topic already exists with different attributes")
        if tags and tags != topic["tags"]:
            return _invalid("Tags Reason: Topic already exists with different tags")
    return original(params)


def _set_topic_attributes(original, params):
    name, value = sns._p(params, "AttributeName") or "", sns._p(params, "AttributeValue") or ""
    error = _attribute_error(name, value)
    if error:
        return error
    response = original(params)
    if response[0] == 200 and name in _REMOVED_BY_EMPTY and not value:
        topic, _ = sns._get_topic(sns._p(params, "TopicArn"))
        topic["attributes"].pop(name, None)
    return response


def _subscribe(original, params):
    protocol, endpoint = sns._p(params, "Protocol"), sns._p(params, "Endpoint") or ""
    topic, error = sns._get_topic(sns._p(params, "TopicArn"), "sns:Subscribe")
    if error is not None:
        return error
    if protocol not in _ENDPOINTS:
        return _invalid(f"Does not support this protocol string: {protocol}")
    shape, message = _ENDPOINTS[protocol]
    if not shape.fullmatch(endpoint):
        return _invalid(message)
    known = {subscription["arn"] for subscription in topic["subscriptions"]}
    response = original(params)
    if response[0] != 200:
        return response
    subscription = next(each for each in topic["subscriptions"]
                        if each["protocol"] == protocol and each["endpoint"] == endpoint)
    if subscription["arn"] not in known and protocol in _CONFIRMED_BY_MAIL:
        subscription["confirmed"] = False
        subscription["token"] = sns.new_uuid()
        subscription["attributes"] |= {"PendingConfirmation": "true", "ConfirmationWasAuthenticated": "false"}
        sns._refresh_subscription_counts(topic)
    subscription["attributes"]["Endpoint"] = _shown(endpoint)
    shown = subscription["confirmed"] or sns._p(params, "ReturnSubscriptionArn") == "true"
    arn = subscription["arn"] if shown else "pending confirmation"
    return sns._xml(200, "SubscribeResponse",
                    f"<SubscribeResult><SubscriptionArn>{arn}</SubscriptionArn></SubscribeResult>")


def _unsubscribe(original, params):
    arn = sns._p(params, "SubscriptionArn") or ""
    if arn.count(":") < 6:
        return _invalid(f"SubscriptionArn Reason: An ARN must have at least 6 elements, not {arn.count(':') + 1}")
    topic_arn = sns._sub_arn_to_topic.get(arn)
    subscription = sns._find_subscription(topic_arn, arn) if topic_arn else None
    if subscription is not None and not subscription["confirmed"]:
        return _invalid("SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation")
    return original(params)


def _shown(endpoint: str) -> str:
    """The endpoint without its password, which SNS accepts but never returns."""
    return _PASSWORD.sub(r"\1:****", endpoint, count=1)


def _member(subscription: dict) -> str:
    arn = subscription["arn"] if subscription["confirmed"] else "PendingConfirmation"
    return (f"<member><SubscriptionArn>{arn}</SubscriptionArn><Owner>{subscription['owner']}</Owner>"
            f"<TopicArn>{subscription['topic_arn']}</TopicArn><Protocol>{subscription['protocol']}</Protocol>"
            f"<Endpoint>{sns._xml_escape(_shown(subscription['endpoint']))}</Endpoint></member>")


def _page(operation: str, subscriptions: list[dict], params):
    token = sns._p(params, "NextToken") or "0"
    if not token.isdigit():
        return _invalid("NextToken")
    start = int(token)
    members = "".join(_member(each) for each in subscriptions[start:start + _PAGE])
    more = f"<NextToken>{start + _PAGE}</NextToken>" if start + _PAGE < len(subscriptions) else ""
    return sns._xml(200, f"{operation}Response",
                    f"<{operation}Result><Subscriptions>{members}</Subscriptions>{more}</{operation}Result>")


def _list_subscriptions(_original, params):
    return _page("ListSubscriptions", [each for topic in sns._topics.values() for each in topic["subscriptions"]],
                 params)


def _list_subscriptions_by_topic(_original, params):
    topic, error = sns._get_topic(sns._p(params, "TopicArn"), "sns:ListSubscriptionsByTopic")
    return error if error is not None else _page("ListSubscriptionsByTopic", topic["subscriptions"], params)

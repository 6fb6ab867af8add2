"""One call of every operation in the table of permissions, in an order in which all of them succeed.

A step is (service, operation, parameters, needs), needs being the actions and resources that AWS checks, in order.
``{account}`` and the like are filled in by the test.
"""

import io
import json
import zipfile

_TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com", "vpc-flow-logs.amazonaws.com"]},
     "Action": "sts:AssumeRole"}]})
_ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
_TAGS = [{"Key": "a", "Value": "b"}]

ROLE = "arn:aws:iam::{account}:role/vpc-flow-operator/r"
_TOPIC = "arn:aws:sns:us-east-1:{account}:t"
_GROUP = "arn:aws:logs:us-east-1:{account}:log-group:/g"
_MODEL = {"Namespace": "n", "MetricName": "x", "Stat": "Sum"}
_MUTE_RULE = "arn:aws:cloudwatch:us-east-1:{account}:alarm-mute-rule:q"
_ALARM = "arn:aws:cloudwatch:us-east-1:{account}:alarm:m"
_DASHBOARD = "arn:aws:cloudwatch::{account}:dashboard/d"
_RULE = "arn:aws:events:us-east-1:{account}:rule/e"
_BUS = "arn:aws:events:us-east-1:{account}:event-bus/b"
_SINK, _OTHER_SINK = "arn:aws:oam:us-east-1:{account}:sink/{sink}", "arn:aws:oam:us-east-1:{monitoring}:sink/{other_sink}"
_LINK, _NEW_LINK = "arn:aws:oam:us-east-1:{account}:link/{link}", "arn:aws:oam:us-east-1:{account}:link/*"
_FUNCTION = "arn:aws:lambda:us-east-1:{account}:function:f"
_WORKGROUP = "arn:aws:athena:us-east-1:{account}:workgroup/w"
_GLUE = "arn:aws:glue:us-east-1:{account}"
_BUCKET = "arn:aws:s3:::b-{account}"
_VPC = "arn:aws:ec2:us-east-1:{account}:vpc/{vpc}"
_NEW_FLOW_LOG = "arn:aws:ec2:us-east-1:{account}:vpc-flow-log/*"
_FLOW_LOG = "arn:aws:ec2:us-east-1:{account}:vpc-flow-log/{flow_log}"
_KEY = "arn:aws:kms:us-east-1:{account}:key/{key}"


def _code() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", "def handler(event, context): return 'ok'\n")
    return buffer.getvalue()


def _iam(operation: str, **parameters):
    return ("iam", operation, {"RoleName": "r", **parameters}, [(f"iam:{operation}", ROLE)])


IAM = [
    ("iam", "CreateRole", {"RoleName": "r", "Path": "/vpc-flow-operator/", "AssumeRolePolicyDocument": _TRUST,
                           "Tags": _TAGS}, [("iam:CreateRole", ROLE), ("iam:TagRole", ROLE)]),
    _iam("GetRole"),
    _iam("UpdateRole", MaxSessionDuration=7200),
    _iam("UpdateAssumeRolePolicy", PolicyDocument=_TRUST),
    _iam("PutRolePolicy", PolicyName="p", PolicyDocument=_ALLOW),
    _iam("ListRolePolicies"),
    _iam("GetRolePolicy", PolicyName="p"),
    _iam("ListAttachedRolePolicies"),
    _iam("DetachRolePolicy", PolicyArn="arn:aws:iam::{account}:policy/m"),
    _iam("PutRolePermissionsBoundary", PermissionsBoundary="arn:aws:iam::{account}:policy/m"),
    _iam("TagRole", Tags=_TAGS),
    _iam("UntagRole", TagKeys=["a"]),
]
REMOVE_ROLE = [_iam("DeleteRolePolicy", PolicyName="p"), _iam("DeleteRole")]

STS = [
    ("sts", "GetCallerIdentity", {}, []),
    ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::{account}:role/there", "RoleSessionName": "session"},
     [(f"sts:{action}", "arn:aws:iam::{account}:role/there") for action in ("AssumeRole", "TagSession")]),
]


def _s3(operation: str, action: str | None = None, **parameters):
    return ("s3", operation, {"Bucket": "b-{account}", **parameters}, [(f"s3:{action or operation}", _BUCKET)])


S3 = [
    ("s3", "CreateBucket", {"Bucket": "b-{account}", "ObjectOwnership": "BucketOwnerEnforced",
                            "CreateBucketConfiguration": {"Tags": _TAGS}},
     [("s3:CreateBucket", _BUCKET), ("s3:PutBucketOwnershipControls", _BUCKET), ("s3:TagResource", _BUCKET)]),
    _s3("PutBucketTagging", Tagging={"TagSet": _TAGS}),
    _s3("GetBucketTagging"),
    _s3("PutBucketVersioning", VersioningConfiguration={"Status": "Enabled"}),
    _s3("GetBucketVersioning"),
    _s3("PutBucketEncryption", "PutEncryptionConfiguration", ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}),
    _s3("GetBucketEncryption", "GetEncryptionConfiguration"),
    _s3("PutPublicAccessBlock", "PutBucketPublicAccessBlock",
        PublicAccessBlockConfiguration={"BlockPublicAcls": True}),
    _s3("GetPublicAccessBlock", "GetBucketPublicAccessBlock"),
    _s3("PutBucketOwnershipControls",
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}),
    _s3("GetBucketOwnershipControls"),
    _s3("PutBucketPolicy", Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{_BUCKET}/secret"}]})),
    _s3("GetBucketPolicy"),
    _s3("PutBucketLifecycleConfiguration", "PutLifecycleConfiguration", LifecycleConfiguration={"Rules": [
        {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}),
    _s3("GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"),
    _s3("PutBucketNotificationConfiguration", "PutBucketNotification",
        NotificationConfiguration={"EventBridgeConfiguration": {}}),
    _s3("GetBucketNotificationConfiguration", "GetBucketNotification"),
    _s3("ListObjectsV2", "ListBucket"),
    _s3("ListObjectVersions", "ListBucketVersions"),
    _s3("ListMultipartUploads", "ListBucketMultipartUploads"),
    ("s3", "PutObject", {"Bucket": "b-{account}", "Key": "hour=01/c d", "Body": b"x"}, [("s3:PutObject", f"{_BUCKET}/hour=01/c d")]),
    ("s3", "GetObject", {"Bucket": "b-{account}", "Key": "hour=01/c d"}, [("s3:GetObject", f"{_BUCKET}/hour=01/c d")]),
    ("s3", "AbortMultipartUpload", {"Bucket": "b-{account}", "Key": "hour=01/a b", "UploadId": "{upload}"},
     [("s3:AbortMultipartUpload", f"{_BUCKET}/hour=01/a b")]),
]
REMOVE_BUCKET = [_s3("DeleteBucket")]


def _logs(operation: str, suffix: str = ":*", **parameters):
    return ("logs", operation, {"logGroupName": "/g", **parameters}, [(f"logs:{operation}", _GROUP + suffix)])


def _log_tags(operation: str, **parameters):
    return ("logs", operation, {"resourceArn": _GROUP, **parameters}, [(f"logs:{operation}", _GROUP)])


LOGS = [
    ("logs", "DescribeLogGroups", {}, [("logs:DescribeLogGroups", "*")]),
    ("logs", "CreateLogGroup", {"logGroupName": "/g", "tags": {"a": "b"}},
     [("logs:CreateLogGroup", f"{_GROUP}:*"), ("logs:TagResource", _GROUP)]),
    _logs("PutRetentionPolicy", retentionInDays=30),
    _logs("AssociateKmsKey", kmsKeyId=_KEY),
    _logs("DisassociateKmsKey"),
    _log_tags("ListTagsForResource"),
    _log_tags("TagResource", tags={"c": "d"}),
    _log_tags("UntagResource", tagKeys=["c"]),
    _logs("PutMetricFilter", filterName="f", filterPattern="", metricTransformations=[
        {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}]),
    _logs("DescribeMetricFilters"),
    _logs("DeleteMetricFilter", filterName="f"),
    _logs("PutSubscriptionFilter", filterName="s", filterPattern="", destinationArn=_FUNCTION),
    _logs("DescribeSubscriptionFilters"),
    _logs("DeleteSubscriptionFilter", filterName="s"),
    _logs("DescribeLogStreams"),
    _logs("FilterLogEvents"),
    _logs("DeleteLogGroup"),
    ("logs", "PutQueryDefinition", {"name": "q", "queryString": "fields @message"}, [("logs:PutQueryDefinition", "*")]),
    ("logs", "DescribeQueryDefinitions", {}, [("logs:DescribeQueryDefinitions", "*")]),
    ("logs", "DeleteQueryDefinition", {"queryDefinitionId": "{query_definition}"},
     [("logs:DeleteQueryDefinition", "*")]),
]


def _flow_logs(needs: list, **parameters):
    request = {"ResourceIds": ["{vpc}"], "ResourceType": "VPC", "TrafficType": "ALL", **parameters}
    return ("ec2", "CreateFlowLogs", request,
            [("ec2:CreateFlowLogs", _VPC), ("ec2:CreateFlowLogs", _NEW_FLOW_LOG), *needs])


EC2 = [
    ("ec2", "DescribeVpcs", {}, [("ec2:DescribeVpcs", "*")]),
    ("ec2", "DescribeFlowLogs", {}, [("ec2:DescribeFlowLogs", "*")]),
    _flow_logs([("ec2:CreateTags", _NEW_FLOW_LOG), ("iam:PassRole", ROLE)],
               LogGroupName="/g", DeliverLogsPermissionArn=ROLE,
               TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": _TAGS}]),
    ("ec2", "CreateTags", {"Resources": ["{flow_log}"], "Tags": _TAGS}, [("ec2:CreateTags", _FLOW_LOG)]),
    ("ec2", "DeleteTags", {"Resources": ["{flow_log}"], "Tags": _TAGS}, [("ec2:DeleteTags", _FLOW_LOG)]),
    ("ec2", "DeleteFlowLogs", {"FlowLogIds": ["{flow_log}"]}, [("ec2:DeleteFlowLogs", _FLOW_LOG)]),
    _flow_logs([("logs:CreateLogDelivery", "*"), ("logs:DeleteLogDelivery", "*"), ("s3:GetBucketPolicy", _BUCKET),
                ("s3:PutBucketPolicy", _BUCKET)],
               LogDestinationType="s3", LogDestination=_BUCKET),
    ("ec2", "DeleteFlowLogs", {"FlowLogIds": ["{flow_log}"]},
     [("ec2:DeleteFlowLogs", _FLOW_LOG), ("logs:DeleteLogDelivery", "*")]),
    _flow_logs([("iam:PassRole", ROLE), *((f"ecs:{name}", "*") for name in (
        "ListClusters", "ListContainerInstances", "ListServices", "ListTaskDefinitions", "ListTasks"))],
               LogGroupName="/g", DeliverLogsPermissionArn=ROLE, LogFormat="${version} ${ecs-cluster-arn}"),
]


def _sns(operation: str, **parameters):
    return ("sns", operation, {"TopicArn": _TOPIC, **parameters}, [(f"sns:{operation}", _TOPIC)])


def _topic_tags(operation: str, **parameters):
    return ("sns", operation, {"ResourceArn": _TOPIC, **parameters}, [(f"sns:{operation}", _TOPIC)])


def _subscription(operation: str, *more, **parameters):
    return ("sns", operation, {"SubscriptionArn": "{subscription}", **parameters}, [(f"sns:{operation}", _TOPIC), *more])


SNS = [
    ("sns", "CreateTopic", {"Name": "t", "Tags": _TAGS}, [("sns:CreateTopic", _TOPIC), ("sns:TagResource", _TOPIC)]),
    _sns("GetTopicAttributes"),
    _sns("SetTopicAttributes", AttributeName="DisplayName", AttributeValue="x"),
    _topic_tags("ListTagsForResource"),
    _topic_tags("TagResource", Tags=[{"Key": "c", "Value": "d"}]),
    _topic_tags("UntagResource", TagKeys=["c"]),
    _sns("Subscribe", Protocol="email", Endpoint="soc@example.com"),
    ("sns", "Subscribe", {"TopicArn": _TOPIC, "Protocol": "firehose", "Attributes": {"SubscriptionRoleArn": ROLE},
                          "Endpoint": "arn:aws:firehose:us-east-1:{account}:deliverystream/s"},
     [("sns:Subscribe", _TOPIC), ("iam:PassRole", ROLE)]),
    _sns("ListSubscriptionsByTopic"),
    _sns("Publish", Message="m"),
    _subscription("GetSubscriptionAttributes"),
    _subscription("SetSubscriptionAttributes", AttributeName="RawMessageDelivery", AttributeValue="true"),
    _subscription("SetSubscriptionAttributes", ("iam:PassRole", ROLE), AttributeName="SubscriptionRoleArn",
                  AttributeValue=ROLE),
    _subscription("Unsubscribe"),
    _sns("DeleteTopic"),
]

CLOUDWATCH = [
    ("cloudwatch", "DescribeAlarms", {},
     [("cloudwatch:DescribeAlarms", "arn:aws:cloudwatch:us-east-1:{account}:alarm:*")]),
    ("cloudwatch", "PutMetricAlarm", {
        "AlarmName": "m", "Namespace": "n", "MetricName": "x", "Statistic": "Sum", "Period": 60, "Threshold": 1.0,
        "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "Tags": _TAGS},
     [("cloudwatch:PutMetricAlarm", _ALARM), ("cloudwatch:TagResource", _ALARM)]),
    ("cloudwatch", "SetAlarmState", {"AlarmName": "m", "StateValue": "OK", "StateReason": "x"},
     [("cloudwatch:SetAlarmState", _ALARM)]),
    ("cloudwatch", "DescribeAlarmHistory", {"AlarmName": "m"}, [("cloudwatch:DescribeAlarmHistory", _ALARM)]),
    ("cloudwatch", "ListTagsForResource", {"ResourceARN": _ALARM}, [("cloudwatch:ListTagsForResource", _ALARM)]),
    ("cloudwatch", "TagResource", {"ResourceARN": _ALARM, "Tags": _TAGS}, [("cloudwatch:TagResource", _ALARM)]),
    ("cloudwatch", "UntagResource", {"ResourceARN": _ALARM, "TagKeys": ["a"]},
     [("cloudwatch:UntagResource", _ALARM)]),
    ("cloudwatch", "PutCompositeAlarm", {"AlarmName": "c", "AlarmRule": 'ALARM("m")', "Tags": _TAGS},
     [("cloudwatch:PutCompositeAlarm", "arn:aws:cloudwatch:us-east-1:{account}:alarm:*"),
      ("cloudwatch:TagResource", "arn:aws:cloudwatch:us-east-1:{account}:alarm:c")]),
    ("cloudwatch", "PutAnomalyDetector", {"SingleMetricAnomalyDetector": _MODEL}, [("cloudwatch:PutAnomalyDetector", "*")]),
    ("cloudwatch", "DescribeAnomalyDetectors", {}, [("cloudwatch:DescribeAnomalyDetectors", "*")]),
    ("cloudwatch", "DeleteAnomalyDetector", {"SingleMetricAnomalyDetector": _MODEL},
     [("cloudwatch:DeleteAnomalyDetector", "*")]),
    ("cloudwatch", "PutAlarmMuteRule", {
        "Name": "q", "Rule": {"Schedule": {"Expression": "cron(0 2 * * *)", "Duration": "PT1H"}},
        "MuteTargets": {"AlarmNames": ["m"]}, "Tags": _TAGS},
     [("cloudwatch:PutAlarmMuteRule", _MUTE_RULE), ("cloudwatch:PutAlarmMuteRule", _ALARM),
      ("cloudwatch:TagResource", _MUTE_RULE)]),
    ("cloudwatch", "GetAlarmMuteRule", {"AlarmMuteRuleName": "q"}, [("cloudwatch:GetAlarmMuteRule", _MUTE_RULE)]),
    ("cloudwatch", "ListAlarmMuteRules", {}, [("cloudwatch:ListAlarmMuteRules", "*")]),
    ("cloudwatch", "DeleteAlarmMuteRule", {"AlarmMuteRuleName": "q"}, [("cloudwatch:DeleteAlarmMuteRule", _MUTE_RULE)]),
    ("cloudwatch", "DeleteAlarms", {"AlarmNames": ["c"]},
     [("cloudwatch:DeleteAlarms", "arn:aws:cloudwatch:us-east-1:{account}:alarm:c")]),
    ("cloudwatch", "DeleteAlarms", {"AlarmNames": ["m"]}, [("cloudwatch:DeleteAlarms", _ALARM)]),
    ("cloudwatch", "PutDashboard", {"DashboardName": "d", "DashboardBody": '{"widgets": []}', "Tags": _TAGS},
     [("cloudwatch:PutDashboard", _DASHBOARD), ("cloudwatch:TagResource", _DASHBOARD)]),
    ("cloudwatch", "GetDashboard", {"DashboardName": "d"}, [("cloudwatch:GetDashboard", _DASHBOARD)]),
    ("cloudwatch", "DeleteDashboards", {"DashboardNames": ["d"]}, [("cloudwatch:DeleteDashboards", _DASHBOARD)]),
]


def _function(operation: str, *more, **parameters):
    return ("lambda", operation, {"FunctionName": "f", **parameters}, [(f"lambda:{operation}", _FUNCTION), *more])


LAMBDA = [
    _function("CreateFunction", ("lambda:TagResource", _FUNCTION), ("iam:PassRole", ROLE), Runtime="python3.12",
              Handler="index.handler", Role=ROLE, Code={"ZipFile": _code()}, Tags={"a": "b"}),
    _function("GetFunction", ("lambda:ListTags", _FUNCTION)),
    _function("UpdateFunctionConfiguration", Timeout=10),
    _function("UpdateFunctionConfiguration", ("iam:PassRole", ROLE), Role=ROLE),
    _function("UpdateFunctionCode", ZipFile=_code()),
    _function("AddPermission", StatementId="logs", Action="lambda:InvokeFunction", Principal="logs.amazonaws.com"),
    _function("GetPolicy"),
    ("lambda", "TagResource", {"Resource": _FUNCTION, "Tags": {"c": "d"}}, [("lambda:TagResource", _FUNCTION)]),
    ("lambda", "UntagResource", {"Resource": _FUNCTION, "TagKeys": ["c"]}, [("lambda:UntagResource", _FUNCTION)]),
]
REMOVE_FUNCTION = [_function("RemovePermission", StatementId="logs"), _function("DeleteFunction")]


def _athena(operation: str, **parameters):
    return ("athena", operation, parameters, [(f"athena:{operation}", _WORKGROUP)])


ATHENA = [
    ("athena", "CreateWorkGroup", {"Name": "w", "Tags": _TAGS, "Configuration": {
        "ResultConfiguration": {"OutputLocation": "s3://results-{account}/"}}},
     [("athena:CreateWorkGroup", _WORKGROUP), ("athena:TagResource", _WORKGROUP)]),
    _athena("GetWorkGroup", WorkGroup="w"),
    _athena("UpdateWorkGroup", WorkGroup="w", Description="x"),
    _athena("ListTagsForResource", ResourceARN=_WORKGROUP),
    _athena("TagResource", ResourceARN=_WORKGROUP, Tags=_TAGS),
    _athena("UntagResource", ResourceARN=_WORKGROUP, TagKeys=["a"]),
    _athena("CreateNamedQuery", Name="q", Database="d", QueryString="SELECT 1", WorkGroup="w"),
    _athena("ListNamedQueries", WorkGroup="w"),
    _athena("BatchGetNamedQuery", NamedQueryIds=["{named_query}"]),
    _athena("UpdateNamedQuery", NamedQueryId="{named_query}", Name="q", QueryString="SELECT 2"),
    _athena("DeleteNamedQuery", NamedQueryId="{named_query}"),
    _athena("StartQueryExecution", QueryString="SELECT 1", WorkGroup="w"),
    _athena("GetQueryExecution", QueryExecutionId="{execution}"),
    _athena("GetQueryResults", QueryExecutionId="{execution}"),
    _athena("DeleteWorkGroup", WorkGroup="w", RecursiveDeleteOption=True),
]


def _glue(operation: str, resources: list[str], *more, **parameters):
    needs = [(f"glue:{operation}", f"{_GLUE}:{part}") for part in resources]
    return ("glue", operation, parameters, [*needs, *more])


_DATABASE = f"{_GLUE}:database/d"
_IN_CATALOG = ["catalog", "database/d"]
_GET_DATABASE = [("glue:GetDatabase", f"{_GLUE}:{part}") for part in _IN_CATALOG]
_TABLE = [*_IN_CATALOG, "table/d/t"]

GLUE = [
    _glue("CreateDatabase", _IN_CATALOG, ("glue:TagResource", _DATABASE), DatabaseInput={"Name": "d"}, Tags={"a": "b"}),
    _glue("GetDatabase", _IN_CATALOG, Name="d"),
    _glue("UpdateDatabase", _IN_CATALOG, Name="d", DatabaseInput={"Name": "d", "Description": "x"}),
    _glue("GetTags", ["database/d"], *_GET_DATABASE, ResourceArn=_DATABASE),
    _glue("TagResource", ["database/d"], *_GET_DATABASE, ResourceArn=_DATABASE, TagsToAdd={"c": "d"}),
    _glue("UntagResource", ["database/d"], *_GET_DATABASE, ResourceArn=_DATABASE, TagsToRemove=["c"]),
    _glue("CreateTable", _TABLE, DatabaseName="d", TableInput={"Name": "t"}),
    _glue("UpdateTable", _TABLE, DatabaseName="d", TableInput={"Name": "t", "Description": "x"}),
    _glue("GetTables", [*_IN_CATALOG, "table/d/*"], DatabaseName="d"),
    _glue("DeleteTable", _TABLE, DatabaseName="d", Name="t"),
    _glue("DeleteDatabase", [*_IN_CATALOG, "table/d/*", "userDefinedFunction/d/*"], Name="d"),
]



def _events(operation: str, *more, on: str = _RULE, **parameters):
    return ("events", operation, parameters, [(f"events:{operation}", on), *more])


_PASSED = "arn:aws:iam::{account}:role/events"
_PATTERN = '{"source": ["aws.s3"]}'
_BUS_POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Sid": "s", "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "*"}]})

EVENTS = [
    _events("CreateEventBus", ("events:TagResource", _BUS), on=_BUS, Name="b", Tags=_TAGS),
    _events("DescribeEventBus", on=_BUS, Name=_BUS),
    _events("UpdateEventBus", on=_BUS, Name="b", Description="d"),
    _events("ListEventBuses", on="*"),
    _events("PutPermission", on="*", EventBusName="b", Policy=_BUS_POLICY),
    _events("RemovePermission", on="*", EventBusName="b", StatementId="s"),
    _events("PutEvents", on=_BUS, Entries=[{"Source": "s", "DetailType": "d", "Detail": "{}", "EventBusName": "b"}]),
    _events("PutRule", ("events:TagResource", _RULE), ("iam:PassRole", _PASSED), Name="e", EventPattern=_PATTERN, Tags=_TAGS, RoleArn=_PASSED),
    _events("ListRules", on="*"),
    _events("DescribeRule", Name="e"),
    _events("DisableRule", Name="e"),
    _events("EnableRule", Name="e"),
    _events("PutTargets", ("iam:PassRole", _PASSED), Rule="e", Targets=[{"Id": "f", "Arn": _BUS, "RoleArn": _PASSED}]),
    _events("ListTargetsByRule", Rule="e"),
    _events("ListTagsForResource", ResourceARN=_RULE),
    _events("TagResource", ResourceARN=_RULE, Tags=_TAGS),
    _events("UntagResource", ResourceARN=_RULE, TagKeys=["a"]),
    _events("RemoveTargets", Rule="e", Ids=["f"]),
    _events("DeleteRule", Name="e"),
    _events("DeleteEventBus", on=_BUS, Name="b"),
]


def _oam(operation: str, on: str, *more, **parameters):
    return ("oam", operation, parameters, [(f"oam:{operation}", on), *more])


_METRICS, _LOGS = "AWS::CloudWatch::Metric", "AWS::Logs::LogGroup"
_SINK_POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": "*", "Action": "oam:CreateLink", "Resource": "*"}]})

OAM = [
    _oam("CreateSink", "*", ("oam:TagResource", "arn:aws:oam:us-east-1:{account}:sink/*"), Name="s", Tags={"a": "b"}),
    _oam("GetSink", _SINK, ("oam:ListTagsForResource", _SINK), Identifier=_SINK, IncludeTags=True),
    _oam("ListSinks", "*"),
    _oam("PutSinkPolicy", _SINK, SinkIdentifier=_SINK, Policy=_SINK_POLICY),
    _oam("GetSinkPolicy", _SINK, SinkIdentifier=_SINK),
    _oam("ListAttachedLinks", _SINK, SinkIdentifier=_SINK),
    _oam("TagResource", _SINK, ResourceArn=_SINK, Tags={"a": "b"}),
    _oam("ListTagsForResource", _SINK, ResourceArn=_SINK),
    _oam("UntagResource", _SINK, ResourceArn=_SINK, TagKeys=["a"]),
    _oam("CreateLink", _NEW_LINK, ("oam:CreateLink", _OTHER_SINK), ("oam:TagResource", _NEW_LINK), ("cloudwatch:Link", "*"), ("logs:Link", "*"),
         LabelTemplate="l", ResourceTypes=[_METRICS, _LOGS], SinkIdentifier=_OTHER_SINK, Tags={"a": "b"}),
    _oam("UpdateLink", _LINK, ("oam:UpdateLink", _OTHER_SINK), ("cloudwatch:Link", "*"), Identifier=_LINK, ResourceTypes=[_METRICS]),
    _oam("GetLink", _LINK, Identifier=_LINK),
    _oam("ListLinks", "*"),
    _oam("DeleteLink", _LINK, Identifier=_LINK),
    _oam("DeleteSink", _SINK, Identifier=_SINK),
]

STEPS = [
    *IAM, *STS, *S3, *LAMBDA, *EVENTS, *OAM, *LOGS, *EC2, *SNS, *CLOUDWATCH, *ATHENA, *GLUE, *REMOVE_FUNCTION, *REMOVE_BUCKET,
    *REMOVE_ROLE,
]

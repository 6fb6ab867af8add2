//! The one table of AWS operations: what is not in it is never sent.

use super::quotas::{self, Quota};

/// An AWS service the operator speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Athena.
    Athena,
    /// `CloudWatch` metrics, alarms and dashboards.
    CloudWatch,
    /// `CloudWatch` Logs.
    CloudWatchLogs,
    /// EC2.
    Ec2,
    /// Glue.
    Glue,
    /// IAM.
    Iam,
    /// Lambda.
    Lambda,
    /// S3.
    S3,
    /// SNS.
    Sns,
    /// STS.
    Sts,
}

impl Service {
    /// The service's id in the SDK's metadata and in messages.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Athena => "Athena",
            Self::CloudWatch => "CloudWatch",
            Self::CloudWatchLogs => "CloudWatch Logs",
            Self::Ec2 => "EC2",
            Self::Glue => "Glue",
            Self::Iam => "IAM",
            Self::Lambda => "Lambda",
            Self::S3 => "S3",
            Self::Sns => "SNS",
            Self::Sts => "STS",
        }
    }
}

/// Whether an operation can change AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Changes nothing.
    Read,
    /// Can change something.
    Write,
}

/// Which command sends an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The operator. A person's command may send its reads too.
    Operator,
    /// `plan`, which sends the operator's reads and nothing else.
    Plan,
    /// `verify` alone, with the credentials of whoever runs it: no permission that the operator needs.
    Verify,
}

/// A row of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// Whose operation it is.
    pub service: Service,
    /// AWS's name of it.
    pub name: &'static str,
    /// Whether it can change AWS.
    pub access: Access,
    /// How often it may be sent.
    pub quota: &'static Quota,
    /// The IAM actions a caller may need, from the Service Authorization Reference.
    pub actions: &'static [&'static str],
    /// Who sends it.
    pub caller: Caller,
}

impl Operation {
    /// True if `caller` may send it: the operator what is its own, `plan` the reads among those, `verify` all reads and what is its own.
    #[must_use]
    pub fn is_for(&self, caller: Caller) -> bool {
        let reads = self.access == Access::Read;
        match caller {
            Caller::Operator => self.caller == Caller::Operator,
            Caller::Plan => self.caller == Caller::Operator && reads,
            Caller::Verify => self.caller == Caller::Verify || reads,
        }
    }
}

macro_rules! operations {
    ($($id:ident = $service:ident $name:literal $access:ident $quota:ident [$($action:literal),* $(,)?] $($caller:ident)?;)*) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub const $id: &Operation = &Operation {
                service: Service::$service,
                name: $name,
                access: Access::$access,
                quota: &quotas::$quota,
                actions: &[$($action),*],
                caller: operations!(@caller $($caller)?),
            };
        )*

        /// Every operation that can be sent.
        pub const ALL: &[&Operation] = &[$($id),*];
    };
    (@caller) => { Caller::Operator };
    (@caller $caller:ident) => { Caller::$caller };
}

operations! {
    ASSUME_ROLE = Sts "AssumeRole" Read STS ["sts:AssumeRole", "sts:TagSession"];
    GET_CALLER_IDENTITY = Sts "GetCallerIdentity" Read STS [];

    CREATE_BUCKET = S3 "CreateBucket" Write S3_BUCKETS ["s3:CreateBucket", "s3:PutBucketOwnershipControls", "s3:TagResource"];
    DELETE_BUCKET = S3 "DeleteBucket" Write S3_BUCKETS ["s3:DeleteBucket"];
    GET_BUCKET_TAGGING = S3 "GetBucketTagging" Read S3_READ ["s3:GetBucketTagging"];
    PUT_BUCKET_TAGGING = S3 "PutBucketTagging" Write S3_WRITE ["s3:PutBucketTagging"];
    GET_BUCKET_VERSIONING = S3 "GetBucketVersioning" Read S3_READ ["s3:GetBucketVersioning"];
    PUT_BUCKET_VERSIONING = S3 "PutBucketVersioning" Write S3_WRITE ["s3:PutBucketVersioning"];
    GET_BUCKET_ENCRYPTION = S3 "GetBucketEncryption" Read S3_READ ["s3:GetEncryptionConfiguration"];
    PUT_BUCKET_ENCRYPTION = S3 "PutBucketEncryption" Write S3_WRITE ["s3:PutEncryptionConfiguration"];
    GET_PUBLIC_ACCESS_BLOCK = S3 "GetPublicAccessBlock" Read S3_READ ["s3:GetBucketPublicAccessBlock"];
    PUT_PUBLIC_ACCESS_BLOCK = S3 "PutPublicAccessBlock" Write S3_WRITE ["s3:PutBucketPublicAccessBlock"];
    GET_BUCKET_OWNERSHIP_CONTROLS = S3 "GetBucketOwnershipControls" Read S3_READ ["s3:GetBucketOwnershipControls"];
    PUT_BUCKET_OWNERSHIP_CONTROLS = S3 "PutBucketOwnershipControls" Write S3_WRITE ["s3:PutBucketOwnershipControls"];
    GET_BUCKET_POLICY = S3 "GetBucketPolicy" Read S3_READ ["s3:GetBucketPolicy"];
    PUT_BUCKET_POLICY = S3 "PutBucketPolicy" Write S3_WRITE ["s3:PutBucketPolicy"];
    GET_BUCKET_LIFECYCLE = S3 "GetBucketLifecycleConfiguration" Read S3_READ ["s3:GetLifecycleConfiguration"];
    PUT_BUCKET_LIFECYCLE = S3 "PutBucketLifecycleConfiguration" Write S3_WRITE ["s3:PutLifecycleConfiguration"];
    LIST_OBJECTS = S3 "ListObjectsV2" Read S3_OBJECTS ["s3:ListBucket"] Verify;
    LIST_OBJECT_VERSIONS = S3 "ListObjectVersions" Read S3_OBJECTS ["s3:ListBucketVersions"];
    DELETE_OBJECTS = S3 "DeleteObjects" Write S3_OBJECTS ["s3:DeleteObject", "s3:DeleteObjectVersion"];
    LIST_MULTIPART_UPLOADS = S3 "ListMultipartUploads" Read S3_OBJECTS ["s3:ListBucketMultipartUploads"];
    ABORT_MULTIPART_UPLOAD = S3 "AbortMultipartUpload" Write S3_OBJECTS ["s3:AbortMultipartUpload"];

    CREATE_ROLE = Iam "CreateRole" Write IAM_WRITE ["iam:CreateRole", "iam:TagRole"];
    GET_ROLE = Iam "GetRole" Read IAM_READ ["iam:GetRole"];
    DELETE_ROLE = Iam "DeleteRole" Write IAM_WRITE ["iam:DeleteRole"];
    UPDATE_ROLE = Iam "UpdateRole" Write IAM_WRITE ["iam:UpdateRole"];
    UPDATE_ASSUME_ROLE_POLICY = Iam "UpdateAssumeRolePolicy" Write IAM_WRITE ["iam:UpdateAssumeRolePolicy"];
    LIST_ROLE_POLICIES = Iam "ListRolePolicies" Read IAM_READ ["iam:ListRolePolicies"];
    GET_ROLE_POLICY = Iam "GetRolePolicy" Read IAM_READ ["iam:GetRolePolicy"];
    PUT_ROLE_POLICY = Iam "PutRolePolicy" Write IAM_WRITE ["iam:PutRolePolicy"];
    DELETE_ROLE_POLICY = Iam "DeleteRolePolicy" Write IAM_WRITE ["iam:DeleteRolePolicy"];
    LIST_ATTACHED_ROLE_POLICIES = Iam "ListAttachedRolePolicies" Read IAM_READ ["iam:ListAttachedRolePolicies"];
    DETACH_ROLE_POLICY = Iam "DetachRolePolicy" Write IAM_WRITE ["iam:DetachRolePolicy"];
    PUT_ROLE_PERMISSIONS_BOUNDARY = Iam "PutRolePermissionsBoundary" Write IAM_WRITE ["iam:PutRolePermissionsBoundary"];
    TAG_ROLE = Iam "TagRole" Write IAM_WRITE ["iam:TagRole"];
    UNTAG_ROLE = Iam "UntagRole" Write IAM_WRITE ["iam:UntagRole"];

    DESCRIBE_LOG_GROUPS = CloudWatchLogs "DescribeLogGroups" Read LOG_GROUPS ["logs:DescribeLogGroups"];
    CREATE_LOG_GROUP = CloudWatchLogs "CreateLogGroup" Write LOG_GROUPS ["logs:CreateLogGroup", "logs:TagResource"];
    DELETE_LOG_GROUP = CloudWatchLogs "DeleteLogGroup" Write LOG_GROUPS ["logs:DeleteLogGroup"];
    PUT_RETENTION_POLICY = CloudWatchLogs "PutRetentionPolicy" Write LOGS ["logs:PutRetentionPolicy"];
    ASSOCIATE_KMS_KEY = CloudWatchLogs "AssociateKmsKey" Write LOGS ["logs:AssociateKmsKey"];
    DISASSOCIATE_KMS_KEY = CloudWatchLogs "DisassociateKmsKey" Write LOGS ["logs:DisassociateKmsKey"];
    LIST_LOG_TAGS = CloudWatchLogs "ListTagsForResource" Read LOGS ["logs:ListTagsForResource"];
    TAG_LOG_GROUP = CloudWatchLogs "TagResource" Write LOGS ["logs:TagResource"];
    UNTAG_LOG_GROUP = CloudWatchLogs "UntagResource" Write LOGS ["logs:UntagResource"];
    DESCRIBE_METRIC_FILTERS = CloudWatchLogs "DescribeMetricFilters" Read LOGS ["logs:DescribeMetricFilters"];
    PUT_METRIC_FILTER = CloudWatchLogs "PutMetricFilter" Write LOGS ["logs:PutMetricFilter"];
    DELETE_METRIC_FILTER = CloudWatchLogs "DeleteMetricFilter" Write LOGS ["logs:DeleteMetricFilter"];
    DESCRIBE_SUBSCRIPTION_FILTERS = CloudWatchLogs "DescribeSubscriptionFilters" Read LOGS ["logs:DescribeSubscriptionFilters"];
    PUT_SUBSCRIPTION_FILTER = CloudWatchLogs "PutSubscriptionFilter" Write LOGS ["logs:PutSubscriptionFilter"];
    DELETE_SUBSCRIPTION_FILTER = CloudWatchLogs "DeleteSubscriptionFilter" Write LOGS ["logs:DeleteSubscriptionFilter"];
    // An account has at most 1,000 definitions in a region.
    DESCRIBE_QUERY_DEFINITIONS = CloudWatchLogs "DescribeQueryDefinitions" Read LOGS ["logs:DescribeQueryDefinitions"];
    PUT_QUERY_DEFINITION = CloudWatchLogs "PutQueryDefinition" Write LOGS ["logs:PutQueryDefinition"];
    DELETE_QUERY_DEFINITION = CloudWatchLogs "DeleteQueryDefinition" Write LOGS ["logs:DeleteQueryDefinition"];

    DESCRIBE_LOG_STREAMS = CloudWatchLogs "DescribeLogStreams" Read LOG_STREAMS ["logs:DescribeLogStreams"] Verify;
    FILTER_LOG_EVENTS = CloudWatchLogs "FilterLogEvents" Read LOGS ["logs:FilterLogEvents"] Verify;

    DESCRIBE_FLOW_LOGS = Ec2 "DescribeFlowLogs" Read EC2_READ ["ec2:DescribeFlowLogs"];
    // Those of ECS only for formats with its fields.
    CREATE_FLOW_LOGS = Ec2 "CreateFlowLogs" Write EC2_WRITE
        ["ec2:CreateFlowLogs", "ec2:CreateTags", "iam:PassRole", "logs:CreateLogDelivery", "logs:DeleteLogDelivery",
         "ecs:ListClusters", "ecs:ListContainerInstances", "ecs:ListServices", "ecs:ListTaskDefinitions", "ecs:ListTasks"];
    DELETE_FLOW_LOGS = Ec2 "DeleteFlowLogs" Write EC2_WRITE ["ec2:DeleteFlowLogs", "logs:DeleteLogDelivery"];
    CREATE_TAGS = Ec2 "CreateTags" Write EC2_WRITE ["ec2:CreateTags"];
    DELETE_TAGS = Ec2 "DeleteTags" Write EC2_WRITE ["ec2:DeleteTags"];

    CREATE_TOPIC = Sns "CreateTopic" Write SNS ["sns:CreateTopic", "sns:TagResource"];
    DELETE_TOPIC = Sns "DeleteTopic" Write SNS ["sns:DeleteTopic"];
    GET_TOPIC_ATTRIBUTES = Sns "GetTopicAttributes" Read SNS ["sns:GetTopicAttributes"];
    SET_TOPIC_ATTRIBUTES = Sns "SetTopicAttributes" Write SNS ["sns:SetTopicAttributes"];
    LIST_TOPIC_TAGS = Sns "ListTagsForResource" Read SNS ["sns:ListTagsForResource"];
    TAG_TOPIC = Sns "TagResource" Write SNS ["sns:TagResource"];
    UNTAG_TOPIC = Sns "UntagResource" Write SNS ["sns:UntagResource"];
    LIST_SUBSCRIPTIONS = Sns "ListSubscriptionsByTopic" Read SNS ["sns:ListSubscriptionsByTopic"];
    GET_SUBSCRIPTION_ATTRIBUTES = Sns "GetSubscriptionAttributes" Read SNS ["sns:GetSubscriptionAttributes"];
    SET_SUBSCRIPTION_ATTRIBUTES = Sns "SetSubscriptionAttributes" Write SNS
        ["sns:SetSubscriptionAttributes", "iam:PassRole"];
    SUBSCRIBE = Sns "Subscribe" Write SNS ["sns:Subscribe", "iam:PassRole"];
    UNSUBSCRIBE = Sns "Unsubscribe" Write SNS ["sns:Unsubscribe"];

    DESCRIBE_ALARMS = CloudWatch "DescribeAlarms" Read ALARMS_READ ["cloudwatch:DescribeAlarms"];
    PUT_METRIC_ALARM = CloudWatch "PutMetricAlarm" Write ALARMS_WRITE ["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"];
    DELETE_ALARMS = CloudWatch "DeleteAlarms" Write ALARMS_WRITE ["cloudwatch:DeleteAlarms"];
    DESCRIBE_ALARM_HISTORY = CloudWatch "DescribeAlarmHistory" Read CLOUDWATCH_TAGS ["cloudwatch:DescribeAlarmHistory"] Verify;
    SET_ALARM_STATE = CloudWatch "SetAlarmState" Write ALARMS_WRITE ["cloudwatch:SetAlarmState"] Verify;
    GET_DASHBOARD = CloudWatch "GetDashboard" Read CLOUDWATCH ["cloudwatch:GetDashboard"];
    PUT_DASHBOARD = CloudWatch "PutDashboard" Write CLOUDWATCH ["cloudwatch:PutDashboard", "cloudwatch:TagResource"];
    DELETE_DASHBOARDS = CloudWatch "DeleteDashboards" Write CLOUDWATCH ["cloudwatch:DeleteDashboards"];
    LIST_CLOUDWATCH_TAGS = CloudWatch "ListTagsForResource" Read CLOUDWATCH ["cloudwatch:ListTagsForResource"];
    TAG_CLOUDWATCH = CloudWatch "TagResource" Write CLOUDWATCH_TAGS ["cloudwatch:TagResource"];
    UNTAG_CLOUDWATCH = CloudWatch "UntagResource" Write CLOUDWATCH_TAGS ["cloudwatch:UntagResource"];

    GET_FUNCTION = Lambda "GetFunction" Read LAMBDA_GET_FUNCTION ["lambda:GetFunction", "lambda:ListTags"];
    CREATE_FUNCTION = Lambda "CreateFunction" Write LAMBDA ["lambda:CreateFunction", "lambda:TagResource", "iam:PassRole"];
    DELETE_FUNCTION = Lambda "DeleteFunction" Write LAMBDA ["lambda:DeleteFunction"];
    UPDATE_FUNCTION_CODE = Lambda "UpdateFunctionCode" Write LAMBDA ["lambda:UpdateFunctionCode"];
    UPDATE_FUNCTION_CONFIGURATION = Lambda "UpdateFunctionConfiguration" Write LAMBDA
        ["lambda:UpdateFunctionConfiguration", "iam:PassRole"];
    GET_FUNCTION_POLICY = Lambda "GetPolicy" Read LAMBDA_GET_POLICY ["lambda:GetPolicy"];
    ADD_PERMISSION = Lambda "AddPermission" Write LAMBDA ["lambda:AddPermission"];
    REMOVE_PERMISSION = Lambda "RemovePermission" Write LAMBDA ["lambda:RemovePermission"];
    TAG_FUNCTION = Lambda "TagResource" Write LAMBDA ["lambda:TagResource"];
    UNTAG_FUNCTION = Lambda "UntagResource" Write LAMBDA ["lambda:UntagResource"];

    GET_WORK_GROUP = Athena "GetWorkGroup" Read ATHENA ["athena:GetWorkGroup"];
    CREATE_WORK_GROUP = Athena "CreateWorkGroup" Write ATHENA ["athena:CreateWorkGroup", "athena:TagResource"];
    UPDATE_WORK_GROUP = Athena "UpdateWorkGroup" Write ATHENA ["athena:UpdateWorkGroup"];
    DELETE_WORK_GROUP = Athena "DeleteWorkGroup" Write ATHENA ["athena:DeleteWorkGroup"];
    LIST_ATHENA_TAGS = Athena "ListTagsForResource" Read ATHENA ["athena:ListTagsForResource"];
    TAG_ATHENA = Athena "TagResource" Write ATHENA ["athena:TagResource"];
    UNTAG_ATHENA = Athena "UntagResource" Write ATHENA ["athena:UntagResource"];
    LIST_NAMED_QUERIES = Athena "ListNamedQueries" Read ATHENA_QUERIES_READ ["athena:ListNamedQueries"];
    BATCH_GET_NAMED_QUERY = Athena "BatchGetNamedQuery" Read ATHENA_QUERIES_READ ["athena:BatchGetNamedQuery"];
    CREATE_NAMED_QUERY = Athena "CreateNamedQuery" Write ATHENA_QUERIES_WRITE ["athena:CreateNamedQuery"];
    UPDATE_NAMED_QUERY = Athena "UpdateNamedQuery" Write ATHENA_QUERIES_WRITE ["athena:UpdateNamedQuery"];
    DELETE_NAMED_QUERY = Athena "DeleteNamedQuery" Write ATHENA_QUERIES_WRITE ["athena:DeleteNamedQuery"];
    // Athena reads the table and the records, and writes the result, as the caller: "Access to Athena" in its user guide.
    START_QUERY_EXECUTION = Athena "StartQueryExecution" Write ATHENA_START
        ["athena:StartQueryExecution", "glue:GetDatabase", "glue:GetTable", "glue:GetPartitions", "s3:GetBucketLocation",
         "s3:ListBucket", "s3:GetObject", "s3:PutObject"] Verify;
    GET_QUERY_EXECUTION = Athena "GetQueryExecution" Read ATHENA_FOLLOW ["athena:GetQueryExecution"] Verify;
    GET_QUERY_RESULTS = Athena "GetQueryResults" Read ATHENA_FOLLOW ["athena:GetQueryResults", "s3:GetObject"] Verify;

    GET_DATABASE = Glue "GetDatabase" Read GLUE ["glue:GetDatabase"];
    CREATE_DATABASE = Glue "CreateDatabase" Write GLUE ["glue:CreateDatabase", "glue:TagResource"];
    UPDATE_DATABASE = Glue "UpdateDatabase" Write GLUE ["glue:UpdateDatabase"];
    DELETE_DATABASE = Glue "DeleteDatabase" Write GLUE ["glue:DeleteDatabase"];
    // For databases: AWS Glue developer guide, "AWS tags in AWS Glue".
    GET_GLUE_TAGS = Glue "GetTags" Read GLUE ["glue:GetTags", "glue:GetDatabase"];
    TAG_GLUE = Glue "TagResource" Write GLUE ["glue:TagResource", "glue:GetDatabase"];
    UNTAG_GLUE = Glue "UntagResource" Write GLUE ["glue:UntagResource", "glue:GetDatabase"];
    GET_TABLES = Glue "GetTables" Read GLUE ["glue:GetTables"];
    CREATE_TABLE = Glue "CreateTable" Write GLUE ["glue:CreateTable"];
    UPDATE_TABLE = Glue "UpdateTable" Write GLUE ["glue:UpdateTable"];
    DELETE_TABLE = Glue "DeleteTable" Write GLUE ["glue:DeleteTable"];
}

/// Looks an operation up by the names the SDK gives it.
#[must_use]
pub fn find(service: &str, name: &str) -> Option<&'static Operation> {
    ALL.iter().copied().find(|operation| operation.service.id() == service && operation.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operation_stands_twice() {
        for (index, operation) in ALL.iter().enumerate() {
            assert!(
                !ALL[..index].iter().any(|other| other.service == operation.service && other.name == operation.name)
            );
        }
    }

    #[test]
    fn who_hands_a_role_to_a_service_must_be_allowed_to() {
        let passing: Vec<_> = ALL.iter().filter(|operation| operation.actions.contains(&"iam:PassRole")).collect();
        let expected =
            [CREATE_FLOW_LOGS, SET_SUBSCRIPTION_ATTRIBUTES, SUBSCRIBE, CREATE_FUNCTION, UPDATE_FUNCTION_CONFIGURATION];
        assert_eq!(passing, expected.iter().collect::<Vec<_>>());
    }

    #[test]
    fn access_fits_the_name() {
        for operation in ALL {
            let verbs = ["Get", "List", "Describe", "Head", "BatchGet", "Filter", "AssumeRole"];
            let reads = verbs.iter().any(|verb| operation.name.starts_with(verb));
            assert_eq!(operation.access == Access::Read, reads, "{}", operation.name);
        }
    }

    #[test]
    fn plan_sends_the_operators_reads_and_no_writes() {
        assert!(DESCRIBE_FLOW_LOGS.is_for(Caller::Plan) && !FILTER_LOG_EVENTS.is_for(Caller::Plan));
        assert!(ALL.iter().all(|operation| !operation.is_for(Caller::Plan) || operation.access == Access::Read));
    }

    #[test]
    fn verify_sends_reads_and_two_writes_of_its_own_which_the_operator_never_sends() {
        let writes: Vec<_> = ALL
            .iter()
            .filter(|operation| operation.access == Access::Write && operation.is_for(Caller::Verify))
            .map(|operation| operation.name)
            .collect();
        assert_eq!(writes, ["SetAlarmState", "StartQueryExecution"]);
        assert!(ALL.iter().all(|operation| operation.is_for(Caller::Operator) != (operation.caller == Caller::Verify)));
        assert!(DESCRIBE_FLOW_LOGS.is_for(Caller::Verify) && !CREATE_FLOW_LOGS.is_for(Caller::Verify));
    }
}

#[cfg(test)]
mod quota_tests {
    use super::{self as ops, ALL};

    #[test]
    fn the_buckets_of_aws_never_run_empty() {
        for quota in ALL.iter().map(|operation| operation.quota) {
            let most = f64::from(quota.at_once.unwrap_or(quota.per_second));
            assert!(quota.burst() <= most, "{quota:?}");
            assert!(quota.rate() < f64::from(quota.per_second), "others share the account: {quota:?}");
        }
    }

    #[test]
    fn a_group_has_one_quota() {
        for (a, b) in ALL.iter().flat_map(|a| ALL.iter().map(move |b| (a.quota, b.quota))) {
            assert!(a.group != b.group || a == b, "{a:?} {b:?}");
        }
    }

    #[test]
    fn the_published_figures() {
        for (operation, per_second) in [
            (ops::PUT_METRIC_FILTER, 5),
            (ops::DESCRIBE_LOG_GROUPS, 10),
            (ops::DESCRIBE_LOG_STREAMS, 25),
            (ops::PUT_METRIC_ALARM, 3),
            (ops::DESCRIBE_ALARMS, 9),
            (ops::PUT_DASHBOARD, 10),
            (ops::DESCRIBE_FLOW_LOGS, 20),
            (ops::CREATE_FLOW_LOGS, 5),
        ] {
            assert_eq!(operation.quota.per_second, per_second, "{}", operation.name);
        }
    }
}

//! The table of all AWS operations. An operation that is not in it is never sent.

use aws_smithy_runtime_api::client::interceptors::context::Error;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::quotas::{self, Quota};

/// The SDKs by the names of their services.
mod sdk {
    pub use {
        aws_sdk_athena as Athena, aws_sdk_cloudwatch as CloudWatch, aws_sdk_cloudwatchlogs as CloudWatchLogs,
        aws_sdk_ec2 as Ec2, aws_sdk_eventbridge as EventBridge, aws_sdk_glue as Glue, aws_sdk_iam as Iam,
        aws_sdk_lambda as Lambda, aws_sdk_oam as Oam, aws_sdk_s3 as S3, aws_sdk_sns as Sns, aws_sdk_sts as Sts,
    };
}

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
    /// `EventBridge`.
    EventBridge,
    /// Glue.
    Glue,
    /// IAM.
    Iam,
    /// Lambda.
    Lambda,
    /// `CloudWatch` Observability Access Manager.
    Oam,
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
            Self::EventBridge => "EventBridge",
            Self::Glue => "Glue",
            Self::Iam => "IAM",
            Self::Lambda => "Lambda",
            Self::Oam => "OAM",
            Self::S3 => "S3",
            Self::Sns => "SNS",
            Self::Sts => "STS",
        }
    }
}

/// Access of an operation to AWS: read or write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Changes nothing.
    Read,
    /// Can change something.
    Write,
}

/// The command that sends an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The operator. A person's command may send its reads too.
    Operator,
    /// `plan`, with the credentials of the person who runs it. It sends the operator's reads, and none of its own.
    Plan,
    /// `verify` alone, with the credentials of the person who runs it. The operator needs no permission for it.
    Verify,
}

/// A row of the table.
#[derive(Debug)]
pub struct Operation {
    /// The service.
    pub service: Service,
    /// AWS's name of it.
    pub name: &'static str,
    /// Read, or write if it can change AWS.
    pub access: Access,
    /// Limit of its rate.
    pub quota: &'static Quota,
    /// The IAM actions a caller may need, from the Service Authorization Reference.
    pub actions: &'static [&'static str],
    /// The command that sends it.
    pub caller: Caller,
    /// Reads code and message from an error of this operation, whose type the SDK hides from interceptors.
    pub(super) metadata: fn(&Error) -> Option<&ErrorMetadata>,
}

/// The names identify an operation: none is in the table twice.
impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        (self.service, self.name) == (other.service, other.name)
    }
}

impl Eq for Operation {}

/// AWS's name of an operation, by the name of its error in the SDK.
const fn name_of(error: &'static str) -> &'static str {
    error.split_at(error.len() - "Error".len()).0
}

impl Operation {
    /// True if `caller` may send it. The operator sends its own operations; `plan` and `verify` send the reads among them, and `verify` sends
    /// operations of its own.
    #[must_use]
    pub fn is_for(&self, caller: Caller) -> bool {
        let reads = self.access == Access::Read;
        match caller {
            Caller::Operator => self.caller == Caller::Operator,
            Caller::Plan => self.caller == Caller::Operator && reads,
            Caller::Verify => self.caller == Caller::Verify || self.caller == Caller::Operator && reads,
        }
    }
}

macro_rules! operations {
    ($($id:ident = $service:ident $module:ident::$error:ident $access:ident $quota:ident [$($action:literal),* $(,)?] $($caller:ident)?;)*) => {
        $(
            #[doc = concat!("Its error is `", stringify!($error), "`.")]
            pub const $id: &Operation = &Operation {
                service: Service::$service,
                name: name_of(stringify!($error)),
                access: Access::$access,
                quota: &quotas::$quota,
                actions: &[$($action),*],
                caller: operations!(@caller $($caller)?),
                metadata: |error| {
                    error.downcast_ref::<sdk::$service::operation::$module::$error>().map(ProvideErrorMetadata::meta)
                },
            };
        )*

        /// Every operation that can be sent.
        pub const ALL: &[&Operation] = &[$($id),*];
    };
    (@caller) => { Caller::Operator };
    (@caller $caller:ident) => { Caller::$caller };
}

operations! {
    ASSUME_ROLE = Sts assume_role::AssumeRoleError Read STS ["sts:AssumeRole", "sts:TagSession"];
    GET_CALLER_IDENTITY = Sts get_caller_identity::GetCallerIdentityError Read STS [];

    CREATE_BUCKET = S3 create_bucket::CreateBucketError Write S3_BUCKETS ["s3:CreateBucket", "s3:PutBucketOwnershipControls", "s3:TagResource"];
    DELETE_BUCKET = S3 delete_bucket::DeleteBucketError Write S3_BUCKETS ["s3:DeleteBucket"];
    GET_BUCKET_TAGGING = S3 get_bucket_tagging::GetBucketTaggingError Read S3_READ ["s3:GetBucketTagging"];
    PUT_BUCKET_TAGGING = S3 put_bucket_tagging::PutBucketTaggingError Write S3_WRITE ["s3:PutBucketTagging"];
    GET_BUCKET_VERSIONING = S3 get_bucket_versioning::GetBucketVersioningError Read S3_READ ["s3:GetBucketVersioning"];
    PUT_BUCKET_VERSIONING = S3 put_bucket_versioning::PutBucketVersioningError Write S3_WRITE ["s3:PutBucketVersioning"];
    GET_BUCKET_ENCRYPTION = S3 get_bucket_encryption::GetBucketEncryptionError Read S3_READ ["s3:GetEncryptionConfiguration"];
    PUT_BUCKET_ENCRYPTION = S3 put_bucket_encryption::PutBucketEncryptionError Write S3_WRITE ["s3:PutEncryptionConfiguration"];
    GET_PUBLIC_ACCESS_BLOCK = S3 get_public_access_block::GetPublicAccessBlockError Read S3_READ ["s3:GetBucketPublicAccessBlock"];
    PUT_PUBLIC_ACCESS_BLOCK = S3 put_public_access_block::PutPublicAccessBlockError Write S3_WRITE ["s3:PutBucketPublicAccessBlock"];
    GET_BUCKET_OWNERSHIP_CONTROLS = S3 get_bucket_ownership_controls::GetBucketOwnershipControlsError Read S3_READ ["s3:GetBucketOwnershipControls"];
    PUT_BUCKET_OWNERSHIP_CONTROLS = S3 put_bucket_ownership_controls::PutBucketOwnershipControlsError Write S3_WRITE ["s3:PutBucketOwnershipControls"];
    GET_BUCKET_POLICY = S3 get_bucket_policy::GetBucketPolicyError Read S3_READ ["s3:GetBucketPolicy"];
    PUT_BUCKET_POLICY = S3 put_bucket_policy::PutBucketPolicyError Write S3_WRITE ["s3:PutBucketPolicy"];
    GET_BUCKET_LIFECYCLE = S3 get_bucket_lifecycle_configuration::GetBucketLifecycleConfigurationError Read S3_READ ["s3:GetLifecycleConfiguration"];
    PUT_BUCKET_LIFECYCLE = S3 put_bucket_lifecycle_configuration::PutBucketLifecycleConfigurationError Write S3_WRITE ["s3:PutLifecycleConfiguration"];
    GET_BUCKET_NOTIFICATION = S3 get_bucket_notification_configuration::GetBucketNotificationConfigurationError Read S3_READ ["s3:GetBucketNotification"];
    PUT_BUCKET_NOTIFICATION = S3 put_bucket_notification_configuration::PutBucketNotificationConfigurationError Write S3_WRITE ["s3:PutBucketNotification"];
    LIST_OBJECTS = S3 list_objects_v2::ListObjectsV2Error Read S3_OBJECTS ["s3:ListBucket"] Verify;
    LIST_OBJECT_VERSIONS = S3 list_object_versions::ListObjectVersionsError Read S3_OBJECTS ["s3:ListBucketVersions"];
    DELETE_OBJECTS = S3 delete_objects::DeleteObjectsError Write S3_OBJECTS ["s3:DeleteObject", "s3:DeleteObjectVersion"];
    LIST_MULTIPART_UPLOADS = S3 list_multipart_uploads::ListMultipartUploadsError Read S3_OBJECTS ["s3:ListBucketMultipartUploads"];
    ABORT_MULTIPART_UPLOAD = S3 abort_multipart_upload::AbortMultipartUploadError Write S3_OBJECTS ["s3:AbortMultipartUpload"];

    CREATE_ROLE = Iam create_role::CreateRoleError Write IAM_WRITE ["iam:CreateRole", "iam:TagRole"];
    GET_ROLE = Iam get_role::GetRoleError Read IAM_READ ["iam:GetRole"];
    DELETE_ROLE = Iam delete_role::DeleteRoleError Write IAM_WRITE ["iam:DeleteRole"];
    UPDATE_ROLE = Iam update_role::UpdateRoleError Write IAM_WRITE ["iam:UpdateRole"];
    UPDATE_ASSUME_ROLE_POLICY = Iam update_assume_role_policy::UpdateAssumeRolePolicyError Write IAM_WRITE ["iam:UpdateAssumeRolePolicy"];
    LIST_ROLE_POLICIES = Iam list_role_policies::ListRolePoliciesError Read IAM_READ ["iam:ListRolePolicies"];
    GET_ROLE_POLICY = Iam get_role_policy::GetRolePolicyError Read IAM_READ ["iam:GetRolePolicy"];
    PUT_ROLE_POLICY = Iam put_role_policy::PutRolePolicyError Write IAM_WRITE ["iam:PutRolePolicy"];
    DELETE_ROLE_POLICY = Iam delete_role_policy::DeleteRolePolicyError Write IAM_WRITE ["iam:DeleteRolePolicy"];
    LIST_ATTACHED_ROLE_POLICIES = Iam list_attached_role_policies::ListAttachedRolePoliciesError Read IAM_READ ["iam:ListAttachedRolePolicies"];
    DETACH_ROLE_POLICY = Iam detach_role_policy::DetachRolePolicyError Write IAM_WRITE ["iam:DetachRolePolicy"];
    PUT_ROLE_PERMISSIONS_BOUNDARY = Iam put_role_permissions_boundary::PutRolePermissionsBoundaryError Write IAM_WRITE ["iam:PutRolePermissionsBoundary"];
    TAG_ROLE = Iam tag_role::TagRoleError Write IAM_WRITE ["iam:TagRole"];
    UNTAG_ROLE = Iam untag_role::UntagRoleError Write IAM_WRITE ["iam:UntagRole"];

    DESCRIBE_LOG_GROUPS = CloudWatchLogs describe_log_groups::DescribeLogGroupsError Read LOG_GROUPS ["logs:DescribeLogGroups"];
    CREATE_LOG_GROUP = CloudWatchLogs create_log_group::CreateLogGroupError Write LOG_GROUPS ["logs:CreateLogGroup", "logs:TagResource"];
    DELETE_LOG_GROUP = CloudWatchLogs delete_log_group::DeleteLogGroupError Write LOG_GROUPS ["logs:DeleteLogGroup"];
    PUT_RETENTION_POLICY = CloudWatchLogs put_retention_policy::PutRetentionPolicyError Write LOGS ["logs:PutRetentionPolicy"];
    ASSOCIATE_KMS_KEY = CloudWatchLogs associate_kms_key::AssociateKmsKeyError Write LOGS ["logs:AssociateKmsKey"];
    DISASSOCIATE_KMS_KEY = CloudWatchLogs disassociate_kms_key::DisassociateKmsKeyError Write LOGS ["logs:DisassociateKmsKey"];
    LIST_LOG_TAGS = CloudWatchLogs list_tags_for_resource::ListTagsForResourceError Read LOGS ["logs:ListTagsForResource"];
    TAG_LOG_GROUP = CloudWatchLogs tag_resource::TagResourceError Write LOGS ["logs:TagResource"];
    UNTAG_LOG_GROUP = CloudWatchLogs untag_resource::UntagResourceError Write LOGS ["logs:UntagResource"];
    DESCRIBE_METRIC_FILTERS = CloudWatchLogs describe_metric_filters::DescribeMetricFiltersError Read LOGS ["logs:DescribeMetricFilters"];
    PUT_METRIC_FILTER = CloudWatchLogs put_metric_filter::PutMetricFilterError Write LOGS ["logs:PutMetricFilter"];
    DELETE_METRIC_FILTER = CloudWatchLogs delete_metric_filter::DeleteMetricFilterError Write LOGS ["logs:DeleteMetricFilter"];
    DESCRIBE_SUBSCRIPTION_FILTERS = CloudWatchLogs describe_subscription_filters::DescribeSubscriptionFiltersError Read LOGS ["logs:DescribeSubscriptionFilters"];
    PUT_SUBSCRIPTION_FILTER = CloudWatchLogs put_subscription_filter::PutSubscriptionFilterError Write LOGS ["logs:PutSubscriptionFilter"];
    DELETE_SUBSCRIPTION_FILTER = CloudWatchLogs delete_subscription_filter::DeleteSubscriptionFilterError Write LOGS ["logs:DeleteSubscriptionFilter"];
    // An account has at most 1,000 definitions in a region.
    DESCRIBE_QUERY_DEFINITIONS = CloudWatchLogs describe_query_definitions::DescribeQueryDefinitionsError Read LOGS ["logs:DescribeQueryDefinitions"];
    PUT_QUERY_DEFINITION = CloudWatchLogs put_query_definition::PutQueryDefinitionError Write LOGS ["logs:PutQueryDefinition"];
    DELETE_QUERY_DEFINITION = CloudWatchLogs delete_query_definition::DeleteQueryDefinitionError Write LOGS ["logs:DeleteQueryDefinition"];

    DESCRIBE_LOG_STREAMS = CloudWatchLogs describe_log_streams::DescribeLogStreamsError Read LOG_STREAMS ["logs:DescribeLogStreams"] Verify;
    FILTER_LOG_EVENTS = CloudWatchLogs filter_log_events::FilterLogEventsError Read LOGS ["logs:FilterLogEvents"] Verify;

    DESCRIBE_VPCS = Ec2 describe_vpcs::DescribeVpcsError Read EC2_READ ["ec2:DescribeVpcs"];
    DESCRIBE_FLOW_LOGS = Ec2 describe_flow_logs::DescribeFlowLogsError Read EC2_READ ["ec2:DescribeFlowLogs"];
    // The actions of ECS are needed only for formats with its fields.
    CREATE_FLOW_LOGS = Ec2 create_flow_logs::CreateFlowLogsError Write EC2_WRITE
        ["ec2:CreateFlowLogs", "ec2:CreateTags", "iam:PassRole", "logs:CreateLogDelivery", "logs:DeleteLogDelivery",
         "ecs:ListClusters", "ecs:ListContainerInstances", "ecs:ListServices", "ecs:ListTaskDefinitions", "ecs:ListTasks"];
    DELETE_FLOW_LOGS = Ec2 delete_flow_logs::DeleteFlowLogsError Write EC2_WRITE ["ec2:DeleteFlowLogs", "logs:DeleteLogDelivery"];
    CREATE_TAGS = Ec2 create_tags::CreateTagsError Write EC2_WRITE ["ec2:CreateTags"];
    DELETE_TAGS = Ec2 delete_tags::DeleteTagsError Write EC2_WRITE ["ec2:DeleteTags"];

    CREATE_TOPIC = Sns create_topic::CreateTopicError Write SNS ["sns:CreateTopic", "sns:TagResource"];
    DELETE_TOPIC = Sns delete_topic::DeleteTopicError Write SNS ["sns:DeleteTopic"];
    GET_TOPIC_ATTRIBUTES = Sns get_topic_attributes::GetTopicAttributesError Read SNS ["sns:GetTopicAttributes"];
    SET_TOPIC_ATTRIBUTES = Sns set_topic_attributes::SetTopicAttributesError Write SNS ["sns:SetTopicAttributes"];
    LIST_TOPIC_TAGS = Sns list_tags_for_resource::ListTagsForResourceError Read SNS ["sns:ListTagsForResource"];
    TAG_TOPIC = Sns tag_resource::TagResourceError Write SNS ["sns:TagResource"];
    UNTAG_TOPIC = Sns untag_resource::UntagResourceError Write SNS ["sns:UntagResource"];
    LIST_SUBSCRIPTIONS = Sns list_subscriptions_by_topic::ListSubscriptionsByTopicError Read SNS ["sns:ListSubscriptionsByTopic"];
    GET_SUBSCRIPTION_ATTRIBUTES = Sns get_subscription_attributes::GetSubscriptionAttributesError Read SNS ["sns:GetSubscriptionAttributes"];
    SET_SUBSCRIPTION_ATTRIBUTES = Sns set_subscription_attributes::SetSubscriptionAttributesError Write SNS
        ["sns:SetSubscriptionAttributes", "iam:PassRole"];
    SUBSCRIBE = Sns subscribe::SubscribeError Write SNS ["sns:Subscribe", "iam:PassRole"];
    UNSUBSCRIBE = Sns unsubscribe::UnsubscribeError Write SNS ["sns:Unsubscribe"];

    DESCRIBE_ALARMS = CloudWatch describe_alarms::DescribeAlarmsError Read ALARMS_READ ["cloudwatch:DescribeAlarms"];
    PUT_METRIC_ALARM = CloudWatch put_metric_alarm::PutMetricAlarmError Write ALARMS_WRITE ["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"];
    PUT_COMPOSITE_ALARM = CloudWatch put_composite_alarm::PutCompositeAlarmError Write ALARMS_WRITE ["cloudwatch:PutCompositeAlarm", "cloudwatch:TagResource"];
    DESCRIBE_ANOMALY_DETECTORS = CloudWatch describe_anomaly_detectors::DescribeAnomalyDetectorsError Read CLOUDWATCH ["cloudwatch:DescribeAnomalyDetectors"];
    PUT_ANOMALY_DETECTOR = CloudWatch put_anomaly_detector::PutAnomalyDetectorError Write CLOUDWATCH ["cloudwatch:PutAnomalyDetector"];
    DELETE_ANOMALY_DETECTOR = CloudWatch delete_anomaly_detector::DeleteAnomalyDetectorError Write ANOMALY_MODELS_DELETE ["cloudwatch:DeleteAnomalyDetector"];
    GET_ALARM_MUTE_RULE = CloudWatch get_alarm_mute_rule::GetAlarmMuteRuleError Read ALARMS_READ ["cloudwatch:GetAlarmMuteRule"];
    PUT_ALARM_MUTE_RULE = CloudWatch put_alarm_mute_rule::PutAlarmMuteRuleError Write ALARMS_WRITE ["cloudwatch:PutAlarmMuteRule", "cloudwatch:TagResource"];
    DELETE_ALARM_MUTE_RULE = CloudWatch delete_alarm_mute_rule::DeleteAlarmMuteRuleError Write ALARMS_WRITE ["cloudwatch:DeleteAlarmMuteRule"];
    DELETE_ALARMS = CloudWatch delete_alarms::DeleteAlarmsError Write ALARMS_WRITE ["cloudwatch:DeleteAlarms"];
    DESCRIBE_ALARM_HISTORY = CloudWatch describe_alarm_history::DescribeAlarmHistoryError Read CLOUDWATCH_TAGS ["cloudwatch:DescribeAlarmHistory"] Verify;
    SET_ALARM_STATE = CloudWatch set_alarm_state::SetAlarmStateError Write ALARMS_WRITE ["cloudwatch:SetAlarmState"] Verify;
    GET_DASHBOARD = CloudWatch get_dashboard::GetDashboardError Read CLOUDWATCH ["cloudwatch:GetDashboard"];
    PUT_DASHBOARD = CloudWatch put_dashboard::PutDashboardError Write CLOUDWATCH ["cloudwatch:PutDashboard", "cloudwatch:TagResource"];
    DELETE_DASHBOARDS = CloudWatch delete_dashboards::DeleteDashboardsError Write CLOUDWATCH ["cloudwatch:DeleteDashboards"];
    LIST_CLOUDWATCH_TAGS = CloudWatch list_tags_for_resource::ListTagsForResourceError Read CLOUDWATCH ["cloudwatch:ListTagsForResource"];
    TAG_CLOUDWATCH = CloudWatch tag_resource::TagResourceError Write CLOUDWATCH_TAGS ["cloudwatch:TagResource"];
    UNTAG_CLOUDWATCH = CloudWatch untag_resource::UntagResourceError Write CLOUDWATCH_TAGS ["cloudwatch:UntagResource"];

    GET_FUNCTION = Lambda get_function::GetFunctionError Read LAMBDA_GET_FUNCTION ["lambda:GetFunction", "lambda:ListTags"];
    CREATE_FUNCTION = Lambda create_function::CreateFunctionError Write LAMBDA ["lambda:CreateFunction", "lambda:TagResource", "iam:PassRole"];
    DELETE_FUNCTION = Lambda delete_function::DeleteFunctionError Write LAMBDA ["lambda:DeleteFunction"];
    UPDATE_FUNCTION_CODE = Lambda update_function_code::UpdateFunctionCodeError Write LAMBDA ["lambda:UpdateFunctionCode"];
    UPDATE_FUNCTION_CONFIGURATION = Lambda update_function_configuration::UpdateFunctionConfigurationError Write LAMBDA
        ["lambda:UpdateFunctionConfiguration", "iam:PassRole"];
    GET_FUNCTION_POLICY = Lambda get_policy::GetPolicyError Read LAMBDA_GET_POLICY ["lambda:GetPolicy"];
    ADD_PERMISSION = Lambda add_permission::AddPermissionError Write LAMBDA ["lambda:AddPermission"];
    REMOVE_PERMISSION = Lambda remove_permission::RemovePermissionError Write LAMBDA ["lambda:RemovePermission"];
    TAG_FUNCTION = Lambda tag_resource::TagResourceError Write LAMBDA ["lambda:TagResource"];
    UNTAG_FUNCTION = Lambda untag_resource::UntagResourceError Write LAMBDA ["lambda:UntagResource"];

    DESCRIBE_RULE = EventBridge describe_rule::DescribeRuleError Read EVENTS ["events:DescribeRule"];
    PUT_RULE = EventBridge put_rule::PutRuleError Write EVENTS ["events:PutRule", "events:TagResource", "iam:PassRole"];
    DELETE_RULE = EventBridge delete_rule::DeleteRuleError Write EVENTS ["events:DeleteRule"];
    LIST_TARGETS = EventBridge list_targets_by_rule::ListTargetsByRuleError Read EVENTS ["events:ListTargetsByRule"];
    PUT_TARGETS = EventBridge put_targets::PutTargetsError Write EVENTS ["events:PutTargets", "iam:PassRole"];
    REMOVE_TARGETS = EventBridge remove_targets::RemoveTargetsError Write EVENTS ["events:RemoveTargets"];
    LIST_EVENT_TAGS = EventBridge list_tags_for_resource::ListTagsForResourceError Read EVENTS ["events:ListTagsForResource"];
    TAG_EVENTS_RESOURCE = EventBridge tag_resource::TagResourceError Write EVENTS ["events:TagResource"];
    UNTAG_EVENTS_RESOURCE = EventBridge untag_resource::UntagResourceError Write EVENTS ["events:UntagResource"];
    DESCRIBE_EVENT_BUS = EventBridge describe_event_bus::DescribeEventBusError Read EVENTS ["events:DescribeEventBus"];
    CREATE_EVENT_BUS = EventBridge create_event_bus::CreateEventBusError Write EVENTS ["events:CreateEventBus", "events:TagResource"];
    PUT_PERMISSION = EventBridge put_permission::PutPermissionError Write EVENTS ["events:PutPermission"];
    DELETE_EVENT_BUS = EventBridge delete_event_bus::DeleteEventBusError Write EVENTS ["events:DeleteEventBus"];

    LIST_LINKS = Oam list_links::ListLinksError Read OAM ["oam:ListLinks"];
    // With its tags.
    GET_LINK = Oam get_link::GetLinkError Read OAM ["oam:GetLink", "oam:ListTagsForResource"];
    // "cloudwatch:Link" is needed to share metrics: "CloudWatch cross-account observability" in its user guide.
    CREATE_LINK = Oam create_link::CreateLinkError Write OAM ["oam:CreateLink", "oam:TagResource", "cloudwatch:Link"];
    UPDATE_LINK = Oam update_link::UpdateLinkError Write OAM ["oam:UpdateLink", "oam:ListTagsForResource", "cloudwatch:Link"];
    DELETE_LINK = Oam delete_link::DeleteLinkError Write OAM ["oam:DeleteLink"];

    GET_WORK_GROUP = Athena get_work_group::GetWorkGroupError Read ATHENA ["athena:GetWorkGroup"];
    CREATE_WORK_GROUP = Athena create_work_group::CreateWorkGroupError Write ATHENA ["athena:CreateWorkGroup", "athena:TagResource"];
    UPDATE_WORK_GROUP = Athena update_work_group::UpdateWorkGroupError Write ATHENA ["athena:UpdateWorkGroup"];
    DELETE_WORK_GROUP = Athena delete_work_group::DeleteWorkGroupError Write ATHENA ["athena:DeleteWorkGroup"];
    LIST_ATHENA_TAGS = Athena list_tags_for_resource::ListTagsForResourceError Read ATHENA ["athena:ListTagsForResource"];
    TAG_ATHENA = Athena tag_resource::TagResourceError Write ATHENA ["athena:TagResource"];
    UNTAG_ATHENA = Athena untag_resource::UntagResourceError Write ATHENA ["athena:UntagResource"];
    LIST_NAMED_QUERIES = Athena list_named_queries::ListNamedQueriesError Read ATHENA_QUERIES_READ ["athena:ListNamedQueries"];
    BATCH_GET_NAMED_QUERY = Athena batch_get_named_query::BatchGetNamedQueryError Read ATHENA_QUERIES_READ ["athena:BatchGetNamedQuery"];
    CREATE_NAMED_QUERY = Athena create_named_query::CreateNamedQueryError Write ATHENA_QUERIES_WRITE ["athena:CreateNamedQuery"];
    UPDATE_NAMED_QUERY = Athena update_named_query::UpdateNamedQueryError Write ATHENA_QUERIES_WRITE ["athena:UpdateNamedQuery"];
    DELETE_NAMED_QUERY = Athena delete_named_query::DeleteNamedQueryError Write ATHENA_QUERIES_WRITE ["athena:DeleteNamedQuery"];
    // Athena reads the table and the records, and writes the result, as the caller: "Access to Athena" in its user guide.
    START_QUERY_EXECUTION = Athena start_query_execution::StartQueryExecutionError Write ATHENA_START
        ["athena:StartQueryExecution", "glue:GetDatabase", "glue:GetTable", "glue:GetPartitions", "s3:GetBucketLocation",
         "s3:ListBucket", "s3:GetObject", "s3:PutObject"] Verify;
    GET_QUERY_EXECUTION = Athena get_query_execution::GetQueryExecutionError Read ATHENA_FOLLOW ["athena:GetQueryExecution"] Verify;
    GET_QUERY_RESULTS = Athena get_query_results::GetQueryResultsError Read ATHENA_FOLLOW ["athena:GetQueryResults", "s3:GetObject"] Verify;

    GET_DATABASE = Glue get_database::GetDatabaseError Read GLUE ["glue:GetDatabase"];
    CREATE_DATABASE = Glue create_database::CreateDatabaseError Write GLUE ["glue:CreateDatabase", "glue:TagResource"];
    UPDATE_DATABASE = Glue update_database::UpdateDatabaseError Write GLUE ["glue:UpdateDatabase"];
    DELETE_DATABASE = Glue delete_database::DeleteDatabaseError Write GLUE ["glue:DeleteDatabase"];
    // For databases: AWS Glue developer guide, "AWS tags in AWS Glue".
    GET_GLUE_TAGS = Glue get_tags::GetTagsError Read GLUE ["glue:GetTags", "glue:GetDatabase"];
    TAG_GLUE = Glue tag_resource::TagResourceError Write GLUE ["glue:TagResource", "glue:GetDatabase"];
    UNTAG_GLUE = Glue untag_resource::UntagResourceError Write GLUE ["glue:UntagResource", "glue:GetDatabase"];
    GET_TABLES = Glue get_tables::GetTablesError Read GLUE ["glue:GetTables"];
    CREATE_TABLE = Glue create_table::CreateTableError Write GLUE ["glue:CreateTable"];
    UPDATE_TABLE = Glue update_table::UpdateTableError Write GLUE ["glue:UpdateTable"];
    DELETE_TABLE = Glue delete_table::DeleteTableError Write GLUE ["glue:DeleteTable"];
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
        let expected = [
            CREATE_FLOW_LOGS,
            SET_SUBSCRIPTION_ATTRIBUTES,
            SUBSCRIBE,
            CREATE_FUNCTION,
            UPDATE_FUNCTION_CONFIGURATION,
            PUT_RULE,
            PUT_TARGETS,
        ];
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
        assert!(
            ALL.iter().all(|operation| operation.is_for(Caller::Operator) == (operation.caller == Caller::Operator))
        );
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

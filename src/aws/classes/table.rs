//! The one table of failures. Each part names the document its rows come from.

use super::{Class, Classification};
use crate::aws::operations::Service;

struct Row {
    service: Option<Service>,
    /// `None` for any code, where no document names it.
    code: Option<&'static str>,
    /// Part of the message, where the code alone is ambiguous.
    message: Option<&'static str>,
    classification: Classification,
}

macro_rules! rows {
    ($($service:tt $code:tt $(~ $message:literal)? => $class:ident $(($overdue:ident))?;)*) => {
        &[$(Row {
            service: rows!(@service $service),
            code: rows!(@code $code),
            message: rows!(@message $($message)?),
            classification: rows!(@classification $class $($overdue)?),
        }),*]
    };
    (@service _) => { None };
    (@service $service:ident) => { Some(Service::$service) };
    (@code _) => { None };
    (@code $code:literal) => { Some($code) };
    (@message) => { None };
    (@message $message:literal) => { Some($message) };
    (@classification $class:ident) => { Classification::lasting(Class::$class) };
    (@classification NotYet $overdue:ident) => { Classification::not_yet(Class::$overdue) };
}

/// The first row that fits.
pub fn find(service: Service, code: &str, message: &str) -> Option<Classification> {
    let fits = |row: &&Row| {
        row.service.is_none_or(|known| known == service)
            && row.code.is_none_or(|known| known == code)
            && row.message.is_none_or(|part| message.contains(part))
    };
    ROWS.iter().find(fits).map(|row| row.classification)
}

/// First match wins; rows with a message stand before those without. `NotYet(X)` is reported as X if it lasts too long.
const ROWS: &[Row] = rows! {
    // Throttling. AWS SDKs and Tools Reference Guide, "Retry behavior": the codes that every SDK treats as throttling.
    _ "Throttling" => Throttled;
    _ "ThrottlingException" => Throttled;
    _ "ThrottledException" => Throttled;
    _ "RequestThrottled" => Throttled;
    _ "RequestThrottledException" => Throttled;
    _ "TooManyRequestsException" => Throttled;
    _ "RequestLimitExceeded" => Throttled;
    _ "BandwidthLimitExceeded" => Throttled;
    _ "SlowDown" => Throttled;
    _ "EC2ThrottledException" => Throttled;
    _ "PriorRequestNotComplete" => Throttled;
    // Amazon SNS API Reference, common error types of Subscribe and SetSubscriptionAttributes.
    Sns "Throttled" => Throttled;
    // Reported for bursts of PutSubscriptionFilter: hashicorp/terraform-provider-aws, retries on this code and text.
    CloudWatchLogs "LimitExceededException" ~ "ate exceeded" => Throttled;

    // Failures of AWS that pass: "Common errors" of each service's API reference, with each service's own spelling.
    _ "InternalError" => Transient;
    _ "InternalFailure" => Transient;
    _ "InternalServerError" => Transient;
    _ "InternalServiceError" => Transient;
    _ "InternalServiceException" => Transient;
    _ "InternalServerException" => Transient;
    _ "ServiceUnavailable" => Transient;
    _ "ServiceUnavailableException" => Transient;
    _ "ServiceException" => Transient;
    _ "ServiceFailure" => Transient;
    _ "Unavailable" => Transient;
    _ "RequestTimeout" => Transient;
    _ "RequestTimeoutException" => Transient;
    _ "RequestExpired" => Transient;
    _ "RequestTimeTooSkewed" => Transient;
    _ "ExpiredToken" => Transient;
    _ "ExpiredTokenException" => Transient;
    // AWS Glue API Reference, GetTables and GetDatabase: errors.
    Glue "OperationTimeoutException" => Transient;
    Glue "FederationSourceRetryableException" => Transient;
    // Amazon EventBridge API Reference, PutRule: errors.
    EventBridge "InternalException" => Transient;
    // AWS STS API Reference, AssumeRoleWithWebIdentity: errors.
    Sts "IDPCommunicationError" => Transient;

    // Permissions. S3 API Reference, "Blocking public access": a public policy is refused as if a permission were missing.
    S3 "AccessDenied" ~ "BlockPublicPolicy" => Terminal;
    // AWS also answers so for a key whose policy does not allow CloudWatch Logs: users' reports on aws_cloudwatch_log_group of
    // hashicorp/terraform-provider-aws. The text names the log group, not the key.
    CloudWatchLogs "AccessDeniedException" ~ "KMS key" => Terminal;
    // "Common errors" of each API reference; "Error codes for the Amazon EC2 API"; Amazon SNS: AuthorizationError.
    _ "AccessDenied" => Denied;
    _ "AccessDeniedException" => Denied;
    _ "AuthorizationError" => Denied;
    _ "UnauthorizedOperation" => Denied;
    _ "UnauthorizedAccess" => Denied;
    _ "AuthFailure" => Denied;
    _ "NotAuthorized" => Denied;
    _ "InvalidClientTokenId" => Denied;
    _ "UnrecognizedClientException" => Denied;
    _ "InvalidAccessKeyId" => Denied;
    _ "SignatureDoesNotMatch" => Denied;
    _ "InvalidSignatureException" => Denied;
    _ "IncompleteSignature" => Denied;
    _ "MissingAuthenticationToken" => Denied;
    _ "MissingAuthenticationTokenException" => Denied;

    // Not there. S3 API Reference, "List of error codes".
    S3 "NoSuchBucket" => NotFound;
    S3 "NotFound" => NotFound;
    S3 "NoSuchTagSet" => NotFound;
    S3 "NoSuchBucketPolicy" => NotFound;
    S3 "NoSuchLifecycleConfiguration" => NotFound;
    S3 "NoSuchPublicAccessBlockConfiguration" => NotFound;
    S3 "OwnershipControlsNotFoundError" => NotFound;
    S3 "ServerSideEncryptionConfigurationNotFoundError" => NotFound;
    S3 "NoSuchUpload" => NotFound;
    // The errors of each operation, in the service's API reference.
    Iam "NoSuchEntity" => NotFound;
    CloudWatchLogs "ResourceNotFoundException" => NotFound;
    // CloudWatch Logs user guide, "Log classes": groups of another class have no filters.
    CloudWatchLogs "ValidationException" ~ "only supported on the Standard log class" => NotFound;
    CloudWatchLogs "InvalidOperationException" ~ "only supported on the Standard log class" => NotFound;
    CloudWatch "ResourceNotFound" => NotFound;
    CloudWatch "ResourceNotFoundException" => NotFound;
    CloudWatch "DashboardNotFoundError" => NotFound;
    Sns "NotFound" => NotFound;
    Sns "NotFoundException" => NotFound;
    Sns "ResourceNotFound" => NotFound;
    Sns "ResourceNotFoundException" => NotFound;
    Lambda "ResourceNotFoundException" => NotFound;
    EventBridge "ResourceNotFoundException" => NotFound;
    Glue "EntityNotFoundException" => NotFound;
    Athena "ResourceNotFoundException" => NotFound;
    // Athena has one code for all: the texts are those that hashicorp/terraform-provider-aws treats as "not found".
    Athena "InvalidRequestException" ~ "is not found" => NotFound;
    Athena "InvalidRequestException" ~ "does not exist" => NotFound;
    Athena "InvalidRequestException" ~ "was not found" => NotFound;
    // "Error codes for the Amazon EC2 API".
    Ec2 "InvalidFlowLogId.NotFound" => NotFound;

    // Eventual consistency of IAM: IAM user guide, "Changes that I make are not always immediately visible". The texts are those that
    // users report: hashicorp/terraform-provider-aws#44517 (Lambda) and its retries of aws_flow_log.
    Ec2 "InvalidParameter" ~ "Unable to assume given IAM role" => NotYet(Terminal);
    Lambda "InvalidParameterValueException" ~ "cannot be assumed by Lambda" => NotYet(Terminal);
    Lambda "InvalidParameterValueException" ~ "execution role does not have permissions" => NotYet(Terminal);
    Lambda "InvalidParameterValueException" ~ "unable to configure access to your environment variables" => NotYet(Terminal);
    // VPC user guide, "Troubleshoot flow logs". The operator looks for others' flow logs and makes the bucket before it makes a flow log,
    // so these answers are outdated.
    Ec2 "FlowLogAlreadyExists" => NotYet(Conflict);
    Ec2 "LogDestinationNotFoundException" => NotYet(Terminal);
    Ec2 "400" ~ "does not exist" => NotYet(Terminal);
    Ec2 "400" ~ "Access Denied for LogDestination" => NotYet(Terminal);
    // Lambda developer guide, "Lambda function states"; API Reference, AddPermission.
    Lambda "ResourceConflictException" => NotYet(Transient);
    Lambda "ResourceNotReadyException" => NotYet(Transient);
    // AWS Lambda API Reference, AddPermission: "The RevisionId provided does not match the latest RevisionId".
    Lambda "PreconditionFailedException" => NotYet(Transient);
    // Reported when the permission was added a moment ago: hashicorp/terraform#14722.
    CloudWatchLogs "InvalidParameterException" ~ "Could not execute the lambda function" => NotYet(Terminal);
    // CloudWatch Logs API Reference: "Multiple concurrent requests to update the same resource were in conflict."
    CloudWatchLogs "OperationAbortedException" => NotYet(Transient);
    CloudWatchLogs "ResourceAlreadyExistsException" => NotYet(Conflict);
    // A saved query of that name, which the next read shows. PutQueryDefinition of the CloudWatch Logs API Reference names no code for it.
    CloudWatchLogs _ ~ "already exists" => NotYet(Conflict);
    CloudWatchLogs _ ~ "uplicate" => NotYet(Conflict);
    // IAM API Reference, CreateRole and DeleteRole: errors.
    Iam "ConcurrentModification" => NotYet(Transient);
    // Somebody has put the role into an instance profile, and only they know what for.
    Iam "DeleteConflict" ~ "instance profile" => Terminal;
    Iam "DeleteConflict" => NotYet(Terminal);
    Iam "EntityAlreadyExists" => NotYet(Conflict);
    Iam "EntityTemporarilyUnmodifiable" => NotYet(Transient);
    // S3 API Reference, "List of error codes". A deleted bucket's name can be taken for an hour: aws/aws-cli#2593.
    S3 "OperationAborted" => NotYet(Transient);
    S3 "BucketAlreadyOwnedByYou" => NotYet(Conflict);
    S3 "BucketNotEmpty" => NotYet(Terminal);
    // SNS API Reference, CreateTopic and TagResource: errors.
    Sns "InvalidParameter" ~ "already exists with different" => NotYet(Conflict);
    Sns "ConcurrentAccess" => NotYet(Transient);
    Sns "ConcurrentAccessException" => NotYet(Transient);
    Sns "StaleTag" => NotYet(Transient);
    Sns "StaleTagException" => NotYet(Transient);
    // CloudWatch API Reference, TagResource: errors.
    CloudWatch "ConcurrentModificationException" => NotYet(Transient);
    CloudWatch "ConflictException" => NotYet(Transient);
    CloudWatch "ResourceConflict" => NotYet(Transient);
    // Amazon EventBridge API Reference, PutRule and PutTargets: errors.
    EventBridge "ConcurrentModificationException" => NotYet(Transient);
    // AWS Glue API Reference, CreateDatabase and UpdateTable: errors.
    Glue "AlreadyExistsException" => NotYet(Conflict);
    Glue "ConcurrentModificationException" => NotYet(Transient);
    Glue "ResourceNotReadyException" => NotYet(Transient);
    // Athena has one code for all: hashicorp/terraform-provider-aws, aws_athena_workgroup.
    Athena "InvalidRequestException" ~ "is already created" => NotYet(Conflict);
    Athena "InvalidRequestException" ~ "already exists" => NotYet(Conflict);

    // Somebody else's. S3 API Reference, "List of error codes".
    S3 "BucketAlreadyExists" => Conflict;
    S3 "PermanentRedirect" => Conflict;
    // AWS Glue API Reference, CreateDatabase: errors.
    Glue "FederatedResourceAlreadyExistsException" => Conflict;

    // Refused: "Common errors" of each API reference.
    _ "ValidationError" => Terminal;
    _ "ValidationException" => Terminal;
    _ "InvalidParameter" => Terminal;
    _ "InvalidParameterException" => Terminal;
    _ "InvalidParameterValue" => Terminal;
    _ "InvalidParameterValueException" => Terminal;
    _ "InvalidParameterCombination" => Terminal;
    _ "InvalidParameterInput" => Terminal;
    _ "InvalidInputException" => Terminal;
    _ "InvalidInput" => Terminal;
    _ "InvalidRequest" => Terminal;
    _ "InvalidRequestException" => Terminal;
    _ "InvalidArgument" => Terminal;
    _ "InvalidFormatFault" => Terminal;
    _ "MissingParameter" => Terminal;
    _ "MalformedPolicy" => Terminal;
    _ "MalformedPolicyDocument" => Terminal;
    _ "MalformedPolicyDocumentException" => Terminal;
    _ "LimitExceeded" => Terminal;
    _ "LimitExceededException" => Terminal;
    _ "LimitExceededFault" => Terminal;
    _ "ResourceNumberLimitExceededException" => Terminal;
    _ "ServiceQuotaExceededException" => Terminal;
    _ "TooManyTagsException" => Terminal;
    _ "OptInRequired" => Terminal;
    // IAM API Reference, CreateRole and PutRolePolicy: a service's role; a policy that IAM cannot evaluate.
    Iam "UnmodifiableEntity" => Terminal;
    Iam "PolicyNotAttachable" => Terminal;
    // AWS STS API Reference, AssumeRole: errors.
    Sts "RegionDisabledException" => Terminal;
    Sts "PackedPolicyTooLarge" => Terminal;
    // CloudWatch Logs API Reference, PutSubscriptionFilter and PutMetricFilter: errors.
    CloudWatchLogs "InvalidOperationException" => Terminal;
    // "Error codes for the Amazon EC2 API"; both spellings of the VPC's are in AWS's documents.
    Ec2 "InvalidVpcId.NotFound" => Terminal;
    Ec2 "InvalidVpcID.NotFound" => Terminal;
    Ec2 "FlowLogsLimitExceeded" => Terminal;
    Ec2 "MaxFlowLogsLimitExceeded" => Terminal;
    Ec2 "TagLimitExceeded" => Terminal;
    Ec2 "IdempotentParameterMismatch" => Terminal;
    Ec2 "LogDestinationPermissionIssueException" => Terminal;
    // Entries of `CreateFlowLogs` under `Unsuccessful` often have no other code.
    Ec2 "400" => Terminal;
    // S3 API Reference, "List of error codes".
    S3 "AllAccessDisabled" => Terminal;
    S3 "AccountProblem" => Terminal;
    S3 "TooManyBuckets" => Terminal;
    S3 "IllegalLocationConstraintException" => Terminal;
    S3 "InvalidLocationConstraint" => Terminal;
    S3 "InvalidBucketName" => Terminal;
    S3 "InvalidBucketState" => Terminal;
    S3 "InvalidBucketAclWithObjectOwnership" => Terminal;
    S3 "InvalidTag" => Terminal;
    S3 "MalformedXML" => Terminal;
    S3 "UnsupportedArgument" => Terminal;
    S3 "MethodNotAllowed" => Terminal;
    // SNS API Reference, CreateTopic and Publish: errors.
    Sns "TagLimitExceeded" => Terminal;
    Sns "TopicLimitExceeded" => Terminal;
    Sns "SubscriptionLimitExceeded" => Terminal;
    Sns "FilterPolicyLimitExceeded" => Terminal;
    Sns "InvalidSecurity" => Terminal;
    Sns "KMSAccessDenied" => Terminal;
    Sns "KMSNotFound" => Terminal;
    Sns "KMSDisabled" => Terminal;
    Sns "KMSInvalidState" => Terminal;
    Sns "KMSOptInRequired" => Terminal;
    // SNS API Reference, CreateTopic, TagResource, Subscribe and SetSubscriptionAttributes: errors.
    Sns "TagPolicy" => Terminal;
    Sns "TagPolicyException" => Terminal;
    Sns "InvalidState" => Terminal;
    Sns "InvalidStateException" => Terminal;
    Sns "ReplayLimitExceeded" => Terminal;
    Sns "ReplayLimitExceededException" => Terminal;
    // Lambda API Reference, CreateFunction and AddPermission: errors.
    Lambda "CodeStorageExceededException" => Terminal;
    Lambda "PolicyLengthExceededException" => Terminal;
    Lambda "CodeVerificationFailedException" => Terminal;
    Lambda "CodeSigningConfigNotFoundException" => Terminal;
    Lambda "InvalidCodeSignatureException" => Terminal;
    Lambda "InvalidZipFileException" => Terminal;
    Lambda "PublicPolicyException" => Terminal;
    Lambda "RequestEntityTooLargeException" => Terminal;
    // CloudWatch API Reference, PutDashboard: errors.
    CloudWatch "DashboardInvalidInputError" => Terminal;
    // CloudWatch API Reference, common errors of PutMetricAlarm.
    CloudWatch "InvalidFormat" => Terminal;
    // Amazon EventBridge API Reference, PutRule: errors.
    EventBridge "InvalidEventPatternException" => Terminal;
    EventBridge "ManagedRuleException" => Terminal;
    // AWS Glue API Reference, CreateDatabase: errors.
    Glue "GlueEncryptionException" => Terminal;
    Glue "FederationSourceException" => Terminal;
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_is_hidden_by_an_earlier_one() {
        for (index, row) in ROWS.iter().enumerate() {
            let hidden = ROWS[..index].iter().any(|earlier| {
                (earlier.code.is_none() || earlier.code == row.code)
                    && (earlier.service.is_none() || earlier.service == row.service)
                    && (earlier.message.is_none() || earlier.message == row.message)
            });
            assert!(!hidden, "{:?} {:?}", row.code, row.service);
        }
    }
}

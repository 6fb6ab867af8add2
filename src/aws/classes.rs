//! One table from service, error code and message to the class of a failure.

use super::operations::{Access, Operation, Service};

/// What kind of failure it is, and so what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Passes by itself: back off with jitter.
    Transient,
    /// Too many requests: slow down.
    Throttled,
    /// AWS has not caught up with an earlier call: retry soon, with a deadline.
    NotYet,
    /// There is no such thing.
    NotFound,
    /// The name is somebody else's.
    Conflict,
    /// A permission is missing.
    Denied,
    /// AWS refuses; only a change of the spec or of AWS helps.
    Terminal,
    /// Not in the table: treated as transient, told in full.
    Unknown,
}

struct Row {
    service: Option<Service>,
    code: &'static str,
    /// Part of the message, where the code alone says too little.
    message: Option<&'static str>,
    class: Class,
}

macro_rules! rows {
    ($($service:tt $code:literal $(~ $message:literal)? => $class:ident;)*) => {
        &[$(Row {
            service: rows!(@service $service),
            code: $code,
            message: rows!(@message $($message)?),
            class: Class::$class,
        }),*]
    };
    (@service _) => { None };
    (@service $service:ident) => { Some(Service::$service) };
    (@message) => { None };
    (@message $message:literal) => { Some($message) };
}

/// First match wins; rows with a message stand before those without.
///
/// Sources: "Common errors" of each service's API reference, "Error codes for the Amazon EC2 API", "List of error codes" of S3, and for
/// messages the error texts that users of Terraform's AWS provider report and its retry conditions match.
const ROWS: &[Row] = rows! {
    // Throttling; the codes are those AWS's SDKs retry as such.
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
    CloudWatchLogs "LimitExceededException" ~ "ate exceeded" => Throttled;

    // Failures of AWS that pass.
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
    _ "RequestExpired" => Transient;
    Glue "OperationTimeoutException" => Transient;

    // Permissions.
    S3 "AccessDenied" ~ "BlockPublicPolicy" => Terminal;
    _ "AccessDenied" => Denied;
    _ "AccessDeniedException" => Denied;
    _ "AuthorizationError" => Denied;
    _ "UnauthorizedOperation" => Denied;
    _ "UnauthorizedAccess" => Denied;
    _ "AuthFailure" => Denied;
    _ "InvalidClientTokenId" => Denied;
    _ "UnrecognizedClientException" => Denied;
    _ "ExpiredToken" => Transient;
    _ "ExpiredTokenException" => Transient;

    // Not there.
    S3 "NoSuchBucket" => NotFound;
    S3 "NotFound" => NotFound;
    S3 "NoSuchTagSet" => NotFound;
    S3 "NoSuchBucketPolicy" => NotFound;
    S3 "NoSuchLifecycleConfiguration" => NotFound;
    S3 "NoSuchPublicAccessBlockConfiguration" => NotFound;
    S3 "OwnershipControlsNotFoundError" => NotFound;
    S3 "ServerSideEncryptionConfigurationNotFoundError" => NotFound;
    S3 "NoSuchUpload" => NotFound;
    Iam "NoSuchEntity" => NotFound;
    CloudWatchLogs "ResourceNotFoundException" => NotFound;
    // Log groups of another class have no filters.
    CloudWatchLogs "ValidationException" ~ "only supported on the Standard log class" => NotFound;
    CloudWatch "ResourceNotFound" => NotFound;
    CloudWatch "ResourceNotFoundException" => NotFound;
    CloudWatch "DashboardNotFoundError" => NotFound;
    Sns "NotFound" => NotFound;
    Sns "NotFoundException" => NotFound;
    Sns "ResourceNotFound" => NotFound;
    Sns "ResourceNotFoundException" => NotFound;
    Lambda "ResourceNotFoundException" => NotFound;
    Glue "EntityNotFoundException" => NotFound;
    Athena "ResourceNotFoundException" => NotFound;
    Athena "InvalidRequestException" ~ "is not found" => NotFound;
    Athena "InvalidRequestException" ~ "does not exist" => NotFound;
    Athena "InvalidRequestException" ~ "was not found" => NotFound;
    Ec2 "InvalidFlowLogId.NotFound" => NotFound;

    // Eventual consistency.
    Ec2 "InvalidParameter" ~ "Unable to assume given IAM role" => NotYet;
    // Somebody else's flow log is seen before ours is made, and the bucket is made before: what AWS says otherwise is not up to date.
    Ec2 "FlowLogAlreadyExists" => NotYet;
    Ec2 "LogDestinationNotFoundException" => NotYet;
    Ec2 "400" ~ "does not exist" => NotYet;
    Lambda "InvalidParameterValueException" ~ "cannot be assumed by Lambda" => NotYet;
    Lambda "InvalidParameterValueException" ~ "Lambda was unable to configure access to your environment variables" => NotYet;
    Lambda "ResourceConflictException" => NotYet;
    CloudWatchLogs "InvalidParameterException" ~ "Could not execute the lambda function" => NotYet;
    CloudWatchLogs "OperationAbortedException" => NotYet;
    CloudWatchLogs "ResourceAlreadyExistsException" => NotYet;
    // A saved query of that name, which the next read shows.
    CloudWatchLogs "InvalidParameterException" ~ "already exists" => NotYet;
    Iam "ConcurrentModification" => NotYet;
    Iam "DeleteConflict" => NotYet;
    Iam "EntityAlreadyExists" => NotYet;
    S3 "OperationAborted" => NotYet;
    S3 "BucketAlreadyOwnedByYou" => NotYet;
    S3 "BucketNotEmpty" => NotYet;
    Sns "InvalidParameter" ~ "already exists with different" => NotYet;
    Sns "ConcurrentAccess" => NotYet;
    Sns "ConcurrentAccessException" => NotYet;
    CloudWatch "ConcurrentModificationException" => NotYet;
    Glue "AlreadyExistsException" => NotYet;
    Glue "ConcurrentModificationException" => NotYet;
    Glue "ResourceNotReadyException" => NotYet;
    Athena "InvalidRequestException" ~ "is already created" => NotYet;
    Athena "InvalidRequestException" ~ "already exists" => NotYet;

    // Somebody else's.
    S3 "BucketAlreadyExists" => Conflict;

    // Refused.
    S3 "PermanentRedirect" => Conflict;
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
    _ "TooManyTagsException" => Terminal;
    _ "OptInRequired" => Terminal;
    Ec2 "InvalidVpcId.NotFound" => Terminal;
    Ec2 "InvalidVpcID.NotFound" => Terminal;
    Ec2 "FlowLogsLimitExceeded" => Terminal;
    Ec2 "MaxFlowLogsLimitExceeded" => Terminal;
    Ec2 "LogDestinationPermissionIssueException" => Terminal;
    // What `CreateFlowLogs` lists under `Unsuccessful` often has no other code.
    Ec2 "400" => Terminal;
    S3 "TooManyBuckets" => Terminal;
    S3 "IllegalLocationConstraintException" => Terminal;
    S3 "InvalidLocationConstraint" => Terminal;
    S3 "InvalidBucketName" => Terminal;
    S3 "InvalidBucketState" => Terminal;
    S3 "InvalidBucketAclWithObjectOwnership" => Terminal;
    S3 "InvalidTag" => Terminal;
    S3 "MalformedXML" => Terminal;
    Sns "KMSAccessDenied" => Terminal;
    Sns "KMSNotFound" => Terminal;
    Sns "KMSDisabled" => Terminal;
    Lambda "CodeStorageExceededException" => Terminal;
    Lambda "PolicyLengthExceededException" => Terminal;
    CloudWatch "DashboardInvalidInputError" => Terminal;
    Glue "GlueEncryptionException" => Terminal;
};

/// The class of a failure of `operation`.
///
/// "No such thing" in a write is the trace of a read that was stale, or of a neighbour not yet visible: retried soon.
#[must_use]
pub fn classify(operation: &Operation, code: &str, message: &str) -> Class {
    let class = ROWS
        .iter()
        .find(|row| {
            row.service.is_none_or(|service| service == operation.service)
                && row.code == code
                && row.message.is_none_or(|part| message.contains(part))
        })
        .map_or(Class::Unknown, |row| row.class);
    let deletes = ["Delete", "Remove", "Unsubscribe", "Untag", "Detach", "Abort", "Disassociate"]
        .iter()
        .any(|verb| operation.name.starts_with(verb));
    if class == Class::NotFound && operation.access == Access::Write && !deletes { Class::NotYet } else { class }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::operations as ops;

    #[test]
    fn code_and_message_decide() {
        let cases = [
            (ops::CREATE_FLOW_LOGS, "InvalidParameter", "Unable to assume given IAM role", Class::NotYet),
            (ops::CREATE_FLOW_LOGS, "InvalidParameter", "LogFormat is invalid", Class::Terminal),
            (
                ops::CREATE_FUNCTION,
                "InvalidParameterValueException",
                "The role defined for the function cannot be assumed by Lambda.",
                Class::NotYet,
            ),
            (ops::CREATE_FUNCTION, "InvalidParameterValueException", "Unzipped size", Class::Terminal),
            (ops::GET_ROLE, "NoSuchEntity", "", Class::NotFound),
            (ops::PUT_ROLE_POLICY, "NoSuchEntity", "", Class::NotYet),
            (ops::DELETE_ROLE, "NoSuchEntity", "", Class::NotFound),
            (ops::CREATE_BUCKET, "BucketAlreadyExists", "", Class::Conflict),
            (ops::PUT_METRIC_FILTER, "ThrottlingException", "Rate exceeded", Class::Throttled),
            (ops::PUT_METRIC_FILTER, "LimitExceededException", "Resource limit exceeded.", Class::Terminal),
            (ops::PUT_METRIC_FILTER, "SomethingNew", "", Class::Unknown),
            (
                ops::DESCRIBE_SUBSCRIPTION_FILTERS,
                "ValidationException",
                "This operation is only supported on the Standard log class.",
                Class::NotFound,
            ),
            (ops::DELETE_LOG_GROUP, "ValidationException", "Deletion protection is enabled", Class::Terminal),
        ];
        for (operation, code, message, class) in cases {
            assert_eq!(classify(operation, code, message), class, "{} {code} {message}", operation.name);
        }
    }

    #[test]
    fn no_row_is_hidden_by_an_earlier_one() {
        for (index, row) in ROWS.iter().enumerate() {
            let hidden = ROWS[..index].iter().any(|earlier| {
                earlier.code == row.code
                    && (earlier.service.is_none() || earlier.service == row.service)
                    && (earlier.message.is_none() || earlier.message == row.message)
            });
            assert!(!hidden, "{} {:?}", row.code, row.service);
        }
    }
}

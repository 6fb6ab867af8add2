//! Classes of failures, from service, error code and message. The class decides about the reaction.

mod table;

use super::operations::{Access, Operation};

/// The class of a failure, which decides about the reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Passes by itself: back off with jitter.
    Transient,
    /// Too many requests: slow down.
    Throttled,
    /// AWS has not caught up with an earlier call: retry soon, with a deadline.
    NotYet,
    /// The resource does not exist.
    NotFound,
    /// The name belongs to somebody else.
    Conflict,
    /// A permission is missing.
    Denied,
    /// AWS refuses; only a change of the spec or of AWS helps.
    Terminal,
    /// Not in the table: treated as transient, reported in full.
    Unknown,
}

/// The class of a failure now, and its class if it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classification {
    /// The class now.
    pub class: Class,
    /// The final class of a [`Class::NotYet`] that lasts too long; of any other class, the class itself.
    pub overdue: Class,
}

impl Classification {
    /// A class that time does not change.
    #[must_use]
    pub const fn lasting(class: Class) -> Self {
        Self { class, overdue: class }
    }

    /// Eventual consistency; `overdue` is the class of a failure that lasts too long.
    #[must_use]
    pub const fn not_yet(overdue: Class) -> Self {
        Self { class: Class::NotYet, overdue }
    }
}

/// Classifies a failure of `operation`.
///
/// [`Class::NotFound`] in a write follows from an outdated read, or from a related resource that is not visible yet: it is retried soon.
#[must_use]
pub fn classify(operation: &Operation, code: &str, message: &str) -> Classification {
    classify_answer(operation, code, message, 0)
}

/// The same with the status of the HTTP answer, which decides about codes that are not in the table.
#[must_use]
pub fn classify_answer(operation: &Operation, code: &str, message: &str, status: u16) -> Classification {
    let found = table::find(operation.service, code, message);
    let classification = found.unwrap_or_else(|| Classification::lasting(by_status(status)));
    if classification.class == Class::NotFound && operation.access == Access::Write && !deletes(operation) {
        Classification::not_yet(Class::Terminal)
    } else {
        classification
    }
}

fn deletes(operation: &Operation) -> bool {
    let verbs = ["Delete", "Remove", "Unsubscribe", "Untag", "Detach", "Abort", "Disassociate"];
    verbs.iter().any(|verb| operation.name.starts_with(verb))
}

/// The class of an HTTP status, for codes that are not in the table: RFC 9110, and RFC 6585 for 429.
#[must_use]
const fn by_status(status: u16) -> Class {
    match status {
        429 => Class::Throttled,
        401 | 403 => Class::Denied,
        500.. => Class::Transient,
        _ => Class::Unknown,
    }
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
            (
                ops::DESCRIBE_METRIC_FILTERS,
                "InvalidOperationException",
                "This operation is only supported on the Standard log class.",
                Class::NotFound,
            ),
            (ops::DELETE_LOG_GROUP, "ValidationException", "Deletion protection is enabled", Class::Terminal),
            (ops::PUT_METRIC_FILTER, "InvalidOperationException", "The operation is not valid.", Class::Terminal),
            (
                ops::CREATE_LOG_GROUP,
                "AccessDeniedException",
                "The specified KMS key does not exist or is not allowed to be used with Arn 'arn:aws:logs:eu-west-1:1:log-group:g'",
                Class::Terminal,
            ),
            (ops::CREATE_LOG_GROUP, "AccessDeniedException", "is not authorized to perform: kms:x", Class::Denied),
            (
                ops::CREATE_FLOW_LOGS,
                "400",
                "Access Denied for LogDestination: b. Please check LogDestination permission",
                Class::NotYet,
            ),
            (ops::CREATE_FLOW_LOGS, "400", "LogDestination: b does not exist", Class::NotYet),
            (ops::CREATE_FLOW_LOGS, "400", "something else", Class::Terminal),
            (ops::PUT_QUERY_DEFINITION, "AnyCode", "A query definition of this name already exists", Class::NotYet),
            (ops::PUT_QUERY_DEFINITION, "AnyCode", "Duplicate name", Class::NotYet),
            (ops::DELETE_ROLE, "DeleteConflict", "must detach all policies first.", Class::NotYet),
            (
                ops::DELETE_ROLE,
                "DeleteConflict",
                "Cannot delete entity, must remove roles from instance profile first.",
                Class::Terminal,
            ),
        ];
        for (operation, code, message, class) in cases {
            assert_eq!(classify(operation, code, message).class, class, "{} {code} {message}", operation.name);
        }
    }

    #[test]
    fn what_lasts_is_reported_as_what_it_is() {
        let overdue = |operation, code| classify(operation, code, "").overdue;
        assert_eq!(overdue(ops::PUT_ROLE_POLICY, "NoSuchEntity"), Class::Terminal);
        assert_eq!(overdue(ops::CREATE_BUCKET, "OperationAborted"), Class::Transient);
        assert_eq!(overdue(ops::CREATE_ROLE, "EntityAlreadyExists"), Class::Conflict);
        assert_eq!(overdue(ops::CREATE_ROLE, "MalformedPolicyDocument"), Class::Terminal);
        let refused = classify(ops::CREATE_FLOW_LOGS, "400", "Access Denied for LogDestination: b.");
        assert_eq!(refused.overdue, Class::Terminal);
    }

    #[test]
    fn rare_codes_are_known() {
        let terminal = [
            (ops::CREATE_FUNCTION, "InvalidCodeSignatureException"),
            (ops::CREATE_FUNCTION, "CodeSigningConfigNotFoundException"),
            (ops::ADD_PERMISSION, "PublicPolicyException"),
            (ops::UPDATE_FUNCTION_CODE, "InvalidZipFileException"),
            (ops::UPDATE_FUNCTION_CODE, "RequestEntityTooLargeException"),
            (ops::TAG_TOPIC, "TagPolicy"),
            (ops::SUBSCRIBE, "InvalidState"),
            (ops::SUBSCRIBE, "ReplayLimitExceeded"),
            (ops::PUT_METRIC_ALARM, "InvalidFormat"),
            (ops::GET_DATABASE, "FederationSourceException"),
            (ops::ASSUME_ROLE, "PackedPolicyTooLarge"),
            (ops::CREATE_BUCKET, "UnsupportedArgument"),
            (ops::PUT_BUCKET_TAGGING, "MethodNotAllowed"),
            (ops::CREATE_FLOW_LOGS, "IdempotentParameterMismatch"),
        ];
        let conflict = [(ops::CREATE_DATABASE, "FederatedResourceAlreadyExistsException")];
        let not_yet = [
            (ops::ADD_PERMISSION, "PreconditionFailedException"),
            (ops::TAG_TOPIC, "StaleTag"),
            (ops::PUT_METRIC_ALARM, "ResourceConflict"),
        ];
        let transient = [(ops::GET_DATABASE, "FederationSourceRetryableException")];
        let expected = [
            (Class::Terminal, &terminal[..]),
            (Class::Conflict, &conflict),
            (Class::NotYet, &not_yet),
            (Class::Transient, &transient),
        ];
        for (class, codes) in expected {
            for (operation, code) in codes {
                assert_eq!(classify(operation, code, "").class, class, "{code}");
            }
        }
    }

    #[test]
    fn http_decides_where_no_code_does() {
        let classes = [400, 403, 404, 429, 500, 503, 599].map(by_status);
        let (unknown, denied, throttled, transient) =
            (Class::Unknown, Class::Denied, Class::Throttled, Class::Transient);
        assert_eq!(classes, [unknown, denied, unknown, throttled, transient, transient, transient]);
    }
}

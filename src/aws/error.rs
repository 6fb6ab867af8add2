use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use thiserror::Error;

use super::advice::advice;
use super::classes::{Class, Classification, classify, classify_answer};
use super::operations::{Access, Operation, Service};
use crate::network::ConnectionProblem;

/// A call to AWS that did not succeed.
#[derive(Clone, Debug, Error)]
#[error("{} {}: {code}: {message}{}", operation.service.id(), operation.name, remedy(operation, *class, message))]
pub struct AwsError {
    /// What was called.
    pub operation: &'static Operation,
    /// What kind of failure it is.
    pub class: Class,
    /// What a [`Class::NotYet`] is taken for once AWS has had its time; otherwise the class itself.
    pub overdue: Class,
    /// AWS's error code, or `Unreachable`, `TimedOut` or `Unreadable` where there was no answer to read one from.
    pub code: String,
    /// AWS's message.
    pub message: String,
}

fn remedy(operation: &Operation, class: Class, message: &str) -> String {
    if class != Class::Denied {
        return String::new();
    }
    let actions = concerned(operation, message).join(", ");
    if actions.is_empty() {
        return String::new();
    }
    // How AWS words it is in the IAM user guide, "Troubleshoot access denied error messages".
    if message.contains("explicit deny") {
        format!(" (a policy forbids {actions}, whatever the operator's role is allowed: ask who keeps that policy)")
    } else {
        format!(" (the operator's role needs {actions})")
    }
}

/// The actions that AWS names, as it does since it gives reasons; else all that the operation may need.
fn concerned(operation: &Operation, message: &str) -> Vec<&'static str> {
    let words: Vec<_> = message.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != ':').collect();
    // SNS spells its own name in capitals.
    let is_named = |action: &&&str| words.iter().any(|word| word.eq_ignore_ascii_case(action));
    let named: Vec<_> = operation.actions.iter().filter(is_named).copied().collect();
    if named.is_empty() { operation.actions.to_vec() } else { named }
}

impl AwsError {
    /// An error that AWS reports inside a successful answer, as `CreateFlowLogs` does under `Unsuccessful`.
    #[must_use]
    pub fn reported(operation: &'static Operation, code: &str, message: &str) -> Self {
        Self::new(operation, classify(operation, code, message), code, message)
    }

    fn new(operation: &'static Operation, classification: Classification, code: &str, message: &str) -> Self {
        let Classification { class, overdue } = classification;
        Self { operation, class, overdue, code: code.to_owned(), message: message.to_owned() }
    }

    /// True if AWS says that there is no such thing.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self.class, Class::NotFound)
    }

    /// True if the service is `service` and the code is `code`.
    #[must_use]
    pub fn is(&self, service: Service, code: &str) -> bool {
        self.operation.service == service && self.code == code
    }
}

/// Names the operation of a call and classifies its failure.
pub trait AwsResult<T> {
    /// Turns the SDK's error into an [`AwsError`] of `operation`.
    fn op(self, operation: &'static Operation) -> Result<T, AwsError>;
}

impl<T, E> AwsResult<T> for Result<T, SdkError<E, Response>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    fn op(self, operation: &'static Operation) -> Result<T, AwsError> {
        self.map_err(|error| {
            if let Some(service_error) = error.as_service_error() {
                let status = error.raw_response().map_or(0, |response| response.status().as_u16());
                let code = service_error.code().map_or_else(|| status_code_name(status), str::to_owned);
                let message = readable(service_error.message().unwrap_or("AWS gave no reason"));
                let classification = classify_answer(operation, &code, &message, status);
                return AwsError::new(operation, classification, &code, &message);
            }
            let code = match &error {
                SdkError::TimeoutError(_) => TIMED_OUT,
                SdkError::DispatchFailure(failure) if failure.is_timeout() && causes(&error).contains(NO_ANSWER) => {
                    TIMED_OUT
                }
                SdkError::ResponseError(_) => "Unreadable",
                SdkError::ConstructionFailure(_) => "NotSent",
                _ => UNREACHABLE,
            };
            AwsError::new(operation, Classification::lasting(Class::Transient), code, &causes(&error))
        })
    }
}

/// The code of an error without an answer.
pub const UNREACHABLE: &str = "Unreachable";

/// The code where an answer did not come in time.
const TIMED_OUT: &str = "TimedOut";

/// How the HTTP client says that AWS was reached, but did not answer in time.
const NO_ANSWER: &str = "HTTP read timeout";

/// How `aws-config` says that no source of credentials has any.
const NO_CREDENTIALS: &str = "no credentials found in chain";

/// EC2 adds a text that only AWS can decode, another one at each call.
fn readable(message: &str) -> String {
    let end = message.find("Encoded authorization failure message:").unwrap_or(message.len());
    message[..end].trim_end().to_owned()
}

/// What each cause says, without what only developers read, which also differs from call to call.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        next = cause.source();
    }
    let text = texts.join(": ");
    if text.contains(NO_CREDENTIALS) {
        return "no AWS credentials found: set the AWS_* variables or a profile; in a cluster, give the operator IRSA or EKS Pod Identity".to_owned();
    }
    match ConnectionProblem::of(error) {
        Some(problem) => format!("{text}: {}", advice(problem)),
        None => text,
    }
}

/// S3 answers HEAD requests without a body, so without an error code.
pub fn status_code_name(status: u16) -> String {
    match status {
        403 => "AccessDenied".to_owned(),
        404 => "NotFound".to_owned(),
        301 => "PermanentRedirect".to_owned(),
        other => format!("Http{other}"),
    }
}

/// Turns "there is no such thing" into `None`, in reads.
pub trait Optional<T> {
    /// `Ok(None)` for [`Class::NotFound`].
    fn optional(self) -> Result<Option<T>, AwsError>;
}

impl<T> Optional<T> for Result<T, AwsError> {
    fn optional(self) -> Result<Option<T>, AwsError> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_not_found() && error.operation.access == Access::Read => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Turns "there is no such thing" into [`Class::NotYet`], in reads of what belongs to a thing that was just seen: AWS has not caught
/// up everywhere. Tags, taken for none, would make a stranger's of what is ours.
pub trait Expected<T> {
    /// An error of [`Class::NotYet`] instead of [`Class::NotFound`].
    fn expected(self) -> Result<T, AwsError>;
}

impl<T> Expected<T> for Result<T, AwsError> {
    fn expected(self) -> Self {
        self.map_err(|error| match error.class {
            Class::NotFound => AwsError { class: Class::NotYet, overdue: Class::Terminal, ..error },
            _ => error,
        })
    }
}

/// Turns "there is no such thing" into success, when deleting.
pub trait Gone {
    /// `Ok(())` for [`Class::NotFound`].
    fn or_gone(self) -> Result<(), AwsError>;
}

impl<T> Gone for Result<T, AwsError> {
    fn or_gone(self) -> Result<(), AwsError> {
        match self {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::operations as ops;

    #[test]
    fn what_only_aws_can_decode_is_left_out() {
        let message =
            "You are not authorized to perform this operation. Encoded authorization failure message: 4GIOHlTk";
        assert_eq!(readable(message), "You are not authorized to perform this operation.");
    }

    #[test]
    fn a_missing_permission_is_named() {
        let error = AwsError::reported(ops::CREATE_ROLE, "AccessDenied", "no");
        assert_eq!(
            error.to_string(),
            "IAM CreateRole: AccessDenied: no (the operator's role needs iam:CreateRole, iam:TagRole)"
        );
    }

    #[test]
    fn only_the_action_that_aws_names_is_asked_for() {
        for (operation, message, expected) in [
            (
                ops::CREATE_FUNCTION,
                "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: iam:PassRole on resource: \
                 arn:aws:iam::1:role/x because no identity-based policy allows the iam:PassRole action",
                "(the operator's role needs iam:PassRole)",
            ),
            (
                ops::CREATE_TOPIC,
                "is not authorized to perform: SNS:TagResource on resource: arn:aws:sns:eu-west-1:1:t",
                "(the operator's role needs sns:TagResource)",
            ),
            (
                ops::CREATE_LOG_GROUP,
                "is not authorized to perform CreateLogGroup with Tags. An additional permission \"logs:TagResource\" is required.",
                "(the operator's role needs logs:TagResource)",
            ),
        ] {
            let reported = AwsError::reported(operation, "AccessDenied", message).to_string();
            assert!(reported.ends_with(expected), "{reported}");
        }
        let reported = AwsError::reported(ops::GET_CALLER_IDENTITY, "InvalidClientTokenId", "unknown").to_string();
        assert_eq!(reported, "STS GetCallerIdentity: InvalidClientTokenId: unknown");
    }

    #[test]
    fn an_explicit_deny_is_no_missing_permission() {
        let message = "no identity-based policy, with an explicit deny in a service control policy";
        let reported = AwsError::reported(ops::DELETE_ROLE, "AccessDenied", message).to_string();
        assert!(reported.ends_with(
            "(a policy forbids iam:DeleteRole, whatever the operator's role is allowed: ask who keeps that policy)"
        ));
    }

    async fn code_of_a_call_to(endpoint: String) -> String {
        use aws_config::retry::RetryConfig;
        use aws_config::timeout::TimeoutConfig;
        use aws_sdk_sts::config::{BehaviorVersion, Credentials, Region};
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(endpoint)
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().read_timeout(std::time::Duration::from_millis(50)).build())
            .build();
        let call = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send().await;
        let error = call.op(ops::GET_CALLER_IDENTITY).unwrap_err();
        assert_eq!(error.class, Class::Transient);
        error.code
    }

    #[tokio::test]
    async fn no_answer_in_time_is_not_the_same_as_no_way_there() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", silent.local_addr().unwrap());
        assert_eq!(code_of_a_call_to(endpoint.clone()).await, TIMED_OUT);
        drop(silent);
        assert_eq!(code_of_a_call_to(endpoint).await, UNREACHABLE);
    }

    #[test]
    fn what_must_exist_and_is_not_found_is_not_visible_yet() {
        let class = |code| {
            let failed: Result<(), _> = Err(AwsError::reported(ops::LIST_LOG_TAGS, code, "AWS's words"));
            let error = failed.expected().unwrap_err();
            assert_eq!((error.code.as_str(), error.message.as_str()), (code, "AWS's words"));
            error.class
        };
        assert_eq!(class("ResourceNotFoundException"), Class::NotYet);
        assert_eq!(class("AccessDeniedException"), Class::Denied);
        assert_eq!(Ok::<_, AwsError>(1).expected().unwrap(), 1);
    }
}

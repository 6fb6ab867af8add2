use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::advice::advice;
use super::classes::{Class, Classification, classify, classify_answer};
use super::credentials_advice::credentials_advice;
use super::operations::{Access, Operation, Service};
use super::optional_features::missing;
use super::refusals::{self, Refusal};
use crate::api::ResourceKind;
use crate::network::ConnectionProblem;

/// A call to AWS that did not succeed.
#[derive(Clone, Debug)]
pub struct AwsError {
    /// The operation that was called.
    pub operation: &'static Operation,
    /// The class of the failure.
    pub class: Class,
    /// The final class of a [`Class::NotYet`] that lasts too long; otherwise the class itself.
    pub overdue: Class,
    /// AWS's error code, or one of ours if there was no answer: `Unreachable`, `TimedOut`, `Unreadable`, `NotSent`, `NoCredentials`.
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// The remedy, for a person.
    pub remedy: Option<Remedy>,
    /// Kind and name of the affected resource, as in `role vfm-a`. The error's text does not contain it: the code that reports the error
    /// adds it.
    pub subject: Option<String>,
}

impl std::error::Error for AwsError {}

impl fmt::Display for AwsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without credentials nothing was called.
        if self.is_without_credentials() {
            return formatter.write_str(&self.message);
        }
        let Self { operation, code, message, .. } = self;
        write!(formatter, "{} {}: {code}: {message}", operation.service.id(), operation.name)?;
        match &self.remedy {
            Some(remedy) => write!(formatter, " ({remedy})"),
            None => Ok(()),
        }
    }
}

/// The remedy for a failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The caller lacks these IAM actions. AWS's message names the caller, which is the operator, a role of `assumeRole` or a person.
    Grant(Vec<&'static str>),
    /// Something else.
    Other(String),
}

impl fmt::Display for Remedy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(actions) => write!(formatter, "missing permissions: {}", missing(actions)),
            Self::Other(remedy) => formatter.write_str(remedy),
        }
    }
}

/// The remedy for a missing permission.
fn remedy(operation: &Operation, class: Class, message: &str) -> Option<Remedy> {
    if class != Class::Denied {
        return None;
    }
    if message.contains("Lake Formation") {
        return Some(Remedy::Other(format!(
            "no IAM permission is missing: an administrator of AWS Lake Formation must grant the same caller {}",
            lake_formation_permission(operation)
        )));
    }
    let actions = concerned(operation, message);
    if actions.is_empty() {
        return None;
    }
    // AWS's wording is in the IAM user guide, "Troubleshoot access denied error messages".
    Some(if message.contains("explicit deny") {
        Remedy::Other(format!(
            "a policy explicitly denies {}, which overrides all that allow it; ask the owner of that policy",
            actions.join(", ")
        ))
    } else {
        Remedy::Grant(actions)
    })
}

/// The permission of Lake Formation that an operation of Glue needs: Lake Formation developer guide, "Lake Formation permissions reference".
fn lake_formation_permission(operation: &Operation) -> &'static str {
    match operation.name {
        "CreateDatabase" => "Create database on the catalog",
        "CreateTable" => "Create table on the database",
        "UpdateDatabase" => "Alter on the database",
        "UpdateTable" => "Alter on the table",
        "DeleteDatabase" => "Drop on the database",
        "DeleteTable" => "Drop on the table",
        _ => "Describe on the database and its tables",
    }
}

/// The actions that AWS names in its message; if it names none, all that the operation may need.
fn concerned(operation: &Operation, message: &str) -> Vec<&'static str> {
    let words: Vec<_> = message.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != ':').collect();
    // SNS spells its own name in capitals.
    let is_named = |action: &&&str| words.iter().any(|word| word.eq_ignore_ascii_case(action));
    let named: Vec<_> = operation.actions.iter().filter(is_named).copied().collect();
    if named.is_empty() { operation.actions.to_vec() } else { named }
}

impl AwsError {
    /// An error that AWS lists inside a successful answer, as `CreateFlowLogs` does under `Unsuccessful`.
    #[must_use]
    pub fn refused(operation: &'static Operation, refusal: &Refusal) -> Self {
        Self::reported(operation, &refusal.code, &refusal.message)
    }

    /// An error with this code and message.
    #[must_use]
    pub fn reported(operation: &'static Operation, code: &str, message: &str) -> Self {
        Self::new(operation, classify(operation, code, message), code, message)
    }

    /// Reads an error that AWS answered, for callers and for interceptors.
    fn answered(operation: &'static Operation, error: &ErrorMetadata, status: u16) -> Self {
        let code = error.code().map_or_else(|| status_code_name(status), str::to_owned);
        let message = readable(error.message().unwrap_or("AWS gave no reason"));
        Self::new(operation, classify_answer(operation, &code, &message, status), &code, &message)
    }

    /// An error without an answer. `code` says how far the call got.
    fn unanswered(operation: &'static Operation, code: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        let lasting = Classification::lasting(Class::Transient);
        if let Some(problem) = credentials_problem(error) {
            return Self::new(operation, lasting, NO_CREDENTIALS, &no_credentials(problem));
        }
        let message = causes(error);
        let code = if code == UNREACHABLE && message.contains(NO_ANSWER) { TIMED_OUT } else { code };
        Self::new(operation, lasting, code, &message)
    }

    /// The failure of an attempt or a call, as an interceptor sees it.
    pub(super) fn of_attempt(operation: &'static Operation, attempt: &InterceptorContext) -> Option<Self> {
        let status = attempt.response().map(|response| response.status().as_u16()).unwrap_or_default();
        match attempt.output_or_error() {
            Some(Ok(output)) => refusals::first(output).map(|refusal| Self::refused(operation, &refusal)),
            Some(Err(error)) => {
                if let Some(answer) = error.as_operation_error().and_then(operation.metadata) {
                    return Some(Self::answered(operation, answer, status));
                }
                let code = match error {
                    error if error.is_timeout_error() => TIMED_OUT,
                    error if error.is_response_error() => UNREADABLE,
                    error if error.is_connector_error() => UNREACHABLE,
                    _ => NOT_SENT,
                };
                Some(Self::unanswered(operation, code, error))
            }
            None => Some(Self::new(operation, Classification::lasting(Class::Transient), NOT_SENT, "")),
        }
    }

    fn new(operation: &'static Operation, classification: Classification, code: &str, message: &str) -> Self {
        let Classification { class, overdue } = classification;
        let remedy = remedy(operation, class, message);
        Self { operation, class, overdue, code: code.to_owned(), message: message.to_owned(), remedy, subject: None }
    }

    /// The same error with a remedy that its caller knows.
    #[must_use]
    pub fn with_remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(Remedy::Other(remedy.into())), ..self }
    }

    /// The IAM actions that the caller lacks, if their lack is the reason.
    #[must_use]
    pub fn missing_actions(&self) -> &[&'static str] {
        match &self.remedy {
            Some(Remedy::Grant(actions)) => actions,
            _ => &[],
        }
    }

    /// The same error about this resource, unless it is about another one.
    #[must_use]
    pub fn about(self, kind: ResourceKind, name: &str) -> Self {
        let subject = self.subject.unwrap_or_else(|| kind.named(name));
        Self { subject: Some(subject), ..self }
    }

    /// True if no credentials for AWS could be loaded, so that nothing was called.
    #[must_use]
    pub fn is_without_credentials(&self) -> bool {
        self.code == NO_CREDENTIALS
    }

    /// True if AWS reports that the resource does not exist.
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
                return AwsError::answered(operation, service_error.meta(), status);
            }
            let code = match &error {
                SdkError::TimeoutError(_) => TIMED_OUT,
                SdkError::ResponseError(_) => UNREADABLE,
                SdkError::ConstructionFailure(_) => NOT_SENT,
                _ => UNREACHABLE,
            };
            AwsError::unanswered(operation, code, &error)
        })
    }
}

/// The code of an error without an answer.
pub const UNREACHABLE: &str = "Unreachable";

/// The code where an answer did not come in time.
const TIMED_OUT: &str = "TimedOut";

/// The code of an answer that cannot be read.
const UNREADABLE: &str = "Unreadable";

/// The code of a request that was never sent.
const NOT_SENT: &str = "NotSent";

/// The HTTP client's message if AWS was reached, but did not answer in time.
const NO_ANSWER: &str = "HTTP read timeout";

/// The code where no credentials could be loaded.
const NO_CREDENTIALS: &str = "NoCredentials";

/// The error of the sources of credentials, if missing credentials are the reason that nothing was sent.
fn credentials_problem<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a CredentialsError> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(problem) = cause.downcast_ref() {
            return Some(problem);
        }
        next = cause.source();
    }
    None
}

/// One sentence about credentials.
fn no_credentials(problem: &CredentialsError) -> String {
    let remedy = credentials_advice();
    // Each source was asked, and none is configured.
    if matches!(problem, CredentialsError::CredentialsNotLoaded(_)) {
        return format!("no AWS credentials found: {remedy}");
    }
    // The cause names the source; the text above it only repeats that credentials were loaded.
    let cause = std::error::Error::source(problem).map_or_else(|| causes(problem), causes);
    format!("no AWS credentials found, because a source of them failed ({cause}): {remedy}")
}

/// The message without the text that EC2 adds and only AWS can decode. That text differs from call to call.
fn readable(message: &str) -> String {
    let end = message.find("Encoded authorization failure message:").unwrap_or(message.len());
    message[..end].trim_end().to_owned()
}

/// The messages of all causes. Their `Debug` output is left out: it is for developers, and it differs from call to call.
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
    match ConnectionProblem::of(error) {
        Some(problem) => format!("{text}: {}", advice(problem)),
        None => text,
    }
}

/// The error code for a status: S3 answers HEAD requests without a body, and so without a code.
fn status_code_name(status: u16) -> String {
    match status {
        403 => "AccessDenied".to_owned(),
        404 => "NotFound".to_owned(),
        301 => "PermanentRedirect".to_owned(),
        other => format!("Http{other}"),
    }
}

/// Names the resource that a failed call is about.
pub trait About<T> {
    /// See [`AwsError::about`].
    fn about(self, kind: ResourceKind, name: &str) -> Result<T, AwsError>;
}

impl<T> About<T> for Result<T, AwsError> {
    fn about(self, kind: ResourceKind, name: &str) -> Self {
        self.map_err(|error| error.about(kind, name))
    }
}

/// Turns "not found" into `None`, in reads.
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

/// Turns "not found" into [`Class::NotYet`], in reads of parts of a resource that was just seen: AWS has not caught up everywhere. If
/// missing tags were read as "no tags", our own resource would look foreign.
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

/// Turns "not found" into success, when deleting.
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
mod tests;

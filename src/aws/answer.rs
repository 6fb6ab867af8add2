//! What the log tells of an answer.

use aws_sdk_ec2::operation::create_flow_logs::CreateFlowLogsOutput;
use aws_sdk_ec2::operation::delete_flow_logs::DeleteFlowLogsOutput;
use aws_sdk_ec2::types::UnsuccessfulItem;
use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_smithy_runtime_api::client::interceptors::context::{Error, Output};
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;

use super::error::status_code_name;

/// A failure that AWS reports inside an answer with status 200.
pub fn refusal(output: &Output) -> Option<Failure> {
    refusal_code(output).map(Failure::of_code)
}

fn code(items: &[UnsuccessfulItem]) -> Option<&str> {
    items.first()?.error()?.code()
}

fn refusal_code(output: &Output) -> Option<&str> {
    if let Some(output) = output.downcast_ref::<CreateFlowLogsOutput>() {
        return code(output.unsuccessful());
    }
    if let Some(output) = output.downcast_ref::<DeleteFlowLogsOutput>() {
        return code(output.unsuccessful());
    }
    let output = output.downcast_ref::<DeleteObjectsOutput>()?;
    output.errors().first()?.code()
}

/// What AWS says of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// AWS's code, or what there was instead of an answer.
    pub code: String,
    /// AWS's message, if there is one.
    pub message: String,
}

impl Failure {
    /// A failure of which no more is known.
    #[must_use]
    pub fn of_code(code: &str) -> Self {
        Self { code: code.to_owned(), message: String::new() }
    }
}

/// What an attempt or a call failed with. `status` is that of the answer, if there was one.
pub fn failure(error: &OrchestratorError<Error>, status: Option<u16>) -> Failure {
    if let Some(error) = error.as_operation_error() {
        // The type is another one for each operation, and what they have in common is hidden; each shows its code and message in this form.
        let text = format!("{error:?}");
        let code = part(&text, "code").map_or_else(|| status_code_name(status.unwrap_or_default()), str::to_owned);
        return Failure { code, message: part(&text, "message").unwrap_or_default().to_owned() };
    }
    Failure::of_code(match error {
        error if error.is_timeout_error() => "TimedOut",
        error if error.is_response_error() => "Unreadable",
        error if error.is_connector_error() => "Unreachable",
        _ => "NotSent",
    })
}

/// The value that the text shows as `name: Some("value")`.
fn part<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("{name}: Some(\""))?;
    rest.split_once("\")").map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use aws_sdk_sns::operation::subscribe::SubscribeError;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    fn seen(metadata: ErrorMetadata, status: u16) -> Failure {
        failure(&OrchestratorError::operation(Error::erase(SubscribeError::generic(metadata))), Some(status))
    }

    #[test]
    fn code_and_message_are_those_of_aws() {
        let metadata = ErrorMetadata::builder().code("Throttled").message("Rate \"exceeded\", (slow down)").build();
        let wanted = Failure { code: "Throttled".into(), message: "Rate \\\"exceeded\\\", (slow down)".into() };
        assert_eq!(seen(metadata, 429), wanted);
    }

    #[test]
    fn an_answer_without_a_code_goes_by_its_status() {
        assert_eq!(seen(ErrorMetadata::builder().build(), 429), Failure::of_code("Http429"));
    }
}

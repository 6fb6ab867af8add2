//! What the log tells of an answer.

use aws_sdk_ec2::operation::create_flow_logs::CreateFlowLogsOutput;
use aws_sdk_ec2::operation::delete_flow_logs::DeleteFlowLogsOutput;
use aws_sdk_ec2::types::UnsuccessfulItem;
use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_smithy_runtime_api::client::interceptors::context::{Error, Output};
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;

/// The code of a failure that AWS reports inside an answer with status 200.
pub fn refusal(output: &Output) -> Option<String> {
    let code = |items: &[UnsuccessfulItem]| items.first()?.error()?.code().map(str::to_owned);
    if let Some(output) = output.downcast_ref::<CreateFlowLogsOutput>() {
        return code(output.unsuccessful());
    }
    if let Some(output) = output.downcast_ref::<DeleteFlowLogsOutput>() {
        return code(output.unsuccessful());
    }
    let output = output.downcast_ref::<DeleteObjectsOutput>()?;
    output.errors().first()?.code().map(str::to_owned)
}

/// AWS's code of an error, or what there was instead of an answer.
pub fn code(error: &OrchestratorError<Error>) -> String {
    if let Some(error) = error.as_operation_error() {
        // The type is another one for each operation, and what they have in common is hidden; each shows its code in this form.
        let text = format!("{error:?}");
        let code = text.split_once("code: Some(\"").and_then(|(_, rest)| rest.split_once('"'));
        return code.map_or_else(|| "Unknown".to_owned(), |(code, _)| code.to_owned());
    }
    let code = match error {
        error if error.is_timeout_error() => "TimedOut",
        error if error.is_response_error() => "Unreadable",
        error if error.is_connector_error() => "Unreachable",
        _ => "NotSent",
    };
    code.to_owned()
}

//! Failures that AWS lists inside an answer with status 200.

use aws_sdk_ec2::operation::create_flow_logs::CreateFlowLogsOutput;
use aws_sdk_ec2::operation::delete_flow_logs::DeleteFlowLogsOutput;
use aws_sdk_ec2::types::UnsuccessfulItem;
use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_sdk_s3::types::Error as ObjectError;
use aws_smithy_runtime_api::client::interceptors::context::Output;

/// A failure in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// AWS's error code.
    pub code: String,
    /// AWS's message.
    pub message: String,
}

/// The failures that `CreateFlowLogs` and `DeleteFlowLogs` list under `Unsuccessful`.
pub fn of_flow_logs(items: &[UnsuccessfulItem]) -> impl Iterator<Item = Refusal> {
    items.iter().map(|item| {
        let error = item.error.as_ref();
        let code = error.and_then(|error| error.code()).unwrap_or("Unsuccessful");
        let message = error.and_then(|error| error.message()).unwrap_or("AWS gave no reason");
        Refusal { code: code.to_owned(), message: message.to_owned() }
    })
}

/// The first of the objects that `DeleteObjects` could not delete, and their number.
#[must_use]
pub fn of_objects(errors: &[ObjectError]) -> Option<Refusal> {
    let error = errors.first()?;
    let message = format!(
        "{}: {} ({} object versions could not be deleted)",
        error.key().unwrap_or_default(),
        error.message().unwrap_or("AWS gave no reason"),
        errors.len()
    );
    Some(Refusal { code: error.code().unwrap_or("Unknown").to_owned(), message })
}

/// The first failure in an answer of any operation.
pub(super) fn first(output: &Output) -> Option<Refusal> {
    let created = output.downcast_ref().map(CreateFlowLogsOutput::unsuccessful);
    let flow_logs = created.or_else(|| output.downcast_ref().map(DeleteFlowLogsOutput::unsuccessful));
    match flow_logs {
        Some(items) => of_flow_logs(items).next(),
        None => of_objects(output.downcast_ref::<DeleteObjectsOutput>()?.errors()),
    }
}

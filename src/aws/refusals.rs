//! Failures that AWS lists inside an answer with status 200.

use aws_sdk_ec2::operation::create_flow_logs::CreateFlowLogsOutput;
use aws_sdk_ec2::operation::delete_flow_logs::DeleteFlowLogsOutput;
use aws_sdk_ec2::types::UnsuccessfulItem;
use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_sdk_s3::types::Error as ObjectError;
use aws_smithy_runtime_api::client::interceptors::context::Output;

use super::error::AwsError;
use super::operations::Operation;

/// The failures that `CreateFlowLogs` and `DeleteFlowLogs` list under `Unsuccessful`.
pub fn of_flow_logs(operation: &'static Operation, items: &[UnsuccessfulItem]) -> impl Iterator<Item = AwsError> {
    items.iter().map(move |item| {
        let error = item.error.as_ref();
        let code = error.and_then(|error| error.code()).unwrap_or("Unsuccessful");
        let message = error.and_then(|error| error.message()).unwrap_or("AWS gave no reason");
        AwsError::reported(operation, code, message)
    })
}

/// The first of the objects that `DeleteObjects` could not delete, and their number.
#[must_use]
pub fn of_objects(operation: &'static Operation, errors: &[ObjectError]) -> Option<AwsError> {
    let error = errors.first()?;
    let message = format!(
        "{}: {} ({} object versions could not be deleted)",
        error.key().unwrap_or_default(),
        error.message().unwrap_or("AWS gave no reason"),
        errors.len()
    );
    Some(AwsError::reported(operation, error.code().unwrap_or("Unknown"), &message))
}

/// The first failure in an answer of any operation.
pub(super) fn first(operation: &'static Operation, output: &Output) -> Option<AwsError> {
    let created = output.downcast_ref().map(CreateFlowLogsOutput::unsuccessful);
    let flow_logs = created.or_else(|| output.downcast_ref().map(DeleteFlowLogsOutput::unsuccessful));
    match flow_logs {
        Some(items) => of_flow_logs(operation, items).next(),
        None => of_objects(operation, output.downcast_ref::<DeleteObjectsOutput>()?.errors()),
    }
}

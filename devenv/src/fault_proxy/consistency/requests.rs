//! The roles, names and functions in requests and answers, and AWS's errors until a change to them is visible.

use hyper::body::Bytes;
use serde_json::Value;

use super::super::errors::ServiceError;
use super::Asked;

/// The role that a request hands to a service which has to assume it.
pub(super) fn role_handed_over(asked: Asked<'_>) -> Option<String> {
    if asked.is("ec2", &["CreateFlowLogs"]) {
        form(asked.body, "DeliverLogsPermissionArn")
    } else if asked.is("lambda", &["CreateFunction", "UpdateFunctionConfiguration"]) {
        json(asked.body, "Role")
    } else {
        None
    }
}

/// The role that an answer says was made.
pub(super) fn created_role(asked: Asked<'_>, answer: &[u8]) -> Option<String> {
    let text = asked.is("iam", &["CreateRole"]).then(|| String::from_utf8_lossy(answer))?;
    let (_, rest) = text.split_once("<Arn>")?;
    rest.split('<').next().map(str::to_owned)
}

/// The name that a request wants for something new.
pub(super) fn created_name(asked: Asked<'_>) -> Option<String> {
    named(asked, ["CreateBucket", "CreateLogGroup", "CreateRole"])
}

/// The name of what a request deletes.
pub(super) fn deleted_name(asked: Asked<'_>) -> Option<String> {
    named(asked, ["DeleteBucket", "DeleteLogGroup", "DeleteRole"])
}

fn named(asked: Asked<'_>, [bucket, log_group, role]: [&str; 3]) -> Option<String> {
    if asked.is("s3", &[bucket]) {
        Some(asked.parts.uri.path().trim_matches('/').to_owned())
    } else if asked.is("logs", &[log_group]) {
        json(asked.body, "logGroupName")
    } else if asked.is("iam", &[role]) {
        form(asked.body, "RoleName")
    } else {
        None
    }
}

/// The Lambda function that a request makes or changes.
pub(super) fn function_changed(asked: Asked<'_>) -> Option<String> {
    if asked.is("lambda", &["CreateFunction"]) {
        json(asked.body, "FunctionName")
    } else if asked.is("lambda", &["UpdateFunctionCode", "UpdateFunctionConfiguration"]) {
        function_in_path(asked)
    } else {
        None
    }
}

/// The Lambda function that a request reads with its state.
pub(super) fn function_read(asked: Asked<'_>) -> Option<String> {
    asked.is("lambda", &["GetFunction"]).then(|| function_in_path(asked)).flatten()
}

fn function_in_path(asked: Asked<'_>) -> Option<String> {
    asked.parts.uri.path().split('/').nth(3).map(str::to_owned)
}

fn form(body: &Bytes, name: &str) -> Option<String> {
    form_urlencoded::parse(body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn json(body: &Bytes, name: &str) -> Option<String> {
    let document: Value = serde_json::from_slice(body).ok()?;
    document[name].as_str().map(str::to_owned)
}

/// The texts that users report: hashicorp/terraform-provider-aws, retries of `aws_flow_log` and `aws_lambda_function`.
pub(super) fn not_assumable(service: &str) -> ServiceError {
    let (code, message) = if service == "ec2" {
        ("InvalidParameter", "Unable to assume given IAM role")
    } else {
        ("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.")
    };
    error(code, message, 400)
}

/// S3 API reference, "List of error codes"; Logs and IAM API reference, errors of `CreateLogGroup` and `CreateRole`.
pub(super) fn name_taken(service: &str) -> ServiceError {
    match service {
        "s3" => {
            let message =
                "A conflicting conditional operation is currently in progress against this resource. Please try again.";
            error("OperationAborted", message, 409)
        }
        "logs" => {
            let message = "Multiple concurrent requests to update the same resource were in conflict.";
            error("OperationAbortedException", message, 400)
        }
        _ => error("EntityAlreadyExists", "A role of that name already exists.", 409),
    }
}

/// Lambda developer guide, "Lambda function states".
pub(super) fn function_busy() -> ServiceError {
    let message = "The operation cannot be performed at this time. An update is in progress for the function.";
    error("ResourceConflictException", message, 409)
}

fn error(code: &str, message: &str, status: u16) -> ServiceError {
    ServiceError { code: code.to_owned(), message: message.to_owned(), status }
}

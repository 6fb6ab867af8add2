//! Roles by which the operator works in other accounts.

use serde_json::Value;
use vpc_flow_operator::api::spec::AssumeRole;
use vpc_flow_operator::permissions::trust;

use crate::sandbox::Sandbox;

pub const ROLE: &str = "flow-logs";
pub const EXTERNAL_ID: &str = "secret-handshake";

/// Makes a role, and returns its ARN.
pub async fn make_role(sandbox: &Sandbox, name: &str, trust: &Value) -> String {
    let iam = aws_sdk_iam::Client::new(&sandbox.config);
    let create = iam.create_role().role_name(name).assume_role_policy_document(trust.to_string());
    create.send().await.unwrap().role.unwrap().arn
}

/// A role that may do everything, for everybody in the operator's account.
pub async fn trusting_role(there: &Sandbox, operator: &Sandbox) -> AssumeRole {
    let trust = trust::other_account(&format!("arn:aws:iam::{}:root", operator.account), Some(EXTERNAL_ID));
    AssumeRole { role_arn: make_role(there, ROLE, &trust).await, external_id: Some(EXTERNAL_ID.into()) }
}

//! The trust policies of the operator's role and of its roles in other accounts.

use serde_json::{Value, json};
use thiserror::Error;

/// The action of AWS's trust policies.
const ASSUME: &str = "sts:AssumeRole";

/// Pod Identity gives a session tags, which go along to every further role: "Passing session tags in AWS STS" in the IAM user guide.
const TAG: &str = "sts:TagSession";

/// Not the ARN of an identity provider of a cluster.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "{0} is not the ARN of an OIDC provider: arn:aws:iam::ACCOUNT:oidc-provider/HOST/PATH, as `aws iam list-open-id-connect-providers` shows it"
)]
pub struct NotAProvider(String);

/// For IAM roles for service accounts: the operator's `ServiceAccount`, and no other one in the cluster.
pub fn irsa(provider_arn: &str, namespace: &str, service_account: &str) -> Result<Value, NotAProvider> {
    let issuer = issuer(provider_arn).ok_or_else(|| NotAProvider(provider_arn.to_owned()))?;
    let subject = format!("system:serviceaccount:{namespace}:{service_account}");
    Ok(trust(&json!({
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {
            format!("{issuer}:sub"): subject,
            format!("{issuer}:aud"): "sts.amazonaws.com",
        }},
    })))
}

/// The issuer in the ARN of its provider.
fn issuer(provider_arn: &str) -> Option<&str> {
    let (principal, issuer) = provider_arn.split_once(":oidc-provider/")?;
    let ["arn", partition, "iam", "", account] = principal.split(':').collect::<Vec<_>>()[..] else { return None };
    let is_account = account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit());
    (partition.starts_with("aws") && is_account && issuer.contains('.')).then_some(issuer)
}

/// For EKS Pod Identity: the operator's `ServiceAccount`, whichever cluster's association names it. See "Amazon EKS Pod Identity role" in the
/// EKS user guide.
#[must_use]
pub fn pod_identity(namespace: &str, service_account: &str) -> Value {
    trust(&json!({
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": [ASSUME, TAG],
        "Condition": {"StringEquals": {
            "aws:RequestTag/kubernetes-namespace": namespace,
            "aws:RequestTag/kubernetes-service-account": service_account,
        }},
    }))
}

/// For a role in another account that monitors name in `assumeRole`: the operator's role, with the external id if there is one.
#[must_use]
pub fn other_account(operator_role_arn: &str, external_id: Option<&str>) -> Value {
    let allow = |action: &str| json!({"Effect": "Allow", "Principal": {"AWS": operator_role_arn}, "Action": action});
    let mut assume = allow(ASSUME);
    if let Some(id) = external_id {
        // Apart: AWS knows no external id when it checks the tags.
        assume["Condition"] = json!({"StringEquals": {"sts:ExternalId": id}});
    }
    json!({"Version": "2012-10-17", "Statement": [assume, allow(TAG)]})
}

fn trust(statement: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_operators_service_account_gets_in() {
        let provider = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB";
        let policy = irsa(provider, "vpc-flow-operator", "operator").unwrap();
        let tests = &policy["Statement"][0]["Condition"]["StringEquals"];
        let issuer = "oidc.eks.eu-west-1.amazonaws.com/id/AB";
        assert_eq!(tests[format!("{issuer}:sub")], "system:serviceaccount:vpc-flow-operator:operator");
        assert_eq!(tests[format!("{issuer}:aud")], "sts.amazonaws.com");
        for wrong in [
            "https://oidc.example",
            "arn:aws:iam::12345678901:oidc-provider/oidc.example/id",
            "arn:aws:sts::123456789012:oidc-provider/oidc.example/id",
            "arn:aws:iam::123456789012:saml-provider/oidc.example/id",
            "arn:aws:iam::123456789012:oidc-provider/",
        ] {
            assert!(irsa(wrong, "a", "b").is_err(), "{wrong}");
        }
    }

    #[test]
    fn pod_identity_lets_in_one_service_account_with_its_tags() {
        let policy = pod_identity("vpc-flow-system", "operator");
        let statement = &policy["Statement"][0];
        assert_eq!(statement["Action"], json!(["sts:AssumeRole", "sts:TagSession"]));
        let tests = &statement["Condition"]["StringEquals"];
        assert_eq!(tests["aws:RequestTag/kubernetes-namespace"], "vpc-flow-system");
        assert_eq!(tests["aws:RequestTag/kubernetes-service-account"], "operator");
    }

    #[test]
    fn another_account_may_ask_for_an_external_id() {
        let role = "arn:aws:iam::123456789012:role/operator";
        assert_eq!(other_account(role, None)["Statement"][0]["Condition"], Value::Null);
        let policy = other_account(role, Some("x1"));
        assert_eq!(policy["Statement"][0]["Principal"]["AWS"], role);
        assert_eq!(policy["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"], "x1");
        let tags = json!({"Effect": "Allow", "Principal": {"AWS": role}, "Action": "sts:TagSession"});
        assert_eq!(policy["Statement"][1], tags);
    }
}

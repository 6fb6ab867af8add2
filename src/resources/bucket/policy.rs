//! The bucket policy: our statements among those of others.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::monitor::Monitor;
use crate::resources::parts::policy::normalise_statement;

/// Begins the `Sid` of every statement of ours.
const OURS: &str = "VpcFlowOperator";

/// Begins the `Sid` of every statement that AWS writes for flow logs itself.
const AWS_OWN: &str = "AWSLogDelivery";

/// Our statements: no access without TLS, and delivery of this account's flow logs.
///
/// See "Amazon S3 bucket permissions for flow logs" in the Amazon VPC user guide.
#[must_use]
pub fn statements(monitor: &Monitor) -> Vec<Value> {
    let (place, bucket) = (&monitor.place, &monitor.names.bucket);
    let bucket_arn = place.s3_arn(bucket);
    let folder = if monitor.spec.s3.hive_compatible_partitions {
        format!("aws-account-id={}", place.account)
    } else {
        place.account.clone()
    };
    let records = place.s3_arn(format!("{bucket}/{}AWSLogs/{folder}/*", monitor.key_prefix()));
    let delivery = json!({"Service": "delivery.logs.amazonaws.com"});
    let source = json!({"aws:SourceArn": place.arn("logs", "*")});
    vec![
        json!({
            "Sid": format!("{OURS}DenyInsecureTransport"),
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket_arn, format!("{bucket_arn}/*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }),
        json!({
            "Sid": format!("{OURS}DeliveryCheck"),
            "Effect": "Allow",
            "Principal": delivery,
            "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
            "Resource": bucket_arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": place.account}, "ArnLike": source},
        }),
        json!({
            "Sid": format!("{OURS}DeliveryWrite"),
            "Effect": "Allow",
            "Principal": delivery,
            "Action": "s3:PutObject",
            "Resource": records,
            "Condition": {
                "StringEquals": {
                    "aws:SourceAccount": place.account,
                    "s3:x-amz-acl": "bucket-owner-full-control",
                },
                "ArnLike": source,
            },
        }),
    ]
}

fn sid(statement: &Value) -> &str {
    statement["Sid"].as_str().unwrap_or_default()
}

/// Statements by `Sid`, to be told.
#[must_use]
pub fn by_sid(statements: &[Value]) -> BTreeMap<&str, &Value> {
    statements.iter().map(|statement| (sid(statement), statement)).collect()
}

/// A bucket policy as S3 has it, in S3's own form: what others wrote is never rewritten.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy(Option<Value>);

impl Policy {
    /// Parses the document.
    pub fn parse(document: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(document).map(|document| Self(Some(document)))
    }

    fn all(&self) -> Vec<Value> {
        match self.0.as_ref().and_then(|document| document.get("Statement")) {
            Some(Value::Array(statements)) => statements.clone(),
            Some(statement) => vec![statement.clone()],
            None => Vec::new(),
        }
    }

    /// Our statements.
    #[must_use]
    pub fn ours(&self) -> Vec<Value> {
        self.all().into_iter().filter(|statement| sid(statement).starts_with(OURS)).collect()
    }

    /// True if our statements are these and no others.
    #[must_use]
    pub fn holds(&self, statements: &[Value]) -> bool {
        normal(&self.ours()) == normal(statements)
    }

    /// Statements of others, neither ours nor AWS's own, as JSON; `None` if there are none.
    #[must_use]
    pub fn others(&self) -> Option<String> {
        let mut others = self.all();
        others.retain(|statement| ![OURS, AWS_OWN].iter().any(|begins| sid(statement).starts_with(begins)));
        (!others.is_empty()).then(|| Value::Array(others).to_string())
    }

    /// True if `CreateFlowLogs` has replaced the policy, and nothing that was there before has been put back yet.
    #[must_use]
    pub fn is_overwritten(&self) -> bool {
        let all = self.all();
        !all.is_empty() && all.iter().all(|statement| sid(statement).starts_with(AWS_OWN))
    }

    /// What others had in the policy, as [`others`](Self::others) told it, if that has to be put back.
    #[must_use]
    pub fn lost(&self, others: Option<&String>) -> Vec<Value> {
        let others = others.filter(|_| self.is_overwritten());
        others.and_then(|others| serde_json::from_str(others).ok()).unwrap_or_default()
    }

    /// This policy with what it has lost since it was `before`, or `None` if it has lost nothing.
    #[must_use]
    pub fn regained(&self, before: &Self) -> Option<Value> {
        let (now, mut all) = (normal(&self.all()), self.all());
        // A statement that was replaced under its own name stays as it is now: a policy holds no name twice.
        let is_named = |name: &str| !name.is_empty() && now.iter().any(|statement| sid(statement) == name);
        let is_lost =
            |statement: &Value| !is_named(sid(statement)) && !now.contains(&normal(std::slice::from_ref(statement))[0]);
        let lost: Vec<_> = before.all().into_iter().filter(is_lost).collect();
        if lost.is_empty() {
            return None;
        }
        all.extend(lost);
        let mut document = self.0.clone().unwrap_or_else(|| json!({"Version": "2012-10-17"}));
        document["Statement"] = Value::Array(all);
        Some(document)
    }

    /// The document with these statements for ours.
    #[must_use]
    pub fn with(&self, statements: &[Value]) -> Value {
        let mut all = self.all();
        all.retain(|statement| !sid(statement).starts_with(OURS));
        all.extend_from_slice(statements);
        let mut document = self.0.clone().unwrap_or_else(|| json!({"Version": "2012-10-17"}));
        document["Statement"] = Value::Array(all);
        document
    }
}

fn normal(statements: &[Value]) -> Vec<Value> {
    let mut statements = statements.to_vec();
    statements.iter_mut().for_each(normalise_statement);
    statements.sort_by(|left, right| sid(left).cmp(sid(right)));
    statements
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::VpcFlowMonitorSpec;
    use crate::monitor::fixtures;

    fn resource_of(spec: VpcFlowMonitorSpec) -> String {
        let statements = statements(&fixtures::with_spec(spec));
        by_sid(&statements)["VpcFlowOperatorDeliveryWrite"]["Resource"].as_str().unwrap().to_owned()
    }

    #[test]
    fn delivery_may_write_where_the_layout_puts_records_and_nowhere_else() {
        let mut spec = VpcFlowMonitorSpec::new("vpc-12345678");
        spec.s3.bucket_name = Some("logs".into());
        assert_eq!(resource_of(spec.clone()), "arn:aws:s3:::logs/vpc-flow-logs/AWSLogs/aws-account-id=123456789012/*");
        spec.s3.prefix = String::new();
        assert_eq!(resource_of(spec.clone()), "arn:aws:s3:::logs/AWSLogs/aws-account-id=123456789012/*");
        spec.s3.hive_compatible_partitions = false;
        assert_eq!(resource_of(spec), "arn:aws:s3:::logs/AWSLogs/123456789012/*");
    }

    #[test]
    fn statements_carry_the_partition() {
        let mut monitor = fixtures::monitor();
        monitor.place.partition = "aws-cn".into();
        let text = json!(statements(&monitor)).to_string();
        assert!(text.contains("arn:aws-cn:s3:::") && text.contains("arn:aws-cn:logs:") && !text.contains("arn:aws:"));
    }

    #[test]
    fn what_others_wrote_stays_as_they_wrote_it() {
        let ours = statements(&fixtures::monitor());
        let theirs = json!({"Sid": "AWSLogDeliveryWrite", "Effect": "Allow", "Action": ["s3:PutObject"]});
        let nameless = json!({"Effect": "Deny", "Action": ["b", "a"]});
        let mut stale = ours[1].clone();
        stale["Action"] = json!("s3:*");
        let mut withdrawn = ours[1].clone();
        withdrawn["Sid"] = json!("VpcFlowOperatorFormer");
        let document = json!({"Version": "2008-10-17", "Id": "x", "Statement": [stale, theirs, withdrawn, nameless]});
        let policy = Policy::parse(&document.to_string()).unwrap();
        assert!(!policy.holds(&ours));

        let written = policy.with(&ours);
        assert_eq!((&written["Version"], &written["Id"]), (&json!("2008-10-17"), &json!("x")));
        let mut wanted = vec![theirs, nameless];
        wanted.extend(ours.clone());
        assert_eq!(written["Statement"], json!(wanted));
        assert!(Policy::parse(&written.to_string()).unwrap().holds(&ours));
    }

    #[test]
    fn form_and_order_are_no_difference() {
        let ours = statements(&fixtures::monitor());
        let mut reordered = ours.clone();
        reordered.reverse();
        reordered[1]["Action"] = json!(["s3:ListBucket", "s3:GetBucketAcl"]);
        reordered[0]["Action"] = json!(["s3:PutObject"]);
        assert!(Policy(Some(json!({"Statement": reordered}))).holds(&ours));
        assert!(!Policy(Some(json!({"Statement": ours[..2]}))).holds(&ours));
        assert!(!Policy::default().holds(&ours));
    }
}

//! The bucket policy: our statements among those of others.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::monitor::Monitor;
use crate::resources::common::policy::normalise_statement;

/// Begins the `Sid` of every statement of ours.
const OURS: &str = "VpcFlowOperator";

/// Begins the `Sid` of every statement that AWS writes for flow logs itself. Owners of buckets that take the flow logs of other accounts
/// copy it from the user guide: by the name alone nothing is AWS's.
const AWS_OWN: &str = "AWSLogDelivery";

/// Our statements: no access without TLS, and delivery of this account's flow logs.
///
/// See "Amazon S3 bucket permissions for flow logs" in the Amazon VPC user guide.
#[must_use]
pub fn statements(monitor: &Monitor) -> Vec<Value> {
    let (account_region, bucket) = (&monitor.account_region, &monitor.names.bucket);
    let bucket_arn = account_region.s3_arn(bucket);
    // In any folder: the flow log that is about to be replaced still delivers to the former layout's.
    let records = ["", "aws-account-id="]
        .map(|key| account_region.s3_arn(format!("{bucket}/*AWSLogs/{key}{}/*", account_region.account)));
    let delivery = json!({"Service": "delivery.logs.amazonaws.com"});
    let source = json!({"aws:SourceArn": account_region.arn("logs", "*")});
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
            "Condition": {"StringEquals": {"aws:SourceAccount": account_region.account}, "ArnLike": source},
        }),
        json!({
            "Sid": format!("{OURS}DeliveryWrite"),
            "Effect": "Allow",
            "Principal": delivery,
            "Action": "s3:PutObject",
            "Resource": records,
            "Condition": {
                "StringEquals": {
                    "aws:SourceAccount": account_region.account,
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

/// True for a statement that AWS writes itself when somebody in this account creates a flow log: it lets in this account and no other.
fn is_aws_own(statement: &Value, account: &str) -> bool {
    let source = &statement["Condition"]["StringEquals"]["aws:SourceAccount"];
    let source = source.as_array().filter(|all| all.len() == 1).map_or(source, |all| &all[0]);
    sid(statement).starts_with(AWS_OWN) && source.as_str() == Some(account)
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
    pub fn others(&self, account: &str) -> Option<String> {
        let mut others = self.all();
        others.retain(|statement| !sid(statement).starts_with(OURS) && !is_aws_own(statement, account));
        (!others.is_empty()).then(|| Value::Array(others).to_string())
    }

    /// True if `CreateFlowLogs` has replaced the policy, and nothing that was there before has been put back yet.
    #[must_use]
    pub fn is_overwritten(&self, account: &str) -> bool {
        let all = self.all();
        !all.is_empty() && all.iter().all(|statement| is_aws_own(statement, account))
    }

    /// What others had in the policy, as [`others`](Self::others) told it, if that has to be put back.
    #[must_use]
    pub fn lost(&self, others: Option<&String>, account: &str) -> Vec<Value> {
        let others = others.filter(|_| self.is_overwritten(account));
        others.and_then(|others| serde_json::from_str(others).ok()).unwrap_or_default()
    }

    /// This policy with what it has lost since it was `before`, or `None` if it has lost nothing.
    #[must_use]
    pub fn regained(&self, before: &Self, account: &str) -> Option<Value> {
        let now = self.all();
        let is_replaced = |statement: &Value| {
            let replaces = |other: &Value| sid(other) == sid(statement);
            let is_theirs = !sid(statement).starts_with(OURS) && !is_aws_own(statement, account);
            !is_theirs && now.iter().any(replaces)
        };
        let lost: Vec<_> =
            before.all().into_iter().filter(|known| !is_replaced(known) && !holds_statement(&now, known)).collect();
        (!lost.is_empty()).then(|| self.document(now, &lost))
    }

    /// The document with these statements for ours, and beside them what others have lost.
    #[must_use]
    pub fn with(&self, statements: &[Value], lost: &[Value]) -> Value {
        let mut all = self.all();
        all.retain(|statement| !sid(statement).starts_with(OURS));
        self.document(all, &[lost, statements].concat())
    }

    /// The document with these statements and then those others that are not among them.
    fn document(&self, mut statements: Vec<Value>, more: &[Value]) -> Value {
        for statement in more {
            if !holds_statement(&statements, statement) {
                let named = under_a_free_name(&statements, statement);
                statements.push(named);
            }
        }
        let mut document = self.0.clone().unwrap_or_else(|| json!({"Version": "2012-10-17"}));
        document["Statement"] = Value::Array(statements);
        document
    }
}

/// True if the statement is among these, but perhaps for the number that [`under_a_free_name`] has given it.
fn holds_statement(statements: &[Value], statement: &Value) -> bool {
    let unnumbered = |statement: &Value| {
        let mut normal = statement.clone();
        normalise_statement(&mut normal);
        normal["Sid"] = json!(sid(statement).trim_end_matches(|end: char| end.is_ascii_digit()));
        normal
    };
    let wanted = unnumbered(statement);
    statements.iter().any(|known| unnumbered(known) == wanted)
}

/// A policy holds no `Sid` twice: what somebody named like one of AWS's own statements goes by a number too.
fn under_a_free_name(statements: &[Value], statement: &Value) -> Value {
    let name = sid(statement);
    let is_taken = |name: &str| statements.iter().any(|known| sid(known) == name);
    let mut named = statement.clone();
    if !name.is_empty() && is_taken(name) {
        // One more than there are statements cannot all be taken.
        let free = (2..=statements.len() + 2).map(|number| format!("{name}{number}")).find(|name| !is_taken(name));
        named["Sid"] = json!(free);
    }
    named
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

    #[test]
    fn delivery_may_write_the_records_of_this_account_in_every_layout_and_nothing_else() {
        let mut spec = VpcFlowMonitorSpec::new("vpc-12345678");
        spec.s3.bucket_name = Some("logs".into());
        let before = statements(&fixtures::with_spec(spec.clone()));
        assert_eq!(
            by_sid(&before)["VpcFlowOperatorDeliveryWrite"]["Resource"],
            json!([
                "arn:aws:s3:::logs/*AWSLogs/123456789012/*",
                "arn:aws:s3:::logs/*AWSLogs/aws-account-id=123456789012/*"
            ])
        );
        spec.s3.prefix = "elsewhere".into();
        spec.s3.hive_compatible_partitions = false;
        assert_eq!(
            statements(&fixtures::with_spec(spec)),
            before,
            "the flow log that is to be replaced still delivers"
        );
    }

    #[test]
    fn statements_carry_the_partition() {
        let mut monitor = fixtures::monitor();
        monitor.account_region.partition = "aws-cn".into();
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

        let written = policy.with(&ours, &[]);
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

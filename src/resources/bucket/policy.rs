//! The bucket policy: our statements among those of others.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::aws::AccountRegion;
use crate::monitor::Monitor;
use crate::resources::common::policy::normalise_statement;

/// Prefix of the `Sid` of every statement of ours.
const OURS: &str = "VpcFlowOperator";

/// Prefix of the `Sid` of every statement that AWS writes for the delivery of logs. Other logs of the account have statements of the same
/// names, and owners of buckets copy them from the user guide, so the name alone does not identify a statement.
const AWS_DELIVERY: &str = "AWSLogDelivery";

/// Folders that AWS may add to the resource of its own statement for flow logs.
const SERVICE_FOLDERS: [&str; 2] = ["/vpcflowlogs/*", "/aws-service=vpcflowlogs/*"];

/// Our statements: no access without TLS, and delivery of this account's flow logs.
///
/// See "Amazon S3 bucket permissions for flow logs" in the Amazon VPC user guide.
#[must_use]
pub fn statements(monitor: &Monitor) -> Vec<Value> {
    let (account_region, bucket) = (&monitor.account_region, &monitor.names.bucket);
    let bucket_arn = account_region.s3_arn(bucket);
    // The statement allows any folder: a flow log that is about to be replaced still delivers to the folder of the former layout.
    let records = ["", "aws-account-id="]
        .map(|key| account_region.s3_arn(format!("{bucket}/*AWSLogs/{key}{}/*", account_region.account)));
    vec![
        json!({
            "Sid": format!("{OURS}DenyInsecureTransport"),
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket_arn, format!("{bucket_arn}/*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }),
        delivery_check(account_region, &format!("{OURS}DeliveryCheck"), &json!(bucket_arn)),
        delivery_write(account_region, &format!("{OURS}DeliveryWrite"), &json!(records)),
    ]
}

/// The statements that AWS writes itself for a flow log of this account to `destination`, the ARN of a bucket and a prefix.
#[must_use]
pub fn aws_own(account_region: &AccountRegion, destination: &str, hive_compatible_partitions: bool) -> [Value; 2] {
    let folder = records_folder(account_region, hive_compatible_partitions);
    let bucket_arn = destination.split_once('/').map_or(destination, |(bucket, _)| bucket);
    [
        delivery_write(account_region, "AWSLogDeliveryWrite", &json!(format!("{destination}/AWSLogs/{folder}/*"))),
        delivery_check(account_region, "AWSLogDeliveryAclCheck", &json!(bucket_arn)),
    ]
}

fn records_folder(account_region: &AccountRegion, hive_compatible_partitions: bool) -> String {
    let key = if hive_compatible_partitions { "aws-account-id=" } else { "" };
    format!("{key}{}", account_region.account)
}

fn delivery_check(account_region: &AccountRegion, sid: &str, bucket: &Value) -> Value {
    json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": "delivery.logs.amazonaws.com"},
        "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
        "Resource": bucket,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account_region.account},
            "ArnLike": {"aws:SourceArn": account_region.arn("logs", "*")},
        },
    })
}

fn delivery_write(account_region: &AccountRegion, sid: &str, records: &Value) -> Value {
    json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": "delivery.logs.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": records,
        "Condition": {
            "StringEquals": {
                "aws:SourceAccount": account_region.account,
                "s3:x-amz-acl": "bucket-owner-full-control",
            },
            "ArnLike": {"aws:SourceArn": account_region.arn("logs", "*")},
        },
    })
}

fn sid(statement: &Value) -> &str {
    statement["Sid"].as_str().unwrap_or_default()
}

fn is_ours(statement: &Value) -> bool {
    sid(statement).starts_with(OURS)
}

/// True for a statement that AWS may have written when somebody in this account created a log: it allows this account and no other.
fn is_of_delivery(statement: &Value, account: &str) -> bool {
    let sources = strings(&statement["Condition"]["StringEquals"]["aws:SourceAccount"]);
    sid(statement).starts_with(AWS_DELIVERY) && sources == [account]
}

/// True for a statement of AWS that allows no more than one of `own`.
fn is_aws_own(statement: &Value, own: &[Value]) -> bool {
    sid(statement).starts_with(AWS_DELIVERY) && own.iter().any(|own| is_within(statement, own))
}

fn is_within(statement: &Value, own: &Value) -> bool {
    let (mut own, mut statement) = (own.clone(), statement.clone());
    normalise_statement(&mut own);
    normalise_statement(&mut statement);
    let is_same = |field: &str| own[field] == statement[field];
    let is_subset = |field: &str| {
        let (all, some) = (strings(&own[field]), strings(&statement[field]));
        !some.is_empty() && some.into_iter().all(|entry| all.contains(&without_service_folder(entry).as_str()))
    };
    ["Effect", "Principal", "Condition"].into_iter().all(is_same) && ["Action", "Resource"].into_iter().all(is_subset)
}

fn without_service_folder(resource: &str) -> String {
    let of_service = SERVICE_FOLDERS.iter().find_map(|folder| resource.strip_suffix(folder));
    of_service.map_or_else(|| resource.to_owned(), |folder| format!("{folder}/*"))
}

/// A string, or a list of them.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// Recorded statements without AWS's `own`, as JSON; `None` if none is left.
#[must_use]
pub fn without_aws_own(recorded: &str, own: &[Value]) -> Option<String> {
    let mut statements: Vec<Value> = serde_json::from_str(recorded).unwrap_or_default();
    statements.retain(|statement| !is_aws_own(statement, own));
    (!statements.is_empty()).then(|| Value::Array(statements).to_string())
}

/// Statements by `Sid` and in canonical form, for messages.
#[must_use]
pub fn by_sid(statements: &[Value]) -> BTreeMap<&str, Value> {
    let normal = |statement: &Value| {
        let mut statement = statement.clone();
        normalise_statement(&mut statement);
        statement
    };
    statements.iter().map(|statement| (sid(statement), normal(statement))).collect()
}

/// A bucket policy as S3 has it, in S3's own form: statements of others are never rewritten.
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
        self.all().into_iter().filter(is_ours).collect()
    }

    /// True if our statements are these and no others.
    #[must_use]
    pub fn ours_are(&self, statements: &[Value]) -> bool {
        normal(&self.ours()) == normal(statements)
    }

    /// Statements that are not ours, with the recorded ones that have to be put back, as JSON; `None` if there are none.
    #[must_use]
    pub fn others(&self, recorded: Option<&String>, account: &str) -> Option<String> {
        let mut others = self.all();
        others.retain(|statement| !is_ours(statement));
        let lost = self.lost(recorded, account);
        let lost: Vec<_> = lost.into_iter().filter(|lost| !holds_statement(&others, lost)).collect();
        others.extend(lost);
        (!others.is_empty()).then(|| Value::Array(others).to_string())
    }

    /// True if the creation of a log has replaced the policy, and nothing that was there before has been put back yet.
    fn is_overwritten(&self, account: &str) -> bool {
        let all = self.all();
        !all.is_empty() && all.iter().all(|statement| is_of_delivery(statement, account))
    }

    /// The recorded statements of others, if they have to be put back.
    #[must_use]
    pub fn lost(&self, recorded: Option<&String>, account: &str) -> Vec<Value> {
        let recorded = recorded.filter(|_| self.is_overwritten(account));
        recorded.and_then(|others| serde_json::from_str(others).ok()).unwrap_or_default()
    }

    /// This policy with the statements that it has lost since `before`, or `None` if it has lost none. AWS's `own` statements are not
    /// restored.
    #[must_use]
    pub fn regained(&self, before: &Self, own: &[Value]) -> Option<Value> {
        let now = self.all();
        let is_replaced = |statement: &Value| {
            let has_its_name = |other: &Value| sid(other) == sid(statement);
            is_aws_own(statement, own) || (is_ours(statement) && now.iter().any(has_its_name))
        };
        let lost: Vec<_> =
            before.all().into_iter().filter(|known| !is_replaced(known) && !holds_statement(&now, known)).collect();
        (!lost.is_empty()).then(|| self.document(now, &lost))
    }

    /// This policy if it is the same as `before`; `None` if it is another one, or there is none.
    #[must_use]
    pub fn unchanged_since(&self, before: &Self) -> Option<Value> {
        self.0.clone().filter(|_| self == before)
    }

    /// The document with `statements` as ours, and with the `lost` statements of others.
    #[must_use]
    pub fn with(&self, statements: &[Value], lost: &[Value]) -> Value {
        let mut all = self.all();
        all.retain(|statement| !is_ours(statement));
        self.document(all, &[lost, statements].concat())
    }

    /// The document with `statements`, followed by those of `more` that are not among them.
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

/// True if the statement is among these, apart from the number that [`under_a_free_name`] may have added to its `Sid`.
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

/// Adds a number to the `Sid` of a statement if the `Sid` is in use: a policy must not contain a `Sid` twice, and others may use the names
/// of AWS's own statements.
fn under_a_free_name(statements: &[Value], statement: &Value) -> Value {
    let name = sid(statement);
    let is_taken = |name: &str| statements.iter().any(|known| sid(known) == name);
    let mut named = statement.clone();
    if !name.is_empty() && is_taken(name) {
        // There is one more candidate than statements, so one is free.
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
        assert!(!policy.ours_are(&ours));

        let written = policy.with(&ours, &[]);
        assert_eq!((&written["Version"], &written["Id"]), (&json!("2008-10-17"), &json!("x")));
        let mut wanted = vec![theirs, nameless];
        wanted.extend(ours.clone());
        assert_eq!(written["Statement"], json!(wanted));
        assert!(Policy::parse(&written.to_string()).unwrap().ours_are(&ours));
    }

    #[test]
    fn form_and_order_are_no_difference() {
        let ours = statements(&fixtures::monitor());
        let mut reordered = ours.clone();
        reordered.reverse();
        reordered[1]["Action"] = json!(["s3:ListBucket", "s3:GetBucketAcl"]);
        reordered[0]["Action"] = json!(["s3:PutObject"]);
        assert!(Policy(Some(json!({"Statement": reordered}))).ours_are(&ours));
        assert!(!Policy(Some(json!({"Statement": ours[..2]}))).ours_are(&ours));
        assert!(!Policy::default().ours_are(&ours));
    }
}

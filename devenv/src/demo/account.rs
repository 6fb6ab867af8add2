//! The inventory of the AWS account, which the emulator reads through AWS's own API.

use anyhow::{Context, Result};
use devenv::{ACCOUNT, EmulatorClient, REGION};
use serde_json::{Map, Value};

/// Kinds of the inventory, in the order shown, and their labels.
const KINDS: [(&str, &str); 12] = [
    ("vpcs", "VPC"),
    ("flowLogs", "VPC flow log"),
    ("buckets", "S3 bucket"),
    ("logGroups", "CloudWatch log group"),
    ("alarms", "CloudWatch alarm"),
    ("dashboards", "CloudWatch dashboard"),
    ("queryDefinitions", "Logs Insights query"),
    ("topics", "SNS topic"),
    ("functions", "Lambda function"),
    ("roles", "IAM role"),
    ("workgroups", "Athena workgroup"),
    ("databases", "Glue database"),
];
/// Kinds of resources that the inventory lists inside another resource, and their labels.
const PARTS: [(&str, &str); 4] = [
    ("metricFilters", "  metric filter"),
    ("subscriptionFilters", "  subscription filter"),
    ("namedQueries", "  saved query"),
    ("tables", "  table"),
];

/// The inventory of the demo's account.
pub struct Account(Value);

impl Account {
    pub async fn read(emulator: &EmulatorClient) -> Result<Self> {
        Ok(Self(emulator.inventory(ACCOUNT, REGION).await?))
    }

    /// Everything, as kind and name.
    pub fn resources(&self) -> Vec<(&'static str, &str)> {
        let mut resources = Vec::new();
        for (kind, label) in KINDS {
            for (name, resource) in self.of_kind(kind) {
                resources.push((label, name.as_str()));
                for (part, label) in PARTS {
                    let parts = resource.get(part).and_then(Value::as_object).into_iter().flatten();
                    resources.extend(parts.map(|(name, _)| (label, name.as_str())));
                }
            }
        }
        resources
    }

    /// Names of the alarms.
    pub fn alarms(&self) -> Vec<&str> {
        self.of_kind("alarms").map(|(name, _)| name.as_str()).collect()
    }

    /// The only bucket.
    pub fn bucket(&self) -> Result<&str> {
        let (name, _) = self.of_kind("buckets").next().context("there is no bucket")?;
        Ok(name)
    }

    /// ARN of the only topic.
    pub fn topic_arn(&self) -> Result<String> {
        let (name, _) = self.of_kind("topics").next().context("there is no topic")?;
        Ok(format!("arn:aws:sns:{REGION}:{ACCOUNT}:{name}"))
    }

    /// A saved query of the monitor's workgroup.
    pub fn saved_query(&self, name: &str) -> Result<SavedQuery<'_>> {
        let found = self.of_kind("workgroups").find_map(|(workgroup, resource)| {
            let query = resource["namedQueries"].get(name)?;
            let (statement, database) = (query["query"].as_str()?, query["database"].as_str()?);
            Some(SavedQuery { workgroup, database, statement })
        });
        found.with_context(|| format!("there is no saved query `{name}`"))
    }

    /// True if all four settings block public access to the bucket.
    pub fn blocks_public_access(&self, bucket: &str) -> bool {
        let settings = self.0["buckets"][bucket]["publicAccessBlock"].as_object();
        settings.is_some_and(|settings| settings.len() == 4 && settings.values().all(|setting| *setting == true))
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.0.get(kind).and_then(Value::as_object).into_iter().flat_map(Map::iter)
    }
}

/// A saved query of Athena.
pub struct SavedQuery<'a> {
    pub workgroup: &'a str,
    pub database: &'a str,
    pub statement: &'a str,
}

/// Prints resources as a table.
pub fn print_table(resources: &[(&str, &str)]) {
    for (kind, name) in resources {
        println!("   {kind:22} {name}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn account() -> Account {
        Account(json!({
            "vpcs": { "vpc-1": {} },
            "buckets": { "logs": { "publicAccessBlock": {
                "BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true,
                "RestrictPublicBuckets": true,
            } } },
            "logGroups": { "/flow": { "metricFilters": { "rejected": {} }, "subscriptionFilters": {} } },
            "alarms": {},
        }))
    }

    #[test]
    fn parts_follow_what_holds_them() {
        let account = account();
        let expected = [
            ("VPC", "vpc-1"),
            ("S3 bucket", "logs"),
            ("CloudWatch log group", "/flow"),
            ("  metric filter", "rejected"),
        ];
        assert_eq!(account.resources(), expected);
    }

    #[test]
    fn a_single_open_setting_is_public() {
        let mut account = account();
        assert!(account.blocks_public_access("logs"));
        account.0["buckets"]["logs"]["publicAccessBlock"]["IgnorePublicAcls"] = json!(false);
        assert!(!account.blocks_public_access("logs"));
        account.0["buckets"]["logs"]["publicAccessBlock"] = Value::Null;
        assert!(!account.blocks_public_access("logs"));
    }
}

use sha2::{Digest, Sha256};

use crate::api::{ResourceKind, VpcFlowMonitorSpec};
use crate::aws::AccountRegion;

/// Path of every IAM role the operator makes, so that its own permissions can be confined to them.
pub const ROLE_PATH: &str = "/vpc-flow-operator/";

/// The part that all names made from an identity share. `begin` comes after the prefix of the operator.
#[must_use]
pub fn base_name(begin: &str, owner: &str, namespace: &str, name: &str) -> String {
    format!("{PREFIX}{begin}{}-{}", slug(&format!("{namespace}-{name}")), short_hash(owner))
}

/// ARN of a role that the operator makes.
#[must_use]
pub fn role_arn(account_region: &AccountRegion, name: &str) -> String {
    account_region.global_arn("iam", format!("role{ROLE_PATH}{name}"))
}

/// Prefix of every name that is made from an identity alone.
pub const PREFIX: &str = "vfm-";

const SLUG_CHARS: usize = 28;
const HASH_CHARS: usize = 10;

/// Names of a monitor's AWS resources: a pure function of identity, place and spec, never random.
///
/// A hash of the whole identity keeps look-alikes (`team-a/b` and `team/a-b`) apart; the readable part only helps people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    base: String,
    /// The bucket for records and query results.
    pub bucket: String,
    /// Its name if the spec names none.
    pub default_bucket: String,
    /// The log group for records.
    pub log_group: String,
    /// The Glue database.
    pub database: String,
    /// The Glue table.
    pub table: String,
}

impl Names {
    pub(super) fn new(
        owner: &str,
        namespace: &str,
        name: &str,
        account_region: &AccountRegion,
        spec: &VpcFlowMonitorSpec,
    ) -> Self {
        let base = base_name("", owner, namespace, name);
        // Bucket names are global, so the region takes part.
        let bucket_hash = short_hash(&format!("{owner}@{}", account_region.region));
        let default_bucket = format!("vpc-flow-logs-{}-{bucket_hash}", account_region.account);
        Self {
            bucket: spec.s3.bucket_name.clone().unwrap_or_else(|| default_bucket.clone()),
            default_bucket,
            log_group: spec
                .cloud_watch_logs
                .log_group_name
                .clone()
                .unwrap_or_else(|| format!("/aws/vpc/flowlogs/{namespace}/{name}")),
            database: spec.analytics.database.clone().unwrap_or_else(|| base.replace('-', "_")),
            table: spec.analytics.table.clone(),
            base,
        }
    }

    /// The part that all names made from the identity share: at most 43 of `[a-z0-9-]`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The role through which flow logs reach the log group.
    #[must_use]
    pub fn delivery_role(&self) -> String {
        format!("{}-delivery", self.base)
    }

    /// The role of the detector.
    #[must_use]
    pub fn detector_role(&self) -> String {
        format!("{}-detector", self.base)
    }

    /// The detector's function, also the name of its subscription filter.
    #[must_use]
    pub fn detector(&self) -> String {
        format!("{}-detector", self.base)
    }

    /// The detector's own log group, named as Lambda would.
    #[must_use]
    pub fn detector_log_group(&self) -> String {
        format!("/aws/lambda/{}", self.detector())
    }

    /// The monitor's own topic.
    #[must_use]
    pub fn topic(&self) -> String {
        format!("{}-alerts", self.base)
    }

    /// The Athena workgroup.
    #[must_use]
    pub fn workgroup(&self) -> String {
        self.base.clone()
    }

    /// The table over a folder of records in an earlier layout.
    #[must_use]
    pub fn table_of_former_layout(&self, location: &str) -> String {
        format!("{}_{}", self.table, short_hash(location))
    }

    /// The dashboard.
    #[must_use]
    pub fn dashboard(&self) -> String {
        self.base.clone()
    }
}

/// False if no resource of the kind can have the name, by the rules of S3, CloudWatch Logs and Glue: it need not be looked for, and must
/// not get into a policy.
#[must_use]
pub fn can_be(kind: ResourceKind, name: &str) -> bool {
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    match kind {
        ResourceKind::Bucket => (3..=63).contains(&name.len()) && name.chars().all(|c| lower(c) || ".-".contains(c)),
        ResourceKind::LogGroup => {
            (1..=512).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "_./#-".contains(c))
        }
        ResourceKind::Database => (1..=255).contains(&name.len()) && name.chars().all(|c| lower(c) || c == '_'),
        _ => !name.is_empty(),
    }
}

/// Lower-case letters, digits and single hyphens, cut to [`SLUG_CHARS`].
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for character in text.chars() {
        let character = if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' };
        if character != '-' || !(slug.is_empty() || slug.ends_with('-')) {
            slug.push(character);
        }
    }
    slug.truncate(SLUG_CHARS);
    slug.trim_end_matches('-').to_owned()
}

/// The first characters of a text's SHA-256.
#[must_use]
pub fn short_hash(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..HASH_CHARS / 2])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(namespace: &str, name: &str) -> Names {
        let account_region =
            AccountRegion { partition: "aws".into(), account: "123456789012".into(), region: "eu-west-1".into() };
        let owner = format!("cluster/{namespace}/{name}");
        Names::new(&owner, namespace, name, &account_region, &VpcFlowMonitorSpec::new("vpc-12345678"))
    }

    #[test]
    fn look_alikes_never_share_a_name() {
        let (left, right) = (names("team-a", "b"), names("team", "a-b"));
        assert_eq!(slug("team-a-b"), slug("team-a-b"));
        assert_ne!(left.base(), right.base());
        assert_ne!(left.bucket, right.bucket);
        assert_ne!(left.log_group, right.log_group);
    }

    #[test]
    fn names_are_stable() {
        assert_eq!(names("network", "production").base(), "vfm-network-production-aa0df1549f");
        assert_eq!(names("network", "production").log_group, "/aws/vpc/flowlogs/network/production");
    }

    proptest! {
        #[test]
        fn every_name_is_valid_for_aws(
            namespace in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
            name in "[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?",
        ) {
            let names = names(&namespace, &name);
            let within = |text: &str, most: usize, extra: &str| {
                text.len() <= most && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || extra.contains(c))
            };
            prop_assert!(names.bucket.len() >= 3 && within(&names.bucket, 63, "-"));
            prop_assert!(within(&names.delivery_role(), 64, "-"));
            prop_assert!(within(&names.detector_role(), 64, "-"));
            prop_assert!(within(&names.detector(), 64, "-"));
            prop_assert!(within(&names.topic(), 256, "-"));
            prop_assert!(within(&names.workgroup(), 128, "-"));
            prop_assert!(within(&names.dashboard(), 255, "-"));
            prop_assert!(within(&names.database, 128, "_"));
            prop_assert!(within(&names.log_group, 512, "/.-"));
        }
    }
}

//! A monitor in the form that the code without I/O uses. Its spec, identity, account, region and settings determine everything in AWS.

mod allowed_arns;
mod boundary;
mod detector_package;
pub mod fingerprints;
mod layout;
mod names;
mod owner;
mod tags;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use allowed_arns::{AllowedArn, AllowedArns, NotAnAllowedArn};
pub use boundary::boundary_in;
pub use detector_package::{Architecture, DetectorPackage, PackageError, SETTINGS_FILE};
pub use layout::LAYOUT;
pub use names::{Names, PREFIX, ROLE_PATH, base_name, role_arn, short_hash};
pub use owner::{OVERVIEW_MARK, Owner};
pub use tags::{
    ADOPTED, Chosen, Claim, Claims, MANAGED_BY, OPERATOR, OWNER, RETAINED_BY, TAG_KEYS, TagCall, TagDiff, Tags, tags_of,
};

use crate::api::VpcFlowMonitorSpec;
use crate::api::anomaly_mode::EffectiveMode;
use crate::api::spec::{AdoptionPolicy, DeletionPolicy, TagValue};
use crate::api::status::{ResourceState, ResourceStatus, VpcFlowMonitorStatus};
use crate::api::{Component, ResourceKind};
use crate::aws::AccountRegion;

/// Folder of query results in the bucket. They expire apart from the records.
pub const RESULTS_PREFIX: &str = "athena-results/";

/// Settings of the operator's owner for all monitors.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the cluster. It distinguishes the cluster's monitors from those of others in the same account.
    pub cluster_name: String,
    /// Policy ARN that every role must carry as its permissions boundary; see [`boundary_in`] for other accounts.
    pub permissions_boundary_arn: Option<String>,
    /// Deletion policy of monitors that name none.
    pub default_deletion_policy: DeletionPolicy,
    /// Roles that monitors may hand to SNS for a subscription.
    pub allowed_subscription_roles: AllowedArns,
    /// Buckets, log groups and databases without an owner that monitors may name and take over.
    pub allowed_adoptions: AllowedArns,
    /// The detector's code.
    pub detector: Arc<DetectorPackage>,
    /// The time for which both sources feed the detector after a change of its source.
    pub source_overlap: Duration,
}

/// The time for which both sources feed the detector, outside of tests: twice the time that S3 takes to send events.
pub const SOURCE_OVERLAP: Duration = Duration::from_mins(10);

impl Settings {
    /// Settings for commands that only read: all that they look for follows from the cluster's name.
    #[must_use]
    pub fn to_look(cluster_name: String) -> Self {
        Self {
            cluster_name,
            permissions_boundary_arn: None,
            default_deletion_policy: DeletionPolicy::default(),
            allowed_subscription_roles: AllowedArns::default(),
            allowed_adoptions: AllowedArns::default(),
            detector: Arc::new(DetectorPackage::none()),
            source_overlap: SOURCE_OVERLAP,
        }
    }
}

/// A monitor in the form that the code without I/O uses.
#[derive(Clone, Debug)]
pub struct Monitor {
    /// Its Kubernetes namespace.
    pub namespace: String,
    /// Its Kubernetes name.
    pub name: String,
    /// `<cluster>/<namespace>/<name>`: the value of the ownership tag.
    pub owner: String,
    /// The spec, from the user.
    pub spec: VpcFlowMonitorSpec,
    /// The account and region.
    pub account_region: AccountRegion,
    /// Names of all resources.
    pub names: Names,
    /// The settings of the operator's owner.
    pub settings: Settings,
    /// All tags a resource shall have: the user's and ours.
    pub tags: Tags,
    /// Resources that earlier passes recorded in the status. A resource whose name in the spec has changed is found again by them.
    pub recorded: Vec<ResourceStatus>,
    /// The statements of others that the latest pass found in the policy of the bucket, as JSON.
    pub recorded_policy: Option<String>,
    /// The decider of each alarm with a band, as the latest pass found it, by the name of the detection in the spec.
    pub recorded_modes: BTreeMap<String, EffectiveMode>,
}

impl Monitor {
    /// Makes a monitor from everything that its AWS resources follow from.
    #[must_use]
    pub fn new(
        namespace: &str,
        name: &str,
        spec: VpcFlowMonitorSpec,
        status: Option<&VpcFlowMonitorStatus>,
        account_region: AccountRegion,
        settings: Settings,
    ) -> Self {
        let owner = format!("{}/{namespace}/{name}", settings.cluster_name);
        Self {
            tags: tags_of(&owner, &spec.tags),
            names: Names::new(&owner, namespace, name, &account_region, &spec),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            owner,
            spec,
            account_region,
            settings,
            recorded: status.map(|status| status.resources.clone()).unwrap_or_default(),
            recorded_policy: status.and_then(|status| status.others_bucket_policy.clone()),
            recorded_modes: status
                .iter()
                .flat_map(|status| &status.detections)
                .map(|detection| (detection.name.clone(), detection.effective))
                .collect(),
        }
    }

    /// The names under which a resource of this kind may exist: the wanted one first, then those that earlier passes recorded. A resource
    /// left behind under a former name is no longer this monitor's to handle. Somebody may have edited the status, so a name decides only
    /// where to look: the resource found there must show its owner itself.
    #[must_use]
    pub fn known_names(&self, component: Component, kind: ResourceKind, wanted: &str) -> Vec<String> {
        let mut names = vec![wanted.to_owned()];
        for resource in &self.recorded {
            let is_kept = resource.state != ResourceState::Retained && names::can_be(kind, &resource.name);
            if is_kept && resource.component == component && resource.kind == kind && !names.contains(&resource.name) {
                names.push(resource.name.clone());
            }
        }
        names
    }

    /// ARN of one of the monitor's roles.
    #[must_use]
    pub fn role_arn(&self, name: &str) -> String {
        role_arn(&self.account_region, name)
    }

    /// ARN of the log group, without the `:*` that some services add.
    #[must_use]
    pub fn log_group_arn(&self, name: &str) -> String {
        self.account_region.arn("logs", format!("log-group:{name}"))
    }

    /// ARN of the topic in use: the user's own, or ours.
    #[must_use]
    pub fn topic_arn(&self) -> String {
        self.spec.notifications.topic_arn.clone().unwrap_or_else(|| self.own_topic_arn())
    }

    /// ARN of the monitor's own topic.
    #[must_use]
    pub fn own_topic_arn(&self) -> String {
        self.account_region.arn("sns", self.names.topic())
    }

    /// The folder of all records within the bucket, whatever their layout: the prefix with its slash, or nothing.
    #[must_use]
    pub fn records_prefix(&self) -> String {
        if self.spec.s3.prefix.is_empty() { String::new() } else { format!("{}/", self.spec.s3.prefix) }
    }

    /// `AWSLogs`' parent within the bucket: the folder of the layout with its slash, or nothing.
    #[must_use]
    pub fn key_prefix(&self) -> String {
        let folder = layout::folder(&self.spec.s3).map(|folder| format!("{folder}/")).unwrap_or_default();
        format!("{}{folder}", self.records_prefix())
    }

    /// The folder below which AWS puts the files of flow logs of an account and region, with its slash. Files of other logs, accounts and
    /// regions are elsewhere.
    #[must_use]
    pub fn folder_of(&self, account: &str, region: &str) -> String {
        let folder = if self.spec.s3.hive_compatible_partitions {
            format!("aws-account-id={account}/aws-service=vpcflowlogs/aws-region={region}/")
        } else {
            format!("{account}/vpcflowlogs/{region}/")
        };
        format!("{}AWSLogs/{folder}", self.key_prefix())
    }
}

impl Owner for Monitor {
    const NOUN: &'static str = "monitor";

    fn owner(&self) -> &str {
        &self.owner
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }

    fn account_region(&self) -> &AccountRegion {
        &self.account_region
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn spec_tags(&self) -> &BTreeMap<String, TagValue> {
        &self.spec.tags
    }

    fn deletion_policy(&self) -> DeletionPolicy {
        self.spec.deletion_policy.unwrap_or(self.settings.default_deletion_policy)
    }

    fn adoption_policy(&self) -> AdoptionPolicy {
        self.spec.adoption_policy
    }
}

#[cfg(test)]
pub mod fixtures {
    //! A monitor for tests of the pure parts.

    use super::*;

    /// A default monitor `network/production` in account 123456789012, eu-west-1.
    #[must_use]
    pub fn monitor() -> Monitor {
        with_spec(VpcFlowMonitorSpec::new("vpc-0123456789abcdef0"))
    }

    /// The same, with another spec.
    ///
    /// # Panics
    /// Never: the package is made here.
    #[must_use]
    pub fn with_spec(spec: VpcFlowMonitorSpec) -> Monitor {
        Monitor::new(
            "network",
            "production",
            spec,
            None,
            AccountRegion { partition: "aws".into(), account: "123456789012".into(), region: "eu-west-1".into() },
            Settings {
                cluster_name: "cluster".into(),
                permissions_boundary_arn: None,
                default_deletion_policy: DeletionPolicy::default(),
                allowed_subscription_roles: AllowedArns::default(),
                allowed_adoptions: AllowedArns::default(),
                detector: Arc::new(DetectorPackage::from_bytes(detector_package::fixture()).unwrap()),
                source_overlap: SOURCE_OVERLAP,
            },
        )
    }
}

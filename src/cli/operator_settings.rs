use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use aws_config::SdkConfig;
use clap::Args;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, ResourceExt};
use vpc_flow_operator::api::spec::DeletionPolicy;
use vpc_flow_operator::aws::sdk_config;
use vpc_flow_operator::monitor::{AllowedArn, AllowedArns, Architecture, DetectorPackage, SOURCE_OVERLAP, Settings};

use super::values::{cluster_name, policy_arn, region};

const CLUSTER_NAME_FLAG: &str = "--cluster-name";

/// Settings of the operator's owner for all monitors. Every command that computes a monitor's declared state has them.
#[derive(Debug, Args)]
pub struct OperatorSettings {
    /// Name of this cluster, the first part of every ownership tag. Never change it: resources would count as somebody else's.
    /// [default: the UID of namespace kube-system]
    #[arg(long, env = "CLUSTER_NAME", value_parser = cluster_name)]
    pub cluster_name: Option<String>,

    /// AWS region of monitors that name none. [default: the AWS SDK's own choice, such as `AWS_REGION`]
    #[arg(long, env = "REGION", value_parser = region)]
    region: Option<String>,

    /// The detector's deployment package. [default: detector.zip beside this program]
    #[arg(long, env = "DETECTOR_PACKAGE")]
    detector_package: Option<PathBuf>,

    /// Processor that the detector runs on in Lambda: uses detector-arm64.zip or detector-x86_64.zip beside this program, as in the container
    /// image. arm64 costs a fifth less.
    #[arg(long, env = "DETECTOR_ARCHITECTURE", value_enum, conflicts_with = "detector_package")]
    detector_architecture: Option<Architecture>,

    /// Let monitors of a namespace work through a role in another account. `*` stands for any characters but `/` and `:`, `**` for any.
    /// Repeatable. [default: none]
    #[arg(long, env = "ALLOWED_ROLE", value_name = "NAMESPACE=ARN-PATTERN", value_delimiter = ',')]
    allowed_role: Vec<AllowedArn>,

    /// Let monitors of a namespace hand a role to SNS for a subscription to Data Firehose; patterns as above. Repeatable. [default: none]
    #[arg(long, env = "ALLOWED_SUBSCRIPTION_ROLE", value_name = "NAMESPACE=ARN-PATTERN", value_delimiter = ',')]
    allowed_subscription_role: Vec<AllowedArn>,

    /// Let monitors of a namespace name a bucket, log group or database that has no owner, and take it over if their adoptionPolicy is
    /// `IfUnowned`; patterns as above. Repeatable. [default: none]
    #[arg(long, env = "ALLOWED_ADOPTION", value_name = "NAMESPACE=ARN-PATTERN", value_delimiter = ',')]
    allowed_adoption: Vec<AllowedArn>,

    /// Permissions boundary for every IAM role the operator makes. In another account, the policy of the same path and name there.
    #[arg(long, env = "PERMISSIONS_BOUNDARY_ARN", value_parser = policy_arn)]
    permissions_boundary_arn: Option<String>,

    /// Deletion policy of monitors that name none.
    #[arg(long, env = "DEFAULT_DELETION_POLICY", value_enum, default_value_t = DeletionPolicy::RetainData)]
    default_deletion_policy: DeletionPolicy,
}

impl OperatorSettings {
    /// True if the flags name the detector's package.
    pub const fn names_detector(&self) -> bool {
        self.detector_package.is_some() || self.detector_architecture.is_some()
    }

    /// Reads the detector's package.
    pub fn detector(&self) -> anyhow::Result<DetectorPackage> {
        let path = if let Some(path) = &self.detector_package {
            path.clone()
        } else {
            let program =
                env::current_exe().context("the path of this program is not known; set --detector-package")?;
            let architecture = self.detector_architecture.map(|architecture| format!("-{}", architecture.as_str()));
            program.with_file_name(format!("detector{}.zip", architecture.unwrap_or_default()))
        };
        Ok(DetectorPackage::read(&path)?)
    }

    /// The configuration of the AWS SDK from its environment, with the region that was set.
    pub async fn sdk_config(&self) -> anyhow::Result<SdkConfig> {
        Ok(sdk_config(self.region.as_deref()).await?)
    }

    /// A note if the region was set and the monitor names another one.
    pub fn unused_region(&self, used: &str) -> Option<String> {
        let unused = self.region.as_deref().filter(|region| *region != used)?;
        Some(format!("the monitor is in {used}: --region {unused} is for monitors that name no region"))
    }

    /// The setting that gives the name of the cluster: the flag, or its variable.
    pub fn cluster_name_setting(name: &str) -> String {
        let of_flag =
            |argument: OsString| argument.to_str().and_then(|text| text.split('=').next()) == Some(CLUSTER_NAME_FLAG);
        if env::args_os().any(of_flag) { format!("{CLUSTER_NAME_FLAG} {name}") } else { format!("CLUSTER_NAME={name}") }
    }

    /// Roles in other accounts that monitors may work through.
    pub fn allowed_roles(&self) -> AllowedArns {
        AllowedArns(self.allowed_role.clone())
    }

    /// The settings in the library's form.
    pub fn settings(&self, cluster_name: String, detector: DetectorPackage) -> Settings {
        Settings {
            cluster_name,
            permissions_boundary_arn: self.permissions_boundary_arn.clone(),
            default_deletion_policy: self.default_deletion_policy,
            allowed_subscription_roles: AllowedArns(self.allowed_subscription_role.clone()),
            allowed_adoptions: AllowedArns(self.allowed_adoption.clone()),
            detector: Arc::new(detector),
            source_overlap: SOURCE_OVERLAP,
        }
    }
}

/// The default name of the cluster: the UID of namespace kube-system.
pub async fn cluster_uid(client: Client) -> anyhow::Result<String> {
    let namespaces: Api<Namespace> = Api::all(client);
    let namespace = namespaces
        .get("kube-system")
        .await
        .context("namespace kube-system, whose UID names this cluster, cannot be read; set --cluster-name")?;
    namespace.uid().context("namespace kube-system has no UID; set --cluster-name")
}

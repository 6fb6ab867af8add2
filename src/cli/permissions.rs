use std::fs;
use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;
use vpc_flow_operator::api::spec::DeletionPolicy;
use vpc_flow_operator::aws::operations::Caller;
use vpc_flow_operator::permissions::{Feature, Options, policies, trust};

use super::operator_settings::cluster_name;

/// Print the IAM policies that the operator needs, and who may take on its role
///
/// Needs no cluster and no AWS. Actions are exactly those that the code can call; what is not given here is left open, so give all you know.
/// A policy longer than IAM allows is split: without --output-dir, several are printed as a list.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Permissions {
    /// What to print.
    #[arg(long, value_enum, default_value_t = Print::Policy)]
    print: Print,

    /// Name of the operator's cluster, as the operator has it: keeps what other clusters' operators own out of reach.
    #[arg(long, env = "CLUSTER_NAME", value_parser = cluster_name)]
    cluster_name: Option<String>,

    /// Account of the monitors. [default: any]
    #[arg(long, value_parser = account)]
    account: Option<String>,

    /// Region of the monitors. [default: any]
    #[arg(long, env = "REGION")]
    region: Option<String>,

    /// Partition: aws, aws-cn or aws-us-gov.
    #[arg(long, default_value = "aws")]
    partition: String,

    /// What monitors may use, of what a spec can switch off. [default: all]
    #[arg(long, value_enum, value_delimiter = ',')]
    features: Option<Vec<Feature>>,

    /// The most that a monitor's deletion may do: only with Delete may the operator remove data.
    #[arg(long, value_enum, default_value_t = DeletionPolicy::Delete)]
    deletion_policy: DeletionPolicy,

    /// The permissions boundary that the operator is started with: roles without it cannot be made.
    #[arg(long, env = "PERMISSIONS_BOUNDARY_ARN")]
    permissions_boundary_arn: Option<String>,

    /// Role in another account that monitors work through; its own policy is printed with that account as --account. Repeatable.
    #[arg(long, value_name = "ROLE-ARN")]
    assume: Vec<String>,

    /// Role that monitors hand to SNS for a subscription to Data Firehose. Repeatable.
    #[arg(long, value_name = "ROLE-ARN")]
    subscription_role: Vec<String>,

    /// ARN pattern of buckets, log groups, databases or topics that monitors name themselves. Repeatable.
    #[arg(long, value_name = "ARN-PATTERN", value_parser = also)]
    also: Vec<String>,

    /// With --print irsa-trust: ARN of the cluster's OIDC provider.
    #[arg(long, value_name = "ARN", required_if_eq("print", "irsa-trust"))]
    oidc_provider: Option<String>,

    /// With --print irsa-trust: namespace of the operator.
    #[arg(long, default_value = "vpc-flow-system")]
    operator_namespace: String,

    /// With --print irsa-trust: name of the operator's `ServiceAccount`.
    #[arg(long, default_value = "vpc-flow-operator")]
    service_account: String,

    /// With --print other-account-trust: ARN of the operator's role.
    #[arg(long, value_name = "ROLE-ARN", required_if_eq("print", "other-account-trust"))]
    operator_role: Option<String>,

    /// With --print other-account-trust: the `externalId` of the monitors' `assumeRole`.
    #[arg(long)]
    external_id: Option<String>,

    /// Write policy-1.json, policy-2.json … into this folder instead.
    #[arg(long, value_name = "FOLDER")]
    output_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Print {
    /// The policies of the operator's role, or of its role in another account.
    Policy,
    /// The policies of whoever runs `plan`: what reads.
    PlanPolicy,
    /// The trust policy of a role for the operator's `ServiceAccount` (IRSA).
    IrsaTrust,
    /// The trust policy of a role for EKS Pod Identity.
    PodIdentityTrust,
    /// The trust policy of a role in another account.
    OtherAccountTrust,
}

fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.chars().all(|c| c.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("12 digits".to_owned())
    }
}

/// Kinds of things whose names a spec can choose.
const CHOSEN: [(&str, &str); 4] = [("s3", ":::"), ("logs", ":log-group:"), ("glue", ":database/"), ("sns", ":")];

fn also(text: &str) -> Result<String, String> {
    let is_known = |(service, part): &(&str, &str)| {
        text.starts_with("arn:") && text.split(':').nth(2) == Some(*service) && text.contains(part)
    };
    if CHOSEN.iter().any(is_known) {
        Ok(text.to_owned())
    } else {
        Err("the ARN pattern of a bucket, a log group, a Glue database or a topic".to_owned())
    }
}

impl Permissions {
    /// Prints or writes them.
    pub fn run(self) -> anyhow::Result<()> {
        let documents = self.documents()?;
        if let Some(folder) = &self.output_dir {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            for (number, document) in (1..).zip(&documents) {
                let path = folder.join(format!("policy-{number}.json"));
                fs::write(&path, serde_json::to_string_pretty(document)? + "\n")
                    .with_context(|| format!("cannot write {}", path.display()))?;
                eprintln!("{}", path.display());
            }
            return Ok(());
        }
        let text = match &documents[..] {
            [document] => serde_json::to_string_pretty(document)?,
            several => serde_json::to_string_pretty(several)?,
        };
        stdout().write_all((text + "\n").as_bytes())?;
        Ok(())
    }

    fn documents(&self) -> anyhow::Result<Vec<Value>> {
        Ok(match self.print {
            Print::Policy => policies(&self.options(Caller::Operator)),
            Print::PlanPolicy => policies(&self.options(Caller::Plan)),
            Print::PodIdentityTrust => vec![trust::pod_identity()],
            Print::IrsaTrust => {
                let Some(provider) = &self.oidc_provider else { bail!("--oidc-provider is missing") };
                vec![trust::irsa(provider, &self.operator_namespace, &self.service_account)?]
            }
            Print::OtherAccountTrust => {
                let Some(role) = &self.operator_role else { bail!("--operator-role is missing") };
                vec![trust::other_account(role, self.external_id.as_deref())]
            }
        })
    }

    fn options(&self, caller: Caller) -> Options {
        Options {
            caller,
            partition: self.partition.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
            cluster_name: self.cluster_name.clone(),
            features: self.features.clone().unwrap_or_else(|| Feature::value_variants().to_vec()),
            deletion_policy: self.deletion_policy,
            permissions_boundary_arn: self.permissions_boundary_arn.clone(),
            assumed_roles: self.assume.clone(),
            subscription_roles: self.subscription_role.clone(),
            also: self.also.clone(),
        }
    }
}

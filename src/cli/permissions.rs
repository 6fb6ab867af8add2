use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;
use vpc_flow_operator::api::spec::DeletionPolicy;
use vpc_flow_operator::aws::operations::Caller;
use vpc_flow_operator::permissions::{Feature, Options, policies, trust};

use super::print;
use super::values::{
    account, also, cluster_name, external_id, namespace, policy_arn, region, role_arn, role_pattern, service_account,
};

/// Print the IAM policies that the operator needs, and the trust policies of its roles
///
/// Needs no cluster and no AWS. Actions are exactly those that the code can call. Values that you do not give are not restricted, so give
/// all you know. A policy longer than IAM allows is split: without --output-dir, several are printed as a list.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Permissions {
    /// Document to print.
    #[arg(long, value_enum, default_value_t = Print::Policy)]
    print: Print,

    /// Name of the operator's cluster, as the operator has it: keeps what other clusters' operators own out of reach.
    #[arg(long, env = "CLUSTER_NAME", value_parser = cluster_name)]
    cluster_name: Option<String>,

    /// Account of the monitors. [default: any]
    #[arg(long, value_parser = account)]
    account: Option<String>,

    /// Region of monitors. Repeatable. [default: any]
    #[arg(long, env = "REGION", value_parser = region, value_delimiter = ',')]
    region: Vec<String>,

    /// The part of AWS that the account is in. [default: that of --region, then aws]
    #[arg(long, value_enum)]
    partition: Option<Partition>,

    /// Features that monitors may use. Only features that a spec can switch on or off are listed. [default: all but
    /// s3-source, anomaly-bands, quiet-times, overviews and overview-links]
    #[arg(long, value_enum, value_delimiter = ',')]
    features: Option<Vec<Feature>>,

    /// The most that a monitor's deletion may do: only with Delete may the operator remove data.
    #[arg(long, value_enum, default_value_t = DeletionPolicy::Delete)]
    deletion_policy: DeletionPolicy,

    /// The permissions boundary that the operator is started with: roles without it cannot be made.
    #[arg(long, env = "PERMISSIONS_BOUNDARY_ARN", value_parser = policy_arn)]
    permissions_boundary_arn: Option<String>,

    /// Role in another account that monitors work through; its own policy is printed with that account as --account. Repeatable.
    #[arg(long, value_name = "ROLE-ARN", value_parser = role_pattern)]
    assume: Vec<String>,

    /// Role that monitors hand to SNS for a subscription to Data Firehose. Repeatable.
    #[arg(long, value_name = "ROLE-ARN", value_parser = role_pattern)]
    subscription_role: Vec<String>,

    /// ARN pattern of buckets, log groups, databases or topics that monitors name themselves. Repeatable.
    #[arg(long, value_name = "ARN-PATTERN", value_parser = also)]
    also: Vec<String>,

    /// With --print irsa-trust: ARN of the cluster's OIDC provider.
    #[arg(long, value_name = "ARN", required_if_eq("print", "irsa-trust"))]
    oidc_provider: Option<String>,

    /// With --print irsa-trust and pod-identity-trust: namespace of the operator.
    #[arg(long, default_value = "vpc-flow-system", value_parser = namespace)]
    operator_namespace: String,

    /// With --print irsa-trust and pod-identity-trust: name of the operator's `ServiceAccount`.
    #[arg(long, default_value = "vpc-flow-operator", value_parser = service_account)]
    service_account: String,

    /// With --print other-account-trust: ARN of the operator's role.
    #[arg(long, value_name = "ROLE-ARN", value_parser = role_arn, required_if_eq("print", "other-account-trust"))]
    operator_role: Option<String>,

    /// With --print other-account-trust: the `externalId` of the monitors' `assumeRole`.
    #[arg(long, value_parser = external_id)]
    external_id: Option<String>,

    /// Write policy-1.json, policy-2.json … or trust.json into this folder instead, and remove further policies of an earlier run.
    #[arg(long, value_name = "FOLDER")]
    output_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Print {
    /// The policies of the operator's role, or of its role in another account.
    Policy,
    /// The policies of a person who runs `plan`: only reads.
    PlanPolicy,
    /// The trust policy of a role for the operator's `ServiceAccount` (IRSA).
    IrsaTrust,
    /// The trust policy of a role for EKS Pod Identity.
    PodIdentityTrust,
    /// The trust policy of a role in another account.
    OtherAccountTrust,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Partition {
    Aws,
    AwsCn,
    AwsUsGov,
}

impl Partition {
    /// `None` for regions that are closed to the public, or have a partition of their own.
    fn of_region(region: &str) -> Option<Self> {
        match region.split('-').collect::<Vec<_>>()[..] {
            ["cn", ..] => Some(Self::AwsCn),
            ["us", "gov", ..] => Some(Self::AwsUsGov),
            ["eusc", ..] | [_, "iso" | "isob" | "isoe" | "isof", ..] => None,
            _ => Some(Self::Aws),
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
        }
    }

    /// An error if one of the ARNs is in another partition.
    fn check<'a>(self, arns: impl IntoIterator<Item = &'a String>) -> anyhow::Result<()> {
        let begins = format!("arn:{}:", self.id());
        match arns.into_iter().find(|arn| !arn.starts_with(&begins)) {
            Some(arn) => bail!("{arn} is not in partition {}", self.id()),
            None => Ok(()),
        }
    }
}

impl Permissions {
    /// Prints or writes them.
    pub fn run(self) -> anyhow::Result<()> {
        let documents = self.documents()?;
        if let Some(folder) = &self.output_dir {
            return self.write(folder, &documents);
        }
        let text = match &documents[..] {
            [document] => serde_json::to_string_pretty(document)?,
            several => serde_json::to_string_pretty(several)?,
        };
        Ok(print(&(text + "\n"))?)
    }

    fn write(&self, folder: &Path, documents: &[Value]) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let policy = |number: usize| folder.join(format!("policy-{number}.json"));
        let is_policy = matches!(self.print, Print::Policy | Print::PlanPolicy);
        for (number, document) in (1..).zip(documents) {
            let path = if is_policy { policy(number) } else { folder.join("trust.json") };
            fs::write(&path, serde_json::to_string_pretty(document)? + "\n")
                .with_context(|| format!("cannot write {}", path.display()))?;
            eprintln!("{}", path.display());
        }
        // A user who attaches all files must not attach policies of an earlier run.
        let stale = (documents.len() + 1..).map(policy).take_while(|path| is_policy && path.exists());
        for path in stale {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }

    fn documents(&self) -> anyhow::Result<Vec<Value>> {
        Ok(match self.print {
            Print::Policy => policies(&self.options(Caller::Operator)?),
            Print::PlanPolicy => policies(&self.options(Caller::Plan)?),
            Print::PodIdentityTrust => {
                self.check_partition([])?;
                vec![trust::pod_identity(&self.operator_namespace, &self.service_account)]
            }
            Print::IrsaTrust => {
                let Some(provider) = &self.oidc_provider else { bail!("--oidc-provider is missing") };
                let document = trust::irsa(provider, &self.operator_namespace, &self.service_account)?;
                self.check_partition([provider])?;
                self.check_account(provider)?;
                vec![document]
            }
            Print::OtherAccountTrust => {
                let Some(role) = &self.operator_role else { bail!("--operator-role is missing") };
                self.check_partition([role])?;
                vec![trust::other_account(role, self.external_id.as_deref())]
            }
        })
    }

    /// The partition that `--partition` or `--region` names, if one does.
    fn named_partition(&self) -> anyhow::Result<Option<Partition>> {
        let of_region = self.region.first().map(|region| Partition::of_region(region).unwrap_or(Partition::Aws));
        let Some(partition) = self.partition.or(of_region) else { return Ok(None) };
        if let Some(region) = self.region.iter().find(|region| Partition::of_region(region) != Some(partition)) {
            bail!("--region {region} is not in partition {}", partition.id());
        }
        Ok(Some(partition))
    }

    /// An error if one of the ARNs is in another partition than the named one: no role trusts anything of another partition.
    fn check_partition<'a>(&self, arns: impl IntoIterator<Item = &'a String>) -> anyhow::Result<()> {
        self.named_partition()?.map_or(Ok(()), |partition| partition.check(arns))
    }

    /// An error if the OIDC provider is in another account than the named one.
    fn check_account(&self, provider: &str) -> anyhow::Result<()> {
        let account_of = provider.split(':').nth(4).unwrap_or_default();
        if let Some(account) = self.account.as_ref().filter(|account| *account != account_of) {
            bail!(
                "{provider} is not in account {account} of --account: a role trusts only the OIDC providers of its own account"
            );
        }
        Ok(())
    }

    fn options(&self, caller: Caller) -> anyhow::Result<Options> {
        let partition = self.named_partition()?.unwrap_or(Partition::Aws);
        let arns = [&self.also, &self.assume, &self.subscription_role].into_iter().flatten();
        partition.check(arns.chain(&self.permissions_boundary_arn))?;
        Ok(Options {
            caller,
            partition: partition.id().to_owned(),
            account: self.account.clone(),
            regions: self.region.clone(),
            cluster_name: self.cluster_name.clone(),
            features: self.features.clone().unwrap_or_else(|| Feature::DEFAULT.to_vec()),
            deletion_policy: self.deletion_policy,
            permissions_boundary_arn: self.permissions_boundary_arn.clone(),
            assumed_roles: self.assume.clone(),
            subscription_roles: self.subscription_role.clone(),
            also: self.also.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        permissions: Permissions,
    }

    const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/AB";
    const ROLE: &str = "arn:aws-us-gov:iam::123456789012:role/operator";

    fn refusal(arguments: &str) -> Option<String> {
        let cli = Cli::try_parse_from(["permissions"].into_iter().chain(arguments.split_whitespace())).unwrap();
        cli.permissions.documents().err().map(|error| error.to_string())
    }

    #[test]
    fn a_trust_policy_stays_in_its_partition_and_account() {
        let irsa = format!("--print irsa-trust --oidc-provider {PROVIDER}");
        let other_account = format!("--print other-account-trust --operator-role {ROLE}");
        for (arguments, expected) in [
            (
                format!("{irsa} --region cn-north-1"),
                "oidc.eks.eu-west-1.amazonaws.com/id/AB is not in partition aws-cn",
            ),
            (format!("{irsa} --region us-gov-west-1"), "is not in partition aws-us-gov"),
            (format!("{irsa} --partition aws-cn"), "is not in partition aws-cn"),
            (format!("{irsa} --region eu-west-1,cn-north-1"), "--region cn-north-1 is not in partition aws"),
            (format!("{irsa} --account 210987654321"), "is not in account 210987654321"),
            (format!("{other_account} --region eu-west-1"), "role/operator is not in partition aws"),
            (
                "--print pod-identity-trust --region cn-north-1 --partition aws".to_owned(),
                "--region cn-north-1 is not in",
            ),
        ] {
            let refusal = refusal(&arguments).unwrap_or_default();
            assert!(refusal.contains(expected), "{arguments}: {refusal}");
        }
        for arguments in [
            irsa.clone(),
            format!("{irsa} --region us-east-1 --account 123456789012"),
            format!("{other_account} --account 210987654321"),
            format!("{other_account} --region us-gov-east-1"),
            "--print pod-identity-trust --region cn-north-1".to_owned(),
            irsa.replace("arn:aws:", "arn:aws-cn:"),
        ] {
            assert_eq!(refusal(&arguments), None, "{arguments}");
        }
    }
}

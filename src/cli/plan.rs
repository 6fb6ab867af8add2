use std::fs;
use std::io::stdout;
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context as _, anyhow, bail};
use clap::{ArgGroup, Args};
use kube::ResourceExt;
use vpc_flow_operator::api::{VpcFlowMonitor, notes};
use vpc_flow_operator::aws::{AwsGate, ClientPool};
use vpc_flow_operator::credentials;
use vpc_flow_operator::kubernetes::ConfigError;
use vpc_flow_operator::monitor::{DetectorPackage, Monitor};
use vpc_flow_operator::plan::cost::{Prices, estimate};
use vpc_flow_operator::plan::{self, ClusterNameSource, Palette, Plan as Planned, check_change, render_all};
use vpc_flow_operator::preconditions::{check_account_region, check_role};

use super::dry_run::{ApiServer, DryRunResult, NotAsked};
use super::operator_settings::{OperatorSettings, cluster_uid};
use super::output::Output;
use super::print_error;
use super::targets::{Files, Selection, Targets, typed};
use super::values::gigabytes;

/// The exit code for changes with `--detailed-exitcode`, as of terraform.
const CHANGES: u8 = 2;

/// Show the changes that the operator would make in AWS, and make none
///
/// Plans monitors from files, or those that are in the cluster of your kubeconfig. Uses your own AWS credentials, and only reads. The
/// settings of the operator count as well: give the same ones here.
///
/// Checks a file by every rule of the CRD and, if your kubeconfig leads to a cluster, by a dry run on its API server. If the cluster has the
/// monitor of a file, the plan is for the change of that monitor, with its region and its resources under former names.
///
/// Exit codes: 0 planned; 1 a monitor could not be planned, or has problems; 2 wrong arguments. With --detailed-exitcode, 2 also means changes,
/// as for terraform; after wrong arguments standard output is empty.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(
    verbatim_doc_comment,
    group = ArgGroup::new("in_cluster").multiple(true).args(["names", "all_namespaces", "selector"])
        .conflicts_with_all(["file", "recursive"]),
    group = ArgGroup::new("monitors").required(true).multiple(true).args(["names", "all_namespaces", "selector", "file"])
)]
pub struct Plan {
    #[command(flatten)]
    targets: Targets,

    #[command(flatten)]
    files: Files,

    /// With --file: fail if the monitors cannot be read from the cluster, instead of a note.
    #[arg(long, requires = "file")]
    live: bool,

    /// With --file: ask no API server whether it has the monitors and would accept them. Needs --cluster-name.
    #[arg(long, requires_all = ["file", "cluster_name"], conflicts_with = "live")]
    offline: bool,

    /// Exit with 2 if there are changes.
    #[arg(long)]
    detailed_exitcode: bool,

    /// Plan the deletion. So is a monitor in the cluster that is being deleted.
    #[arg(long)]
    destroy: bool,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,

    /// Estimate the cost a month from this many gigabytes of flow-log records a day, all traffic, as text.
    #[arg(long, value_name = "GB", allow_negative_numbers = true, value_parser = gigabytes, conflicts_with = "destroy")]
    gb_per_day: Option<f64>,

    /// Prices for the estimate, in the form of the built-in ones. [default: us-east-1]
    #[arg(long, value_name = "FILE", requires = "gb_per_day")]
    prices: Option<PathBuf>,

    #[command(flatten)]
    settings: OperatorSettings,
}

impl Plan {
    /// Prints the plans.
    #[tokio::main]
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let prices = self.prices()?;
        let selection = self.objects().await?;
        selection.errors.iter().for_each(print_error);
        if selection.monitors.is_empty() {
            self.output.print(&selection.monitors, String::new)?;
            return Ok(ExitCode::FAILURE);
        }
        let asks = !self.files.is_empty() && !self.offline;
        let server = if asks { Some(ApiServer::connect(&self.targets.cluster).await?) } else { None };
        let detector = self.detector()?;
        let pool = ClientPool::new(&self.settings.sdk_config().await?, AwsGate::of_plan());
        let (mut plans, mut not_planned) = (Vec::new(), selection.errors.len());
        for object in &selection.monitors {
            match Box::pin(self.plan(object.clone(), server.as_ref(), &pool, &detector, prices.as_ref())).await {
                Ok(plan) => plans.push(plan),
                Err(error) => {
                    let name = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
                    print_error(&error.context(name));
                    not_planned += 1;
                }
            }
        }
        plan::find_rivals(&mut plans);
        plan::find_shared_vpcs(&mut plans);
        self.output.print(&plans, || render_all(&plans, not_planned, &palette()))?;
        Ok(if not_planned == 0 { self.exit_code(&plans) } else { ExitCode::FAILURE })
    }

    /// The package, or none if no flag names it and it is not beside this program: a person who plans may have the program alone.
    fn detector(&self) -> anyhow::Result<DetectorPackage> {
        match self.settings.detector() {
            Err(_) if !self.settings.names_detector() => Ok(DetectorPackage::none()),
            package => package,
        }
    }

    async fn plan(
        &self,
        mut object: VpcFlowMonitor,
        server: Option<&ApiServer>,
        pool: &ClientPool,
        detector: &DetectorPackage,
        prices: Option<&(f64, Prices)>,
    ) -> anyhow::Result<Planned> {
        let Asked { knows_status, changes_spec, mut notes } = match server {
            Some(server) => self.ask(server, &mut object).await?,
            None => Asked { knows_status: self.files.is_empty(), changes_spec: false, notes: Vec::new() },
        };
        let status = object.status.as_ref();
        let not_ready = if changes_spec { notes::not_ready_before } else { notes::not_ready };
        let not_ready = status.and_then(|status| not_ready(&status.conditions));
        let region = status.and_then(|status| status.region.as_deref()).or(object.spec.region.as_deref());
        let account = status.and_then(|status| status.account_id.as_deref());
        let namespace = object.namespace().unwrap_or_default();
        if let Some(role) = &object.spec.assume_role {
            check_role(&self.settings.allowed_roles(), &namespace, &role.role_arn)
                .map_err(|refused| anyhow!("{refused}; give plan the same flag"))?;
        }
        let aws = credentials::connect(pool, region, account, object.spec.assume_role.as_ref()).await?;
        check_account_region(status, &aws.account_region)?;
        notes.extend(self.settings.unused_region(&aws.account_region.region));
        let (cluster_name, source) = self.cluster_name(&object).await?;
        let settings = self.settings.settings(cluster_name, detector.clone());
        let spec = object.spec.clone();
        let monitor = Monitor::new(&namespace, &object.name_any(), spec, status, aws.account_region.clone(), settings);
        let destroy = self.destroy || object.metadata.deletion_timestamp.is_some();
        let mut plan = if knows_status {
            Box::pin(plan::plan(&aws, &monitor, destroy)).await
        } else {
            Box::pin(plan::plan_without_status(&aws, monitor.clone(), destroy)).await
        };
        plan.cluster_name_source = Some(source);
        // A reason that is among the problems of the plan is not repeated.
        notes.extend(not_ready.filter(|note| !plan.problems.iter().any(|problem| note.contains(&problem.message))));
        plan.notes.extend(notes);
        plan.cost = prices.map(|(gb_per_day, prices)| estimate(&monitor, *gb_per_day, prices));
        Ok(plan)
    }

    /// The flag, or the name under which the operator has worked on the monitor already, or the cluster's own.
    async fn cluster_name(&self, object: &VpcFlowMonitor) -> anyhow::Result<(String, ClusterNameSource)> {
        let owner = object.status.as_ref().and_then(|status| status.owner.as_deref());
        let suffix = format!("/{}/{}", object.namespace().unwrap_or_default(), object.name_any());
        let of_status = owner.and_then(|owner| owner.strip_suffix(&suffix));
        match (&self.settings.cluster_name, of_status) {
            (Some(given), Some(known)) if given != known => {
                let setting = OperatorSettings::cluster_name_setting(given);
                bail!(
                    "the operator works on this monitor as that of cluster {known} (status.owner), but this command was given {setting}: \
                     leave it away, and plan takes the name from the status"
                )
            }
            (Some(name), _) => return Ok((name.clone(), ClusterNameSource::Flag)),
            (None, Some(name)) => return Ok((name.to_owned(), ClusterNameSource::Status)),
            (None, None) => {}
        }
        let client = self
            .targets
            .cluster
            .client()
            .await
            .context("the cluster's name is not known: give --cluster-name here, as the operator has it")?;
        Ok((cluster_uid(client).await?, ClusterNameSource::KubeSystem))
    }

    /// Takes the status of the cluster's monitor for that of a file, and submits the file in a dry run.
    async fn ask(&self, server: &ApiServer, object: &mut VpcFlowMonitor) -> anyhow::Result<Asked> {
        let stored = match server.stored(object).await {
            Ok(stored) => stored.map(typed).transpose()?,
            Err(why) if self.live => bail!("the monitor cannot be read from the cluster: {why}"),
            Err(why) => {
                return Ok(Asked { knows_status: false, changes_spec: false, notes: vec![not_checked(&why)] });
            }
        };
        let changes_spec = stored.as_ref().is_some_and(|stored| stored.spec != object.spec);
        let known = |notes| Asked { knows_status: true, changes_spec, notes };
        object.status = stored.as_ref().and_then(|stored| stored.status.clone());
        if self.destroy {
            return Ok(known(Vec::new()));
        }
        match server.submit(object, stored.as_ref()).await {
            DryRunResult::Accepted => Ok(known(Vec::new())),
            DryRunResult::Refused(why) => bail!("the API server refuses it: {why}"),
            DryRunResult::NotAsked(why) => {
                if let Some(stored) = &stored {
                    check_change(stored, object)?;
                }
                Ok(known(vec![not_checked(&why)]))
            }
        }
    }

    async fn objects(&self) -> anyhow::Result<Selection<VpcFlowMonitor>> {
        if self.files.is_empty() {
            return Ok(self.targets.read().await?.typed());
        }
        let default = match self.targets.cluster.config().await {
            Ok(config) => config.default_namespace,
            Err(ConfigError::Unknown { .. }) => "default".to_owned(),
            Err(error) => return Err(error.into()),
        };
        Ok(self.files.read(self.targets.namespace.as_deref(), &default))
    }

    fn exit_code(&self, plans: &[Planned]) -> ExitCode {
        if plans.iter().any(|plan| !plan.problems.is_empty()) {
            ExitCode::FAILURE
        } else if self.detailed_exitcode && plans.iter().any(Planned::has_work) {
            ExitCode::from(CHANGES)
        } else {
            ExitCode::SUCCESS
        }
    }

    fn prices(&self) -> anyhow::Result<Option<(f64, Prices)>> {
        let Some(gb_per_day) = self.gb_per_day else { return Ok(None) };
        let prices = match &self.prices {
            None => Prices::built_in().context("the built-in prices")?,
            Some(path) => {
                let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
                Prices::parse(&text).with_context(|| format!("--prices {}", path.display()))?
            }
        };
        Ok(Some((gb_per_day, prices)))
    }
}

/// The cluster's knowledge of a monitor.
struct Asked {
    /// True if the monitor has its status, or none because the cluster does not have it.
    knows_status: bool,
    /// True if the file has another spec than the cluster's monitor.
    changes_spec: bool,
    /// Notes on what is not known.
    notes: Vec<String>,
}

fn not_checked(why: &NotAsked) -> String {
    format!("no API server has checked the monitor: {why} (--offline omits this check)")
}

/// Colours on a terminal, unless `NO_COLOR` or `CLICOLOR` decides otherwise.
fn palette() -> Palette {
    match AutoStream::choice(&stdout()) {
        ColorChoice::Never => Palette::plain(),
        ColorChoice::Auto | ColorChoice::Always | ColorChoice::AlwaysAnsi => Palette::coloured(),
    }
}

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context as _, anyhow, bail, ensure};
use clap::{ArgGroup, Args, ValueEnum};
use kube::{Api, ResourceExt};
use vpc_flow_operator::api::{VpcFlowMonitor, conditions};
use vpc_flow_operator::aws::{AwsGate, ClientPool};
use vpc_flow_operator::credentials;
use vpc_flow_operator::kubernetes::{self, ConfigError};
use vpc_flow_operator::monitor::{DetectorPackage, Monitor};
use vpc_flow_operator::plan::cost::{Prices, estimate};
use vpc_flow_operator::plan::{self, ClusterNameSource, Palette, Plan as Planned, check_change, render};
use vpc_flow_operator::preconditions::{check_account_region, check_role};

use super::dry_run::{ApiServer, Verdict};
use super::operator_settings::{OperatorSettings, cluster_uid};
use super::values::{gigabytes, namespace};
use super::{live, print, print_error};

/// The exit code for changes with `--detailed-exitcode`, as of terraform.
const CHANGES: u8 = 2;

/// Show the changes that the operator would make in AWS, and make none
///
/// Plans a monitor from a file, or one that is in the cluster of your kubeconfig. Uses your own AWS credentials, and only reads. The
/// settings of the operator count as well: give the same ones here.
///
/// Checks a file by every rule of the CRD and, if your kubeconfig leads to a cluster, by a dry run on its API server.
///
/// Exit codes: 0 planned; 1 a monitor could not be planned, or has problems; 2 wrong arguments. With --detailed-exitcode, 2 also means changes,
/// as for terraform; after wrong arguments standard output is empty.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(verbatim_doc_comment, group = ArgGroup::new("what").required(true).args(["name", "file"]))]
pub struct Plan {
    /// Name of a `VpcFlowMonitor` in the cluster.
    name: Option<String>,

    /// File with monitors; `-` for standard input.
    #[arg(short, long)]
    file: Option<PathBuf>,

    /// Namespace of the monitor, if not in the file. [default: that of the kubeconfig's context, then `default`]
    #[arg(short, long, value_parser = namespace)]
    namespace: Option<String>,

    /// With --file: include resources that the monitors of these names in the cluster have made under other names.
    #[arg(long, requires = "file")]
    live: bool,

    /// With --file: ask no API server whether it would accept the monitors. Needs --cluster-name.
    #[arg(long, requires = "file", conflicts_with = "live")]
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

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// A list of plans, for programs.
    Json,
}

impl Plan {
    /// Prints the plans.
    #[tokio::main]
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let prices = self.prices()?;
        let objects = self.objects().await?;
        let asks = self.file.is_some() && !self.offline && !self.destroy;
        let server = if asks { Some(ApiServer::connect().await) } else { None };
        let detector = self.detector()?;
        let pool = ClientPool::new(&self.settings.sdk_config().await?, AwsGate::of_plan());
        let (mut plans, mut all_planned) = (Vec::new(), true);
        for object in &objects {
            match self.plan(object, server.as_ref(), &pool, &detector, prices.as_ref()).await {
                Ok(plan) => plans.push(plan),
                Err(error) => {
                    let name = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
                    print_error(&error.context(name));
                    all_planned = false;
                }
            }
        }
        plan::find_rivals(&mut plans);
        let text = match self.output {
            Output::Text => {
                let palette = palette();
                plans.iter().map(|plan| render(plan, &palette)).collect::<Vec<_>>().join("\n")
            }
            Output::Json => serde_json::to_string_pretty(&plans)? + "\n",
        };
        print(&text)?;
        Ok(if all_planned { self.exit_code(&plans) } else { ExitCode::FAILURE })
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
        object: &VpcFlowMonitor,
        server: Option<&ApiServer>,
        pool: &ClientPool,
        detector: &DetectorPackage,
        prices: Option<&(f64, Prices)>,
    ) -> anyhow::Result<Planned> {
        let mut notes = Vec::new();
        match dry_run(server, object).await {
            Verdict::Accepted => {}
            Verdict::Refused(why) => bail!("the API server refuses it: {why}"),
            Verdict::NotAsked(why) => {
                notes.push(format!("no API server has checked the monitor: {why} (--offline omits this check)"));
            }
        }
        let status = object.status.as_ref();
        let not_ready = status.and_then(|status| conditions::not_ready(&status.conditions));
        notes.extend(not_ready.map(|why| format!("the monitor is not Ready: {why}")));
        let region = status.and_then(|status| status.region.as_deref()).or(object.spec.region.as_deref());
        let account = status.and_then(|status| status.account_id.as_deref());
        let namespace = object.namespace().unwrap_or_default();
        if let Some(role) = &object.spec.assume_role {
            check_role(&self.settings.allowed_roles(), &namespace, &role.role_arn)
                .map_err(|refused| anyhow!("{refused}; give plan the same flag"))?;
        }
        let aws = credentials::connect(pool, region, account, object.spec.assume_role.as_ref()).await?;
        check_account_region(status, &aws.account_region)?;
        let (cluster_name, source) = self.cluster_name(object).await?;
        let settings = self.settings.settings(cluster_name, detector.clone());
        let spec = object.spec.clone();
        let monitor = Monitor::new(&namespace, &object.name_any(), spec, status, aws.account_region.clone(), settings);
        let destroy = self.destroy || object.metadata.deletion_timestamp.is_some();
        let mut plan = Box::pin(plan::plan(&aws, &monitor, destroy)).await;
        plan.cluster_name_source = Some(source);
        plan.notes.extend(notes);
        plan.cost = prices.map(|(gb_per_day, prices)| estimate(&monitor, *gb_per_day, prices));
        Ok(plan)
    }

    /// The flag, or the name under which the operator has worked on the monitor already, or the cluster's own.
    async fn cluster_name(&self, object: &VpcFlowMonitor) -> anyhow::Result<(String, ClusterNameSource)> {
        if let Some(name) = &self.settings.cluster_name {
            return Ok((name.clone(), ClusterNameSource::Flag));
        }
        let owner = object.status.as_ref().and_then(|status| status.owner.as_deref());
        let suffix = format!("/{}/{}", object.namespace().unwrap_or_default(), object.name_any());
        if let Some(name) = owner.and_then(|owner| owner.strip_suffix(&suffix)) {
            return Ok((name.to_owned(), ClusterNameSource::Status));
        }
        ensure!(!self.offline, "the cluster's name is not known: give --cluster-name here, as the operator has it");
        let client = live::client()
            .await
            .context("the cluster's name is not known: give --cluster-name here, as the operator has it")?;
        Ok((cluster_uid(client).await?, ClusterNameSource::KubeSystem))
    }

    async fn objects(&self) -> anyhow::Result<Vec<VpcFlowMonitor>> {
        match (&self.name, &self.file) {
            (Some(name), _) => Ok(vec![live::read(name, self.namespace.as_deref()).await?]),
            (None, Some(file)) => self.of_file(file).await,
            // The group of arguments is required.
            (None, None) => bail!("name a monitor, or a file"),
        }
    }

    async fn of_file(&self, file: &PathBuf) -> anyhow::Result<Vec<VpcFlowMonitor>> {
        let shown = file.display();
        let bytes = if file.as_os_str() == "-" { read_all(stdin()) } else { fs::read(file) };
        let text = plan::decode(&bytes.with_context(|| format!("cannot read {shown}"))?);
        let mut objects = plan::read(&text).with_context(|| shown.to_string())?;
        let default = match kubernetes::config().await {
            Ok(config) => config.default_namespace,
            Err(ConfigError::Unknown { .. }) => "default".to_owned(),
            Err(error) => return Err(error.into()),
        };
        let mut seen = BTreeSet::new();
        for object in &mut objects {
            let (own, name) = (object.metadata.namespace.clone(), object.name_any());
            if let (Some(own), Some(asked)) = (&own, &self.namespace)
                && own != asked
            {
                bail!("{shown}: {name} is in namespace {own}, not in {asked} of --namespace");
            }
            let namespace = own.or_else(|| self.namespace.clone()).unwrap_or_else(|| default.clone());
            ensure!(seen.insert((namespace.clone(), name.clone())), "{shown}: {namespace}/{name} is in it twice");
            if self.live {
                let client = live::client().await?;
                let monitors: Api<VpcFlowMonitor> = Api::namespaced(client, &namespace);
                let live = live::get(&monitors, &namespace, &object.name_any()).await?;
                if let Some(live) = &live {
                    check_change(live, object).with_context(|| format!("{shown}: {namespace}/{name}"))?;
                }
                object.status = live.and_then(|live| live.status);
            }
            object.metadata.namespace = Some(namespace);
        }
        Ok(objects)
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

fn read_all(mut input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    Ok(bytes)
}

async fn dry_run(server: Option<&ApiServer>, object: &VpcFlowMonitor) -> Verdict {
    match server {
        Some(server) => server.submit(object).await,
        None => Verdict::Accepted,
    }
}

/// Colours on a terminal, unless `NO_COLOR` or `CLICOLOR` decides otherwise.
fn palette() -> Palette {
    match AutoStream::choice(&stdout()) {
        ColorChoice::Never => Palette::plain(),
        ColorChoice::Auto | ColorChoice::Always | ColorChoice::AlwaysAnsi => Palette::coloured(),
    }
}

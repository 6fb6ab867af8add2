//! The command `plan`.

mod fleets;
mod known;
mod overviews;
mod planner;

use std::fs;
use std::io::stdout;
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use anyhow::Context as _;
use clap::{ArgGroup, Args};
use kube::ResourceExt;
use serde::Serialize;
use vpc_flow_operator::kubernetes::ConfigError;
use vpc_flow_operator::plan::cost::Prices;
use vpc_flow_operator::plan::{self, FleetPlan, OverviewPlan, Palette, Plan as Planned, render_all};

use self::planner::Planner;
use super::operator_settings::OperatorSettings;
use super::output::Output;
use super::print_error;
use super::targets::{Declared, Files, Targets};
use super::values::gigabytes;

/// The exit code for changes with `--detailed-exitcode`, as of terraform.
const CHANGES: u8 = 2;

/// Show the changes that the operator would make in AWS, and make none
///
/// Plans monitors, fleets and overviews from files, or such that are in the cluster of your kubeconfig: all kinds by name, and monitors by label.
/// Uses your own AWS credentials, and only reads. The settings of the operator count as well: give the same ones here.
///
/// Checks a file by every rule of the CRDs and, if your kubeconfig leads to a cluster, by a dry run on its API server. If the cluster has the
/// monitor of a file, the plan is for the change of that monitor, with its region and its resources under former names.
///
/// Of a fleet, plans the monitors of all VPCs that it finds, and shows the wave in which each of them changes. Of an overview, plans its resources
/// in all accounts and regions of the monitors that it selects.
///
/// Exit codes: 0 planned; 1 an object could not be planned, or has problems; 2 wrong arguments. With --detailed-exitcode, 2 also means changes,
/// as for terraform; after wrong arguments standard output is empty.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(
    verbatim_doc_comment,
    mut_arg("names", |names| names.help(
        "Objects in the cluster, as NAME, TYPE/NAME or TYPE NAME, with vfm for monitors, vff for fleets and vfo for overviews. NAME alone is \
         the monitor of that name or, if there is none, the fleet, else the overview"
    )),
    group = ArgGroup::new("in_cluster").multiple(true).args(["names", "all_namespaces", "selector"])
        .conflicts_with_all(["file", "recursive"]),
    group = ArgGroup::new("monitors").required(true).multiple(true).args(["names", "all_namespaces", "selector", "file"])
)]
pub struct Plan {
    #[command(flatten)]
    targets: Targets,

    #[command(flatten)]
    files: Files,

    /// With --file: fail if the objects cannot be read from the cluster, instead of a note.
    #[arg(long, requires = "file")]
    live: bool,

    /// With --file: ask no API server whether it has the objects and would accept them. Needs --cluster-name.
    #[arg(long, requires_all = ["file", "cluster_name"], conflicts_with = "live")]
    offline: bool,

    /// Exit with 2 if there are changes.
    #[arg(long)]
    detailed_exitcode: bool,

    /// Plan the deletion. So is an object in the cluster that is being deleted.
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

/// The plans for programs. Without fleets and overviews these are those of the monitors alone.
#[derive(Serialize)]
#[serde(untagged)]
enum Document<'a> {
    Monitors(&'a [Planned]),
    AllKinds {
        fleets: &'a [FleetPlan],
        monitors: &'a [Planned],
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        overviews: &'a [OverviewPlan],
    },
}

/// The plans that could be made, and the number of the others.
#[derive(Default)]
struct Plans {
    fleets: Vec<FleetPlan>,
    monitors: Vec<Planned>,
    overviews: Vec<OverviewPlan>,
    not_planned: usize,
}

impl Plans {
    /// The result, if it is one. Otherwise its error is printed.
    fn counted<T>(&mut self, result: anyhow::Result<T>) -> Option<T> {
        result
            .inspect_err(|error| {
                print_error(error);
                self.not_planned += 1;
            })
            .ok()
    }

    fn add(&mut self, results: Vec<anyhow::Result<Planned>>) {
        for result in results {
            let planned = self.counted(result);
            self.monitors.extend(planned);
        }
    }
}

impl Plan {
    /// Prints the plans.
    #[tokio::main]
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let prices = self.prices()?;
        let declared = self.objects().await?;
        declared.errors.iter().for_each(print_error);
        if declared.is_empty() {
            self.output.print(&declared.monitors, String::new)?;
            return Ok(ExitCode::FAILURE);
        }
        let Declared { monitors, fleets, overviews, errors } = declared;
        let planner = Planner::new(&self, prices).await?;
        let mut plans = Plans { not_planned: errors.len(), ..Plans::default() };
        let mut others = fleets::others(&monitors);
        plans.add(planner.monitors(monitors.clone()).await);
        for fleet in &fleets {
            let result = Box::pin(planner.fleet(fleet, &mut others)).await;
            if let Some((fleet, monitors)) = plans.counted(result) {
                plans.fleets.push(fleet);
                plans.add(monitors);
            }
        }
        for overview in overviews {
            let name = format!("{}/{}", overview.namespace().unwrap_or_default(), overview.name_any());
            let result = Box::pin(planner.overview(overview, &monitors, &plans.monitors)).await.context(name);
            let plan = plans.counted(result);
            plans.overviews.extend(plan);
        }
        plan::find_rivals(&mut plans.monitors);
        plan::find_shared_vpcs(&mut plans.monitors);
        plans.fleets.iter_mut().for_each(|fleet| fleet.add_up_cost(&plans.monitors));
        let Plans { fleets: of_fleets, monitors: of_monitors, overviews: of_overviews, not_planned } = &plans;
        let document = if fleets.is_empty() && of_overviews.is_empty() {
            Document::Monitors(of_monitors)
        } else {
            Document::AllKinds { fleets: of_fleets, monitors: of_monitors, overviews: of_overviews }
        };
        let text = || render_all(of_fleets, of_monitors, of_overviews, *not_planned, &palette());
        self.output.print(&document, text)?;
        Ok(self.exit_code(&plans))
    }

    async fn objects(&self) -> anyhow::Result<Declared> {
        if self.files.is_empty() {
            return self.targets.declared().await;
        }
        let default = match self.targets.cluster.config().await {
            Ok(config) => config.default_namespace,
            Err(ConfigError::Unknown { .. }) => "default".to_owned(),
            Err(error) => return Err(error.into()),
        };
        Ok(self.files.read(self.targets.namespace.as_deref(), &default))
    }

    fn exit_code(&self, plans: &Plans) -> ExitCode {
        let has_problems = plans.not_planned > 0
            || plans.monitors.iter().any(|plan| !plan.problems.is_empty())
            || plans.fleets.iter().any(FleetPlan::has_problems)
            || plans.overviews.iter().any(|plan| !plan.problems.is_empty());
        let has_work =
            plans.monitors.iter().any(Planned::has_work) || plans.overviews.iter().any(OverviewPlan::has_work);
        if has_problems {
            ExitCode::FAILURE
        } else if self.detailed_exitcode && has_work {
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

/// Colours on a terminal, unless `NO_COLOR` or `CLICOLOR` decides otherwise.
fn palette() -> Palette {
    match AutoStream::choice(&stdout()) {
        ColorChoice::Never => Palette::plain(),
        ColorChoice::Auto | ColorChoice::Always | ColorChoice::AlwaysAnsi => Palette::coloured(),
    }
}

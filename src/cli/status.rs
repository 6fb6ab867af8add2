use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client, ResourceExt};
use serde::Serialize;
use vpc_flow_operator::kubernetes;
use vpc_flow_operator::status::{
    FleetSummary, MonitorSummary, OverviewSummary, SummaryError, render, render_fleet, render_overview,
};

use super::output::Output;
use super::print_error;
use super::targets::{Group, Shown, Targets};

/// Show the state of monitors, fleets and overviews, and first what is not as declared
///
/// Reads the cluster only, and needs no AWS credentials. Without NAME, all overviews and fleets of the namespace are shown, each with a line per
/// monitor, and then the monitors that are of no fleet. Of more than 20 monitors of a fleet or an overview, those that are Ready are summed up;
/// vff/NAME and vfo/NAME show all of them.
///
/// Exit codes: 0 all objects were shown, whatever their state; 1 an object or the cluster could not be read.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    mut_arg("names", |names| names.help(
        "Objects in the cluster, as NAME, TYPE/NAME or TYPE NAME, with vfm for monitors, vff for fleets and vfo for overviews. NAME alone is \
         the monitor of that name or, if there is none, the fleet, else the overview"
    )),
    mut_arg("namespace", |namespace| namespace.help(
        "Namespace of the objects. [default: that of the kubeconfig's context, then `default`]"
    )),
    mut_arg("all_namespaces", |all| all.help("Objects of all namespaces")),
    mut_arg("selector", |selector| selector.help(
        "Objects with these labels, such as `team=network`. A fleet or an overview is shown with all its monitors"
    ))
)]
pub struct Status {
    #[command(flatten)]
    targets: Targets,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// The summary of one object.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Summary {
    Monitor(Box<MonitorSummary>),
    Fleet(Box<FleetSummary>),
    Overview(Box<OverviewSummary>),
}

impl Status {
    /// Prints the summaries.
    #[tokio::main]
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let client = self.targets.cluster.client().await?;
        let (shown, mut errors) = self.targets.read_all_kinds().await?;
        let now = Timestamp::now();
        let (mut summaries, mut texts) = (Vec::new(), Vec::new());
        for object in &shown {
            match summary(&client, object, now).await {
                Ok((summary, text)) => {
                    summaries.push(summary);
                    texts.push(text);
                }
                Err(error) => errors.push(error.into()),
            }
        }
        self.output.print(&summaries, || texts.join("\n\n"))?;
        errors.iter().for_each(print_error);
        Ok(if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The summary of an object, for programs and for people.
async fn summary(client: &Client, object: &Shown, now: Timestamp) -> Result<(Summary, String), SummaryError> {
    match object {
        Shown::Monitor(monitor) => {
            let summary = MonitorSummary::new(monitor, &events(client, monitor).await)?;
            let text = render(&summary, now);
            Ok((Summary::Monitor(Box::new(summary)), text))
        }
        Shown::Fleet(Group { object, monitors, listing }) => {
            let summary = FleetSummary::new(object, monitors)?;
            let text = render_fleet(&summary, *listing, now);
            Ok((Summary::Fleet(Box::new(summary)), text))
        }
        Shown::Overview(Group { object, monitors, listing }) => {
            let summary = OverviewSummary::new(object, monitors)?;
            let text = render_overview(&summary, *listing, now);
            Ok((Summary::Overview(Box::new(summary)), text))
        }
    }
}

/// The events of the monitor. The rest is shown even to a user who may not read events.
async fn events(client: &Client, object: &DynamicObject) -> Vec<Event> {
    let events: Api<Event> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    let uid = object.uid().unwrap_or_default();
    match events.list(&ListParams::default().fields(&format!("involvedObject.uid={uid}"))).await {
        Ok(found) => found.items,
        Err(error) => {
            eprintln!("note: the events of {} cannot be read: {}", object.name_any(), kubernetes::message(&error));
            Vec::new()
        }
    }
}

use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client, ResourceExt};
use serde::Serialize;
use vpc_flow_operator::kubernetes;
use vpc_flow_operator::status::{FleetSummary, MonitorSummary, SummaryError, render, render_fleet};

use super::output::Output;
use super::print_error;
use super::targets::{Shown, Targets};

/// Show the state of monitors and fleets, and first what is not as declared
///
/// Reads the cluster only, and needs no AWS credentials. Without NAME, all fleets of the namespace are shown, each with a line per monitor, and
/// then the monitors that are of no fleet. In a fleet of more than 20 monitors, those that are Ready are summed up; vff/NAME shows all of them.
///
/// Exit codes: 0 all objects were shown, whatever their state; 1 an object or the cluster could not be read.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    mut_arg("names", |names| names.help(
        "Monitors and fleets in the cluster, as NAME, vfm/NAME, vff/NAME, vfm NAME or vff NAME. NAME alone is the monitor of that name or, \
         if there is none, the fleet"
    )),
    mut_arg("namespace", |namespace| namespace.help(
        "Namespace of the monitors and fleets. [default: that of the kubeconfig's context, then `default`]"
    )),
    mut_arg("all_namespaces", |all| all.help("Monitors and fleets of all namespaces")),
    mut_arg("selector", |selector| selector.help(
        "Monitors and fleets with these labels, such as `team=network`. A fleet is shown with all its monitors"
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
}

impl Status {
    /// Prints the summaries.
    #[tokio::main]
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let client = self.targets.cluster.client().await?;
        let (shown, mut errors) = self.targets.read_with_fleets().await?;
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
        Shown::Fleet { fleet, monitors, listing } => {
            let summary = FleetSummary::new(fleet, monitors)?;
            let text = render_fleet(&summary, *listing, now);
            Ok((Summary::Fleet(Box::new(summary)), text))
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

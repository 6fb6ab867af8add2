use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client, ResourceExt};
use vpc_flow_operator::kubernetes;
use vpc_flow_operator::status::{MonitorSummary, render};

use super::output::Output;
use super::print_error;
use super::targets::Targets;

/// Show the state of monitors, and first what is not as declared
///
/// Reads the cluster only, and needs no AWS credentials. Without NAME, all monitors of the namespace are shown.
///
/// Exit codes: 0 all monitors were shown, whatever their state; 1 a monitor or the cluster could not be read.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Status {
    #[command(flatten)]
    targets: Targets,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl Status {
    /// Prints the summaries.
    #[tokio::main]
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let client = self.targets.cluster.client().await?;
        let selection = self.targets.read().await?;
        let (mut summaries, mut errors) = (Vec::new(), selection.errors);
        for object in &selection.monitors {
            match MonitorSummary::new(object, &events(&client, object).await) {
                Ok(summary) => summaries.push(summary),
                Err(error) => errors.push(error.into()),
            }
        }
        let now = Timestamp::now();
        self.output.print(&summaries, || {
            summaries.iter().map(|summary| render(summary, now)).collect::<Vec<_>>().join("\n\n")
        })?;
        errors.iter().for_each(print_error);
        Ok(if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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

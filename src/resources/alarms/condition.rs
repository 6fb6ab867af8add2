//! The conditions under which alarms fire.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::monitor::Monitor;
use crate::resources::common::alarm_kind::AlarmKind;
use crate::resources::common::detections::Detection;

/// The page that has a section for each alarm.
const PAGE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/alarms.md");

/// The condition under which an alarm fires: the sum of a metric is above the threshold in enough of the periods.
#[derive(Debug)]
pub(super) struct Condition {
    pub namespace: String,
    pub metric_name: String,
    pub dimensions: BTreeMap<String, String>,
    pub threshold: f64,
    pub evaluation_periods: i32,
    pub datapoints_to_alarm: i32,
    pub period_seconds: i32,
    /// Noun for the events that the metric counts.
    pub counted: &'static str,
    /// A sentence about the first step of a person.
    pub advice: String,
}

/// The description of an alarm that notifies: what fires, when, and what to do.
pub(super) fn description(monitor: &Monitor, kind: AlarmKind, when: &str, advice: &str) -> String {
    let Monitor { namespace, name, spec, .. } = monitor;
    format!(
        "{} in VPC {}: {when}. {advice} All steps: {PAGE}#{}. Managed by VpcFlowMonitor {namespace}/{name}.",
        kind.title(),
        spec.vpc_id,
        kind.section()
    )
}

/// Most characters of a condition in an alarm's description.
const SHOWN_CHARS: usize = 300;

fn first_step(monitor: &Monitor, detection: Detection) -> String {
    let step = match detection {
        Detection::Custom(name) => {
            let declared = monitor.spec.detections.custom.iter().find(|custom| custom.name == name.as_str());
            let when = declared.map(|custom| custom.when.as_str()).unwrap_or_default();
            let when = when.split_whitespace().collect::<Vec<_>>().join(" ");
            let shown: String = when.chars().take(SHOWN_CHARS).collect();
            let cut = if shown.len() < when.len() { "..." } else { "" };
            return format!("It counts the records with {shown}{cut}.");
        }
        Detection::RejectedConnections => {
            "The saved query Rejected by source and port has the sources; one inside the VPC is urgent."
        }
        Detection::HighDataTransfer => {
            "The saved query Top talkers has the source; find the program there that sends the data."
        }
        Detection::ExternalConnections => {
            "The saved query External conversations has the addresses and ports; close the ports that should not be public, or trust the networks."
        }
    };
    step.to_owned()
}

impl AlarmKind {
    pub(super) fn title(self) -> Cow<'static, str> {
        match self {
            Self::Detection(detection) => detection.title(),
            Self::DetectorErrors => "Errors of the detector".into(),
        }
    }

    pub(super) fn condition(self, monitor: &Monitor) -> Condition {
        match self {
            Self::Detection(detection) => {
                let limits = detection.limits(monitor);
                Condition {
                    namespace: monitor.spec.detections.namespace.clone(),
                    metric_name: detection.metric_name(monitor),
                    dimensions: BTreeMap::new(),
                    threshold: limits.threshold,
                    evaluation_periods: limits.evaluation_periods,
                    datapoints_to_alarm: limits.datapoints_to_alarm,
                    period_seconds: limits.period_seconds,
                    counted: "flows",
                    advice: first_step(monitor, detection),
                }
            }
            // See "Types of metrics for Lambda functions" in the AWS Lambda developer guide.
            Self::DetectorErrors => Condition {
                namespace: "AWS/Lambda".to_owned(),
                metric_name: "Errors".to_owned(),
                dimensions: [("FunctionName".to_owned(), monitor.names.detector())].into(),
                threshold: 0.0,
                evaluation_periods: 1,
                datapoints_to_alarm: 1,
                period_seconds: 300,
                counted: "failed invocations",
                advice: format!("Read the log group {}: it has the reason.", monitor.names.detector_log_group()),
            },
        }
    }
}

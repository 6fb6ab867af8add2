//! The detections that the detector counts, where no metric filter can: without a log group.

use detector::detection::Detection as Counted;
use detector::expression::Expression;

use crate::api::Invalid;
use crate::monitor::Monitor;
use crate::resources::common::detections::Detection;

/// The field of the spec that they come from.
pub(super) const DETECTIONS: &str = "detections";

/// The metrics with their conditions: those of the metric filters, for the records of the bucket.
pub(super) fn all(monitor: &Monitor) -> Result<Vec<Counted>, Invalid> {
    if monitor.spec.cloud_watch_logs.enabled || !monitor.spec.reads_files() {
        return Ok(Vec::new());
    }
    let enabled = Detection::ALL.into_iter().filter(|detection| detection.enabled(monitor));
    enabled.map(|detection| counted(monitor, detection)).collect()
}

fn counted(monitor: &Monitor, detection: Detection) -> Result<Counted, Invalid> {
    let text = match detection {
        Detection::RejectedConnections => "action == \"REJECT\"".to_owned(),
        Detection::HighDataTransfer => format!("bytes > {}", monitor.spec.detections.high_data_transfer.min_bytes),
        Detection::ExternalConnections => "source_public".to_owned(),
    };
    let when = Expression::compile(&text);
    let when = when.map_err(|problem| Invalid::new(DETECTIONS, problem.in_one_line()))?;
    Ok(Counted { metric: detection.metric_name(monitor), when })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::VpcFlowMonitorSpec;
    use crate::api::spec::RecordSource;
    use crate::monitor::fixtures;

    #[test]
    fn only_without_a_log_group_the_detector_counts_what_is_switched_on() {
        let counted = |log_group, source| {
            let mut spec = VpcFlowMonitorSpec::new("vpc-12345678");
            spec.cloud_watch_logs.enabled = log_group;
            spec.detector.source = source;
            spec.detections.rejected_connections.enabled = false;
            let monitor = fixtures::with_spec(spec);
            let base = monitor.names.base().to_owned();
            let all = all(&monitor).unwrap();
            all.iter().map(|it| (it.metric.replace(&base, "x"), it.when.text().to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(counted(true, RecordSource::S3), []);
        assert_eq!(counted(true, RecordSource::CloudWatchLogs), []);
        let expected = [("HighDataTransfer-x", "bytes > 10000000"), ("ExternalConnections-x", "source_public")];
        let expected = expected.map(|(metric, when)| (metric.to_owned(), when.to_owned()));
        assert_eq!(counted(false, RecordSource::S3), expected);
    }
}

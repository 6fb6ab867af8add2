//! The detections that the detector counts, where no metric filter can: without a log group.

use detector::detection::Detection as Counted;
use detector::expression::Expression;

use crate::api::Invalid;
use crate::monitor::Monitor;
use crate::resources::common::custom_name::CustomName;
use crate::resources::common::detections::Detection;
use crate::resources::metric_filters::custom::CustomDetections;

/// The field of the spec that they come from.
pub(super) const DETECTIONS: &str = "detections";

/// The metrics with their conditions: those of the metric filters, for the records of the bucket.
pub(super) fn all(monitor: &Monitor) -> Result<Vec<Counted>, Invalid> {
    let mut all = built_in(monitor)?;
    if is_wanted(monitor) {
        let own = CustomDetections::read(&monitor.spec)?.conditions()?;
        let own = own.into_iter().filter_map(|(declared, when)| Some((CustomName::new(&declared.name)?, when)));
        all.extend(own.map(|(name, when)| Counted { metric: Detection::Custom(name).metric_name(monitor), when }));
    }
    Ok(all)
}

/// The same without the detections of the user, for a new function while those are invalid.
pub(super) fn built_in(monitor: &Monitor) -> Result<Vec<Counted>, Invalid> {
    if !is_wanted(monitor) {
        return Ok(Vec::new());
    }
    let enabled = Detection::ALL.into_iter().filter(|detection| detection.enabled(monitor));
    enabled
        .filter_map(|detection| Some(counted(detection.metric_name(monitor), &condition(monitor, detection)?)))
        .collect()
}

fn is_wanted(monitor: &Monitor) -> bool {
    !monitor.spec.cloud_watch_logs.enabled && monitor.spec.reads_files()
}

/// The condition of a detection that every monitor has.
fn condition(monitor: &Monitor, detection: Detection) -> Option<String> {
    Some(match detection {
        Detection::RejectedConnections => "action == \"REJECT\"".to_owned(),
        Detection::HighDataTransfer => format!("bytes > {}", monitor.spec.detections.high_data_transfer.min_bytes),
        Detection::ExternalConnections => "source_public".to_owned(),
        Detection::Custom(_) => return None,
    })
}

fn counted(metric: String, condition: &str) -> Result<Counted, Invalid> {
    let when = Expression::compile(condition);
    let when = when.map_err(|problem| Invalid::new(DETECTIONS, problem.in_one_line()))?;
    Ok(Counted { metric, when })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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

    #[test]
    fn a_detection_of_the_user_is_counted_once_its_tests_pass() {
        let counted = |missed_port: u16| {
            let test = |name: &str, port: u16, matches: bool| json!({"name": name, "matches": matches, "record": {"dstport": port}});
            let own = json!({
                "name": "smb-out", "when": "dstport == 445", "threshold": 5.0,
                "tests": [test("hit", 445, true), test("miss", missed_port, false)],
            });
            let mut spec = VpcFlowMonitorSpec::new("vpc-12345678");
            spec.cloud_watch_logs.enabled = false;
            spec.detector.source = RecordSource::S3;
            spec.detections.custom = vec![serde_json::from_value(own).unwrap()];
            all(&fixtures::with_spec(spec)).map(|all| all.last().unwrap().clone())
        };
        let last = counted(446).unwrap();
        assert!(last.metric.starts_with("Custom-smb-out-") && last.when.text() == "dstport == 445", "{last:?}");
        assert_eq!(counted(445).unwrap_err().field, "detections.custom[0].tests[1]");
    }
}

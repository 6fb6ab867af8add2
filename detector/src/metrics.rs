//! The metrics of an invocation: lines on standard output in CloudWatch's
//! [embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html),
//! which costs no call and no permission.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::analysis::Analysis;
use crate::finding_events::Sent;
use crate::rules::{Config, Rule};
use crate::settings::MetricSettings;

/// Metric: records of a batch.
pub const RECORDS: &str = "DetectorRecords";
/// Metric: lines that could not be parsed.
pub const BAD_RECORDS: &str = "DetectorBadRecords";
/// Metric: records not counted over a window, the addresses being too many.
pub const UNEXAMINED_RECORDS: &str = "DetectorUnexaminedRecords";
/// Metric: records that suppressions kept from a rule.
pub const SUPPRESSED_RECORDS: &str = "DetectorSuppressed";
/// Metric: the time that a batch took, in milliseconds.
pub const DURATION: &str = "DetectorDuration";
/// Metric: findings of a rule after folding.
pub const FINDINGS: &str = "DetectorFindings";
/// Metric: events of findings that the event bus took.
pub const EVENTS: &str = "DetectorEvents";
/// Metric: events that were given up.
pub const FAILED_EVENTS: &str = "DetectorEventsFailed";
/// Dimension of every metric: the monitor that it belongs to.
pub const MONITOR: &str = "Monitor";
/// Dimension of [`FINDINGS`].
pub const RULE: &str = "Rule";

/// The most metrics of a line, by the specification.
const MAX_METRICS: usize = 100;

/// The lines for a batch: one for the batch, one for each rule that is switched on, those of users after them, and the last one
/// for the detections, if the function counts them.
#[must_use]
pub fn lines(
    analysis: &Analysis,
    events: Option<Sent>,
    settings: &MetricSettings,
    config: &Config,
    duration: Duration,
    now: SystemTime,
) -> Vec<String> {
    let line = Line { settings, timestamp: milliseconds(now.duration_since(UNIX_EPOCH).unwrap_or_default()) };
    let monitor = (MONITOR, settings.monitor.as_str());
    let mut of_batch = vec![
        (RECORDS, Some("Count"), analysis.counts.records()),
        (BAD_RECORDS, Some("Count"), analysis.counts.bad),
        (UNEXAMINED_RECORDS, Some("Count"), analysis.findings.unexamined_records),
        (SUPPRESSED_RECORDS, Some("Count"), analysis.findings.suppressed.records),
        (DURATION, Some("Milliseconds"), milliseconds(duration)),
    ];
    if let Some(Sent { taken, failed }) = events {
        of_batch.extend([(EVENTS, Some("Count"), taken), (FAILED_EVENTS, Some("Count"), failed)]);
    }
    let batch = line.write(&[monitor], &of_batch);
    let rules = analysis.findings.by_rule().into_iter().filter(|(rule, _)| !config.disabled.contains(rule));
    let findings = rules.map(|(rule, count): (Rule, u64)| {
        line.write(&[monitor, (RULE, rule.name())], &[(FINDINGS, Some("Count"), count)])
    });
    let custom = analysis.findings.by_custom_rule.iter();
    let custom = custom.map(|(rule, count)| line.write(&[monitor, (RULE, rule)], &[(FINDINGS, Some("Count"), *count)]));
    // Metric filters publish under the same names, without dimensions and without a unit. "If the metric is published with multiple types of
    // units and you don't specify a unit, the alarm's behavior is not defined": `PutMetricAlarm`.
    let counted: Vec<_> = analysis.detections.metrics().map(|(metric, count)| (metric, None, count)).collect();
    let detections = counted.chunks(MAX_METRICS).map(|metrics| line.write(&[], metrics));
    std::iter::once(batch).chain(findings).chain(custom).chain(detections).collect()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

struct Line<'s> {
    settings: &'s MetricSettings,
    timestamp: u64,
}

impl Line<'_> {
    /// One line: `metrics`, each with its unit if it has one, by `dimensions`.
    fn write(&self, dimensions: &[(&str, &str)], metrics: &[(&str, Option<&str>, u64)]) -> String {
        let names: Vec<_> = dimensions.iter().map(|(name, _)| *name).collect();
        let definition = |(name, unit, _): &(&str, Option<&str>, u64)| match unit {
            None => json!({"Name": name}),
            Some(unit) => json!({"Name": name, "Unit": unit}),
        };
        let definitions: Vec<_> = metrics.iter().map(definition).collect();
        let mut line = json!({
            "_aws": {
                "Timestamp": self.timestamp,
                "CloudWatchMetrics": [
                    {"Namespace": self.settings.namespace, "Dimensions": [names], "Metrics": definitions}
                ],
            },
        });
        for (name, value) in dimensions {
            line[*name] = Value::from(*value);
        }
        for (name, _, value) in metrics {
            line[*name] = Value::from(*value);
        }
        line.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::analysis::Analyzer;
    use crate::custom_rule;
    use crate::detection::Detection;
    use crate::expression::Expression;
    use crate::format::LogFormat;
    use crate::record::Parser;
    use crate::test_data::v2_line;

    #[test]
    fn a_line_for_the_batch_and_one_for_each_rule_that_is_on() {
        let config = Config { disabled: [Rule::HostSweep].into(), ..Config::default() };
        let parser = Parser::new(LogFormat::aws_default());
        let mut analyzer = Analyzer::new(&parser, &config);
        analyzer.add(&v2_line("10.0.0.1", "10.0.0.2", 22, 6, 40, "REJECT"));
        analyzer.add("bad");
        let settings = MetricSettings { namespace: "VPC/FlowLogs".to_owned(), monitor: "vpcflow-x".to_owned() };
        let now = UNIX_EPOCH + Duration::from_secs(7);
        let lines = lines(&analyzer.finish(), None, &settings, &config, Duration::from_millis(12), now);
        assert_eq!(lines.len(), Rule::ALL.len());
        let batch: Value = serde_json::from_str(&lines[0]).unwrap();
        let expected = json!({
            "_aws": {"Timestamp": 7000, "CloudWatchMetrics": [{
                "Namespace": "VPC/FlowLogs",
                "Dimensions": [["Monitor"]],
                "Metrics": [
                    {"Name": "DetectorRecords", "Unit": "Count"},
                    {"Name": "DetectorBadRecords", "Unit": "Count"},
                    {"Name": "DetectorUnexaminedRecords", "Unit": "Count"},
                    {"Name": "DetectorSuppressed", "Unit": "Count"},
                    {"Name": "DetectorDuration", "Unit": "Milliseconds"},
                ],
            }]},
            "Monitor": "vpcflow-x", "DetectorRecords": 2, "DetectorBadRecords": 1, "DetectorUnexaminedRecords": 0,
            "DetectorSuppressed": 0, "DetectorDuration": 12,
        });
        assert_eq!(batch, expected);
        let rules: Vec<Value> = lines[1..].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(
            rules.iter().all(|line| line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == json!([["Monitor", "Rule"]]))
        );
        let of = |rule: Rule| rules.iter().find(|line| line["Rule"] == rule.name());
        assert_eq!(of(Rule::RejectedTcp).unwrap()["DetectorFindings"], 1);
        assert_eq!(of(Rule::PortScan).unwrap()["DetectorFindings"], 0);
        assert_eq!(of(Rule::HostSweep), None);
    }

    #[test]
    fn events_are_counted_if_they_are_sent() {
        let parser = Parser::new(LogFormat::aws_default());
        let settings = MetricSettings { namespace: "VPC/FlowLogs".to_owned(), monitor: "vpcflow-x".to_owned() };
        let analysis = Analyzer::new(&parser, &Config::default()).finish();
        let sent = Some(Sent { taken: 3, failed: 1 });
        let lines = lines(&analysis, sent, &settings, &Config::default(), Duration::ZERO, UNIX_EPOCH);
        let batch: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!((&batch["DetectorEvents"], &batch["DetectorEventsFailed"]), (&json!(3), &json!(1)));
        assert_eq!(batch["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap().len(), 7);
    }

    #[test]
    fn a_users_rule_has_a_line_also_without_findings() {
        let rule = Arc::new(custom_rule::tests::read(custom_rule::tests::database()).unwrap());
        let parser = Parser::new(LogFormat::aws_default());
        let last = |port| {
            let mut analyzer = Analyzer::new(&parser, &Config::default()).watch(&[Arc::clone(&rule)]);
            analyzer.add(&v2_line("10.0.0.1", "10.0.0.2", port, 6, 40, "ACCEPT"));
            let settings = MetricSettings { namespace: "VPC/FlowLogs".to_owned(), monitor: "vpcflow-x".to_owned() };
            let lines = lines(&analyzer.finish(), None, &settings, &Config::default(), Duration::ZERO, UNIX_EPOCH);
            assert_eq!(lines.len(), 1 + Rule::ALL.len() + 1);
            let line: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
            (line["Rule"].clone(), line["DetectorFindings"].clone())
        };
        assert_eq!(last(5432), ("database_from_elsewhere".into(), 1.into()));
        assert_eq!(last(443), ("database_from_elsewhere".into(), 0.into()));
    }

    /// "A `DimensionSet` MAY be empty" (embedded metric format, specification): the metrics of metric filters have no dimensions.
    #[test]
    fn detections_have_one_line_without_dimensions_also_if_they_count_nothing() {
        let detection = |metric: &str, when: &str| Detection {
            metric: metric.to_owned(),
            when: Expression::compile(when).unwrap(),
        };
        let detections = [detection("Rejected-x", "action == 'REJECT'"), detection("High-x", "bytes > 50")];
        let parser = Parser::new(LogFormat::aws_default());
        let mut analyzer = Analyzer::new(&parser, &Config::default()).count(&detections);
        analyzer.add(&v2_line("10.0.0.1", "10.0.0.2", 22, 6, 40, "REJECT"));
        let settings = MetricSettings { namespace: "VPC/FlowLogs".to_owned(), monitor: "vpcflow-x".to_owned() };
        let lines = lines(&analyzer.finish(), None, &settings, &Config::default(), Duration::ZERO, UNIX_EPOCH);
        assert_eq!(lines.len(), 1 + Rule::ALL.len() + 1);
        let line: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
        let expected = json!({
            "_aws": {"Timestamp": 0, "CloudWatchMetrics": [{
                "Namespace": "VPC/FlowLogs",
                "Dimensions": [[]],
                "Metrics": [{"Name": "Rejected-x"}, {"Name": "High-x"}],
            }]},
            "Rejected-x": 1, "High-x": 0,
        });
        assert_eq!(line, expected);
    }
}

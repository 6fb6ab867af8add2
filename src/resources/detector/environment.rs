//! The environment variables of the function, which carry its settings of bounded length. They always fit: Lambda allows 4,096 bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use detector::message::QUERIED_FIELDS;
use detector::rules::{Config, Rule};
use serde_json::json;

use super::package_settings::PackageSettings;
use super::rules::is_enabled;
use super::severity::severity;
use crate::api::Invalid;
use crate::api::{log_format, spec};
use crate::monitor::Monitor;
use crate::resources::common::entry_error::invalid;

/// The variable for the format of records.
pub(super) const LOG_FORMAT: &str = "LOG_FORMAT";

/// The variable for the bucket with the notification log, and with the records if the function reads files.
pub(super) const BUCKET: &str = "BUCKET";

/// The variable for the version of the settings in the package. The detector does not read it: `plan` and people see by it that only these
/// settings differ.
pub(super) const CONFIG_VERSION: &str = "CONFIG_VERSION";

/// The variable for the hashes of the entries of the settings in the package. The detector does not read it: by it `plan` and events name the
/// entries that change. A function whose lists are empty has none.
pub(super) const CONFIG_ENTRIES: &str = "CONFIG_ENTRIES";

/// Every variable of the function.
pub(super) fn variables(
    monitor: &Monitor,
    package_settings: &PackageSettings,
) -> Result<BTreeMap<String, String>, Invalid> {
    let Monitor { namespace, name, spec, .. } = monitor;
    let variables = [
        ("TOPIC_ARN", monitor.topic_arn()),
        ("MONITOR", format!("{namespace}/{name}")),
        ("OWNER", monitor.owner.clone()),
        ("VPC_ID", spec.vpc_id.clone()),
        (LOG_FORMAT, log_format(&spec.cloud_watch_logs.fields)),
        (BUCKET, monitor.names.bucket.clone()),
        ("RENOTIFY_AFTER_SECONDS", renotify_after(&spec.detector)?.to_string()),
        ("METRICS_NAMESPACE", spec.detections.namespace.clone()),
        ("METRICS_MONITOR", monitor.names.base().to_owned()),
        ("RULES", json!(rules(monitor)?).to_string()),
        (CONFIG_VERSION, package_settings.version()),
    ];
    let source = spec.reads_files().then(|| ("SOURCE", "S3".to_owned()));
    let entries = package_settings.entries().text().map(|entries| (CONFIG_ENTRIES, entries));
    let chat = spec.notifications.chat.then(|| ("CHAT", true.to_string()));
    Ok(variables
        .into_iter()
        .chain(source)
        .chain(chat)
        .chain(entries)
        .chain(names_for_links(monitor))
        .map(|(key, value)| (key.to_owned(), value))
        .collect())
}

/// The API server checks the text as well, but a monitor may be older than that rule.
fn renotify_after(spec: &spec::Detector) -> Result<u64, Invalid> {
    let expected = "it is a number of minutes or hours, such as 6h";
    spec.renotify_after_seconds().ok_or_else(|| invalid("detector.renotifyAfter", &spec.renotify_after, expected))
}

/// The names of the resources that messages link to, as far as the monitor has them.
fn names_for_links(monitor: &Monitor) -> impl Iterator<Item = (&'static str, String)> {
    let Monitor { names, spec, .. } = monitor;
    let dashboard = spec.dashboard.enabled.then(|| ("DASHBOARD", names.dashboard()));
    let workgroup = spec.analytics.enabled.then(|| ("WORKGROUP", names.workgroup()));
    // The function writes its statement by the fields of its own records.
    let (known, stored) = (spec.detector_fields(), &spec.s3.fields);
    let is_readable = QUERIED_FIELDS.iter().all(|field| !known.contains(field) || stored.contains(field));
    let table = (spec.analytics.enabled && is_readable)
        .then(|| [("DATABASE", names.database.clone()), ("TABLE", names.table.clone())]);
    dashboard.into_iter().chain(workgroup).chain(table.into_iter().flatten())
}

/// Thresholds and switches of the rules, in the detector's own type, so that the detector can read all that the operator writes. Lists are
/// sorted: their order has no meaning, so a change of order alone is no change.
fn rules(monitor: &Monitor) -> Result<Config, Invalid> {
    let spec = &monitor.spec.detector;
    let rules = &spec.rules;
    Ok(Config {
        disabled: Rule::ALL.into_iter().filter(|rule| !is_enabled(*rule, rules)).collect(),
        expected_protocols: numbers(
            "detector.rules.unusualProtocol.expectedProtocols",
            &rules.unusual_protocol.expected_protocols,
        )?,
        high_transfer_bytes: number("detector.highTransferBytes", spec.high_transfer_bytes)?,
        host_sweep_min_hosts: number("detector.rules.hostSweep.minHosts", rules.host_sweep.min_hosts)?,
        large_egress_min_bytes: number("detector.rules.largeEgress.minBytes", rules.large_egress.min_bytes)?,
        min_severity: severity(spec.min_severity),
        port_scan_min_ports: number("detector.rules.portScan.minPorts", rules.port_scan.min_ports)?,
        sensitive_ports: numbers("detector.sensitivePorts", &spec.sensitive_ports)?,
        window_seconds: number("detector.windowSeconds", spec.window_seconds)?,
        // In the package.
        trusted_cidrs: Vec::new(),
    })
}

fn number<N: Copy + Display, T: TryFrom<N, Error: Display>>(field: &'static str, value: N) -> Result<T, Invalid> {
    value.try_into().map_err(|error| invalid(field, value, error))
}

fn numbers<T: Ord + TryFrom<i32, Error: Display>>(field: &'static str, values: &[i32]) -> Result<BTreeSet<T>, Invalid> {
    values.iter().map(|value| number(field, *value)).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use detector::package_config::PackageConfig;
    use detector::rules::DeclaredSpec;
    use detector::settings::{ConsoleNames, Settings};
    use serde_json::Value;

    use super::*;
    use crate::api::spec::Severity;
    use crate::api::{FlowLogField, VpcFlowMonitorSpec};
    use crate::monitor::fixtures;

    /// `RULES` as the contract states them for a default spec.
    pub const DEFAULT_RULES: &str = "{\"disabled\":[],\"expectedProtocols\":[1,6,17,58],\"highTransferBytes\":50000000,\
        \"hostSweepMinHosts\":50,\"largeEgressMinBytes\":500000000,\"minSeverity\":\"MEDIUM\",\"portScanMinPorts\":20,\
        \"sensitivePorts\":[22,23,445,1433,2375,3306,3389,5432,5900,6379,9200,11211,27017],\"windowSeconds\":300}";

    fn spec() -> VpcFlowMonitorSpec {
        VpcFlowMonitorSpec::new("vpc-0123456789abcdef0")
    }

    fn declared(monitor: &Monitor) -> BTreeMap<String, String> {
        variables(monitor, &PackageSettings::of(monitor).unwrap()).unwrap()
    }

    fn written(spec: VpcFlowMonitorSpec) -> String {
        declared(&fixtures::with_spec(spec)).remove("RULES").unwrap()
    }

    /// The settings as the function reads them from the variables.
    fn read(spec: VpcFlowMonitorSpec) -> Settings {
        let variables = declared(&fixtures::with_spec(spec));
        Settings::read(|name| variables.get(name).cloned(), PackageConfig::default()).unwrap()
    }

    #[test]
    fn the_detector_reads_the_defaults_as_its_own() {
        let settings = read(spec());
        assert_eq!(settings.rules, detector::rules::Config::of_monitor());
        assert_eq!(settings.metrics.unwrap().namespace, "VPC/FlowLogs");
        assert_eq!(settings.format, detector::format::LogFormat::aws_default());
    }

    #[test]
    fn the_notification_log_is_in_the_bucket_of_the_monitor() {
        let settings = read(spec());
        assert_eq!(settings.bucket.as_deref(), Some("vpc-flow-logs-123456789012-f79aa57299"));
        assert_eq!(settings.renotify_after, detector::settings::DEFAULT_RENOTIFY_AFTER);
        assert!(!settings.chat);
        let mut with_chat = spec();
        with_chat.notifications.chat = true;
        assert!(read(with_chat).chat);
        let after = |text: &str| {
            let mut spec = spec();
            spec.detector.renotify_after = text.to_owned();
            let monitor = fixtures::with_spec(spec);
            variables(&monitor, &PackageSettings::of(&monitor)?)
                .map(|mut it| it.remove("RENOTIFY_AFTER_SECONDS").unwrap())
        };
        assert_eq!(after("90m").unwrap(), "5400");
        assert_eq!(after("168h").unwrap(), "604800");
        for bad in ["", "6", "h", "6d", "-1h", "1.5h", "99999999999999999999h"] {
            let problem = after(bad).unwrap_err().to_string();
            assert!(problem.starts_with(&format!("spec.detector.renotifyAfter: `{bad}` cannot be: ")), "{problem}");
        }
    }

    #[test]
    fn messages_link_only_to_what_the_monitor_has() {
        let console = |set: fn(&mut VpcFlowMonitorSpec)| {
            let mut spec = spec();
            set(&mut spec);
            read(spec).console
        };
        let all = console(|_| ());
        assert_eq!(all.dashboard.as_deref(), Some("vfm-network-production-aa0df1549f"));
        assert_eq!(all.workgroup.as_deref(), Some("vfm-network-production-aa0df1549f"));
        assert_eq!(all.database.as_deref(), Some("vfm_network_production_aa0df1549f"));
        assert_eq!(all.table.as_deref(), Some("vpc_flow_logs"));
        assert_eq!(console(|it| it.dashboard.enabled = false), ConsoleNames { dashboard: None, ..all.clone() });
        let without_table = ConsoleNames { database: None, table: None, ..all };
        assert_eq!(
            console(|it| it.analytics.enabled = false),
            ConsoleNames { workgroup: None, ..without_table.clone() }
        );
        assert_eq!(console(|it| it.s3.fields.retain(|field| *field != FlowLogField::DstPort)), without_table);
    }

    #[test]
    fn default_rules_are_the_contracts() {
        assert_eq!(written(spec()), DEFAULT_RULES);
    }

    #[test]
    fn every_field_of_the_spec_changes_its_member() {
        type Set = fn(&mut VpcFlowMonitorSpec);
        let cases: [(Set, &str, Value); 11] = [
            (|it| it.detector.high_transfer_bytes = 7, "highTransferBytes", json!(7)),
            (|it| it.detector.window_seconds = 60, "windowSeconds", json!(60)),
            (|it| it.detector.min_severity = Severity::Low, "minSeverity", json!("LOW")),
            (|it| it.detector.min_severity = Severity::High, "minSeverity", json!("HIGH")),
            (|it| it.detector.sensitive_ports = vec![443, 22], "sensitivePorts", json!([22, 443])),
            (|it| it.detector.rules.port_scan.min_ports = 5, "portScanMinPorts", json!(5)),
            (|it| it.detector.rules.host_sweep.min_hosts = 6, "hostSweepMinHosts", json!(6)),
            (|it| it.detector.rules.large_egress.min_bytes = 8, "largeEgressMinBytes", json!(8)),
            (
                |it| it.detector.rules.unusual_protocol.expected_protocols = vec![47, 0],
                "expectedProtocols",
                json!([0, 47]),
            ),
            (|it| it.detector.rules.rejected_tcp.enabled = false, "disabled", json!(["rejectedTcp"])),
            (
                |it| {
                    it.detector.rules.skipped_records.enabled = false;
                    it.detector.rules.host_sweep.enabled = false;
                },
                "disabled",
                json!(["hostSweep", "skippedRecords"]),
            ),
        ];
        for (set, member, value) in cases {
            let mut spec = spec();
            set(&mut spec);
            let mut expected: Value = serde_json::from_str(DEFAULT_RULES).unwrap();
            expected[member] = value;
            let actual: Value = serde_json::from_str(&written(spec.clone())).unwrap();
            assert_eq!(actual, expected, "{member}");
            // As flow-log-analyze reads the monitor.
            let declared: DeclaredSpec = serde_json::from_value(json!(spec)).unwrap();
            assert_eq!(json!(Config::from(declared)), expected, "{member}");
        }
    }

    #[test]
    fn a_change_of_order_alone_is_no_change() {
        let mut spec = spec();
        spec.detector.sensitive_ports.reverse();
        spec.detector.rules.unusual_protocol.expected_protocols.reverse();
        assert_eq!(written(spec), DEFAULT_RULES);
    }

    #[test]
    fn networks_are_no_variable_and_change_only_the_version_of_the_settings_in_the_package() {
        let mut spec = spec();
        let mut variables = declared(&fixtures::with_spec(spec.clone()));
        spec.detections.external_connections.trusted_cidrs = vec!["203.0.113.0/24".into()];
        let mut with_network = declared(&fixtures::with_spec(spec));
        let version = |variables: &mut BTreeMap<String, String>| variables.remove(CONFIG_VERSION).unwrap();
        assert_ne!(version(&mut variables), version(&mut with_network));
        assert_eq!(variables.get(CONFIG_ENTRIES), None);
        assert!(with_network.remove(CONFIG_ENTRIES).unwrap().starts_with('t'));
        assert_eq!(variables, with_network);
    }

    /// Most bytes of all variables together, written as one JSON object; see "Lambda quotas" in the AWS Lambda developer guide.
    const MOST_BYTES: usize = 4096;

    #[test]
    fn the_longest_settings_fit() {
        let mut spec = spec();
        spec.cloud_watch_logs.fields = FlowLogField::ALL.to_vec();
        // With every field in the table, messages have a statement for it.
        spec.s3.fields = FlowLogField::ALL.to_vec();
        spec.analytics.database = Some("d".repeat(128));
        spec.analytics.table = "t".repeat(128);
        spec.notifications.topic_arn =
            Some(format!("arn:aws-us-gov:sns:us-gov-west-1:123456789012:{}", "t".repeat(256)));
        spec.detections.namespace = "n".repeat(255);
        spec.detector.sensitive_ports = (65_000..65_064).collect();
        spec.detector.rules.unusual_protocol.expected_protocols = (200..232).collect();
        spec.detector.high_transfer_bytes = i64::MAX;
        spec.detector.window_seconds = i32::MAX;
        spec.detector.renotify_after = "168h".into();
        spec.notifications.chat = true;
        spec.s3.bucket_name = Some("b".repeat(63));
        spec.detector.rules.large_egress.min_bytes = i64::MAX;
        spec.detector.rules.port_scan.min_ports = i32::MAX;
        spec.detector.rules.host_sweep.min_hosts = i32::MAX;
        let off = &mut spec.detector.rules;
        off.high_data_transfer.enabled = false;
        off.large_egress.enabled = false;
        off.sensitive_port_accepted.enabled = false;
        off.port_scan.enabled = false;
        off.host_sweep.enabled = false;
        off.rejected_tcp.enabled = false;
        off.sensitive_port_rejected.enabled = false;
        off.unusual_protocol.enabled = false;
        off.skipped_records.enabled = false;
        let named = |number: usize, more: &Value| {
            let mut entry = json!({"name": format!("rule_{number}"), "when": "dstport == 1"});
            entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            entry
        };
        let rule = json!({"severity": "HIGH", "description": "d"});
        let suppression = json!({"until": "2020-01-01T00:00:00Z", "reason": "r"});
        spec.detector.custom_rules = serde_json::from_value((0..16).map(|it| named(it, &rule)).collect()).unwrap();
        spec.detector.suppress = serde_json::from_value((0..32).map(|it| named(it, &suppression)).collect()).unwrap();
        spec.detections.external_connections.trusted_cidrs = vec!["203.0.113.0/24".into()];
        let mut settings = fixtures::monitor().settings;
        settings.cluster_name = "c".repeat(100);
        let region = fixtures::monitor().account_region;
        let monitor = Monitor::new(&"n".repeat(63), &"m".repeat(63), spec, None, region, settings);
        let variables = declared(&monitor);
        assert_eq!(variables.len(), 17, "every variable is set");
        let bytes = json!(variables).to_string().len();
        assert!(bytes <= MOST_BYTES, "{bytes}");
    }
}

//! The body of the dashboard. See "Dashboard body structure and syntax" in the CloudWatch API reference, and "CloudWatch Logs Insights
//! query syntax" in the CloudWatch Logs user guide.

use serde_json::{Map, Value, json};

use super::detector;
use super::widget::{PLACE, RED, Widget, graph, placed};
use crate::api::FlowLogField::{self, Action, Bytes, DstAddr, SrcAddr};
use crate::api::spec::AlarmLimits;
use crate::monitor::Monitor;
use crate::resources::analytics::alias;
use crate::resources::common::alarm_kind::AlarmKind;
use crate::resources::common::detections::Detection;

/// The whole body. It has no widgets for parts that the spec switches off, or that need a field that the records lack.
pub fn body(monitor: &Monitor) -> Value {
    let of_detector = |widgets: fn(&Monitor) -> Vec<Widget>| {
        if monitor.spec.detector.enabled { widgets(monitor) } else { Vec::new() }
    };
    let rows = [
        vec![heading(monitor)],
        alarm_states(monitor).into_iter().collect(),
        detection_metrics(monitor),
        traffic(monitor).into_iter().chain(top_talkers(monitor)).collect(),
        of_detector(detector::results),
        of_detector(detector::invocations).into_iter().chain(undelivered(monitor)).collect(),
    ];
    parse(&json!({"start": "-PT3H", "periodOverride": "inherit", "widgets": placed(rows)}).to_string())
}

fn heading(monitor: &Monitor) -> Widget {
    let markdown = format!(
        "# VPC flow logs: {}/{}\nTraffic of `{}` in {}. {}",
        monitor.namespace,
        monitor.name,
        monitor.spec.vpc_id,
        monitor.account_region.region,
        managed_by(&monitor.owner)
    );
    Widget { kind: "text", height: 2, properties: json!({"markdown": markdown}) }
}

const OWNER_BEGINS: &str = "`vpcflow.dev/owner=";
const OWNER_ENDS: &str = "`";

/// The sentence of the heading that names the owner.
#[must_use]
pub fn managed_by(owner: &str) -> String {
    format!("Managed by vpc-flow-operator ({OWNER_BEGINS}{owner}{OWNER_ENDS}): the operator reverts manual changes.")
}

/// The owner that the heading names, in the same form as the owner tag. It identifies the owner where dashboards have no tags.
pub fn owner(body: &Value) -> Option<&str> {
    let markdown = body["widgets"][0]["properties"]["markdown"].as_str()?;
    let (_, owner) = markdown.split_once(OWNER_BEGINS)?;
    owner.split_once(OWNER_ENDS).map(|(owner, _)| owner)
}

fn alarm_states(monitor: &Monitor) -> Option<Widget> {
    let enabled = AlarmKind::declared(monitor).into_iter().filter(|kind| kind.enabled(monitor));
    let alarms: Vec<_> = enabled.map(|kind| kind.shown_arn(monitor)).collect();
    let properties = json!({"title": "Alarms", "alarms": alarms});
    (!alarms.is_empty()).then_some(Widget { kind: "alarm", height: 3, properties })
}

fn detection_metrics(monitor: &Monitor) -> Vec<Widget> {
    let enabled = Detection::declared(monitor).into_iter().filter(|detection| detection.enabled(monitor));
    enabled.map(|detection| detection_metric(monitor, detection)).collect()
}

fn detection_metric(monitor: &Monitor, detection: Detection) -> Widget {
    let AlarmLimits { threshold, evaluation_periods, datapoints_to_alarm, period_seconds, .. } =
        detection.limits(monitor);
    let periods = if datapoints_to_alarm == evaluation_periods {
        evaluation_periods.to_string()
    } else {
        format!("{datapoints_to_alarm} of {evaluation_periods}")
    };
    let label = format!("Alarm: above {threshold} in {periods} × {period_seconds} s");
    let anomaly = detection.anomaly(monitor);
    let (namespace, name) = (&monitor.spec.detections.namespace, detection.metric_name(monitor));
    let metrics = if anomaly.is_on() {
        let band = format!("ANOMALY_DETECTION_BAND(m, {})", anomaly.band);
        json!([[namespace, name, {"label": "Flows", "id": "m"}], [{"expression": band, "label": "Usual", "id": "band"}]])
    } else {
        json!([[namespace, name, {"label": "Flows"}]])
    };
    let more = json!({
        "period": period_seconds,
        "annotations": {"horizontal": [{"label": label, "value": threshold, "color": RED}]},
        "yAxis": {"left": {"min": 0, "showUnits": false}},
    });
    graph(&monitor.account_region.region, &detection.title(), &metrics, more)
}

fn traffic(monitor: &Monitor) -> Option<Widget> {
    let (outcome, stats) =
        (alias(Action), "stats sum(is_accepted) as accepted, sum(is_rejected) as rejected by bin(5m)");
    let fields = format!(
        "fields strcontains({outcome}, 'ACCEPT') as is_accepted, strcontains({outcome}, 'REJECT') as is_rejected"
    );
    let query = query(monitor, &[Action], &[&fields, stats])?;
    Some(log_widget(monitor, "Accepted and rejected flows", "timeSeries", &query))
}

fn top_talkers(monitor: &Monitor) -> Option<Widget> {
    let (source, target, size) = (alias(SrcAddr), alias(DstAddr), alias(Bytes));
    // Records without traffic have `-` for a size.
    let filter = format!("filter {size} > 0");
    let stats = format!("stats sum({size}) as total_bytes, count(*) as flows by {source}, {target}");
    let query = query(monitor, &[SrcAddr, DstAddr, Bytes], &[&filter, &stats, "sort total_bytes desc", "limit 20"])?;
    Some(log_widget(monitor, "Top talkers", "table", &query))
}

fn log_widget(monitor: &Monitor, title: &str, view: &str, query: &str) -> Widget {
    Widget {
        kind: "log",
        height: 8,
        properties: json!({
            "title": title,
            "region": monitor.account_region.region,
            "view": view,
            "stacked": false,
            "query": query,
        }),
    }
}

/// A Logs Insights query over the records in their actual format, or `None` if there is no log group or they lack a needed field.
///
/// Fields are parsed rather than discovered: Logs Insights discovers only those of AWS's default format.
fn query(monitor: &Monitor, needs: &[FlowLogField], commands: &[&str]) -> Option<String> {
    let fields = &monitor.spec.cloud_watch_logs.fields;
    if !monitor.spec.cloud_watch_logs.enabled || !needs.iter().all(|field| fields.contains(field)) {
        return None;
    }
    let group = monitor.names.log_group.replace('\\', r"\\").replace('\'', r"\'");
    let pattern = vec!["*"; fields.len()].join(" ");
    let aliases = fields.iter().map(|field| alias(*field)).collect::<Vec<_>>().join(", ");
    Some(format!("SOURCE '{group}' | parse @message '{pattern}' as {aliases}\n| {}", commands.join("\n| ")))
}

/// Delivered and failed notifications of the monitor's own topic. An existing topic is left to its owner.
fn undelivered(monitor: &Monitor) -> Option<Widget> {
    let metric = |name| json!(["AWS/SNS", name, "TopicName", monitor.names.topic()]);
    let metrics = [metric("NumberOfNotificationsDelivered"), metric("NumberOfNotificationsFailed")];
    let is_ours = monitor.spec.notifications.topic_arn.is_none();
    is_ours.then(|| graph(&monitor.account_region.region, "Notifications", &json!(metrics), json!({})))
}

/// Parses a body into canonical form: equal bodies compare equal, even if one has `50` and the other `50.0`. `null` if it is no JSON.
#[must_use]
pub fn parse(body: &str) -> Value {
    serde_json::from_str(body).map_or(Value::Null, normalised)
}

fn normalised(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().and_then(|number| number.to_string().parse::<i64>().ok());
            whole.map_or(Value::Number(number), Value::from)
        }
        Value::Array(values) => values.into_iter().map(normalised).collect(),
        Value::Object(values) => values.into_iter().map(|(key, value)| (key, normalised(value))).collect(),
        other => other,
    }
}

/// Two bodies for their comparison, with the widgets by title. Where one has other widgets, the places of those in both follow from that,
/// and are left out.
pub fn to_compare(old: &Value, new: &Value) -> (Value, Value) {
    let (mut old, mut new) = (by_title(old), by_title(new));
    if let (Some(old), Some(new)) = (widgets(&mut old), widgets(&mut new))
        && (old.len() != new.len() || old.keys().any(|title| !new.contains_key(title)))
    {
        for (title, old) in old {
            if let (Some(old), Some(new)) = (old.as_object_mut(), new.get_mut(title).and_then(Value::as_object_mut)) {
                old.retain(|member, _| !PLACE.contains(&member.as_str()));
                new.retain(|member, _| !PLACE.contains(&member.as_str()));
            }
        }
    }
    (old, new)
}

fn widgets(titled: &mut Value) -> Option<&mut Map<String, Value>> {
    titled.get_mut("widgets")?.as_object_mut()
}

/// The body with its widgets by title, so that a difference is reported under the widget's title.
fn by_title(body: &Value) -> Value {
    let mut titled = body.clone();
    if let Some(Value::Array(widgets)) = body.get("widgets") {
        titled["widgets"] = widgets
            .iter()
            .enumerate()
            .map(|(number, widget)| {
                let title = widget["properties"]["title"].as_str().map_or_else(|| number.to_string(), str::to_owned);
                (title, widget.clone())
            })
            .collect();
    }
    titled
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::VpcFlowMonitorSpec;
    use crate::api::anomaly_mode::AnomalyMode;
    use crate::api::spec::DetectorRules;
    use crate::monitor::fixtures;
    use ::detector::rules::Rule;

    fn widgets(monitor: &Monitor) -> Vec<Value> {
        body(monitor)["widgets"].as_array().unwrap().clone()
    }

    fn titles(monitor: &Monitor) -> Vec<String> {
        let title = |widget: &Value| widget["properties"]["title"].as_str().map(str::to_owned);
        widgets(monitor).iter().filter_map(title).collect()
    }

    fn log_query(monitor: &Monitor, title: &str) -> String {
        by_title(&body(monitor))["widgets"][title]["properties"]["query"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_default_monitor_shows_all() {
        assert_eq!(
            titles(&fixtures::monitor()),
            [
                "Alarms",
                "Rejected connections",
                "High data transfer",
                "External connections",
                "Accepted and rejected flows",
                "Top talkers",
                "Findings by rule",
                "Records read by the detector",
                "Detector invocations",
                "Detector duration",
                "Notifications",
            ]
        );
    }

    #[test]
    fn the_line_stands_at_the_alarms_threshold() {
        let monitor = fixtures::monitor();
        let widget = &by_title(&body(&monitor))["widgets"]["Rejected connections"];
        let metric = Detection::RejectedConnections.metric_name(&monitor);
        assert_eq!(widget["properties"]["metrics"], json!([["VPC/FlowLogs", metric, {"label": "Flows"}]]));
        assert_eq!(
            widget["properties"]["annotations"]["horizontal"],
            json!([{"label": "Alarm: above 50 in 2 × 300 s", "value": 50, "color": RED}])
        );
    }

    #[test]
    fn a_detection_that_knows_what_is_usual_shows_its_band_and_its_composite_alarm() {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        spec.detections.rejected_connections.anomaly.mode = AnomalyMode::Band;
        let monitor = fixtures::with_spec(spec);
        let widgets = &by_title(&body(&monitor))["widgets"];
        let metric = Detection::RejectedConnections.metric_name(&monitor);
        assert_eq!(
            widgets["Rejected connections"]["properties"]["metrics"],
            json!([
                ["VPC/FlowLogs", metric, {"label": "Flows", "id": "m"}],
                [{"expression": "ANOMALY_DETECTION_BAND(m, 3)", "label": "Usual", "id": "band"}],
            ])
        );
        let alarms = widgets["Alarms"]["properties"]["alarms"].as_array().unwrap();
        let ends = |end: &str| alarms.iter().filter(|arn| arn.as_str().unwrap().ends_with(end)).count();
        assert_eq!((alarms.len(), ends("-rejected-connections-verdict"), ends("-rejected-connections")), (4, 1, 0));
    }

    #[test]
    fn what_is_switched_off_is_not_shown() {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        spec.detections.rejected_connections.enabled = false;
        spec.detections.high_data_transfer.enabled = false;
        spec.detector.enabled = false;
        spec.notifications.topic_arn = Some("arn:aws:sns:eu-west-1:123456789012:theirs".into());
        let shown = titles(&fixtures::with_spec(spec.clone()));
        assert_eq!(shown, ["Alarms", "External connections", "Accepted and rejected flows", "Top talkers"]);
        spec.detections.external_connections.enabled = false;
        assert_eq!(titles(&fixtures::with_spec(spec)), ["Accepted and rejected flows", "Top talkers"]);
    }

    #[test]
    fn findings_are_shown_of_the_enabled_rules_alone() {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        let shown = |spec: &VpcFlowMonitorSpec| {
            let widget = by_title(&body(&fixtures::with_spec(spec.clone())))["widgets"]["Findings by rule"].clone();
            widget["properties"]["metrics"].as_array().map(Vec::len)
        };
        assert_eq!(shown(&spec), Some(9));
        spec.detector.rules.port_scan.enabled = false;
        assert_eq!(shown(&spec), Some(8));
        spec.detector.rules = rules(|_| false);
        assert_eq!(shown(&spec), None);
        spec.detector.rules = rules(|rule| rule == Rule::HostSweep);
        let monitor = fixtures::with_spec(spec);
        assert_eq!(
            by_title(&body(&monitor))["widgets"]["Findings by rule"]["properties"]["metrics"],
            json!([[
                "VPC/FlowLogs", "DetectorFindings", "Monitor", monitor.names.base(), "Rule", "hostSweep",
                {"label": "Host sweep"},
            ]])
        );
    }

    /// Rules, enabled as `is_enabled` says.
    fn rules(is_enabled: fn(Rule) -> bool) -> DetectorRules {
        let switched = |rule: Rule| (rule.name(), json!({"enabled": is_enabled(rule)}));
        serde_json::from_value(Rule::ALL.into_iter().map(switched).collect()).unwrap()
    }

    #[test]
    fn queries_read_the_actual_format() {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        spec.cloud_watch_logs.fields = vec![Action, FlowLogField::PktSrcAddr, SrcAddr, DstAddr, Bytes];
        assert_eq!(
            log_query(&fixtures::with_spec(spec.clone()), "Top talkers"),
            "SOURCE '/aws/vpc/flowlogs/network/production' | parse @message '* * * * *' as flow_action, flow_pkt_srcaddr, \
             flow_srcaddr, flow_dstaddr, flow_bytes\n| filter flow_bytes > 0\n| stats sum(flow_bytes) as total_bytes, \
             count(*) as flows by flow_srcaddr, flow_dstaddr\n| sort total_bytes desc\n| limit 20"
        );
        spec.cloud_watch_logs.fields = vec![SrcAddr, Action];
        let monitor = fixtures::with_spec(spec);
        assert!(!titles(&monitor).contains(&"Top talkers".to_owned()));
        assert!(log_query(&monitor, "Accepted and rejected flows").contains("strcontains(flow_action, 'REJECT')"));
    }

    #[test]
    fn a_quote_in_a_name_cannot_end_it() {
        let mut monitor = fixtures::monitor();
        monitor.names.log_group = r"a' | limit 1 \".into();
        assert!(log_query(&monitor, "Top talkers").starts_with(r"SOURCE 'a\' | limit 1 \\' | parse"));
    }

    proptest! {
        #[test]
        fn widgets_fill_the_grid_and_never_overlap(switches in any::<[bool; 7]>()) {
            let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
            spec.detections.rejected_connections.enabled = switches[0];
            spec.detections.high_data_transfer.enabled = switches[1];
            spec.detections.external_connections.enabled = switches[2];
            spec.detector.enabled = switches[3];
            if switches[4] {
                spec.notifications.topic_arn = Some("arn:aws:sns:eu-west-1:123456789012:theirs".into());
            }
            if switches[5] {
                spec.cloud_watch_logs.fields = vec![Action];
            }
            if switches[6] {
                spec.detector.rules = rules(|_| false);
            }
            let mut taken = std::collections::BTreeSet::new();
            for widget in widgets(&fixtures::with_spec(spec)) {
                let number = |key: &str| widget[key].as_u64().unwrap();
                prop_assert!(number("x") + number("width") <= 24);
                for x in number("x")..number("x") + number("width") {
                    for y in number("y")..number("y") + number("height") {
                        prop_assert!(taken.insert((x, y)), "two widgets at {x}, {y}");
                    }
                }
            }
            let lowest = taken.iter().map(|(_, y)| *y).max().unwrap();
            prop_assert_eq!(taken.len() as u64, 24 * (lowest + 1), "a gap");
        }
    }
}

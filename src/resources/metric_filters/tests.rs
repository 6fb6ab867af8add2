use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use proptest::prelude::*;

use super::interpreter::matches;
use super::pattern::of_monitor as pattern;
use super::*;
use crate::api::spec::DeletionPolicy;
use crate::api::{FlowLogField, VpcFlowMonitorSpec};
use crate::monitor::fixtures;

/// A record in the monitor's format, with `-` in fields that `values` leaves out.
fn record(monitor: &Monitor, values: &[(FlowLogField, &str)]) -> String {
    let value = |field: &FlowLogField| values.iter().find(|(named, _)| named == field).map_or("-", |(_, value)| *value);
    monitor.spec.cloud_watch_logs.fields.iter().map(value).collect::<Vec<_>>().join(" ")
}

fn flow<'a>(source: &'a str, bytes: &'a str, action: &'a str) -> [(FlowLogField, &'a str); 4] {
    [
        (FlowLogField::SrcAddr, source),
        (FlowLogField::Bytes, bytes),
        (FlowLogField::Action, action),
        (FlowLogField::LogStatus, "OK"),
    ]
}

fn counts(monitor: &Monitor, values: &[(FlowLogField, &str)]) -> [bool; 3] {
    let record = record(monitor, values);
    Detection::ALL.map(|detection| matches(&pattern(monitor, detection).unwrap(), &record))
}

#[test]
fn default_patterns() {
    let monitor = fixtures::monitor();
    let start = "[version, account_id, interface_id";
    assert_eq!(
        pattern(&monitor, Detection::RejectedConnections).unwrap(),
        format!(
            "{start}, srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, start, end, action=REJECT, log_status=OK]"
        )
    );
    assert_eq!(
        pattern(&monitor, Detection::HighDataTransfer).unwrap(),
        format!(
            "{start}, srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes>10000000, start, end, action, log_status=OK]"
        )
    );
    assert_eq!(
        pattern(&monitor, Detection::ExternalConnections).unwrap(),
        format!(
            r"{start}, srcaddr!=%^10\.|^169\.254\.|^172\.1[6-9]\.|^172\.2\d\.|^172\.3[01]\.|^192\.168\.|^f[cd]\w\w:|^fe[89ab]\w:%, dstaddr, srcport, dstport, protocol, packets, bytes, start, end, action, log_status=OK]"
        )
    );
}

#[test]
fn each_detection_counts_what_it_is_for() {
    let monitor = fixtures::monitor();
    assert_eq!(counts(&monitor, &flow("10.0.0.1", "100", "REJECT")), [true, false, false]);
    assert_eq!(counts(&monitor, &flow("10.0.0.1", "10000001", "ACCEPT")), [false, true, false]);
    assert_eq!(counts(&monitor, &flow("10.0.0.1", "10000000", "ACCEPT")), [false; 3]);
    assert_eq!(counts(&monitor, &flow("203.0.113.9", "100", "ACCEPT")), [false, false, true]);
}

#[test]
fn look_alikes_of_private_addresses_are_external() {
    let monitor = fixtures::monitor();
    let external = |source| counts(&monitor, &flow(source, "1", "ACCEPT"))[2];
    for source in [
        "100.1.2.3",
        "172.15.0.1",
        "172.32.0.1",
        "172.160.1.1",
        "192.16.8.1",
        "169.25.4.1",
        "1.10.0.1",
        "fc::1",
        "fec0::1",
    ] {
        assert!(external(source), "{source}");
    }
    for source in [
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "169.254.1.1",
        "fd00::1",
        "fcab:1::",
        "fe80::1",
        "febf::",
    ] {
        assert!(!external(source), "{source}");
    }
}

#[test]
fn records_without_data_never_count() {
    for fields in [
        FlowLogField::ALL.to_vec(),
        vec![FlowLogField::SrcAddr, FlowLogField::Bytes, FlowLogField::Action],
        vec![FlowLogField::PktSrcAddr, FlowLogField::Bytes, FlowLogField::Action],
    ] {
        let mut monitor = fixtures::monitor();
        monitor.spec.cloud_watch_logs.fields = fields;
        for status in ["NODATA", "SKIPDATA"] {
            assert_eq!(counts(&monitor, &[(FlowLogField::LogStatus, status)]), [false; 3]);
        }
    }
}

#[test]
fn the_true_source_counts_where_it_is_logged() {
    let mut monitor = fixtures::monitor();
    monitor.spec.cloud_watch_logs.fields.push(FlowLogField::PktSrcAddr);
    let mut values = flow("10.0.0.1", "1", "ACCEPT").to_vec();
    values.push((FlowLogField::PktSrcAddr, "203.0.113.9"));
    assert_eq!(counts(&monitor, &values), [false, false, true]);
}

#[test]
fn what_a_detection_needs_is_named() {
    let mut monitor = fixtures::monitor();
    monitor.spec.cloud_watch_logs.fields = vec![FlowLogField::DstAddr];
    let problems = Detection::ALL.map(|detection| pattern(&monitor, detection).unwrap_err());
    for (problem, field) in problems.iter().zip(["field action", "field bytes", "field srcaddr"]) {
        assert_eq!(problem.field, "cloudWatchLogs.fields");
        assert!(problem.problem.contains(field), "{problem}");
    }
}

#[test]
fn every_field_at_once_fits() {
    let mut monitor = fixtures::monitor();
    monitor.spec.cloud_watch_logs.fields = FlowLogField::ALL.to_vec();
    for detection in Detection::ALL {
        assert!(pattern(&monitor, detection).unwrap().len() <= 1024);
    }
}

#[test]
fn the_first_network_that_does_not_fit_is_named() {
    let mut monitor = fixtures::monitor();
    let trusted = &mut monitor.spec.detections.external_connections.trusted_cidrs;
    *trusted = (0..64).map(|index| format!("203.{index}.1.0/24")).collect();
    let invalid = pattern(&monitor, Detection::ExternalConnections).unwrap_err();
    assert_eq!(invalid.field, "detections.externalConnections.trustedCidrs");
    let fitting: usize = (0..64).find(|index| invalid.problem.starts_with(&format!("203.{index}.1.0/24 "))).unwrap();
    assert!(invalid.problem.contains(&format!("the first {fitting} of 64")), "{invalid}");

    monitor.spec.detections.external_connections.trusted_cidrs.truncate(fitting + 1);
    assert!(pattern(&monitor, Detection::ExternalConnections).is_err());
    monitor.spec.detections.external_connections.trusted_cidrs.truncate(fitting);
    assert!(pattern(&monitor, Detection::ExternalConnections).is_ok());
    assert!(fitting > 20, "{fitting}");
}

#[test]
fn networks_that_are_one_take_the_room_of_one() {
    let mut monitor = fixtures::monitor();
    let trusted = &mut monitor.spec.detections.external_connections.trusted_cidrs;
    *trusted = (0..64).map(|index| format!("203.0.{index}.0/24")).chain(["10.1.0.0/16".to_owned()]).collect();
    assert!(pattern(&monitor, Detection::ExternalConnections).is_ok());
}

fn network() -> impl Strategy<Value = IpNet> {
    let v4 = (any::<u32>(), 8_u8..=32).prop_map(|(ip, prefix)| (IpAddr::V4(Ipv4Addr::from(ip)), prefix));
    let v6 = (any::<u128>(), 3_u8..=128).prop_map(|(ip, prefix)| (IpAddr::V6(Ipv6Addr::from(ip)), prefix));
    prop_oneof![v4, v6].prop_map(|(ip, prefix)| IpNet::new(ip, prefix).unwrap().trunc())
}

proptest! {
    #[test]
    fn exactly_what_is_outside_the_trusted_networks_counts(
        trusted in prop::collection::vec(network(), 0..6), v4: u32, v6: u128,
    ) {
        let mut monitor = fixtures::monitor();
        monitor.spec.detections.external_connections.trusted_cidrs = trusted.iter().map(ToString::to_string).collect();
        let private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"];
        let inside: Vec<IpNet> = private.iter().map(|network| network.parse().unwrap()).chain(trusted).collect();
        let edges = inside.iter().flat_map(|network| [network.network(), network.broadcast()]);
        let addresses: Vec<IpAddr> =
            edges.chain([IpAddr::V4(Ipv4Addr::from(v4)), IpAddr::V6(Ipv6Addr::from(v6))]).collect();
        for address in addresses {
            let external = !inside.iter().any(|network| network.contains(&address));
            let text = address.to_string();
            prop_assert_eq!(counts(&monitor, &flow(&text, "1", "ACCEPT"))[2], external, "{}", text);
        }
    }
}

fn as_wanted(monitor: &Monitor) -> Vec<Filter> {
    let desired = MetricFilters::desired(monitor).unwrap().unwrap();
    desired.into_iter().map(|(_, filter)| filter.unwrap()).collect()
}

fn difference(monitor: &Monitor, observed: &[Filter]) -> Diff<ResourceCall<Filter>> {
    let desired = MetricFilters::desired(monitor).unwrap();
    diff(monitor, desired.as_ref().map_or(Goal::Absent(Removal::SwitchedOff), Goal::Present), observed)
}

#[test]
fn one_that_cannot_be_expressed_leaves_the_others_as_they_are() {
    let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
    let networks = (0..64).map(|third| format!("203.{third}.{}.{}/30", third * 3, third * 4));
    spec.detections.external_connections.trusted_cidrs = networks.collect();
    let monitor = fixtures::with_spec(spec);
    let diff = difference(&monitor, &[]);
    let made: Vec<_> = diff.steps.iter().map(|step| step.change.name.clone()).collect();
    let (rejected, high) = (Detection::RejectedConnections, Detection::HighDataTransfer);
    assert_eq!(made, [rejected.filter_name(&monitor), high.filter_name(&monitor)]);
    assert_eq!(diff.invalid.len(), 1);
    assert_eq!(diff.invalid[0].field, "detections.externalConnections.trustedCidrs");
}

#[test]
fn at_rest_nothing_is_done_and_drift_is_put_back() {
    let monitor = fixtures::monitor();
    let mut observed = as_wanted(&monitor);
    assert!(difference(&monitor, &observed).steps.is_empty());
    observed[1].default_value = None;
    observed[2].field_selection_criteria = Some("@aws.account = \"1\"".into());
    let reported: Vec<_> =
        difference(&monitor, &observed).steps.iter().map(|step| step.change.fields[0].path.clone()).collect();
    assert_eq!(reported, ["defaultValue", "fieldSelectionCriteria"]);
}

#[test]
fn disabled_detections_and_former_log_groups_lose_their_filters() {
    let mut monitor = fixtures::monitor();
    let mut observed = as_wanted(&monitor);
    observed.push(Filter { log_group: "/former".into(), ..observed[0].clone() });
    monitor.spec.detections.external_connections.enabled = false;
    let deleted = |step: Step<ResourceCall<Filter>>| match step.op {
        ResourceCall::Delete(name, found) => (name, found.log_group),
        other => panic!("{other:?}"),
    };
    let deleted: Vec<_> = difference(&monitor, &observed).steps.into_iter().map(deleted).collect();
    let filter = |detection: Detection, group: &str| (detection.filter_name(&monitor), group.to_owned());
    assert_eq!(
        deleted,
        [
            filter(Detection::ExternalConnections, &monitor.names.log_group),
            filter(Detection::RejectedConnections, "/former"),
        ]
    );
}

#[test]
fn filters_stay_only_where_everything_does() {
    let mut monitor = fixtures::monitor();
    let observed = as_wanted(&monitor);
    let steps = |policy| {
        monitor.spec.deletion_policy = Some(policy);
        diff(&monitor, Goal::Absent(Removal::OwnerDeleted), &observed).steps.len()
    };
    assert_eq!([DeletionPolicy::Delete, DeletionPolicy::RetainData, DeletionPolicy::Retain].map(steps), [3, 3, 0]);
}

//! An overview and monitors for tests of the pure parts.

use super::Overview;
use crate::api::overview::VpcFlowOverviewSpec;
use crate::monitor::{Monitor, fixtures};

/// An overview `network/all` in account 123456789012, eu-west-1.
pub fn overview() -> Overview {
    with_spec("{monitorSelector: {}}")
}

/// The same, with another spec.
pub fn with_spec(yaml: &str) -> Overview {
    let spec: VpcFlowOverviewSpec = serde_yaml_ng::from_str(yaml).unwrap();
    let monitor = fixtures::monitor();
    Overview::new("network", "all", spec, monitor.account_region, monitor.settings)
}

/// So many monitors in that account and region.
pub fn monitors(count: usize) -> Vec<Monitor> {
    let one = fixtures::monitor();
    let of = |number| {
        let (spec, at, settings) = (one.spec.clone(), one.account_region.clone(), one.settings.clone());
        Monitor::new("network", &format!("vpc-{number:03}"), spec, None, at, settings)
    };
    (0..count).map(of).collect()
}

//! The settings in the function's package: lists, which would outgrow the environment.

use std::time::SystemTime;

use detector::package_config::{EventsConfig, PackageConfig};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::counted_detections::{self, DETECTIONS};
use super::custom_rules::CUSTOM_RULES;
use super::own_rules::OwnRules;
use super::package_entries::PackageEntries;
use super::severity::severity;
use super::suppressions::SUPPRESS;
use crate::api::{Invalid, VpcFlowMonitorSpec};
use crate::monitor::Monitor;
use crate::resources::common::networks::TRUSTED_CIDRS;

/// Most bytes of the file. The detector parses it at each cold start, and each call that changes the code sends it.
const MOST_BYTES: usize = 256 * 1024;

/// Bytes of the hash that are shown as the version.
const VERSION_BYTES: usize = 6;

/// The lists in the file, each with the field of the spec that it comes from.
const LISTS: &[(&str, &str)] = &[
    ("customRules", CUSTOM_RULES),
    ("detections", DETECTIONS),
    ("suppress", SUPPRESS),
    ("trustedCidrs", TRUSTED_CIDRS),
];

/// The settings as the package has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PackageSettings {
    json: String,
    entries: PackageEntries,
}

impl PackageSettings {
    /// The settings of a monitor. Lists whose order has no meaning are sorted, so a change of order alone is no change.
    pub(super) fn of(monitor: &Monitor) -> Result<Self, Invalid> {
        let config = OwnRules::read(&monitor.spec, SystemTime::now())?.package_config()?;
        Self::new(&PackageConfig { detections: counted_detections::all(monitor)?, events: events(monitor), ..config })
    }

    /// The settings of a monitor without rules, suppressions and detections of the user, for a new function while those are invalid.
    pub(super) fn without_own_rules(monitor: &Monitor) -> Result<Self, Invalid> {
        let trusted_cidrs = OwnRules::read(&monitor.spec, SystemTime::now())?.trusted;
        let detections = counted_detections::built_in(monitor)?;
        Self::new(&PackageConfig { detections, events: events(monitor), trusted_cidrs, ..PackageConfig::default() })
    }

    fn new(config: &PackageConfig) -> Result<Self, Invalid> {
        let lists = json!(config);
        let json = lists.to_string();
        if json.len() <= MOST_BYTES {
            return Ok(Self { json, entries: PackageEntries::of(config) });
        }
        let bytes = |member: &str| lists[member].to_string().len();
        let longest = LISTS.iter().max_by_key(|(member, _)| bytes(member));
        Err(Invalid::new(
            longest.map_or("detector", |(_, field)| field),
            format!(
                "the lists for the detector take {} bytes, and its package has room for {MOST_BYTES}; shorten this list, \
                 the longest of them",
                json.len(),
            ),
        ))
    }

    /// The text of the file.
    pub(super) fn json(&self) -> &str {
        &self.json
    }

    /// The entries of the lists.
    pub(super) const fn entries(&self) -> &PackageEntries {
        &self.entries
    }

    /// A short hash of the text.
    pub(super) fn version(&self) -> String {
        hex::encode(&Sha256::digest(&self.json)[..VERSION_BYTES])
    }
}

/// The events that the function sends.
fn events(monitor: &Monitor) -> Option<EventsConfig> {
    let min_severity = severity(monitor.spec.integrations.events.min_severity);
    monitor.spec.sends_events().then_some(EventsConfig { min_severity })
}

/// The first problem of the rules, suppressions and networks of a spec, as the operator finds it.
pub fn check(spec: &VpcFlowMonitorSpec) -> Result<(), Invalid> {
    PackageSettings::new(&OwnRules::read(spec, SystemTime::now())?.package_config()?).map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use detector::package_config::FILE;

    use super::*;
    use crate::api::VpcFlowMonitorSpec;
    use crate::monitor::{SETTINGS_FILE, fixtures};

    fn of(networks: impl IntoIterator<Item = String>) -> Result<PackageSettings, Invalid> {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        spec.detections.external_connections.trusted_cidrs = networks.into_iter().collect();
        PackageSettings::of(&fixtures::with_spec(spec))
    }

    fn read(settings: &PackageSettings) -> PackageConfig {
        serde_json::from_str(settings.json()).unwrap()
    }

    #[test]
    fn the_detector_looks_for_the_file_that_the_package_has() {
        assert_eq!(SETTINGS_FILE, FILE);
    }

    #[test]
    fn without_lists_the_text_is_that_of_the_defaults() {
        let settings = of([]).unwrap();
        assert_eq!(settings.json(), r#"{"customRules":[],"suppress":[],"trustedCidrs":[],"version":1}"#);
        assert_eq!(settings.version(), "238a9b188558");
        assert_eq!(read(&settings), PackageConfig::default());
    }

    #[test]
    fn networks_are_sorted_and_read_as_they_were_declared() {
        let networks = ["2001:db8::/32", "203.0.113.0/24", "198.51.100.0/24"].map(str::to_owned);
        let settings = of(networks.clone()).unwrap();
        let sorted = ["198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"].map(|network| network.parse().unwrap());
        assert_eq!(read(&settings).trusted_cidrs, sorted);
        assert_eq!(of(networks.into_iter().rev()), Ok(settings.clone()));
        assert_ne!(settings.version(), of([]).unwrap().version());
    }

    #[test]
    fn a_value_that_the_detector_cannot_read_is_refused() {
        let error = of(["10.0.0.0".to_owned()]).unwrap_err();
        assert_eq!(error.field, TRUSTED_CIDRS);
        assert!(error.problem.starts_with("`10.0.0.0` cannot be: "), "{error}");
    }

    #[test]
    fn conditions_have_a_limit_together_and_the_longer_list_is_named() {
        let ports = |count: usize| vec!["dstport > 1"; count].join(" || ");
        let of = |rules: usize, suppressions: usize| {
            let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
            let rule = |number| {
                json!({
                    "name": format!("rule{number}"), "severity": "LOW", "when": ports(32), "description": "d", "tests": [],
                })
            };
            let suppression = |number| json!({"name": format!("it{number}"), "when": ports(32), "until": "2020-01-01T00:00:00Z", "reason": "r"});
            spec.detector.custom_rules = serde_json::from_value((0..rules).map(rule).collect()).unwrap();
            spec.detector.suppress = serde_json::from_value((0..suppressions).map(suppression).collect()).unwrap();
            PackageSettings::of(&fixtures::with_spec(spec)).map(|settings| read(&settings))
        };
        let config = of(5, 3).unwrap();
        assert_eq!((config.custom_rules.len(), config.suppress.len()), (5, 3));
        let error = of(5, 4).unwrap_err();
        assert_eq!(error.field, CUSTOM_RULES);
        assert!(error.problem.starts_with("the rules have 160 conditions and the suppressions 128, and"), "{error}");
        assert_eq!(of(4, 5).unwrap_err().field, SUPPRESS);
    }

    #[test]
    fn the_longest_list_is_named_if_the_file_is_too_large() {
        let networks = |number: u32| {
            (0..number)
                .map(|number| format!("2001:db8::{:x}:{:x}/128", 0x1000 + number / 0x1000, 0x1000 + number % 0x1000))
        };
        let bytes = |number: u32| of(networks(number)).unwrap().json().len();
        let each = bytes(2) - bytes(1);
        let most = u32::try_from(1 + (MOST_BYTES - bytes(1)) / each).unwrap();
        assert!(bytes(most) <= MOST_BYTES);
        let error = of(networks(most + 1)).unwrap_err();
        assert_eq!(error.field, TRUSTED_CIDRS);
        assert!(error.problem.contains(&format!("has room for {MOST_BYTES}; shorten this list")), "{error}");
    }

    #[test]
    fn every_list_of_the_file_names_its_field() {
        let json = r#"{"version":1,"detections":[{"metric":"a","when":"syn"}]}"#;
        let json = json!(serde_json::from_str::<PackageConfig>(json).unwrap());
        let lists: BTreeSet<&str> =
            json.as_object().unwrap().keys().map(String::as_str).filter(|it| *it != "version").collect();
        assert_eq!(lists, LISTS.iter().map(|(member, _)| *member).collect());
    }
}

//! The settings in the function's package: lists, which would outgrow the environment. The operator packs them beside the program.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::custom_rule::CustomRule;
use crate::detection::Detection;
use crate::rules::{Severity, cidrs};
use crate::suppression::Suppression;

/// The file's name in the package.
pub const FILE: &str = "config.json";

/// The settings in [`FILE`]. Lists may be left out; unknown members are refused. The members are in alphabetical order, so that the text, whose
/// hash is compared, is the same by every way of writing JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PackageConfig {
    /// Rules of the user that are switched on.
    #[serde(default)]
    pub custom_rules: Vec<CustomRule>,
    /// Metrics that the function makes of files, in the place of metric filters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub detections: Vec<Detection>,
    /// The events that the function sends; none if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<EventsConfig>,
    /// Records that rules leave out.
    #[serde(default)]
    pub suppress: Vec<Suppression>,
    /// Networks that are not public, besides the private ones.
    #[serde(default, with = "cidrs")]
    pub trusted_cidrs: Vec<IpNet>,
    /// The version of the format.
    pub version: Version,
}

/// The events of findings on the default event bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventsConfig {
    /// The least severity that is sent.
    pub min_severity: Severity,
}

/// The only version of the format so far: 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Version;

/// The number of the version.
const VERSION: u32 = 1;

impl From<Version> for u32 {
    fn from(_: Version) -> Self {
        VERSION
    }
}

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        if number == VERSION { Ok(Self) } else { Err(format!("version {number} is unknown; write {VERSION}")) }
    }
}

/// A file that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the settings in the package, {path}, {problem}; the operator writes the file, so remove what changed it")]
pub struct PackageConfigError {
    path: String,
    problem: String,
}

/// Bytes of the hash that are the version.
const VERSION_BYTES: usize = 6;

impl PackageConfig {
    /// A short hash of the lists that rules look at. Detections count, events are sent, and no incident depends on either.
    #[must_use]
    pub fn rules_version(&self) -> String {
        let rules = Self { detections: Vec::new(), events: None, ..self.clone() };
        let hash = Sha256::digest(json!(rules).to_string());
        hash.iter().take(VERSION_BYTES).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    /// Reads the settings from the folder of the unpacked package. A package without the file has none.
    pub fn read(folder: &Path) -> Result<Self, PackageConfigError> {
        let path = folder.join(FILE);
        let error = |problem| PackageConfigError { path: path.display().to_string(), problem };
        match fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json).map_err(|problem| error(format!("are invalid: {problem}"))),
            Err(problem) if problem.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(problem) => Err(error(format!("cannot be read: {problem}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, json: &str) -> Result<PackageConfig, PackageConfigError> {
        let folder = std::env::temp_dir().join(format!("package-config-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(FILE), json).unwrap();
        let config = PackageConfig::read(&folder);
        fs::remove_dir_all(folder).unwrap();
        config
    }

    #[test]
    fn a_package_without_the_file_has_no_settings() {
        assert_eq!(PackageConfig::read(Path::new("/nonexistent")), Ok(PackageConfig::default()));
    }

    #[test]
    fn lists_are_read_and_may_be_left_out() {
        let config = read("lists", r#"{"version":1,"trustedCidrs":["203.0.113.0/24","2001:db8::/32"]}"#).unwrap();
        let networks = ["203.0.113.0/24", "2001:db8::/32"].map(|network| network.parse().unwrap());
        assert_eq!(config.trusted_cidrs, networks);
        assert_eq!(read("without", r#"{"version":1}"#), Ok(PackageConfig::default()));
    }

    #[test]
    fn a_file_that_is_not_the_operators_is_named_with_its_problem() {
        for (name, json, problem) in [
            ("text", "networks", "expected"),
            ("unversioned", "{}", "missing field `version`"),
            ("later", r#"{"version":2}"#, "version 2 is unknown; write 1"),
            ("misspelt", r#"{"version":1,"trustedCIDRs":[]}"#, "unknown field `trustedCIDRs`"),
            ("rule", r#"{"version":1,"customRules":[{"name":"a"}]}"#, "missing field `severity`"),
            (
                "metric",
                r#"{"version":1,"detections":[{"metric":"a","when":"actoin == 1"}]}"#,
                "there is no field `actoin`",
            ),
            ("until", r#"{"version":1,"suppress":[{"name":"a","when":"syn","reason":"b"}]}"#, "missing field `until`"),
            ("wide", r#"{"version":1,"trustedCidrs":["10.0.0.1/8"]}"#, "write 10.0.0.0/8"),
        ] {
            let error = read(name, json).unwrap_err().to_string();
            assert!(error.contains("/config.json, are invalid: ") && error.contains(problem), "{error}");
        }
        let folder = std::env::temp_dir().join(format!("package-config-folder-{}", std::process::id()));
        fs::create_dir_all(folder.join(FILE)).unwrap();
        let error = PackageConfig::read(&folder).unwrap_err().to_string();
        assert!(error.contains("/config.json, cannot be read: "), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn rules_and_suppressions_are_written_in_alphabetical_order_and_read() {
        let text = concat!(
            r#"{"customRules":[{"description":"d","enabled":true,"groupBy":["source","dstport"],"minRecords":2,"mitre":["T1046"],"#,
            r#""name":"a_rule","runbook":"https://example.com","severity":"HIGH","when":"syn"}],"#,
            r#""detections":[{"metric":"Rejected-x","when":"action == 'REJECT'"}],"#,
            r#""suppress":[{"name":"scanner","reason":"r","rules":["portScan"],"until":"2027-03-01T00:00:00Z","when":"ack"}],"#,
            r#""trustedCidrs":[],"version":1}"#,
        );
        let config = read("rules", text).unwrap();
        assert_eq!((config.custom_rules[0].min_records, config.suppress[0].name.as_str()), (2, "scanner"));
        assert_eq!(serde_json::to_string(&config).unwrap(), text);
        assert_eq!(serde_json::json!(config).to_string(), text);
    }

    #[test]
    fn detections_are_no_part_of_the_version_of_the_rules() {
        let version = |json: &str| serde_json::from_str::<PackageConfig>(json).unwrap().rules_version();
        let none = version(r#"{"version":1}"#);
        assert_eq!(none, "238a9b188558");
        assert_eq!(version(r#"{"version":1,"detections":[{"metric":"a","when":"syn"}]}"#), none);
        assert_ne!(version(r#"{"version":1,"trustedCidrs":["203.0.113.0/24"]}"#), none);
    }

    #[test]
    fn events_are_written_only_if_they_are_sent_and_are_no_part_of_the_version_of_the_rules() {
        let config =
            PackageConfig { events: Some(EventsConfig { min_severity: Severity::Low }), ..PackageConfig::default() };
        let text = r#"{"customRules":[],"events":{"minSeverity":"LOW"},"suppress":[],"trustedCidrs":[],"version":1}"#;
        assert_eq!(serde_json::to_string(&config).unwrap(), text);
        assert_eq!(json!(config).to_string(), text);
        assert_eq!(read("events", text), Ok(config.clone()));
        assert_eq!(config.rules_version(), PackageConfig::default().rules_version());
    }

    #[test]
    fn the_defaults_are_written_whole() {
        let text = r#"{"customRules":[],"suppress":[],"trustedCidrs":[],"version":1}"#;
        assert_eq!(serde_json::to_string(&PackageConfig::default()).unwrap(), text);
        assert_eq!(serde_json::json!(PackageConfig::default()).to_string(), text);
    }
}

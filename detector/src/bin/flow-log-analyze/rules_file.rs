//! The settings of `--rules`: a monitor, or its `spec.detector`.

use std::io;

use detector::rules::{Declared, DeclaredSpec};
use serde::Deserialize;
use serde_json::Value;
use serde_yaml_ng::Deserializer;

use crate::settings::{EntryError, Settings};
use crate::spec_schema::{self, Problem};

const KIND: &str = "VpcFlowMonitor";

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// An error of the operating system.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// No YAML, or an invalid setting.
    #[error(transparent)]
    Invalid(#[from] serde_yaml_ng::Error),
    /// A field or value that the CRD refuses.
    #[error(transparent)]
    Schema(#[from] Problem),
    /// A rule of the user, or a suppression, that is invalid.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// Objects of other kinds only, or nothing at all.
    #[error("it has no VpcFlowMonitor; write a monitor, or its spec.detector")]
    NoMonitor,
    /// No one can be chosen.
    #[error("it has {0} VpcFlowMonitors; keep one of them")]
    Several(usize),
}

/// The part of an object that shows its kind.
#[derive(Deserialize)]
#[serde(expecting = "a VpcFlowMonitor, or its spec.detector")]
struct Head {
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Monitor {
    spec: DeclaredSpec,
}

/// The settings in `text`, in YAML or JSON: those of the only monitor in it, or, if it is no object of Kubernetes, a `spec.detector`.
pub fn read(text: &str) -> Result<Settings, RulesError> {
    // Some editors begin every file with a byte-order mark.
    let text = text.trim_start_matches('\u{feff}');
    let heads = Deserializer::from_str(text).map(Option::<Head>::deserialize).collect::<Result<Vec<_>, _>>()?;
    let is_monitor = |head: &Option<Head>| head.as_ref().and_then(|head| head.kind.as_deref()) == Some(KIND);
    let monitors = heads.iter().filter(|head| is_monitor(head)).count();
    match (monitors, heads.as_slice()) {
        (0, [Some(Head { kind: None })]) => {
            let detector = Value::deserialize(Deserializer::from_str(text))?;
            spec_schema::check_detector(detector.clone(), &spec_schema::of_spec()?)?;
            let config = Declared::deserialize(Deserializer::from_str(text))?.into();
            Ok(Settings::new(config, &detector, "")?)
        }
        (0, _) => Err(RulesError::NoMonitor),
        (1, _) => {
            let position = heads.iter().position(is_monitor);
            let document = || position.and_then(|at| Deserializer::from_str(text).nth(at)).ok_or(RulesError::NoMonitor);
            let spec = Value::deserialize(document()?)?["spec"].take();
            let detector = spec["detector"].clone();
            spec_schema::check_spec(spec, &spec_schema::of_spec()?)?;
            // Read from the text again: errors of YAML have their line.
            let config = Monitor::deserialize(document()?)?.spec.into();
            Ok(Settings::new(config, &detector, "spec.detector.")?)
        }
        (several, _) => Err(RulesError::Several(several)),
    }
}

#[cfg(test)]
mod tests {
    use detector::rules::Config;

    use super::*;

    fn config(text: &str) -> Config {
        read(text).unwrap().config
    }

    const MONITOR: &str = "kind: VpcFlowMonitor\nspec:\n  vpcId: vpc-1\n  detector: {memoryMb: 256, rules: {portScan: {minPorts: 7}}}\n  \
        detections: {externalConnections: {trustedCidrs: [203.0.113.0/24]}}\n";

    fn problem(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn a_monitor_is_taken_as_it_is_and_so_is_its_detector() {
        let network = "203.0.113.0/24".parse().unwrap();
        let expected = Config { port_scan_min_ports: 7, trusted_cidrs: vec![network], ..Config::of_monitor() };
        assert_eq!(config(MONITOR), expected);
        assert_eq!(config(&format!("\u{feff}kind: Namespace\n---\n{MONITOR}---\n")), expected);
        let detector = Config { trusted_cidrs: Vec::new(), ..expected };
        assert_eq!(config("rules:\n  portScan:\n    minPorts: 7\n"), detector);
        assert_eq!(config(r#"{"rules": {"portScan": {"minPorts": 7}}}"#), detector);
    }

    #[test]
    fn the_examples_of_a_monitor_are_accepted() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let yaml = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
        let results: Vec<_> = yaml.map(|path| read(&std::fs::read_to_string(path).unwrap())).collect();
        assert!(results.iter().any(Result::is_ok));
        for result in results {
            assert!(matches!(result, Ok(_) | Err(RulesError::Several(_) | RulesError::NoMonitor)), "{result:?}");
        }
    }

    #[test]
    fn unusable_settings_are_refused_with_their_place() {
        assert_eq!(problem("kind: ConfigMap\n"), "it has no VpcFlowMonitor; write a monitor, or its spec.detector");
        assert_eq!(problem(""), "it has no VpcFlowMonitor; write a monitor, or its spec.detector");
        assert_eq!(problem(&format!("{MONITOR}---\n{MONITOR}")), "it has 2 VpcFlowMonitors; keep one of them");
        assert!(problem("22").contains("expected a VpcFlowMonitor, or its spec.detector"), "{}", problem("22"));
        let misspelt = problem(&MONITOR.replace("minPorts", "minPort"));
        assert_eq!(misspelt, "spec.detector.rules.portScan.minPort: unknown field; did you mean minPorts?");
        let elsewhere = problem(&format!("kind: Namespace\n---\n{}", MONITOR.replace("trustedCidrs", "trustedCIDRs")));
        let expected = "spec.detections.externalConnections.trustedCIDRs: unknown field; did you mean trustedCidrs?";
        assert_eq!(elsewhere, expected);
        assert_eq!(problem("rules: {portScan: {minPorts: 0}}"), "rules.portScan.minPorts: 0 is less than 2");
        let word = problem(&MONITOR.replace("minPorts: 7", "minPorts: seven"));
        assert_eq!(word, "spec.detector.rules.portScan.minPorts: must be of type integer");
        let network = problem(&MONITOR.replace("/24", ""));
        let path = "spec.detections.externalConnections.trustedCidrs: ";
        assert!(network.starts_with(&format!("{path}each of trustedCidrs is a network in CIDR")), "{network}");
        let wide = problem(&MONITOR.replace("203.0.113.0/24", "203.0.113.7/8"));
        assert_eq!(
            wide,
            format!(
                "{path}trustedCidrs must have no address bits beyond the prefix length, as in 203.0.113.0/24 (203.0.113.7/8)"
            )
        );
        assert_eq!(problem("rules: null"), "rules: must be of type object");
        assert_eq!(problem("sensitivePorts: [22, 22]"), problem(r#"{"sensitivePorts": [22, 22]}"#));
    }
}

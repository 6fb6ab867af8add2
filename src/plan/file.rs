//! Monitors, fleets and overviews from a YAML file, as `kubectl apply` would send them.

use kube::Resource;
use serde_json::Value;
use thiserror::Error;

use super::document_problem::DocumentProblem;
use super::object::checked;
use super::yaml;
use crate::api::{GROUP, VpcFlowFleet, VpcFlowMonitor, VpcFlowOverview};

/// A failure to read objects from a file.
#[derive(Debug, Error)]
pub enum FileError {
    /// A document has a problem.
    #[error("document {document}: {problem}")]
    Document {
        /// Counted from 1.
        document: usize,
        /// One of its problems.
        problem: DocumentProblem,
    },
    /// There is nothing to plan.
    #[error("there is no VpcFlowMonitor, VpcFlowFleet or VpcFlowOverview in it")]
    Nothing,
}

/// The objects of a file, and every problem of the other documents.
#[derive(Debug, Default)]
pub struct FileContent {
    /// The monitors without a problem, in the order of the file.
    pub monitors: Vec<VpcFlowMonitor>,
    /// The fleets without a problem, in the order of the file.
    pub fleets: Vec<VpcFlowFleet>,
    /// The overviews without a problem, in the order of the file.
    pub overviews: Vec<VpcFlowOverview>,
    /// The problems, in the order of the file.
    pub errors: Vec<FileError>,
}

/// The text of a file: UTF-8, or UTF-16 if it begins with a byte-order mark of it, as Windows writes it.
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (units, _) = bytes.as_chunks();
        String::from_utf16_lossy(&units.iter().map(|pair| unit(*pair)).collect::<Vec<_>>())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => String::from_utf8_lossy(rest).into_owned(),
    }
}

/// The monitors, fleets and overviews among the documents of a YAML file and the lists in it; other kinds are passed over. Each is checked by
/// [`checked`].
#[must_use]
pub fn read(text: &str) -> FileContent {
    let mut content = FileContent::default();
    for (document, object) in yaml::objects(text) {
        let added = match object {
            Ok(object) => flattened(object).into_iter().map(|value| content.add(value)).collect(),
            Err(source) => vec![Err(vec![DocumentProblem::Unreadable(source)])],
        };
        let problems = added.into_iter().filter_map(Result::err).flatten();
        content.errors.extend(problems.map(|problem| FileError::Document { document, problem }));
    }
    if content.is_empty() {
        content.errors.push(FileError::Nothing);
    }
    content
}

impl FileContent {
    /// True if the file has no objects and no problems.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.monitors.is_empty() && self.fleets.is_empty() && self.overviews.is_empty() && self.errors.is_empty()
    }

    /// Adds the object, unless it is of another kind.
    fn add(&mut self, value: Value) -> Result<(), Vec<DocumentProblem>> {
        if value["kind"].as_str().is_none_or(str::is_empty) {
            return Err(vec![DocumentProblem::Kindless]);
        }
        if is_a::<VpcFlowMonitor>(&value)? {
            self.monitors.push(checked(value)?);
        } else if is_a::<VpcFlowFleet>(&value)? {
            self.fleets.push(checked(value)?);
        } else if is_a::<VpcFlowOverview>(&value)? {
            self.overviews.push(checked(value)?);
        }
        Ok(())
    }
}

/// The kinds of lists.
const LISTS: [&str; 4] = ["List", "VpcFlowMonitorList", "VpcFlowFleetList", "VpcFlowOverviewList"];

/// The objects of a document: itself, or the items of its list.
fn flattened(mut value: Value) -> Vec<Value> {
    let is_list = value["kind"].as_str().is_some_and(|kind| LISTS.contains(&kind));
    match value.get_mut("items").filter(|_| is_list) {
        Some(Value::Array(items)) => std::mem::take(items),
        _ => vec![value],
    }
}

/// True if the object is of the kind. An error if it is one of another version, which the API server does not know.
fn is_a<K: Resource<DynamicType = ()>>(value: &Value) -> Result<bool, Vec<DocumentProblem>> {
    let version = value["apiVersion"].as_str().unwrap_or_default();
    if value["kind"] != K::kind(&()).as_ref() || version.split('/').next() != Some(GROUP) {
        return Ok(false);
    }
    let expected = K::api_version(&());
    if version == expected {
        Ok(true)
    } else {
        Err(vec![DocumentProblem::invalid("apiVersion", format!("{version} is not served: write {expected}"))])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::object::check_change;

    const HEAD: &str = "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {name: m}\n";

    /// The problems of a text, in one line.
    fn problems(text: &str) -> String {
        read(text).errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    fn problem(spec: &str) -> String {
        problems(&format!("{HEAD}spec: {spec}\n"))
    }

    fn monitors(text: &str) -> Vec<VpcFlowMonitor> {
        let FileContent { monitors, errors, .. } = read(text);
        assert!(errors.is_empty(), "{errors:?}");
        monitors
    }

    /// A fleet with these parts of its spec in place of valid ones.
    fn fleet(name: &str, changes: &str) -> String {
        let mut spec: serde_json::Map<String, Value> = serde_json::from_value(json!({
            "places": [{"name": "home"}], "selector": {"matchTags": {"env": "prod"}}, "template": {},
        }))
        .unwrap();
        spec.extend(serde_yaml_ng::from_str::<serde_json::Map<String, Value>>(changes).unwrap());
        let (api_version, kind) = (VpcFlowFleet::api_version(&()), VpcFlowFleet::kind(&()));
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}).to_string()
    }

    #[test]
    fn every_problem_of_every_document_is_reported_and_the_others_are_read() {
        let named = |name: &str, spec: &str| {
            format!("{}spec: {spec}\n---\n", HEAD.replace("name: m", &format!("name: {name}")))
        };
        let text = [
            named("a", "{vpcId: vpc-12345678}"),
            named("A_B", "{vpcId: vpc-XYZ, trafficType: SOME, s3: {bucketname: x}, aggregationInterval: 61}"),
            "a: [\n---\n".to_owned(),
            named("d", "{vpcid: vpc-12345678, tags: 5}"),
            named("e", "{vpcId: vpc-12345678}"),
        ]
        .concat();
        let content = read(&text);
        let found: Vec<_> = content.monitors.iter().filter_map(|monitor| monitor.metadata.name.as_deref()).collect();
        assert_eq!(found, ["a", "e"]);
        let errors: Vec<_> = content.errors.iter().map(ToString::to_string).collect();
        let beginnings = [
            "document 2: metadata.name: 1 to 63",
            "document 2: spec.aggregationInterval: 61 is not one of",
            "document 2: spec.s3.bucketname: unknown field; did you mean bucketName?",
            "document 2: spec.trafficType: `SOME` is not one of",
            "document 2: spec.vpcId: `vpc-XYZ`: the id of a VPC is",
            "document 3: ",
            "document 4: spec.tags: must be of type object",
            "document 4: spec.vpcid: unknown field; did you mean vpcId?",
        ];
        assert_eq!(errors.len(), beginnings.len(), "{errors:#?}");
        for (error, beginning) in errors.iter().zip(beginnings) {
            assert!(error.starts_with(beginning), "{error}");
        }
    }

    #[test]
    fn monitors_are_found_among_other_documents_and_get_their_defaults() {
        let text = format!(
            "kind: ConfigMap\napiVersion: v1\n---\n{HEAD}spec: {{vpcId: vpc-12345678, s3: null, tags: {{any: thing}}}}\nstatus: {{region: x}}\n"
        );
        let monitors = monitors(&text);
        assert_eq!((monitors.len(), monitors[0].spec.s3.prefix.as_str()), (1, "vpc-flow-logs"));
        assert_eq!(monitors[0].status, None, "what a file says of it is no witness");
        assert_eq!(problems("kind: VpcFlowMonitor\napiVersion: other.dev/v1\n"), FileError::Nothing.to_string());
    }

    #[test]
    fn fleets_are_read_beside_monitors_and_get_their_defaults() {
        let text = format!("{HEAD}spec: {{vpcId: vpc-12345678}}\n---\n{}\n", fleet("m", "{}"));
        let FileContent { monitors, fleets, errors, .. } = read(&text);
        assert_eq!((monitors.len(), fleets.len(), errors.len()), (1, 1, 0), "{errors:?}");
        assert_eq!((fleets[0].spec.max_monitors, fleets[0].spec.rollout.waves.len()), (50, 3));
        // The template has the schema of a monitor, which is checked with the VPCs.
        let open = read(&fleet("m", "template: {spec: {s3: null, detector: {customRules: [{name: {a: b}}]}}}"));
        assert_eq!(open.errors.len(), 0, "{:?}", open.errors);
        assert_eq!(read(&format!("kind: VpcFlowFleetList\nitems: [{}]", fleet("m", "{}"))).fleets.len(), 1);
    }

    #[test]
    fn a_fleet_is_checked_by_its_own_crd() {
        for (changes, expected) in [
            ("selector: {}", "spec.selector: a selector needs matchTags"),
            ("places: []", "spec.places: has 0 entries; at least 1"),
            ("places: [{name: A}]", "spec.places[0].name: `A`: the name of a place has"),
            ("places: [{name: a}, {name: a}]", "spec.places: each place has a name of its own (a)"),
            ("rollout: {waves: [101%, 100%]}", "spec.rollout.waves[0]: `101%`: a number of monitors is 0 to 1000"),
            ("rollout: {waves: [-1, 100%]}", "spec.rollout.waves[0]: -1: a number of monitors is 0 to 1000"),
            ("rollout: {waves: [1, 50%]}", "spec.rollout.waves: the last wave is 100%"),
            ("maxMonitors: 1001", "spec.maxMonitors: 1001 is more than 1000"),
            ("template: {spec: {vpcId: vpc-12345678}}", "spec.template.spec: vpcId is set by the fleet"),
            ("template: {spec: {s3: {bucketName: b}}}", "spec.template.spec: s3.bucketName names one thing"),
            ("template: {metadata: {labels: {vpcflow.dev/a: b}}}", "spec.template.metadata: labels and annotations"),
            ("overrides: [{spec: {region: eu-west-1}}]", "spec.overrides[0].spec: region is set by the fleet"),
            ("maxMonitor: 3", "spec.maxMonitor: unknown field; did you mean maxMonitors?"),
            ("other: 3", "spec.other: unknown field; `kubectl explain vpcflowfleet --recursive` lists all fields"),
        ] {
            let found = problems(&fleet("m", changes));
            assert!(found.starts_with(&format!("document 1: {expected}")), "{changes}: {found}");
        }
        assert_eq!(problems(&fleet("m", "rollout: {waves: [1, 10%, 100%], maxUnready: 5%}")), "");
        assert!(problems(&fleet(&"n".repeat(46), "{}")).contains("metadata.name has at most 45 characters"));
    }

    #[test]
    fn lists_are_taken_apart() {
        let item = |name: &str| {
            format!(
                "- {{apiVersion: vpcflow.dev/v1alpha1, kind: VpcFlowMonitor, metadata: {{name: {name}}}, spec: {{vpcId: vpc-12345678}}}}\n"
            )
        };
        let list = format!("apiVersion: v1\nkind: List\nitems:\n{}{}", item("a"), item("b"));
        let names =
            |text: &str| monitors(text).into_iter().map(|monitor| monitor.metadata.name.unwrap()).collect::<Vec<_>>();
        assert_eq!(names(&list), ["a", "b"]);
    }

    #[test]
    fn a_change_of_an_immutable_field_is_refused() {
        let declared = |vpc: &str| monitors(&format!("{HEAD}spec: {{vpcId: {vpc}}}\n")).remove(0);
        let (live, other) = (declared("vpc-12345678"), declared("vpc-87654321"));
        assert!(check_change(&live, &live).is_ok());
        let refused = check_change(&live, &other).unwrap_err().to_string();
        assert!(refused.starts_with("spec.vpcId: `vpc-87654321`: vpcId is immutable"), "{refused}");
    }

    #[test]
    fn files_of_windows_are_decoded() {
        let text = "a: ä";
        let utf16 = |first: [u8; 2], bytes: fn(u16) -> [u8; 2]| {
            first.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect::<Vec<_>>()
        };
        assert_eq!(decode(&utf16([0xff, 0xfe], u16::to_le_bytes)), text);
        assert_eq!(decode(&utf16([0xfe, 0xff], u16::to_be_bytes)), text);
        assert_eq!(decode("\u{feff}a: ä".as_bytes()), text);
        assert_eq!(decode(text.as_bytes()), text);
    }

    #[test]
    fn values_are_those_that_kubectl_sends() {
        let spec = |text: &str| monitors(&format!("{HEAD}spec: {{vpcId: vpc-12345678, {text}}}\n")).remove(0).spec;
        assert!(!spec("dashboard: {enabled: no}").dashboard.enabled);
        assert_eq!(spec("detector: {memoryMb: 0400}").detector.memory_mb, Some(256));
        assert_eq!(spec("detector: {timeoutSeconds: 6e1}").detector.timeout_seconds, Some(60));
        assert_eq!(spec("aggregationInterval: 600.0").aggregation_interval, 600);
        assert!(spec("tags: {on: \"yes\"}").tags.contains_key("true"));
        assert_eq!(spec("vpcId: vpc-87654321").vpc_id, "vpc-87654321", "the last of two equal keys counts");
        assert!(problem("{vpcId: vpc-12345678, tags: {a: yes}}").contains("spec.tags.a: must be of type string"));
        assert!(
            problem("{vpcId: vpc-12345678, dashboard: {on: true}}")
                .contains("spec.dashboard.true: unknown field; `kubectl explain vpcflowmonitor")
        );
        assert_eq!(problems("a: 1"), "document 1: kind is missing");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(
            problem("{vpcId: vpc-12345678, s3: {bucketname: x}}")
                .starts_with("document 1: spec.s3.bucketname: unknown field; did you mean bucketName?")
        );
        let nested =
            "{vpcId: vpc-12345678, notifications: {subscriptions: [{protocol: email, endpoint: a@b, filter: {}}]}}";
        assert!(
            problem(nested)
                .contains("spec.notifications.subscriptions[0].filter: unknown field; `kubectl explain vpcflowmonitor")
        );
        assert!(
            problem("{vpcId: vpc-12345678, trafficType: SOME}")
                .starts_with("document 1: spec.trafficType: `SOME` is not one of")
        );
        assert_eq!(problem("{}"), "document 1: spec.vpcId: is missing");
        assert_eq!(problem("{vpcid: vpc-12345678}"), "document 1: spec.vpcid: unknown field; did you mean vpcId?");
        assert_eq!(problem("null"), "document 1: spec: is missing");
        assert!(
            problem("{vpcId: vpc-XYZ}")
                .starts_with("document 1: spec.vpcId: `vpc-XYZ`: the id of a VPC is vpc- with 8 or")
        );
        assert!(problem("{vpcId: vpc-12345678, s3: {lifecycle: {expireAfterDays: -1}}}").contains("is less than"));
        assert!(
            problem("{vpcId: vpc-12345678, s3: {lifecycle: {glacierAfterDays: 30}}}")
                .starts_with("document 1: spec.s3.lifecycle.glacierAfterDays: ")
        );
        let other =
            |text: &str, with: &str| problems(&format!("{HEAD}spec: {{vpcId: vpc-12345678}}\n").replace(text, with));
        assert!(other("v1alpha1", "v1beta1").contains("apiVersion: vpcflow.dev/v1beta1 is not served: write"));
        assert!(other("spec:", "spce:").contains("spce: unknown field; did you mean spec?"));
        assert!(other("name: m", "name: A_B").contains("metadata.name: 1 to 63"));
        assert!(other("name: m", "name: m, namespace: -a").contains("metadata.namespace: 1 to 63"));
        assert!(problems("a: [").starts_with("document 1: "));
        let nameless =
            "apiVersion: vpcflow.dev/v1alpha1\nkind: VpcFlowMonitor\nmetadata: {}\nspec: {vpcId: vpc-12345678}\n";
        assert_eq!(problems(nameless), "document 1: metadata.name is missing");
    }
}

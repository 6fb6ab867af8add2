//! Changes of the settings in the function's package.

use std::sync::Arc;

use aws_sdk_lambda::types::{Architecture, FunctionConfiguration};
use serde_json::json;

use super::tests::{NAME, NO_LISTS, NO_LISTS_VERSION, answer, desired, fields, observed, spec, steps};
use super::*;
use crate::monitor::{DetectorPackage, fixtures};

#[test]
fn a_change_of_networks_is_a_change_of_the_settings_in_the_package() {
    let mut spec = spec();
    spec.detections.external_connections.trusted_cidrs = vec!["203.0.113.0/24".into()];
    let monitor = fixtures::with_spec(spec);
    let (mut configuration, tags) = answer(&monitor);
    let reported = |configuration: &FunctionConfiguration| -> Vec<String> {
        let changes = steps(&monitor, &observed(configuration.clone(), tags.clone()));
        changes.iter().map(ToString::to_string).collect()
    };
    let version = format!("environment.CONFIG_VERSION: {NO_LISTS_VERSION} → 3710eedc880b");
    let in_words = format!("function {NAME}: the settings in the package change: trustedCidrs");
    assert_eq!(reported(&configuration), [in_words.clone(), format!("function {NAME} ({version})")]);
    configuration.architectures = Some(vec![Architecture::Arm64]);
    let with_processor = in_words.replace(": the", " (architecture: arm64 → x86_64): the");
    assert_eq!(reported(&configuration), [with_processor, format!("function {NAME} ({version})")]);
}

#[test]
fn without_the_package_a_change_of_its_settings_is_still_reported_in_words() {
    let mut spec = spec();
    spec.detections.external_connections.trusted_cidrs = vec!["203.0.113.0/24".into()];
    let mut monitor = fixtures::with_spec(spec);
    let (configuration, tags) = answer(&monitor);
    monitor.settings.detector = Arc::new(DetectorPackage::none());
    let changes = steps(&monitor, &observed(configuration, tags));
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].fields[0].path, "environment.CONFIG_VERSION");
    assert_eq!(changes[0].why.as_deref(), Some("the settings in the package change: trustedCidrs"));
}

fn with_rule(when: &str) -> Monitor {
    let rule = json!({"name": "database", "severity": "HIGH", "when": when, "description": "d"});
    let mut spec = spec();
    spec.detector.custom_rules = vec![serde_json::from_value(rule).unwrap()];
    fixtures::with_spec(spec)
}

fn present(monitor: &Monitor, function: Option<FoundFunction>) -> Diff<AnyCall> {
    let observed = Observed { function, ..Observed::default() };
    DetectorSystem::diff(monitor, Goal::Present(&desired(monitor)), &observed)
}

#[test]
fn a_new_function_has_the_built_in_rules_while_own_rules_are_invalid() {
    let monitor = with_rule("dstprt == 1");
    let created = |diff: &Diff<AnyCall>| diff.steps.iter().any(|step| step.change.kind == ResourceKind::Function);
    let diff = present(&monitor, None);
    assert!(created(&diff));
    assert_eq!(desired(&monitor).function.package_settings.json(), NO_LISTS);
    let problem = |diff: &Diff<AnyCall>| diff.invalid.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(
        problem(&diff)
            .ends_with("; until then the function has the built-in rules and detections only, and none of yours"),
        "{}",
        problem(&diff)
    );

    let (configuration, tags) = answer(&monitor);
    let diff = present(&monitor, Some(observed(configuration.clone(), tags.clone())));
    assert!(!created(&diff) && problem(&diff).ends_with("and none of yours"), "{}", problem(&diff));

    let valid = with_rule("dstport == 1");
    let mut with_rules = configuration;
    let variables = with_rules.environment.as_mut().and_then(|it| it.variables.as_mut()).unwrap();
    variables.insert(environment::CONFIG_VERSION.into(), desired(&valid).function.package_settings.version());
    let diff = present(&monitor, Some(observed(with_rules, tags)));
    assert!(!created(&diff) && problem(&diff).ends_with("keeps the settings that it has"), "{}", problem(&diff));
}

#[test]
fn a_change_of_a_rule_names_it() {
    let monitor = with_rule("dstport == 2");
    let (mut configuration, tags) = answer(&monitor);
    let former = desired(&with_rule("dstport == 1")).function.configuration.environment;
    let variables = configuration.environment.as_mut().and_then(|it| it.variables.as_mut()).unwrap();
    for name in [environment::CONFIG_VERSION, environment::CONFIG_ENTRIES] {
        variables.insert(name.into(), former[name].clone());
    }
    let changes = steps(&monitor, &observed(configuration, tags));
    let expected = "the settings in the package change: customRules (database changed)";
    assert_eq!(changes[0].why.as_deref(), Some(expected));
    let paths: Vec<_> = changes[1].fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(paths, ["environment.CONFIG_VERSION"]);
}

#[test]
fn a_function_of_a_former_version_gets_the_package_before_its_rules_lose_the_networks() {
    let monitor = fixtures::monitor();
    let (mut configuration, tags) = answer(&monitor);
    configuration.code_sha256 = Some("former".into());
    let variables = configuration.environment.as_mut().and_then(|it| it.variables.as_mut()).unwrap();
    variables.remove(environment::CONFIG_VERSION);
    let former = environment::tests::DEFAULT_RULES.replace(",\"window", ",\"trustedCidrs\":[],\"window");
    variables.insert("RULES".into(), former);
    let paths = ["sha256", "environment.CONFIG_VERSION", "environment.RULES.trustedCidrs"];
    assert_eq!(fields(&monitor, &observed(configuration, tags)), paths);
}

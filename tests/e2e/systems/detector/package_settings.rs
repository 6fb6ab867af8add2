//! The settings in the function's package.

use std::io::{Cursor, Read};

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::Environment;
use serde_json::{Value, json};
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::{FlowLogField, ResourceKind, VpcFlowMonitorSpec};
use vpc_flow_operator::engine::Action;
use vpc_flow_operator::monitor::Monitor;

use super::message::put_records;
use super::{DETECTOR, built, detector, kinds, lambda, settled_function};
use crate::inbox::Inbox;
use testkit::sandbox::Sandbox;

fn trusting(sandbox: &Sandbox, networks: &[&str]) -> Monitor {
    let mut spec = sandbox.spec();
    spec.detections.external_connections.trusted_cidrs = networks.iter().copied().map(str::to_owned).collect();
    sandbox.monitor(spec)
}

/// The sources of the findings about connections from these addresses to SSH of 10.0.0.1.
async fn reported(sandbox: &Sandbox, inbox: &mut Inbox, stream: &str, sources: &[&str]) -> Vec<String> {
    let account = &sandbox.account;
    let records: Vec<_> = sources
        .iter()
        .map(|source| format!("2 {account} eni-1 {source} 10.0.0.1 50000 22 6 1 40 1418530010 1418530070 ACCEPT OK"))
        .collect();
    put_records(sandbox, stream, &records).await;
    let message = inbox.next().await;
    let document: Value = serde_json::from_str(message["Message"].as_str().unwrap()).unwrap();
    let findings = document["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["source"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn trusted_networks_reach_the_function_and_change_its_findings() {
    let (office, stranger) = ("203.0.113.9", "198.51.100.7");
    let sandbox = Sandbox::new("detector::networks").await;
    let monitor = trusting(&sandbox, &[]);
    let sns = aws_sdk_sns::Client::new(&sandbox.config);
    let topic = sns.create_topic().name(monitor.names.topic()).send().await.unwrap().topic_arn.unwrap();
    let mut inbox = Inbox::subscribe(&sns, &topic).await;
    sandbox.converge(&monitor, DETECTOR).await;
    settled_function(&sandbox, &monitor).await;
    let mut sources = reported(&sandbox, &mut inbox, "eni-1-untrusted", &[office, stranger]).await;
    sources.sort();
    assert_eq!(sources, [stranger, office]);

    let monitor = trusting(&sandbox, &["203.0.113.0/24"]);
    let before = sandbox.latest_call().await;
    let changes = sandbox.converge(&monitor, DETECTOR).await;
    let name = monitor.names.detector();
    assert_eq!(changes[0].to_string(), format!("function {name}: the settings in the package change: trustedCidrs"));
    let writes: Vec<_> = sandbox.writes_since(before).await.into_iter().map(|call| call.operation).collect();
    assert_eq!(writes, ["UpdateFunctionCode", "UpdateFunctionConfiguration"]);
    settled_function(&sandbox, &monitor).await;
    sandbox.assert_at_rest(&monitor, DETECTOR).await;
    let sources = reported(&sandbox, &mut inbox, "eni-1-trusted", &[office, stranger]).await;
    assert_eq!(sources, [stranger]);
}

/// The program of the package alone, as a former version of the operator uploaded it.
fn without_settings() -> Vec<u8> {
    std::fs::read(std::env::var_os("DETECTOR_PACKAGE").unwrap()).unwrap()
}

#[tokio::test]
async fn a_function_of_a_former_version_is_brought_up_to_date() {
    let (sandbox, _) = built("detector::former").await;
    let monitor = trusting(&sandbox, &["203.0.113.0/24"]);
    sandbox.converge(&monitor, DETECTOR).await;
    settled_function(&sandbox, &monitor).await;
    let (name, before) = (monitor.names.detector(), sandbox.inventory().await);

    let mut variables = before["functions"][&name]["environment"].clone();
    let environment = variables.as_object_mut().unwrap();
    environment.remove("CONFIG_VERSION");
    let mut rules: Value = serde_json::from_str(environment["RULES"].as_str().unwrap()).unwrap();
    rules["trustedCidrs"] = json!(["203.0.113.0/24"]);
    environment.insert("RULES".into(), rules.to_string().into());
    let environment = environment.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
    let environment = Environment::builder().set_variables(Some(environment.collect())).build();
    let lambda = lambda(&sandbox);
    lambda.update_function_configuration().function_name(&name).environment(environment).send().await.unwrap();
    settled_function(&sandbox, &monitor).await;
    lambda.update_function_code().function_name(&name).zip_file(Blob::new(without_settings())).send().await.unwrap();
    settled_function(&sandbox, &monitor).await;
    assert_ne!(sandbox.inventory().await, before);

    let changes = sandbox.converge(&monitor, DETECTOR).await;
    assert_eq!(kinds(&changes), [(Action::Update, ResourceKind::Function); 2]);
    settled_function(&sandbox, &monitor).await;
    assert_eq!(sandbox.inventory().await, before);
    sandbox.assert_at_rest(&monitor, DETECTOR).await;
}

#[tokio::test]
async fn settings_changed_by_hand_are_repaired() {
    let (sandbox, monitor) = built("detector::edited").await;
    let (name, before) = (monitor.names.detector(), sandbox.inventory().await);
    let edited = testkit::sandbox::settings().detector.bytes(r#"{"trustedCidrs":["0.0.0.0/0"],"version":1}"#);
    let mut zip = zip::ZipArchive::new(Cursor::new(&edited)).unwrap();
    let mut text = String::new();
    zip.by_name("config.json").unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains("0.0.0.0/0"), "{text}");
    lambda(&sandbox).update_function_code().function_name(&name).zip_file(Blob::new(edited)).send().await.unwrap();
    settled_function(&sandbox, &monitor).await;
    let changes = sandbox.converge(&monitor, DETECTOR).await;
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(changes[0].fields[0].path, "sha256");
    settled_function(&sandbox, &monitor).await;
    assert_eq!(sandbox.inventory().await, before);
}

#[tokio::test]
async fn as_many_networks_as_the_spec_takes_fit_beside_all_fields() {
    let sandbox = Sandbox::new("detector::many_networks").await;
    let set = |spec: &mut VpcFlowMonitorSpec, number: u32| {
        spec.cloud_watch_logs.fields = FlowLogField::ALL.to_vec();
        let networks =
            (0..number).map(|host| format!("2001:db80:1111:2222:3333:4444:{:x}:{:x}/128", host >> 16, host & 0xffff));
        spec.detections.external_connections.trusted_cidrs = networks.collect();
    };
    let mut spec = sandbox.spec();
    set(&mut spec, 64);
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, DETECTOR).await;
    settled_function(&sandbox, &monitor).await;
    sandbox.assert_at_rest(&monitor, DETECTOR).await;

    // More than the CRD allows, and than the package has room for.
    set(&mut spec, 10_000);
    let before = sandbox.latest_call().await;
    let outcomes = sandbox.pass(&sandbox.monitor(spec), DETECTOR).await;
    let (_, failure) = &detector(&outcomes).failures[0];
    assert_eq!(failure.reason, Reason::InvalidSpec);
    assert!(failure.message.starts_with("spec.detections.externalConnections.trustedCidrs: "), "{failure}");
    assert!(sandbox.writes_since(before).await.is_empty());
}

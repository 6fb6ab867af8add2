use aws_sdk_lambda::types::Environment;
use serde_json::{Value, json};
use testkit::sandbox::Sandbox;
use vpc_flow_operator::api::Component;

use super::message::put_records;
use super::{DETECTOR, settled_function};
use crate::inbox::Inbox;

const OBJECT: &str = "detector-state/notification-log.json";

/// A record of a connection from the internet that was accepted.
fn accepted(sandbox: &Sandbox, host: u8, port: u16) -> String {
    let account = &sandbox.account;
    format!("2 {account} eni-1 198.51.100.{host} 10.0.0.1 50000 {port} 6 1 40 1418530010 1418530070 ACCEPT OK")
}

fn document(message: &Value) -> Value {
    serde_json::from_str(message["Message"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn an_incident_is_published_once_also_by_another_instance_of_the_function() {
    let sandbox = Sandbox::new("detector::notification_log").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let sns = aws_sdk_sns::Client::new(&sandbox.config);
    let topic = sns.create_topic().name(monitor.names.topic()).send().await.unwrap().topic_arn.unwrap();
    let mut inbox = Inbox::subscribe(&sns, &topic).await;
    sandbox.converge(&monitor, &[Component::Bucket]).await;
    sandbox.converge(&monitor, DETECTOR).await;
    settled_function(&sandbox, &monitor).await;

    let since = sandbox.latest_call().await;
    put_records(&sandbox, "first", &[accepted(&sandbox, 1, 22)]).await;
    let message = inbox.next().await;
    assert_eq!(message["Subject"], "HIGH: 198.51.100.1 reached 10.0.0.1:22, network/production");
    assert_eq!(document(&message)["findings"][0]["history"], Value::Null);
    let calls = sandbox.emulator.calls(&sandbox.account, since).await.unwrap();
    let put = calls.iter().position(|call| call.operation == "PutObject").unwrap();
    let publish = calls.iter().position(|call| call.operation == "Publish").unwrap();
    assert!(put < publish, "the incident is claimed before it is published");
    assert_eq!(calls[put].caller, Some(monitor.names.detector_role()), "as the detector's own role");

    // A changed variable starts another instance.
    let lambda = aws_sdk_lambda::Client::new(&sandbox.config);
    let name = monitor.names.detector();
    let configuration = lambda.get_function_configuration().function_name(&name).send().await.unwrap();
    let mut variables = configuration.environment.unwrap().variables.unwrap();
    variables.insert("INSTANCE".to_owned(), "another".to_owned());
    let environment = Environment::builder().set_variables(Some(variables)).build();
    lambda.update_function_configuration().function_name(&name).environment(environment).send().await.unwrap();
    settled_function(&sandbox, &monitor).await;

    put_records(&sandbox, "second", &[accepted(&sandbox, 2, 22)]).await;
    put_records(&sandbox, "third", &[accepted(&sandbox, 3, 22), accepted(&sandbox, 3, 3389)]).await;
    let message = inbox.next().await;
    assert_eq!(
        message["Subject"], "HIGH: 198.51.100.3 reached 10.0.0.1 at ports 22 3389, network/production",
        "the other port is new"
    );

    let s3 = aws_sdk_s3::Client::new(&sandbox.config);
    let object = s3.get_object().bucket(&monitor.names.bucket).key(OBJECT).send().await.unwrap();
    let log: Value = serde_json::from_slice(&object.body.collect().await.unwrap().into_bytes()).unwrap();
    assert_eq!((&log["version"], log["incidents"].as_object().unwrap().len()), (&json!(1), 2));

    // Without the log an incident is published again rather than never.
    s3.delete_bucket_policy().bucket(&monitor.names.bucket).send().await.unwrap();
    s3.delete_object().bucket(&monitor.names.bucket).key(OBJECT).send().await.unwrap();
    lambda.update_function_configuration().function_name(&name).memory_size(256).send().await.unwrap();
    settled_function(&sandbox, &monitor).await;
    put_records(&sandbox, "fourth", &[accepted(&sandbox, 4, 22)]).await;
    assert_eq!(inbox.next().await["Subject"], "HIGH: 198.51.100.4 reached 10.0.0.1:22, network/production");
}

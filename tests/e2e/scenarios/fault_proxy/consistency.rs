//! AWS is slow to show what has been changed.

use aws_sdk_lambda::types::{FunctionCode, LastUpdateStatus, Runtime, State};
use devenv::{Consistency, Treatment, wait_for};
use serde_json::json;
use vpc_flow_operator::aws::{AwsError, AwsResult, Class, operations as ops};

use super::Proxied;

fn trusting(service: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole",
    }]})
    .to_string()
}

/// A role for a service; its ARN.
async fn role(proxied: &Proxied, service: &str) -> String {
    let iam = aws_sdk_iam::Client::new(&proxied.config);
    let create = iam.create_role().role_name("r").assume_role_policy_document(trusting(service));
    create.send().await.unwrap().role.unwrap().arn().to_owned()
}

async fn create_function(proxied: &Proxied, role: &str) -> Result<(), AwsError> {
    let package = std::fs::read(std::env::var_os("DETECTOR_PACKAGE").unwrap()).unwrap();
    let lambda = aws_sdk_lambda::Client::new(&proxied.config);
    let create = lambda.create_function().function_name("f").role(role).runtime(Runtime::Providedal2023);
    let code = FunctionCode::builder().zip_file(package.into()).build();
    create.handler("bootstrap").code(code).send().await.op(ops::CREATE_FUNCTION)?;
    Ok(())
}

#[tokio::test]
async fn a_new_role_is_not_assumable_at_once() {
    let proxied = Proxied::new("fault_proxy::new_role").await;
    proxied.proxy.set_consistency(Consistency { role_not_assumable: 2, ..Consistency::default() });
    let role = role(&proxied, "lambda.amazonaws.com").await;
    for _ in 0..2 {
        let error = create_function(&proxied, &role).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.class), ("InvalidParameterValueException", Class::NotYet), "{error}");
    }
    create_function(&proxied, &role).await.unwrap();
}

#[tokio::test]
async fn flow_logs_cannot_assume_a_new_role_either() {
    let proxied = Proxied::new("fault_proxy::new_delivery_role").await;
    proxied.proxy.set_consistency(Consistency { role_not_assumable: 1, ..Consistency::default() });
    let role = role(&proxied, "vpc-flow-logs.amazonaws.com").await;
    let logs = aws_sdk_cloudwatchlogs::Client::new(&proxied.config);
    logs.create_log_group().log_group_name("g").send().await.unwrap();
    let create = async || {
        let ec2 = aws_sdk_ec2::Client::new(&proxied.config);
        let create = ec2.create_flow_logs().resource_type(aws_sdk_ec2::types::FlowLogsResourceType::Vpc);
        let create = create.resource_ids(&proxied.sandbox.vpc_id).log_group_name("g");
        let create = create.deliver_logs_permission_arn(&role).traffic_type(aws_sdk_ec2::types::TrafficType::All);
        create.send().await.op(ops::CREATE_FLOW_LOGS)
    };
    assert_eq!(create().await.unwrap_err().class, Class::NotYet);
    assert_eq!(create().await.unwrap().flow_log_ids().len(), 1);
}

#[tokio::test]
async fn a_deleted_name_is_taken_for_a_while() {
    let proxied = Proxied::new("fault_proxy::name_taken").await;
    proxied.proxy.set_consistency(Consistency { name_taken: 1, ..Consistency::default() });
    let trust = trusting("lambda.amazonaws.com");
    let (config, name) = (&proxied.config, "fault-proxy-name-taken");
    let (iam, logs) = (aws_sdk_iam::Client::new(config), aws_sdk_cloudwatchlogs::Client::new(config));
    let region = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::EuWest1)
        .build();
    let make = async || {
        let bucket = proxied.s3().create_bucket().bucket(name).create_bucket_configuration(region.clone());
        let group = logs.create_log_group().log_group_name(name);
        let role = iam.create_role().role_name(name).assume_role_policy_document(&trust);
        [
            bucket.send().await.op(ops::CREATE_BUCKET).map(|_| ()),
            group.send().await.op(ops::CREATE_LOG_GROUP).map(|_| ()),
            role.send().await.op(ops::CREATE_ROLE).map(|_| ()),
        ]
    };
    assert!(make().await.iter().all(Result::is_ok));
    proxied.s3().delete_bucket().bucket(name).send().await.unwrap();
    logs.delete_log_group().log_group_name(name).send().await.unwrap();
    iam.delete_role().role_name(name).send().await.unwrap();
    let refusals = make().await.map(|made| made.unwrap_err());
    assert!(refusals.iter().all(|error| error.class == Class::NotYet), "{refusals:?}");
    let codes = ["OperationAborted", "OperationAbortedException", "EntityAlreadyExists"];
    assert_eq!(refusals.each_ref().map(|error| error.code.as_str()), codes);
    assert!(make().await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn reads_are_stale_after_a_write_and_then_catch_up_with_all_of_them() {
    let proxied = Proxied::new("fault_proxy::stale").await;
    proxied.proxy.set_consistency(Consistency { stale_reads: 2, ..Consistency::default() });
    let iam = aws_sdk_iam::Client::new(&proxied.config);
    let known = async || iam.get_role().role_name("r").send().await.is_ok();
    assert!(!known().await);
    role(&proxied, "lambda.amazonaws.com").await;
    assert!(!known().await);
    let tag = aws_sdk_iam::types::Tag::builder().key("k").value("v").build().unwrap();
    iam.tag_role().role_name("r").tags(tag).send().await.unwrap();
    assert!(!known().await);
    assert!(known().await, "a second write does not make it later");
    let treatments: Vec<_> = proxied.proxy.calls().into_iter().map(|call| call.treatment).collect();
    assert_eq!(treatments.iter().filter(|treatment| **treatment == Treatment::Stale).count(), 2, "{treatments:?}");
    let other = iam.get_role().role_name("other").send().await;
    assert!(other.is_err(), "what has not been read before is answered as it is");
}

#[tokio::test]
async fn a_function_is_pending_and_cannot_be_changed_meanwhile() {
    let proxied = Proxied::new("fault_proxy::pending").await;
    proxied.proxy.set_consistency(Consistency { function_pending: 2, ..Consistency::default() });
    let role = role(&proxied, "lambda.amazonaws.com").await;
    create_function(&proxied, &role).await.unwrap();
    let lambda = aws_sdk_lambda::Client::new(&proxied.config);
    let state = async || {
        let found = lambda.get_function().function_name("f").send().await.unwrap().configuration.unwrap();
        (found.state.unwrap(), found.last_update_status.unwrap())
    };
    assert_eq!(state().await, (State::Pending, LastUpdateStatus::InProgress));
    let update = async || {
        let update = lambda.update_function_configuration().function_name("f").memory_size(256);
        update.send().await.op(ops::UPDATE_FUNCTION_CONFIGURATION)
    };
    let refused = update().await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.class), ("ResourceConflictException", Class::NotYet));
    // From here on only the emulator's own moment of being Pending.
    let active = wait_for("the function to be active", std::time::Duration::from_mins(1), async || {
        Ok((state().await.0 == State::Active).then_some(()))
    });
    active.await.unwrap();
    update().await.unwrap();
    assert_eq!(state().await.1, LastUpdateStatus::InProgress);
}

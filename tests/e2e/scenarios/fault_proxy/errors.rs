//! Errors arrive at each service's client as that service's own.

use devenv::{ProxyFault, Rule, Treatment};
use vpc_flow_operator::aws::{AwsError, AwsResult, Class, operations as ops};

use super::Proxied;

/// Makes one call to each service, and returns the errors. Together the calls use every wire protocol.
async fn call_each(proxied: &Proxied) -> Vec<AwsError> {
    let config = &proxied.config;
    let role = aws_sdk_sts::Client::new(config).assume_role().role_arn("arn:aws:iam::1:role/r").role_session_name("s");
    vec![
        aws_sdk_athena::Client::new(config).list_named_queries().send().await.op(ops::LIST_NAMED_QUERIES).unwrap_err(),
        aws_sdk_cloudwatch::Client::new(config).describe_alarms().send().await.op(ops::DESCRIBE_ALARMS).unwrap_err(),
        aws_sdk_ec2::Client::new(config).describe_flow_logs().send().await.op(ops::DESCRIBE_FLOW_LOGS).unwrap_err(),
        aws_sdk_glue::Client::new(config).get_database().name("d").send().await.op(ops::GET_DATABASE).unwrap_err(),
        aws_sdk_iam::Client::new(config).get_role().role_name("r").send().await.op(ops::GET_ROLE).unwrap_err(),
        aws_sdk_lambda::Client::new(config)
            .get_function()
            .function_name("f")
            .send()
            .await
            .op(ops::GET_FUNCTION)
            .unwrap_err(),
        aws_sdk_cloudwatchlogs::Client::new(config)
            .describe_log_groups()
            .send()
            .await
            .op(ops::DESCRIBE_LOG_GROUPS)
            .unwrap_err(),
        proxied.s3().get_bucket_policy().bucket("b").send().await.op(ops::GET_BUCKET_POLICY).unwrap_err(),
        aws_sdk_sns::Client::new(config)
            .get_topic_attributes()
            .topic_arn("t")
            .send()
            .await
            .op(ops::GET_TOPIC_ATTRIBUTES)
            .unwrap_err(),
        role.send().await.op(ops::ASSUME_ROLE).unwrap_err(),
    ]
}

async fn assert_each_is(proxied: &Proxied, fault: ProxyFault, class: Class) {
    proxied.proxy.clear();
    proxied.proxy.add(Rule::all(fault));
    let before = proxied.proxy.calls().len();
    let errors = call_each(proxied).await;
    let calls = &proxied.proxy.calls()[before..];
    assert_eq!(errors.len(), calls.len());
    for (error, call) in errors.iter().zip(calls) {
        assert_eq!(error.class, class, "{error}");
        assert_eq!(call.operation, error.operation.name);
        assert_eq!(call.treatment, Treatment::Refused(error.code.clone()), "the client reads the code: {error}");
        assert!(!error.message.contains("no reason"), "the client reads the message: {error}");
    }
}

#[tokio::test]
async fn each_service_fails_in_its_own_words() {
    let proxied = Proxied::new("fault_proxy::errors").await;
    assert_each_is(&proxied, ProxyFault::Throttle, Class::Throttled).await;
    assert_each_is(&proxied, ProxyFault::ServerError, Class::Transient).await;
    assert_each_is(&proxied, ProxyFault::AccessDenied, Class::Denied).await;
}

#[tokio::test]
async fn any_error_can_be_answered() {
    let proxied = Proxied::new("fault_proxy::any_error").await;
    let (code, message) = ("SomethingNew", "a < b & \"c\"".repeat(30));
    proxied.proxy.add(Rule::all(ProxyFault::error(code, &message)));
    for error in call_each(&proxied).await {
        assert_eq!((error.code.as_str(), error.message.as_str()), (code, message.as_str()), "{}", error.operation.name);
        assert_eq!(error.class, Class::Unknown);
    }
}

#[tokio::test]
async fn a_head_request_has_only_a_status() {
    let proxied = Proxied::new("fault_proxy::head").await;
    proxied.proxy.add(Rule::of("s3", "HeadBucket", ProxyFault::Throttle));
    let error = proxied.s3().head_bucket().bucket("b").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 503);
}

#[tokio::test]
async fn what_is_no_known_operation_is_never_passed_on() {
    let proxied = Proxied::new("fault_proxy::unknown").await;
    let error = proxied.s3().get_bucket_accelerate_configuration().bucket("b").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 501);
    assert_eq!(proxied.proxy.unknown_requests(), ["GET /b/?accelerate is no known operation of s3"]);
    assert!(proxied.proxy.calls().is_empty());
}

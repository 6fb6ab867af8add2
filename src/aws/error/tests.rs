use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::future::ProvideCredentials as ProvidedCredentials;
use aws_sdk_ec2::operation::create_flow_logs::CreateFlowLogsOutput;
use aws_sdk_ec2::types::{UnsuccessfulItem, UnsuccessfulItemError};
use aws_sdk_sns::operation::subscribe::SubscribeError;
use aws_smithy_runtime_api::client::interceptors::context::{Error, Input, Output};
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_types::body::SdkBody;

use super::*;
use crate::aws::operations as ops;

#[test]
fn what_only_aws_can_decode_is_left_out() {
    let message = "You are not authorized to perform this operation. Encoded authorization failure message: 4GIOHlTk";
    assert_eq!(readable(message), "You are not authorized to perform this operation.");
}

#[test]
fn a_missing_permission_is_named() {
    let error = AwsError::reported(ops::CREATE_ROLE, "AccessDenied", "no");
    assert_eq!(
        error.to_string(),
        "IAM CreateRole: AccessDenied: no (missing permissions: iam:CreateRole, iam:TagRole)"
    );
    assert_eq!(error.missing_actions(), ["iam:CreateRole", "iam:TagRole"]);
    assert!(error.with_remedy("another one").missing_actions().is_empty());
}

#[test]
fn only_the_action_that_aws_names_is_asked_for() {
    for (operation, message, expected) in [
        (
            ops::CREATE_FUNCTION,
            "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: iam:PassRole on resource: \
             arn:aws:iam::1:role/x because no identity-based policy allows the iam:PassRole action",
            "(missing permissions: iam:PassRole)",
        ),
        (
            ops::CREATE_TOPIC,
            "is not authorized to perform: SNS:TagResource on resource: arn:aws:sns:eu-west-1:1:t",
            "(missing permissions: sns:TagResource)",
        ),
        (
            ops::CREATE_LOG_GROUP,
            "is not authorized to perform CreateLogGroup with Tags. An additional permission \"logs:TagResource\" is required.",
            "(missing permissions: logs:TagResource)",
        ),
    ] {
        let reported = AwsError::reported(operation, "AccessDenied", message).to_string();
        assert!(reported.ends_with(expected), "{reported}");
    }
    let reported = AwsError::reported(ops::GET_CALLER_IDENTITY, "InvalidClientTokenId", "unknown").to_string();
    assert_eq!(reported, "STS GetCallerIdentity: InvalidClientTokenId: unknown");
}

#[test]
fn an_explicit_deny_is_no_missing_permission() {
    let message = "no identity-based policy, with an explicit deny in a service control policy";
    let error = AwsError::reported(ops::DELETE_ROLE, "AccessDenied", message);
    assert!(error.missing_actions().is_empty());
    assert!(error.to_string().ends_with(
        "(a policy explicitly denies iam:DeleteRole, which overrides all that allow it; ask the owner of that policy)"
    ));
}

#[test]
fn a_refusal_of_lake_formation_asks_for_its_permission() {
    let message = "Insufficient Lake Formation permission(s): Required Create Database on Catalog";
    let reported = AwsError::reported(ops::CREATE_DATABASE, "AccessDeniedException", message);
    assert_eq!(reported.class, Class::Denied);
    assert!(reported.missing_actions().is_empty());
    assert_eq!(
        reported.to_string(),
        format!(
            "Glue CreateDatabase: AccessDeniedException: {message} (no IAM permission is missing: an administrator of AWS Lake \
             Formation must grant the same caller Create database on the catalog)"
        )
    );
}

/// The error that an interceptor reads from an attempt.
fn of_attempt(
    operation: &'static Operation,
    result: Result<Output, OrchestratorError<Error>>,
    status: u16,
) -> Option<AwsError> {
    let mut context = InterceptorContext::new(Input::erase(()));
    context.set_response(answer(status));
    context.set_output_or_error(result);
    AwsError::of_attempt(operation, &context)
}

fn answer(status: u16) -> Response {
    Response::new(status.try_into().unwrap(), SdkBody::empty())
}

#[test]
fn an_interceptor_reads_an_error_as_its_caller_does() {
    let text = r#"Rate "exceeded", code: Some("b"), (slow down)"#;
    for (metadata, status, code) in [
        (ErrorMetadata::builder().code("Throttled").message(text).build(), 429, "Throttled"),
        (ErrorMetadata::builder().code("InvalidParameter").message(text).build(), 400, "InvalidParameter"),
        (ErrorMetadata::builder().build(), 429, "Http429"),
    ] {
        let error = || SubscribeError::generic(metadata.clone());
        let called: Result<(), _> = Err(SdkError::service_error(error(), answer(status)));
        let called = called.op(ops::SUBSCRIBE).unwrap_err();
        let attempt = Err(OrchestratorError::operation(Error::erase(error())));
        let attempt = of_attempt(ops::SUBSCRIBE, attempt, status).unwrap();
        assert_eq!((&attempt.code, &attempt.message), (&called.code, &called.message));
        assert_eq!((attempt.code.as_str(), attempt.class), (code, called.class));
    }
}

#[test]
fn an_interceptor_sees_failures_within_an_answer() {
    let refused = |error: Option<UnsuccessfulItemError>| {
        let items = error.map(|error| UnsuccessfulItem::builder().error(error).build());
        let output = CreateFlowLogsOutput::builder().set_unsuccessful(items.map(|item| vec![item])).build();
        of_attempt(ops::CREATE_FLOW_LOGS, Ok(Output::erase(output)), 200)
    };
    let error = UnsuccessfulItemError::builder().code("400").message("LogDestination: b does not exist").build();
    let reported = refused(Some(error)).unwrap();
    assert_eq!((reported.class, reported.code.as_str()), (Class::NotYet, "400"));
    assert!(refused(None).is_none());
}

/// A source of credentials that fails.
#[derive(Debug)]
struct Failing(fn() -> CredentialsError);

impl ProvideCredentials for Failing {
    fn provide_credentials<'a>(&'a self) -> ProvidedCredentials<'a>
    where
        Self: 'a,
    {
        ProvidedCredentials::ready(Err((self.0)()))
    }
}

#[tokio::test]
async fn a_failure_to_load_credentials_is_one_sentence_about_them() {
    let remedy = credentials_advice();
    let reported = async |problem| {
        let error = failure_of_a_call_to("http://127.0.0.1:1".to_owned(), Failing(problem)).await;
        assert!(error.is_without_credentials() && error.class == Class::Transient, "{error:?}");
        error.to_string()
    };
    assert_eq!(
        reported(|| CredentialsError::not_loaded("no providers in chain")).await,
        format!("no AWS credentials found: {remedy}")
    );
    assert_eq!(
        reported(|| CredentialsError::provider_error("failed to load IMDS session token: 403")).await,
        format!(
            "no AWS credentials found, because a source of them failed (failed to load IMDS session token: 403): {remedy}"
        )
    );
    assert_eq!(
        reported(|| CredentialsError::provider_timed_out(std::time::Duration::from_secs(5))).await,
        format!(
            "no AWS credentials found, because a source of them failed (credentials provider timed out after 5 seconds): {remedy}"
        )
    );
}

async fn code_of_a_call_to(endpoint: String) -> String {
    use aws_sdk_sts::config::Credentials;
    let error = failure_of_a_call_to(endpoint, Credentials::new("id", "secret", None, None, "test")).await;
    assert_eq!(error.class, Class::Transient);
    error.code
}

async fn failure_of_a_call_to(endpoint: String, credentials: impl ProvideCredentials + 'static) -> AwsError {
    use aws_config::retry::RetryConfig;
    use aws_config::timeout::TimeoutConfig;
    use aws_sdk_sts::config::{BehaviorVersion, Region};
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(credentials)
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().read_timeout(std::time::Duration::from_millis(50)).build())
        .build();
    let call = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send().await;
    call.op(ops::GET_CALLER_IDENTITY).unwrap_err()
}

#[tokio::test]
async fn no_answer_in_time_is_not_the_same_as_no_way_there() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    assert_eq!(code_of_a_call_to(endpoint.clone()).await, TIMED_OUT);
    drop(silent);
    assert_eq!(code_of_a_call_to(endpoint).await, UNREACHABLE);
}

#[test]
fn what_must_exist_and_is_not_found_is_not_visible_yet() {
    let class = |code| {
        let failed: Result<(), _> = Err(AwsError::reported(ops::LIST_LOG_TAGS, code, "AWS's words"));
        let error = failed.expected().unwrap_err();
        assert_eq!((error.code.as_str(), error.message.as_str()), (code, "AWS's words"));
        error.class
    };
    assert_eq!(class("ResourceNotFoundException"), Class::NotYet);
    assert_eq!(class("AccessDeniedException"), Class::Denied);
    assert_eq!(Ok::<_, AwsError>(1).expected().unwrap(), 1);
}

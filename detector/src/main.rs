//! The Lambda function's `bootstrap`: settings, client, and the loop of invocations.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use detector::envelope::Event;
use detector::handler::Handler;
use detector::publish::Topic;
use detector::rules::Rule;
use detector::settings::Settings;
use flow_log_fields::Field;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};

/// A connection that hangs must not use up the function's timeout, or there is no second attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .init();
    let settings = match Settings::read(|name| std::env::var(name).ok()) {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    warn_of_idle_rules(&settings);
    warn_of_idle_expressions(&settings, SystemTime::now());
    match serve(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "stopped");
            ExitCode::FAILURE
        }
    }
}

fn warn_of_idle_rules(settings: &Settings) {
    for rule in Rule::ALL.into_iter().filter(|rule| !settings.rules.disabled.contains(rule)) {
        if let Some(field) = rule.lacks(&settings.format).map(Field::name) {
            tracing::warn!(%rule, field, "the rule cannot fire: LOG_FORMAT lacks the field");
        }
    }
}

fn warn_of_idle_expressions(settings: &Settings, now: SystemTime) {
    for rule in settings.custom_rules.iter().filter(|rule| rule.enabled) {
        if let Some(field) = rule.when.lacks(&settings.format).map(Field::name) {
            tracing::warn!(rule = rule.name, field, "the rule cannot fire: LOG_FORMAT lacks the field");
        }
    }
    for suppression in &settings.suppress {
        let name = suppression.name.as_str();
        if suppression.is_expired(now) {
            tracing::warn!(suppression = name, "the suppression has expired: remove it, or set a later time");
        } else if let Some(field) = suppression.when.lacks(&settings.format).map(Field::name) {
            tracing::warn!(suppression = name, field, "the suppression matches no record: LOG_FORMAT lacks the field");
        }
    }
}

async fn serve(settings: Settings) -> Result<(), lambda_runtime::Error> {
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    let config = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).load().await;
    let topic = Topic::new(aws_sdk_sns::Client::new(&config), settings.topic_arn.clone());
    let handler = &Handler::new(settings, topic);
    lambda_runtime::run(service_fn(move |invocation: LambdaEvent<Event>| async move {
        // The runtime logs the error.
        handler
            .handle(invocation.payload, &invocation.context.invoked_function_arn)
            .await
            .map_err(|error| Diagnostic { error_type: error.kind().to_owned(), error_message: error.to_string() })
    }))
    .await
}

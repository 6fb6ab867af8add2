//! The Lambda function's `bootstrap`: settings, client, and the loop of invocations.

// The futures of the S3 client within those of the runtime are deeper than the default allows.
#![recursion_limit = "256"]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use detector::event::Event;
use detector::files::inbox::Inbox;
use detector::finding_events::bus::DefaultBus;
use detector::handler::{Call, Handler};
use detector::idle;
use detector::notification_log::store::Bucket;
use detector::package_config::PackageConfig;
use detector::publish::Topic;
use detector::settings::{Settings, SettingsError, Source};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};

/// The whole time for a call of S3. The notification log must leave time to publish without it.
const S3_TIMEOUT: Duration = Duration::from_secs(5);
/// One of several attempts within [`S3_TIMEOUT`].
const S3_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// The whole time for a call of `EventBridge`.
const EVENTS_TIMEOUT: Duration = Duration::from_secs(3);
/// One of several attempts within [`EVENTS_TIMEOUT`].
const EVENTS_ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1500);

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
    let settings = match settings() {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    let now = SystemTime::now();
    if settings.source == Source::CloudWatchLogs {
        idle::warn(&settings, &settings.format, "LOG_FORMAT", now);
    }
    idle::warn_of_expired(&settings, now);
    match serve(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "stopped");
            ExitCode::FAILURE
        }
    }
}

/// Lambda sets `LAMBDA_TASK_ROOT` to the folder of the unpacked package.
fn settings() -> Result<Settings, SettingsError> {
    let variable = |name: &str| std::env::var(name).ok();
    let package = match variable("LAMBDA_TASK_ROOT") {
        Some(folder) => PackageConfig::read(Path::new(&folder))?,
        None => PackageConfig::default(),
    };
    Settings::read(variable, package)
}

/// The time for a whole call, and for one of its attempts.
fn timeouts(whole: Duration, attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().operation_timeout(whole).operation_attempt_timeout(attempt).build()
}

async fn serve(settings: Settings) -> Result<(), lambda_runtime::Error> {
    let attempt = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
    let config = aws_config::defaults(BehaviorVersion::latest()).timeout_config(attempt).load().await;
    let topic = Topic::new(aws_sdk_sns::Client::new(&config), settings.topic_arn.clone());
    let files = Inbox::new(aws_sdk_s3::Client::new(&config));
    let s3 =
        aws_sdk_s3::config::Builder::from(&config).timeout_config(timeouts(S3_TIMEOUT, S3_ATTEMPT_TIMEOUT)).build();
    let bucket = settings.bucket.clone().map(|name| Bucket::new(aws_sdk_s3::Client::from_conf(s3), name));
    let bus = || {
        let timeouts = timeouts(EVENTS_TIMEOUT, EVENTS_ATTEMPT_TIMEOUT);
        let events = aws_sdk_eventbridge::config::Builder::from(&config).timeout_config(timeouts).build();
        DefaultBus::new(aws_sdk_eventbridge::Client::from_conf(events))
    };
    let handler = &Handler::new(settings, topic, bucket, files).with_bus(bus);
    lambda_runtime::run(service_fn(move |invocation: LambdaEvent<Event>| async move {
        let context = &invocation.context;
        let call = Call { function_arn: &context.invoked_function_arn, ends: Some(context.deadline()) };
        // The runtime logs the error.
        handler
            .handle(invocation.payload, call)
            .await
            .map_err(|error| Diagnostic { error_type: error.kind().to_owned(), error_message: error.to_string() })
    }))
    .await
}

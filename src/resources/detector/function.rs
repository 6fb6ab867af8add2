//! The Lambda function.
//!
//! See `CreateFunction`, `UpdateFunctionCode` and `UpdateFunctionConfiguration` in the AWS Lambda API reference, and "Lambda
//! function states" in its developer guide: Lambda allows one change of a function at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    ApplicationLogLevel, Architecture, Environment, FunctionCode, FunctionConfiguration, LastUpdateStatus, LogFormat,
    LoggingConfig, PackageType, Runtime, State, SystemLogLevel,
};
use backon::{BackoffBuilder, ExponentialBuilder};
use serde::{Serialize, Serializer};
use tokio::sync::Semaphore;

use super::environment;
use super::package_settings::PackageSettings;
use crate::api::Invalid;
use crate::api::ResourceKind;
use crate::api::conditions::Reason;
use crate::aws::{Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Change, Resource, Step, SystemHealth};
use crate::monitor::{Claim, Claims, Monitor, TagCall, Tags};
use crate::resources::common::sink::{Sink, flow_log_to};

/// Longest description that Lambda accepts, in characters.
const DESCRIPTION_CHARS: usize = 256;

/// Packages that are sent at once: each is copied several times on its way, 6 MB each time.
static UPLOADS: Semaphore = Semaphore::const_new(2);

/// The reason of a change of the lists in the package. Their former text is unknown.
const OTHER_PACKAGE_SETTINGS: &str = "the settings in the package change";

/// The function as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    pub(super) name: String,
    pub(super) configuration: Configuration,
    code: Code,
    /// The settings in the package, which are part of the code.
    pub(super) package_settings: PackageSettings,
    /// The reason the rules and suppressions of the user are not in the package.
    pub(super) refused: Option<Invalid>,
}

/// The settings that `UpdateFunctionConfiguration` changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Configuration {
    description: String,
    runtime: String,
    handler: String,
    role: String,
    memory_mb: i32,
    timeout_seconds: i32,
    #[serde(serialize_with = "without_hashes")]
    pub(super) environment: BTreeMap<String, String>,
    /// ARN of the key that encrypts the environment; empty for Lambda's own key. With a key set by hand, the operator might be unable to
    /// read the environment.
    kms_key_arn: String,
    log_group: String,
    log_format: String,
    /// Log level of the detector's lines. At WARN or above, Lambda drops the lines with the metrics.
    application_log_level: String,
    system_log_level: String,
}

/// The environment as changes show it: hashes say nothing to a person.
fn without_hashes<S: Serializer>(environment: &BTreeMap<String, String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(environment.iter().filter(|(name, _)| *name != environment::CONFIG_ENTRIES))
}

/// The settings that `UpdateFunctionCode` changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Code {
    sha256: String,
    architecture: String,
}

/// The function as AWS has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundFunction {
    configuration: Configuration,
    code: Code,
    is_image: bool,
    readiness: Readiness,
    tags: Tags,
}

/// Readiness of the function for invocations and changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Readiness {
    #[default]
    Ready,
    /// Lambda is changing it; the text names the change in progress.
    Busy(&'static str),
    /// Its creation or last update failed; the text gives the reason.
    Failed(String),
}

/// Changes the function.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for the calls they are")]
pub enum FunctionCall {
    UpdateCode(PackageSettings),
    UpdateConfiguration(Box<Function>),
}

pub(super) fn arn(monitor: &Monitor) -> String {
    monitor.account_region.arn("lambda", format!("function:{}", monitor.names.detector()))
}

pub(super) fn desired(monitor: &Monitor) -> Result<Function, Invalid> {
    let Monitor { namespace, name, spec, names, settings, .. } = monitor;
    let mut description = format!("Reports anomalies in the VPC flow logs of VpcFlowMonitor {namespace}/{name}");
    description.truncate(DESCRIPTION_CHARS);
    let (package_settings, refused) = match PackageSettings::of(monitor) {
        Ok(settings) => (settings, None),
        Err(refused) => (PackageSettings::without_own_rules(monitor)?, Some(refused)),
    };
    Ok(Function {
        name: names.detector(),
        configuration: Configuration {
            description,
            runtime: Runtime::Providedal2023.as_str().to_owned(),
            handler: "bootstrap".to_owned(),
            role: monitor.role_arn(&names.detector_role()),
            memory_mb: spec.detector.memory_mb(),
            timeout_seconds: spec.detector.timeout_seconds(),
            environment: environment::variables(monitor, &package_settings)?,
            kms_key_arn: String::new(),
            log_group: names.detector_log_group(),
            // The detector writes JSON; this setting makes Lambda's own lines JSON too.
            log_format: LogFormat::Json.as_str().to_owned(),
            application_log_level: ApplicationLogLevel::Info.as_str().to_owned(),
            system_log_level: SystemLogLevel::Info.as_str().to_owned(),
        },
        code: Code {
            sha256: settings.detector.code_sha256(package_settings.json()),
            architecture: settings.detector.architecture().as_str().to_owned(),
        },
        package_settings,
        refused,
    })
}

pub(super) async fn observe(aws: &Aws, name: &str) -> Result<Option<FoundFunction>, AwsError> {
    let output = aws.lambda.get_function().function_name(name).send().await.op(ops::GET_FUNCTION).optional()?;
    output.map(read).transpose()
}

pub(super) fn read(output: GetFunctionOutput) -> Result<FoundFunction, AwsError> {
    // Without tags the owner of the function is unknown.
    if let Some(error) = &output.tags_error {
        return Err(AwsError::reported(ops::GET_FUNCTION, &error.error_code, &error.message));
    }
    let found = output.configuration.unwrap_or_else(|| FunctionConfiguration::builder().build());
    let readiness = readiness(&found);
    let logging = found.logging_config.unwrap_or_else(|| LoggingConfig::builder().build());
    Ok(FoundFunction {
        is_image: found.package_type == Some(PackageType::Image),
        readiness,
        tags: output.tags.unwrap_or_default().into_iter().collect(),
        code: Code {
            sha256: found.code_sha256.unwrap_or_default(),
            architecture: found
                .architectures
                .and_then(|all| all.into_iter().next())
                .map(|it| it.as_str().to_owned())
                .unwrap_or_default(),
        },
        configuration: Configuration {
            description: found.description.unwrap_or_default(),
            runtime: found.runtime.map(|it| it.as_str().to_owned()).unwrap_or_default(),
            handler: found.handler.unwrap_or_default(),
            role: found.role.unwrap_or_default(),
            memory_mb: found.memory_size.unwrap_or_default(),
            timeout_seconds: found.timeout.unwrap_or_default(),
            environment: found
                .environment
                .and_then(|environment| environment.variables)
                .unwrap_or_default()
                .into_iter()
                .collect(),
            kms_key_arn: found.kms_key_arn.unwrap_or_default(),
            log_group: logging.log_group.unwrap_or_default(),
            log_format: logging.log_format.map(|it| it.as_str().to_owned()).unwrap_or_default(),
            // The default of the JSON format, see "Log-level filtering" in the AWS Lambda developer guide.
            application_log_level: logging
                .application_log_level
                .unwrap_or(ApplicationLogLevel::Info)
                .as_str()
                .to_owned(),
            system_log_level: logging.system_log_level.unwrap_or(SystemLogLevel::Info).as_str().to_owned(),
        },
    })
}

fn readiness(found: &FunctionConfiguration) -> Readiness {
    let reason = |reason: Option<&str>| reason.filter(|it| !it.is_empty()).unwrap_or("AWS gave no reason").to_owned();
    match (&found.state, &found.last_update_status) {
        (Some(State::Failed), _) => {
            Readiness::Failed(format!("the function does not work: {}", reason(found.state_reason())))
        }
        (Some(State::Pending), _) => Readiness::Busy("Lambda is setting the function up"),
        (_, Some(LastUpdateStatus::InProgress)) => Readiness::Busy("Lambda is updating the function"),
        (_, Some(LastUpdateStatus::Failed)) => Readiness::Failed(format!(
            "the function's last update failed, the earlier version still runs: {}",
            reason(found.last_update_status_reason())
        )),
        _ => Readiness::Ready,
    }
}

impl FoundFunction {
    pub(super) fn is_ours(&self, monitor: &Monitor) -> bool {
        monitor.claim(&self.tags) == Claim::Ours
    }

    pub(super) fn health(&self) -> SystemHealth {
        match &self.readiness {
            Readiness::Ready => SystemHealth::Good,
            Readiness::Busy(with) => SystemHealth::Pending((*with).to_owned()),
            Readiness::Failed(reason) => SystemHealth::Failing(Reason::AwsError, reason.clone()),
        }
    }
}

impl Function {
    /// True if the function was made for another bucket.
    pub(super) fn has_other_bucket(&self, found: &FoundFunction) -> bool {
        let bucket = |it: &Configuration| it.environment.get(environment::BUCKET).cloned();
        bucket(&found.configuration) != bucket(&self.configuration)
    }

    /// The problem of the user's rules, with what the function does meanwhile. A function that exists keeps its settings.
    pub(super) fn refusal(&self, found: Option<&FoundFunction>) -> Option<Invalid> {
        let Invalid { field, problem, reason } = self.refused.clone()?;
        let meanwhile = match found {
            Some(found) if self.has_other_package_settings(found) => {
                "until then the function keeps the settings that it has"
            }
            _ => "until then the function has the built-in rules and detections only, and none of yours",
        };
        Some(Invalid { field, problem: format!("{problem}; {meanwhile}"), reason })
    }

    /// The reason of a change of the settings in the package, with the entries that change.
    fn package_change(&self, found: &FoundFunction) -> String {
        let former = found.configuration.environment.get(environment::CONFIG_ENTRIES);
        match self.package_settings.entries().changes_since(former.map(String::as_str)).as_slice() {
            [] => OTHER_PACKAGE_SETTINGS.to_owned(),
            changes => format!("{OTHER_PACKAGE_SETTINGS}: {}", changes.join(", ")),
        }
    }

    /// True if the function was made with other settings in its package. The functions of former versions had none.
    fn has_other_package_settings(&self, found: &FoundFunction) -> bool {
        let version = |it: &Configuration| it.environment.get(environment::CONFIG_VERSION).cloned();
        let former = version(&found.configuration);
        former.is_some() && former != version(&self.configuration)
    }

    /// Two hashes say nothing to a person, so a change of the settings in the package is reported in words.
    fn change_of_code(&self, found: &FoundFunction, change: Change) -> Change {
        if self.has_other_package_settings(found) {
            let (former, declared) = (&found.code.architecture, &self.code.architecture);
            change.field("architecture", former, declared).because(self.package_change(found))
        } else {
            change.between(&found.code, &self.code)
        }
    }
}

impl Resource for Function {
    const KIND: ResourceKind = ResourceKind::Function;

    type Found = FoundFunction;
    type Call = FunctionCall;

    fn arn(monitor: &Monitor, _name: &str) -> Option<String> {
        Some(arn(monitor))
    }

    fn tags(found: &FoundFunction) -> Option<&Tags> {
        Some(&found.tags)
    }

    fn unusable(&self, found: &FoundFunction) -> Option<String> {
        found.is_image.then(|| {
            "it runs a container image, which cannot be changed into a zip file; delete the function".to_owned()
        })
    }

    fn differences(&self, monitor: &Monitor, found: &FoundFunction) -> Vec<Step<FunctionCall>> {
        // Lambda would reject changes now, and its answer may show only half of the change in progress.
        if matches!(found.readiness, Readiness::Busy(_)) {
            return Vec::new();
        }
        let change = || Change::new(Action::Update, Self::KIND, &self.name);
        let mut steps = Vec::new();
        // `plan` may run without the package.
        let is_known = monitor.settings.detector.is_known();
        if is_known && found.code != self.code {
            let call = FunctionCall::UpdateCode(self.package_settings.clone());
            steps.push(Step::new(self.change_of_code(found, change()), call));
        }
        if found.configuration != self.configuration {
            let mut change = change().between(&found.configuration, &self.configuration);
            if !is_known && self.has_other_package_settings(found) {
                change = change.because(self.package_change(found));
            }
            let call = FunctionCall::UpdateConfiguration(Box::new(self.clone()));
            let format =
                |configuration: &Configuration| configuration.environment.get(environment::LOG_FORMAT).cloned();
            steps.push(if format(&found.configuration) == format(&self.configuration) {
                Step::new(change, call)
            } else {
                Step::new(change, call).following(flow_log_to(Sink::CloudWatchLogs))
            });
        }
        steps
    }

    async fn create(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        let Self { name, configuration, code, package_settings, .. } = self;
        let upload = UPLOADS.acquire().await;
        let package = monitor.settings.detector.bytes(package_settings.json());
        aws.lambda
            .create_function()
            .function_name(name)
            .code(FunctionCode::builder().zip_file(Blob::new(package)).build())
            .architectures(Architecture::from(code.architecture.as_str()))
            .description(&configuration.description)
            .runtime(Runtime::from(configuration.runtime.as_str()))
            .handler(&configuration.handler)
            .role(&configuration.role)
            .memory_size(configuration.memory_mb)
            .timeout(configuration.timeout_seconds)
            .environment(configuration.sdk_environment())
            .logging_config(configuration.sdk_logging())
            .set_tags(Some(monitor.tags.clone().into_iter().collect()))
            .send()
            .await
            .op(ops::CREATE_FUNCTION)?;
        drop(upload);
        wait_while_busy(aws, name).await;
        Ok(Applied::Done)
    }

    async fn call(aws: &Aws, monitor: &Monitor, name: &str, call: &FunctionCall) -> Result<Applied, AwsError> {
        match call {
            FunctionCall::UpdateCode(settings) => {
                let package = &monitor.settings.detector;
                let _permit = UPLOADS.acquire().await;
                aws.lambda
                    .update_function_code()
                    .function_name(name)
                    .zip_file(Blob::new(package.bytes(settings.json())))
                    .architectures(Architecture::from(package.architecture().as_str()))
                    .send()
                    .await
                    .op(ops::UPDATE_FUNCTION_CODE)?;
            }
            FunctionCall::UpdateConfiguration(function) => update_configuration(aws, function).await?,
        }
        wait_while_busy(aws, name).await;
        Ok(Applied::Done)
    }

    async fn tag(aws: &Aws, monitor: &Monitor, _name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        match call {
            TagCall::Set(set) => {
                let set = set.clone().into_iter().collect();
                let request = aws.lambda.tag_resource().resource(arn(monitor)).set_tags(Some(set));
                request.send().await.op(ops::TAG_FUNCTION)?;
            }
            TagCall::Unset(unset) => {
                let request = aws.lambda.untag_resource().resource(arn(monitor)).set_tag_keys(Some(unset.to_vec()));
                request.send().await.op(ops::UNTAG_FUNCTION)?;
            }
        }
        Ok(())
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, name: &str, _found: &FoundFunction) -> Result<Applied, AwsError> {
        aws.lambda.delete_function().function_name(name).send().await.op(ops::DELETE_FUNCTION).or_gone()?;
        Ok(Applied::Done)
    }
}

/// Waits for some seconds until Lambda has finished its work on the function. Until then Lambda refuses the next change. A longer wait is
/// for the next pass: the function is reported as it is.
async fn wait_while_busy(aws: &Aws, name: &str) {
    let waits = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_factor(1.5)
        .with_max_times(6)
        .with_jitter();
    for wait in waits.build() {
        tokio::time::sleep(wait).await;
        match observe(aws, name).await {
            Ok(Some(FoundFunction { readiness: Readiness::Busy(_), .. })) => {}
            _ => break,
        }
    }
}

async fn update_configuration(aws: &Aws, function: &Function) -> Result<(), AwsError> {
    let Function { name, configuration, .. } = function;
    aws.lambda
        .update_function_configuration()
        .function_name(name)
        .description(&configuration.description)
        .runtime(Runtime::from(configuration.runtime.as_str()))
        .handler(&configuration.handler)
        .role(&configuration.role)
        .memory_size(configuration.memory_mb)
        .timeout(configuration.timeout_seconds)
        .environment(configuration.sdk_environment())
        .kms_key_arn(&configuration.kms_key_arn)
        .logging_config(configuration.sdk_logging())
        .send()
        .await
        .op(ops::UPDATE_FUNCTION_CONFIGURATION)?;
    Ok(())
}

impl Configuration {
    fn sdk_environment(&self) -> Environment {
        Environment::builder().set_variables(Some(self.environment.clone().into_iter().collect())).build()
    }

    fn sdk_logging(&self) -> LoggingConfig {
        LoggingConfig::builder()
            .log_format(LogFormat::from(self.log_format.as_str()))
            .application_log_level(ApplicationLogLevel::from(self.application_log_level.as_str()))
            .system_log_level(SystemLogLevel::from(self.system_log_level.as_str()))
            .log_group(&self.log_group)
            .build()
    }
}

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_sdk_ec2::config::SharedCredentialsProvider;
use thiserror::Error;
use tokio::sync::{Mutex, OnceCell};

use super::account_region::{AccountRegion, Arn};
use super::error::{AwsError, AwsResult};
use super::gate::AwsGate;
use super::limits::{Limits, LocalLimits, Pace, WaitBeforeSigning};
use super::operations as ops;
use crate::api::spec::AssumeRole;

/// The clients of one account and region.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each field is the client of the service it is named for")]
pub struct Aws {
    /// The account and region the clients speak to.
    pub account_region: AccountRegion,
    pub athena: aws_sdk_athena::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub ec2: aws_sdk_ec2::Client,
    pub events: aws_sdk_eventbridge::Client,
    pub glue: aws_sdk_glue::Client,
    pub iam: aws_sdk_iam::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub oam: aws_sdk_oam::Client,
    pub s3: aws_sdk_s3::Client,
    pub sns: aws_sdk_sns::Client,
}

/// A failure to make the clients of a monitor.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// No region is known.
    #[error("no AWS region: set spec.region, or start the operator with --region")]
    NoRegion,
    /// The role cannot be assumed.
    #[error(
        "spec.assumeRole: {role_arn} cannot be assumed: its trust policy must allow the operator's identity sts:AssumeRole and \
         sts:TagSession, with the external id if it asks for one: {source}"
    )]
    Role {
        /// The role.
        role_arn: String,
        /// The error of STS.
        source: Box<AwsError>,
    },
    /// STS did not say who we are.
    #[error(transparent)]
    Identity(#[from] AwsError),
    /// STS answered something unexpected.
    #[error("STS named the caller `{0}`, which is no ARN")]
    UnexpectedCaller(String),
}

const SESSION_NAME: &str = "vpc-flow-operator";

/// Maximum number of attempts of the SDK for a call.
const ATTEMPTS: u32 = 2;
/// Timeout for the connection to AWS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout for the start of AWS's answer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Time after which unused clients are dropped: longer than any monitor rests.
const KEPT_UNUSED: Duration = Duration::from_hours(24);
/// The account of calls to STS, which come before the account is known.
const UNKNOWN_ACCOUNT: &str = "";

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    region: String,
    role: Option<(String, Option<String>)>,
}

/// Makes clients, and keeps them per account and region.
#[derive(Debug)]
pub struct ClientPool {
    base: SdkConfig,
    gate: AwsGate,
    limits: Limits,
    clients: Mutex<HashMap<Key, Kept>>,
}

#[derive(Debug)]
struct Kept {
    aws: Arc<OnceCell<Arc<Aws>>>,
    used_at: Instant,
}

impl ClientPool {
    /// A pool whose clients start from `base`: credentials, endpoint and default region.
    #[must_use]
    pub fn new(base: &SdkConfig, gate: AwsGate) -> Self {
        Self::with_pace(base, gate, Pace::Published)
    }

    /// A pool whose clients use AWS's quotas at another pace.
    #[must_use]
    pub fn with_pace(base: &SdkConfig, gate: AwsGate, pace: Pace) -> Self {
        let base = base
            .to_builder()
            // One quick retry after throttling or a transient failure. The engine does not retry these within a pass but repeats whole
            // passes, so more attempts here would multiply with them.
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            // Not a timeout of the attempt: that would include the wait for its turn. Where the body of an answer stalls, the SDK's
            // protection against stalled streams ends it.
            .timeout_config(
                TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build(),
            )
            .build();
        let limits = Limits::new(pace, gate.limit_metrics().clone());
        Self { base, gate, limits, clients: Mutex::new(HashMap::new()) }
    }

    /// The clients for a region and, if given, a role in another account.
    pub async fn get(&self, region: Option<&str>, role: Option<&AssumeRole>) -> Result<Arc<Aws>, ConnectError> {
        let region = region
            .map(str::to_owned)
            .or_else(|| self.base.region().map(ToString::to_string))
            .ok_or(ConnectError::NoRegion)?;
        let key = Key { region, role: role.map(|role| (role.role_arn.clone(), role.external_id.clone())) };
        let now = Instant::now();
        let aws = {
            let mut clients = self.clients.lock().await;
            // No monitor has the role or external id of these any more.
            clients.retain(|_, kept| now.duration_since(kept.used_at) < KEPT_UNUSED);
            let kept = clients.entry(key.clone()).or_insert_with(|| Kept { aws: Arc::default(), used_at: now });
            kept.used_at = now;
            Arc::clone(&kept.aws)
        };
        // Many monitors of an account begin at once after a start: one of them connects, and the others wait for it.
        let connect = async || Ok::<_, ConnectError>(Arc::new(self.connect(&key).await?));
        aws.get_or_try_init(connect).await.map(Arc::clone)
    }

    fn sts(&self, config: &SdkConfig) -> aws_sdk_sts::Client {
        let region = config.region().map(ToString::to_string).unwrap_or_default();
        let limits = self.limits.at(UNKNOWN_ACCOUNT, &region);
        let gate = self.gate.reporting_to(limits.clone());
        aws_sdk_sts::Client::from_conf(
            aws_sdk_sts::config::Builder::from(&in_turn(config, limits)).interceptor(gate).build(),
        )
    }

    /// Assumes the role once by hand: the credentials provider would hide AWS's reason for a refusal.
    async fn try_role(&self, key: &Key, role_arn: &str, external_id: Option<&str>) -> Result<(), ConnectError> {
        let config = self.base.to_builder().region(Region::new(key.region.clone())).build();
        let call = self.sts(&config).assume_role().role_arn(role_arn).role_session_name(SESSION_NAME);
        let result = call.set_external_id(external_id.map(str::to_owned)).send().await.op(ops::ASSUME_ROLE);
        match result {
            Ok(_) => Ok(()),
            Err(error) if error.is_without_credentials() => Err(error.into()),
            Err(source) => Err(ConnectError::Role { role_arn: role_arn.to_owned(), source: Box::new(source) }),
        }
    }

    async fn connect(&self, key: &Key) -> Result<Aws, ConnectError> {
        let mut builder = self.base.to_builder().region(Region::new(key.region.clone()));
        if let Some((role_arn, external_id)) = &key.role {
            self.try_role(key, role_arn, external_id.as_deref()).await?;
            let mut role = AssumeRoleProvider::builder(role_arn)
                .session_name(SESSION_NAME)
                .region(Region::new(key.region.clone()))
                .configure(&self.base);
            if let Some(external_id) = external_id {
                role = role.external_id(external_id);
            }
            builder = builder.credentials_provider(SharedCredentialsProvider::new(role.build().await));
        }
        let config = builder.build();
        let caller = self.sts(&config).get_caller_identity().send().await.op(ops::GET_CALLER_IDENTITY)?;
        let arn = caller.arn().unwrap_or_default();
        let Some(parsed) = Arn::parse(arn) else {
            return Err(ConnectError::UnexpectedCaller(arn.to_owned()));
        };
        let account_region = AccountRegion {
            partition: parsed.partition.to_owned(),
            account: caller.account().unwrap_or(parsed.account).to_owned(),
            region: key.region.clone(),
        };
        let limits = self.limits.at(&account_region.account, &account_region.region);
        let gate = || self.gate.reporting_to(limits.clone());
        let config = in_turn(&config, limits.clone());
        // A custom endpoint, such as an emulator's, seldom has a host name per bucket.
        let path_style = config.endpoint_url().is_some();
        // Each service has types of its own for its client and for the configuration.
        macro_rules! client {
            ($sdk:ident $(, $setting:ident($value:expr))?) => {
                $sdk::Client::from_conf(
                    $sdk::config::Builder::from(&config)$(.$setting($value))?.interceptor(gate()).build(),
                )
            };
        }
        Ok(Aws {
            account_region,
            athena: client!(aws_sdk_athena),
            cloudwatch: client!(aws_sdk_cloudwatch),
            ec2: client!(aws_sdk_ec2),
            events: client!(aws_sdk_eventbridge),
            glue: client!(aws_sdk_glue),
            iam: client!(aws_sdk_iam),
            lambda: client!(aws_sdk_lambda),
            logs: client!(aws_sdk_cloudwatchlogs),
            oam: client!(aws_sdk_oam),
            s3: client!(aws_sdk_s3, force_path_style(path_style)),
            sns: client!(aws_sdk_sns),
        })
    }
}

/// The same configuration for clients whose calls wait for their turn.
fn in_turn(config: &SdkConfig, limits: LocalLimits) -> SdkConfig {
    let identities = config.identity_cache().unwrap_or_else(|| IdentityCache::lazy().build());
    config.to_builder().identity_cache(WaitBeforeSigning::new(limits, identities)).build()
}

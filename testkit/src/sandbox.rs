//! An AWS account of one's own for each test, in the emulator that `devenv run` started.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use devenv::{Call, EmulatorClient, Fault};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::spec::{DeletionPolicy, FileFormat};
use vpc_flow_operator::api::status::{ResourceState, ResourceStatus};
use vpc_flow_operator::api::{Component, FlowLogField, ResourceKind, VpcFlowMonitorSpec, VpcFlowMonitorStatus};
use vpc_flow_operator::aws::limits::Pace;
use vpc_flow_operator::aws::operations::Caller;
use vpc_flow_operator::aws::{Aws, AwsGate, ClientPool};
use vpc_flow_operator::engine::{self, AnySystem, Assessed, Change, Direction, Outcome};
use vpc_flow_operator::monitor::{AllowedArns, DetectorPackage, Monitor, Settings};
use vpc_flow_operator::permissions;
use vpc_flow_operator::resources::SYSTEMS;

pub const REGION: &str = "eu-west-1";

/// The operator's role, where its policies count.
pub const OPERATOR_ROLE: &str = "operator";

/// The emulator has no quotas to keep; the limits are at work nevertheless.
pub const PACE: Pace = Pace::Times(50.0);

async fn clients(config: &SdkConfig) -> Arc<Aws> {
    ClientPool::with_pace(config, AwsGate::default(), PACE).get(None, None).await.unwrap()
}

/// An AWS account of one's own.
pub struct Sandbox {
    pub account: String,
    pub aws: Arc<Aws>,
    pub config: SdkConfig,
    pub emulator: EmulatorClient,
    pub vpc_id: String,
}

impl Sandbox {
    /// An account with one VPC. `test` must be unique among all tests: the account's number follows from it.
    pub async fn new(test: &str) -> Self {
        let digest = Sha256::digest(test);
        let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let account = format!("{:012}", number % 899_999_999_999 + 100_000_000_000);
        let emulator = EmulatorClient::from_env().unwrap();
        let credentials = Credentials::new(&account, "emulator", None, None, "test");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(emulator.endpoint())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .load()
            .await;
        let aws = clients(&config).await;
        // Not the operator's client: that one refuses what the operator never does.
        let vpc = aws_sdk_ec2::Client::new(&config).create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap();
        let vpc_id = vpc.vpc.unwrap().vpc_id.unwrap();
        Self { account, aws, config, emulator, vpc_id }
    }

    /// A plain client, which does what the operator never would.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// The same account at another endpoint, such as a proxy's.
    pub fn config_at(&self, endpoint: &str) -> SdkConfig {
        self.config.to_builder().endpoint_url(endpoint).build()
    }

    /// The operator's clients for the same account at another endpoint, such as a proxy's.
    pub async fn aws_at(&self, endpoint: &str) -> Arc<Aws> {
        clients(&self.config_at(endpoint)).await
    }

    /// The same account for an operator whose role may do just what these policies allow. The sandbox's own clients stay free.
    pub async fn config_bound_to(&self, policies: &[Value]) -> SdkConfig {
        let session = self.emulator.bind_role(&self.account, OPERATOR_ROLE, policies).await.unwrap();
        let token = Some(session.session_token);
        let credentials = Credentials::new(session.access_key_id, session.secret_access_key, token, None, "test");
        self.config.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
    }

    /// From now on the passes of the sandbox may do just what these policies allow.
    pub async fn bind(&mut self, policies: &[Value]) {
        self.aws = clients(&self.config_bound_to(policies).await).await;
    }

    /// The options that print the policies for everything that monitors in this account can use.
    pub fn printed(&self, caller: Caller) -> permissions::Options {
        permissions::Options {
            account: Some(self.account.clone()),
            regions: vec![REGION.into()],
            cluster_name: Some("test".into()),
            ..permissions::Options::everything(caller)
        }
    }

    /// A default spec for the sandbox's VPC.
    pub fn spec(&self) -> VpcFlowMonitorSpec {
        VpcFlowMonitorSpec::new(&self.vpc_id)
    }

    /// Monitor `network/production`.
    pub fn monitor(&self, spec: VpcFlowMonitorSpec) -> Monitor {
        self.named_monitor("network", "production", spec)
    }

    pub fn named_monitor(&self, namespace: &str, name: &str, spec: VpcFlowMonitorSpec) -> Monitor {
        Monitor::new(namespace, name, spec, None, self.aws.account_region.clone(), settings())
    }

    /// Brings some systems to where the monitor wants them, in as many passes as that takes, and returns all changes.
    pub async fn converge(&self, monitor: &Monitor, components: &[Component]) -> Vec<Change> {
        let mut changes = Vec::new();
        for _ in 0..5 {
            let outcomes = self.pass(monitor, components).await;
            changes.extend(outcomes.iter().flat_map(|outcome| outcome.applied.clone()));
            if outcomes.iter().all(Outcome::is_settled) {
                return changes;
            }
        }
        panic!("not settled after 5 passes: {:#?}", self.pass(monitor, components).await);
    }

    /// One pass over some systems.
    pub async fn pass(&self, monitor: &Monitor, components: &[Component]) -> Vec<Outcome> {
        pass(&self.aws, monitor, components, Direction::Build).await
    }

    /// One pass of teardown over some systems, as the monitor's deletion policy says.
    pub async fn tear_down(&self, monitor: &Monitor, components: &[Component]) -> Vec<Outcome> {
        pass(&self.aws, monitor, components, Direction::TearDown).await
    }

    /// A pass of teardown that must remove everything that the monitor's deletion policy removes.
    pub async fn remove(&self, monitor: &Monitor, components: &[Component]) {
        let outcomes = self.tear_down(monitor, components).await;
        assert!(outcomes.iter().all(Outcome::is_settled), "not removed: {outcomes:#?}");
    }

    /// A fault for the emulator: an error that AWS answers once, with status 400.
    pub fn fault(&self, service: &str, operation: &str, code: &str, message: &str) -> Fault {
        Fault {
            account: self.account.clone(),
            service: service.into(),
            operation: operation.into(),
            code: code.into(),
            message: message.into(),
            status: 400,
            times: Some(1),
        }
    }

    /// Checks that the operator waits for tags that AWS does not show yet, and reports no conflict with a foreign resource.
    pub async fn assert_late_tags_are_no_conflict(
        &self,
        monitor: &Monitor,
        component: Component,
        read: (&str, &str, &str),
    ) {
        let (service, operation, code) = read;
        self.emulator.add_fault(self.fault(service, operation, code, "not found")).await.unwrap();
        let outcomes = self.pass(monitor, &[component]).await;
        assert_eq!(outcomes[0].failures[0].1.reason, Reason::WaitingForAws, "{outcomes:#?}");
        assert!(outcomes[0].conflicts.is_empty());
        self.assert_at_rest(monitor, &[component]).await;
    }

    /// Everything in the account, as the AWS API shows it.
    pub async fn inventory(&self) -> Value {
        self.emulator.inventory(&self.account, REGION).await.unwrap()
    }

    /// All requests that may have changed something, after the request numbered `since`.
    pub async fn writes_since(&self, since: u64) -> Vec<Call> {
        let calls = self.emulator.calls(&self.account, since).await.unwrap();
        calls.into_iter().filter(|call| call.mutating).collect()
    }

    /// The number of the latest request.
    pub async fn latest_call(&self) -> u64 {
        self.emulator.calls(&self.account, 0).await.unwrap().last().map_or(0, |call| call.seq)
    }

    /// Checks that a pass over systems at rest writes nothing.
    pub async fn assert_at_rest(&self, monitor: &Monitor, components: &[Component]) {
        let before = self.latest_call().await;
        let outcomes = self.pass(monitor, components).await;
        assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
        assert!(outcomes.iter().all(|outcome| outcome.applied.is_empty()), "{outcomes:#?}");
        let writes = self.writes_since(before).await;
        assert!(writes.is_empty(), "{writes:#?}");
    }
}

/// Read once: to hash its megabytes takes long without optimisation.
static DETECTOR: LazyLock<Arc<DetectorPackage>> = LazyLock::new(|| {
    let package = std::env::var_os("DETECTOR_PACKAGE").map(PathBuf::from).expect("DETECTOR_PACKAGE names the package");
    Arc::new(DetectorPackage::read(&package).unwrap())
});

/// Settings of the operator for tests.
pub fn settings() -> Settings {
    Settings {
        cluster_name: "test".into(),
        permissions_boundary_arn: None,
        default_deletion_policy: DeletionPolicy::default(),
        allowed_subscription_roles: AllowedArns(vec!["*=arn:aws:iam::*:role/**".parse().unwrap()]),
        allowed_adoptions: AllowedArns::default(),
        detector: DETECTOR.clone(),
        source_overlap: Duration::ZERO,
    }
}

/// The tags that the operator puts on resources of monitor `network/production` without `spec.tags`.
pub fn own_tags() -> Value {
    json!({"vpcflow.dev/owner": "test/network/production", "vpcflow.dev/managed-by": "vpc-flow-operator"})
}

/// Records a resource in the monitor's status, as an earlier pass does.
pub fn record(monitor: &mut Monitor, component: Component, kind: ResourceKind, name: &str) {
    monitor.recorded.push(ResourceStatus {
        component,
        kind,
        name: name.to_owned(),
        arn: None,
        state: ResourceState::InSync,
        message: None,
    });
}

/// The components of all systems.
pub fn all_components() -> Vec<Component> {
    SYSTEMS.iter().map(|system| system.component).collect()
}

/// Applies assessed systems.
pub async fn apply(aws: &Aws, monitor: &Monitor, assessed: Vec<Assessed>, direction: Direction) -> Vec<Outcome> {
    let (outcomes, _) = tokio::sync::mpsc::unbounded_channel();
    engine::apply(assessed, aws, monitor, direction, &CancellationToken::new(), &outcomes).await
}

/// One pass over some systems.
pub async fn pass(aws: &Aws, monitor: &Monitor, components: &[Component], direction: Direction) -> Vec<Outcome> {
    let assessed = engine::assess(&systems(components), aws, monitor, direction).await;
    apply(aws, monitor, assessed, direction).await
}

/// The status with the details that outcomes write.
pub fn details(outcomes: &[Outcome]) -> VpcFlowMonitorStatus {
    let mut status = VpcFlowMonitorStatus::default();
    for outcome in outcomes {
        outcome.details.write(&mut status);
    }
    status
}

/// Some of the systems.
pub fn systems(components: &[Component]) -> Vec<AnySystem> {
    SYSTEMS.iter().copied().filter(|system| components.contains(&system.component)).collect()
}

/// The layout of the stored files that is most unlike the default one; the fields are those of `fixtures/flow_log.log.gz`.
pub fn plain_text_in_plain_folders(spec: &mut VpcFlowMonitorSpec) {
    spec.s3.file_format = FileFormat::PlainText;
    spec.s3.hive_compatible_partitions = false;
    spec.s3.per_hour_partition = false;
    spec.s3.prefix = String::new();
    spec.s3.fields = vec![
        FlowLogField::Version,
        FlowLogField::AccountId,
        FlowLogField::SrcAddr,
        FlowLogField::DstAddr,
        FlowLogField::DstPort,
        FlowLogField::Bytes,
        FlowLogField::Action,
        FlowLogField::InterfaceId,
        FlowLogField::LogStatus,
    ];
}

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{
    ApplicationLogLevel, Architecture, EnvironmentResponse, FunctionConfiguration, LastUpdateStatus, LogFormat,
    LoggingConfig, PackageType, Runtime, State, SystemLogLevel, TagsError,
};
use proptest::prelude::*;
use serde_json::json;

use super::invocation::Invoker;
use super::*;
use crate::api::spec::{AdoptionPolicy, DeletionPolicy};
use crate::api::status::{ResourceState, ResourceStatus};
use crate::api::{ResourceKind, VpcFlowMonitorSpec};
use crate::engine::{Action, Change, Removal, Step};
use crate::monitor::{OWNER, Tags, fixtures};

pub(super) const NAME: &str = "vfm-network-production-aa0df1549f-detector";

/// The settings in the package of a default monitor, and their version.
pub(super) const NO_LISTS: &str = r#"{"customRules":[],"suppress":[],"trustedCidrs":[],"version":1}"#;
pub(super) const NO_LISTS_VERSION: &str = "238a9b188558";

pub(super) fn desired(monitor: &Monitor) -> Desired {
    DetectorSystem::desired(monitor).unwrap().unwrap()
}

pub(super) fn spec() -> VpcFlowMonitorSpec {
    VpcFlowMonitorSpec::new("vpc-0123456789abcdef0")
}

/// The default monitor's function, as `GetFunction` returns it.
pub(super) fn answer(monitor: &Monitor) -> (FunctionConfiguration, Tags) {
    let variables = [
        ("TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:vfm-network-production-aa0df1549f-alerts"),
        ("MONITOR", "network/production"),
        ("OWNER", "cluster/network/production"),
        ("VPC_ID", "vpc-0123456789abcdef0"),
        (
            "LOG_FORMAT",
            "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} \
             ${start} ${end} ${action} ${log-status}",
        ),
        ("BUCKET", "vpc-flow-logs-123456789012-f79aa57299"),
        ("RENOTIFY_AFTER_SECONDS", "21600"),
        ("METRICS_NAMESPACE", "VPC/FlowLogs"),
        ("METRICS_MONITOR", "vfm-network-production-aa0df1549f"),
        ("RULES", environment::tests::DEFAULT_RULES),
        (environment::CONFIG_VERSION, NO_LISTS_VERSION),
        ("DASHBOARD", "vfm-network-production-aa0df1549f"),
        ("WORKGROUP", "vfm-network-production-aa0df1549f"),
        ("DATABASE", "vfm_network_production_aa0df1549f"),
        ("TABLE", "vpc_flow_logs"),
    ];
    let variables = variables.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let configuration = FunctionConfiguration::builder()
        .description("Reports anomalies in the VPC flow logs of VpcFlowMonitor network/production")
        .runtime(Runtime::Providedal2023)
        .handler("bootstrap")
        .role(format!("arn:aws:iam::123456789012:role/vpc-flow-operator/{NAME}"))
        .memory_size(128)
        .timeout(60)
        .environment(EnvironmentResponse::builder().set_variables(Some(variables.into())).build())
        .logging_config(
            LoggingConfig::builder().log_format(LogFormat::Json).log_group(format!("/aws/lambda/{NAME}")).build(),
        )
        .architectures(Architecture::X8664)
        .code_sha256(monitor.settings.detector.code_sha256(NO_LISTS))
        .package_type(PackageType::Zip)
        .state(State::Active)
        .last_update_status(LastUpdateStatus::Successful)
        .build();
    (configuration, monitor.tags.clone())
}

pub(super) fn observed(configuration: FunctionConfiguration, tags: Tags) -> FoundFunction {
    let output = GetFunctionOutput::builder().configuration(configuration).set_tags(Some(tags.into_iter().collect()));
    function::read(output.build()).unwrap()
}

pub(super) fn steps(monitor: &Monitor, function: &FoundFunction) -> Vec<Change> {
    let desired = function::desired(monitor).unwrap();
    ownership::diff(monitor, Goal::Present(&desired), NAME, Some(function))
        .steps
        .into_iter()
        .map(|step| step.change)
        .collect()
}

pub(super) fn fields(monitor: &Monitor, function: &FoundFunction) -> Vec<String> {
    steps(monitor, function).into_iter().flat_map(|change| change.fields).map(|field| field.path).collect()
}

fn kinds(diff: &Diff<AnyCall>) -> Vec<(Action, ResourceKind)> {
    diff.steps.iter().map(|step| (step.change.action, step.change.kind)).collect()
}

#[test]
fn the_default_function_is_no_difference() {
    let monitor = fixtures::monitor();
    let (configuration, tags) = answer(&monitor);
    let function = observed(configuration, tags);
    assert_eq!(steps(&monitor, &function), []);
    assert_eq!(function.health(), SystemHealth::Good);
}

#[test]
fn every_field_of_the_spec_changes_what_it_should() {
    type Set = fn(&mut VpcFlowMonitorSpec);
    let cases: [(Set, &str); 6] = [
        (|spec| spec.detector.memory_mb = Some(256), "memoryMb"),
        (|spec| spec.detector.timeout_seconds = Some(30), "timeoutSeconds"),
        (|spec| spec.detector.high_transfer_bytes = 7, "environment.RULES.highTransferBytes"),
        (|spec| spec.detections.namespace = "Network".into(), "environment.METRICS_NAMESPACE"),
        (|spec| spec.notifications.topic_arn = Some("arn:aws:sns:eu-west-1:1:t".into()), "environment.TOPIC_ARN"),
        (|spec| spec.cloud_watch_logs.fields.truncate(12), "environment.LOG_FORMAT"),
    ];
    for (set, field) in cases {
        let mut spec = spec();
        set(&mut spec);
        let monitor = fixtures::with_spec(spec);
        let (configuration, tags) = answer(&monitor);
        assert_eq!(fields(&monitor, &observed(configuration, tags)), [field]);
    }
    let mut spec = spec();
    spec.detector.log_retention_days = 3;
    assert_eq!(desired(&fixtures::with_spec(spec)).log_group.retention_days, 3);
}

#[test]
fn every_drift_is_seen() {
    type Set = fn(&mut FunctionConfiguration);
    let monitor = fixtures::monitor();
    let (configuration, tags) = answer(&monitor);
    let cases: [(Set, &str); 13] = [
        (|it| it.description = None, "description"),
        (|it| it.runtime = Some(Runtime::Providedal2), "runtime"),
        (|it| it.handler = Some("other".into()), "handler"),
        (|it| it.role = Some("arn:aws:iam::123456789012:role/other".into()), "role"),
        (|it| it.memory_size = Some(512), "memoryMb"),
        (|it| it.timeout = Some(3), "timeoutSeconds"),
        (|it| it.kms_key_arn = Some("arn:aws:kms:eu-west-1:123456789012:key/1".into()), "kmsKeyArn"),
        (|it| it.logging_config = Some(LoggingConfig::builder().log_format(LogFormat::Json).build()), "logGroup"),
        (
            |it| {
                let logging = it.logging_config.as_mut().unwrap();
                logging.application_log_level = Some(ApplicationLogLevel::Warn);
            },
            "applicationLogLevel",
        ),
        (|it| it.logging_config.as_mut().unwrap().system_log_level = Some(SystemLogLevel::Warn), "systemLogLevel"),
        (|it| it.code_sha256 = Some("other".into()), "sha256"),
        (|it| it.architectures = Some(vec![Architecture::Arm64]), "architecture"),
        (
            |it| {
                let variables = it.environment.as_mut().and_then(|it| it.variables.as_mut()).unwrap();
                variables.insert("RUST_LOG".into(), "off".into());
            },
            "environment.RUST_LOG",
        ),
    ];
    for (set, field) in cases {
        let mut configuration = configuration.clone();
        set(&mut configuration);
        assert_eq!(fields(&monitor, &observed(configuration, tags.clone())), [field]);
    }
    let tags = [(OWNER.into(), monitor.owner.clone())].into();
    assert_eq!(fields(&monitor, &observed(configuration, tags)), [r#"tags["vpcflow.dev/managed-by"]"#]);
}

#[test]
fn a_busy_function_is_left_alone_and_said_to_be() {
    let monitor = fixtures::monitor();
    let (mut configuration, tags) = answer(&monitor);
    configuration.memory_size = Some(512);
    for (state, update) in
        [(State::Pending, LastUpdateStatus::Successful), (State::Active, LastUpdateStatus::InProgress)]
    {
        configuration.state = Some(state);
        configuration.last_update_status = Some(update);
        let function = observed(configuration.clone(), tags.clone());
        assert_eq!(steps(&monitor, &function), []);
        assert!(matches!(function.health(), SystemHealth::Pending(_)));
    }
    configuration.last_update_status = Some(LastUpdateStatus::Successful);
    assert_eq!(steps(&monitor, &observed(configuration, tags)).len(), 1);
}

#[test]
fn a_failed_function_gives_awss_reason() {
    let monitor = fixtures::monitor();
    let (mut configuration, tags) = answer(&monitor);
    configuration.last_update_status = Some(LastUpdateStatus::Failed);
    configuration.last_update_status_reason = Some("InvalidRuntime".into());
    let health = observed(configuration.clone(), tags.clone()).health();
    assert!(matches!(health, SystemHealth::Failing(_, text) if text.contains("InvalidRuntime")));
    configuration.state = Some(State::Failed);
    configuration.state_reason = Some("no capacity".into());
    let health = observed(configuration, tags).health();
    assert!(matches!(health, SystemHealth::Failing(_, text) if text.contains("no capacity")));
}

#[test]
fn a_function_whose_tags_are_hidden_is_an_error_not_a_conflict() {
    let (configuration, _) = answer(&fixtures::monitor());
    let hidden = TagsError::builder().error_code("AccessDeniedException").message("lambda:ListTags").build().unwrap();
    let error = function::read(GetFunctionOutput::builder().configuration(configuration).tags_error(hidden).build());
    assert_eq!(error.unwrap_err().class, crate::aws::Class::Denied);
}

#[test]
fn the_longest_names_still_make_a_description_lambda_takes() {
    let mut monitor = fixtures::monitor();
    (monitor.namespace, monitor.name) = ("n".repeat(63), "m".repeat(253));
    let function = function::desired(&monitor).unwrap();
    assert_eq!(json!(function.configuration)["description"].as_str().unwrap().len(), 256);
}

#[test]
fn parts_are_made_in_the_order_they_build_on_each_other() {
    let monitor = fixtures::monitor();
    let observed = Observed { subscriptions: found(&monitor, None), ..Observed::default() };
    let diff = DetectorSystem::diff(&monitor, Goal::Present(&desired(&monitor)), &observed);
    assert_eq!(
        kinds(&diff),
        [
            (Action::Create, ResourceKind::Role),
            (Action::Create, ResourceKind::LogGroup),
            (Action::Create, ResourceKind::Function),
            (Action::Create, ResourceKind::FunctionPermission),
            (Action::Create, ResourceKind::SubscriptionFilter),
        ]
    );
}

fn found(monitor: &Monitor, delivery: Option<subscription::Delivery>) -> subscription::Observed {
    vec![subscription::found(&monitor.names.log_group, &monitor.names.detector(), delivery)]
}

#[test]
fn removal_cuts_the_flow_of_records_first() {
    let mut monitor = fixtures::monitor();
    let (configuration, tags) = answer(&monitor);
    let observed = Observed {
        function: Some(observed(configuration, tags)),
        subscriptions: found(&monitor, Some(subscription::desired(&monitor).delivery)),
        ..Observed::default()
    };
    let removed = Goal::Absent(Removal::OwnerDeleted);
    for policy in [DeletionPolicy::Delete, DeletionPolicy::RetainData] {
        monitor.spec.deletion_policy = Some(policy);
        let diff = DetectorSystem::diff(&monitor, removed, &observed);
        let order = [(Action::Delete, ResourceKind::SubscriptionFilter), (Action::Delete, ResourceKind::Function)];
        assert_eq!(kinds(&diff), order);
    }
    monitor.spec.deletion_policy = Some(DeletionPolicy::Retain);
    let diff = DetectorSystem::diff(&monitor, removed, &observed);
    assert_eq!(kinds(&diff), [(Action::Retain, ResourceKind::Function)]);
}

fn reading_files() -> Monitor {
    let mut spec = spec();
    spec.detector.source = RecordSource::S3;
    fixtures::with_spec(spec)
}

#[test]
fn another_source_is_there_before_the_former_goes() {
    let (log_group, files) = (fixtures::monitor(), reading_files());
    let (configuration, tags) = answer(&files);
    let mut observed = Observed {
        function: Some(observed(configuration, tags)),
        subscriptions: found(&log_group, Some(subscription::desired(&log_group).delivery)),
        invocations: [(Invoker::CloudWatchLogs, Invoker::CloudWatchLogs.invocation(&log_group))].into(),
        ..Observed::default()
    };
    let steps = |monitor: &Monitor, observed: &Observed| {
        let diff = DetectorSystem::diff(monitor, Goal::Present(&desired(monitor)), observed);
        let kind = |step: &Step<AnyCall>| (step.change.clears_away(), step.change.action, step.change.kind);
        let relevant = [ResourceKind::FunctionPermission, ResourceKind::SubscriptionFilter, ResourceKind::EventRule];
        let mut steps: Vec<_> = diff.steps.iter().map(kind).filter(|(.., kind)| relevant.contains(kind)).collect();
        // As the schedule does.
        steps.sort_by_key(|(is_last, ..)| *is_last);
        steps
    };
    assert_eq!(
        steps(&files, &observed),
        [
            (false, Action::Create, ResourceKind::FunctionPermission),
            (false, Action::Create, ResourceKind::EventRule),
            (true, Action::Delete, ResourceKind::FunctionPermission),
            (true, Action::Delete, ResourceKind::SubscriptionFilter),
        ]
    );
    observed.event_rule = Some(event_rule::found(&files));
    observed.subscriptions = found(&log_group, None);
    observed.invocations = [(Invoker::EventBridge, Invoker::EventBridge.invocation(&files))].into();
    assert_eq!(steps(&files, &observed), []);
    assert_eq!(
        steps(&log_group, &observed),
        [
            (false, Action::Create, ResourceKind::FunctionPermission),
            (false, Action::Create, ResourceKind::SubscriptionFilter),
            (true, Action::Delete, ResourceKind::FunctionPermission),
            (true, Action::Delete, ResourceKind::EventRule),
        ]
    );
}

#[test]
fn a_function_for_another_bucket_changes_after_the_flow_log() {
    let monitor = fixtures::monitor();
    let (configuration, tags) = answer(&monitor);
    let observed = Observed { function: Some(observed(configuration, tags)), ..Observed::default() };
    let follows = |change: fn(&mut VpcFlowMonitorSpec)| {
        let mut spec = spec();
        change(&mut spec);
        let monitor = fixtures::with_spec(spec);
        let diff = DetectorSystem::diff(&monitor, Goal::Present(&desired(&monitor)), &observed);
        let of_function = diff.steps.into_iter().find(|step| step.change.kind == ResourceKind::Function);
        of_function.map(|step| step.follows).unwrap()
    };
    assert_eq!(follows(|spec| spec.detector.high_transfer_bytes = 1), []);
    assert_eq!(follows(|spec| spec.s3.bucket_name = Some("other".into())), [flow_log_to(Sink::S3)]);
}

#[test]
fn only_a_monitor_that_may_have_a_rule_looks_for_one() {
    let mut monitor = fixtures::monitor();
    assert!(!may_have_event_rule(&monitor));
    assert!(may_have_event_rule(&reading_files()));
    monitor.recorded.push(ResourceStatus {
        component: Component::Detector,
        kind: ResourceKind::EventRule,
        name: NAME.to_owned(),
        arn: None,
        state: ResourceState::InSync,
        message: None,
    });
    assert!(may_have_event_rule(&monitor));
}

#[test]
fn nothing_is_built_on_a_part_that_is_not_ours() {
    let monitor = fixtures::monitor();
    let foreign = FoundFunction::default();
    let function = Observed { function: Some(foreign), subscriptions: found(&monitor, None), ..Observed::default() };
    let role = Observed { role: Some(FoundRole::default()), ..Observed::default() };
    for observed in [function, role] {
        let diff = DetectorSystem::diff(&monitor, Goal::Present(&desired(&monitor)), &observed);
        assert_eq!(diff.conflicts.len(), 1);
        assert!(kinds(&diff).iter().all(|(_, kind)| matches!(kind, ResourceKind::Role | ResourceKind::LogGroup)));
        let diff = DetectorSystem::diff(&monitor, Goal::Absent(Removal::OwnerDeleted), &observed);
        assert_eq!(kinds(&diff), []);
    }
}

#[test]
fn an_unowned_zip_function_is_adopted_if_the_spec_says_so_and_an_image_never() {
    let mut spec = spec();
    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    let monitor = fixtures::with_spec(spec);
    let (mut configuration, _) = answer(&monitor);
    configuration.package_type = Some(PackageType::Image);
    let image = observed(configuration.clone(), Tags::new());
    let declared = function::desired(&monitor).unwrap();
    let diff = ownership::diff(&monitor, Goal::Present(&declared), NAME, Some(&image));
    assert_eq!((diff.steps.len(), diff.conflicts.len()), (0, 1));
    configuration.package_type = Some(PackageType::Zip);
    let changes = steps(&monitor, &observed(configuration, Tags::new()));
    assert_eq!(changes.iter().map(|change| change.action).collect::<Vec<_>>(), [Action::Adopt]);
}

#[test]
fn after_a_rename_the_old_log_group_loses_the_filter() {
    let mut spec = spec();
    spec.cloud_watch_logs.log_group_name = Some("/new".into());
    let mut monitor = fixtures::with_spec(spec);
    monitor.recorded.push(ResourceStatus {
        component: Component::LogGroup,
        kind: ResourceKind::LogGroup,
        name: "/old".into(),
        arn: None,
        state: ResourceState::Retained,
        message: None,
    });
    let wanted = subscription::desired(&monitor);
    let found = |group, delivery| subscription::found(group, NAME, delivery);
    let observed = vec![found("/new", None), found("/old", Some(wanted.delivery.clone()))];
    let diff = subscription::diff(&monitor, Goal::Present(&wanted), &observed);
    let reported: Vec<_> = diff.steps.iter().map(|step| (step.change.action, step.change.to_string())).collect();
    assert_eq!(reported[0].0, Action::Create);
    assert_eq!(reported[1], (Action::Delete, format!("subscription filter {NAME}: on log group /old")));
}

#[test]
fn a_detector_that_would_read_its_own_log_is_refused() {
    let mut spec = spec();
    spec.cloud_watch_logs.log_group_name = Some(format!("/aws/lambda/{NAME}"));
    let error = DetectorSystem::desired(&fixtures::with_spec(spec)).unwrap_err();
    assert_eq!(error.field, "cloudWatchLogs.logGroupName");
}

#[test]
fn switched_off_nothing_is_wanted() {
    let mut spec = spec();
    spec.detector.enabled = false;
    assert_eq!(DetectorSystem::desired(&fixtures::with_spec(spec)).unwrap(), None);
}

proptest! {
    #[test]
    fn a_function_made_as_declared_is_no_difference(
        memory in 128..=10240_i32,
        timeout in 1..=900_i32,
        bytes in 1..i64::MAX,
        tags in proptest::collection::btree_map("[a-z]{1,8}", "[a-z]{0,8}", 0..4),
    ) {
        let mut spec = spec();
        spec.detector.memory_mb = Some(memory);
        spec.detector.timeout_seconds = Some(timeout);
        spec.detector.high_transfer_bytes = bytes;
        spec.tags = tags.into_iter().map(|(key, value)| (key, crate::api::spec::TagValue(value))).collect();
        let monitor = fixtures::with_spec(spec);
        let (mut configuration, tags) = answer(&monitor);
        configuration.memory_size = Some(memory);
        configuration.timeout = Some(timeout);
        let variables = configuration.environment.as_mut().and_then(|it| it.variables.as_mut()).unwrap();
        let rules = environment::tests::DEFAULT_RULES.replace(":50000000,", &format!(":{bytes},"));
        variables.insert("RULES".into(), rules);
        prop_assert_eq!(steps(&monitor, &observed(configuration, tags)), []);
    }
}

//! Every example is accepted as it stands, becomes Ready, and then shows as in sync: applied as Argo CD does, to AWS accounts that have
//! the resources that the example presupposes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use aws_config::{Region, SdkConfig};
use devenv::wait_for;
use kube::api::{ApiResource, DeleteParams, DynamicObject};
use kube::core::NamespaceResourceScope;
use kube::{Api, Resource};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;
use vpc_flow_operator::api::fleet::PLACE_LABEL;
use vpc_flow_operator::api::spec::TrafficType;
use vpc_flow_operator::api::{VpcFlowFleet, VpcFlowMonitor, VpcFlowOverview};
use vpc_flow_operator::aws::operations::Caller;
use vpc_flow_operator::permissions::{self, Options, trust};

use crate::fleets::{Stage, make_vpc};
use crate::install::gitops::in_sync::{apply, assert_in_sync};
use crate::scenarios::cross_account::{make_other_role, make_role_of_operator};
use testkit::cluster::{Cluster, Operator};
use testkit::sandbox::{REGION, Sandbox};

/// The operator's account in the examples, and one that it works in through a role.
const HERE: &str = "111122223333";
const THERE: &str = "444455556666";
/// The role there.
const ROLE: &str = "vpc-flow-operator";

/// Every object of a kind in the files of this folder.
fn examples<K: Resource<DynamicType = ()>>(folder: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let texts = files.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap());
    let documents = texts.flat_map(|text| {
        let documents = serde_yaml_ng::Deserializer::from_str(&text);
        documents.map(|document| Value::deserialize(document).unwrap()).collect::<Vec<_>>()
    });
    documents.filter(|document| document["kind"] == *K::kind(&())).collect()
}

/// The objects of a kind in a namespace, as a GitOps tool sees them.
fn objects<K: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(cluster: &Cluster) -> Api<DynamicObject> {
    Api::namespaced_with(cluster.client.clone(), &cluster.namespace, &ApiResource::erase::<K>(&()))
}

#[tokio::test]
async fn every_example_becomes_ready_and_is_in_sync() {
    let cluster = Cluster::new("examples").await;
    let accounts = Accounts::new(Sandbox::new("examples").await, Sandbox::new("examples::there").await).await;
    let objects = objects::<VpcFlowMonitor>(&cluster);
    let operator = Operator::start_at(&cluster, &accounts.config_of_operator().await, |options| {
        options.allowed_roles.0.push(format!("examples={}", accounts.role_arn()).parse().unwrap());
    });
    let mut applied = Vec::new();
    let folders = ["examples", "examples/rules", "examples/gitops/monitors"];
    for example in folders.into_iter().flat_map(examples::<VpcFlowMonitor>) {
        let monitor = accounts.prepare_for(&example).await;
        apply(&objects, &monitor).await;
        applied.push(monitor);
    }
    let names: Vec<_> = applied.iter().map(|monitor| monitor["metadata"]["name"].as_str().unwrap()).collect();
    for expected in [
        "quickstart",
        "production",
        "low-cost",
        "usual-traffic",
        "shop-us",
        "existing-topic",
        "rule-database",
        "shop-gitops",
    ] {
        assert!(names.contains(&expected), "{names:?}");
    }
    for name in &names {
        cluster.wait_ready(name).await;
    }
    for (name, monitor) in names.iter().zip(&applied) {
        cluster.reconcile_now(name, "again").await;
        assert_in_sync(&objects, monitor).await;
    }
    operator.stop().await;
}

#[tokio::test]
async fn every_fleet_makes_the_monitors_of_its_places_and_is_in_sync() {
    let name = "examples-fleet";
    let stage = Stage::new(name).await;
    let accounts =
        Accounts::new(Sandbox::new("examples-fleet::here").await, Sandbox::new("examples-fleet::there").await).await;
    let operator = Operator::start_at(&stage.cluster, &accounts.config_of_operator().await, |options| {
        options.fleets = true;
        options.allowed_roles.0.push(format!("{name}={}", accounts.role_arn()).parse().unwrap());
    });
    let fleets = objects::<VpcFlowFleet>(&stage.cluster);
    let found = examples::<VpcFlowFleet>("examples");
    assert_eq!(found.len(), 1, "the expectations below are those of examples/fleet.yaml");
    for example in found {
        let (fleet, mut vpcs) = accounts.prepare_for_fleet(&example).await;
        apply(&fleets, &fleet).await;
        let name = fleet["metadata"]["name"].as_str().unwrap();
        stage.wait_ready(name).await;
        vpcs.sort();
        assert_eq!(stage.watched(name).await, vpcs);
        let monitors = stage.monitors(name).await;
        let traffic = monitors.iter().map(|monitor| {
            let place = monitor.metadata.labels.as_ref().unwrap()[PLACE_LABEL].as_str();
            (place, monitor.spec.cloud_watch_logs.traffic_type.map(TrafficType::as_str))
        });
        let traffic: BTreeSet<_> = traffic.collect();
        assert_eq!(traffic, [("payments", Some("ALL")), ("shared", Some("REJECT"))].into(), "by the override");
        stage.search(name, "again").await;
        assert_in_sync(&fleets, &fleet).await;
        shows_the_monitors_and_is_in_sync(&stage, &accounts, u32::try_from(vpcs.len()).unwrap()).await;
    }
    stage.clear(operator).await;
}

/// Applies the example of an overview, which is about the monitors of the fleet.
async fn shows_the_monitors_and_is_in_sync(stage: &Stage, accounts: &Accounts, monitors: u32) {
    let found = examples::<VpcFlowOverview>("examples");
    assert_eq!(found.len(), 1);
    let overviews = objects::<VpcFlowOverview>(&stage.cluster);
    let example = accounts.with_accounts(&found[0]);
    apply(&overviews, &example).await;
    let name = example["metadata"]["name"].as_str().unwrap();
    let ready = async || {
        let overview = overviews.get(name).await?;
        let conditions = overview.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let is_ready = conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True");
        let counts = &overview.data["status"]["monitors"];
        let is_so = is_ready && counts["selected"] == monitors && counts["ready"] == monitors;
        anyhow::Ok(is_so.then_some(overview))
    };
    wait_for("the overview to be Ready", Duration::from_mins(2), ready).await.unwrap();
    assert_in_sync(&overviews, &example).await;
    overviews.delete(name, &DeleteParams::default()).await.unwrap();
    let gone = async || anyhow::Ok(overviews.get_opt(name).await?.is_none().then_some(()));
    wait_for("the overview to be gone", Duration::from_mins(2), gone).await.unwrap();
}

/// With the documents that `vpc-flow-operator permissions` prints for them.
struct Accounts {
    here: Sandbox,
    there: Sandbox,
    /// ARN of the operator's role.
    operator: String,
}

impl Accounts {
    async fn new(here: Sandbox, there: Sandbox) -> Self {
        let operator = make_role_of_operator(&here).await;
        Self { here, there, operator }
    }

    fn role_arn(&self) -> String {
        format!("arn:aws:iam::{}:role/{ROLE}", self.there.account)
    }

    async fn config_of_operator(&self) -> SdkConfig {
        let options = Options {
            regions: Vec::new(),
            assumed_roles: vec![self.role_arn()],
            also: vec![format!("arn:aws:sns:{REGION}:{}:security-alerts", self.here.account)],
            ..self.here.printed(Caller::Operator)
        };
        self.here.config_bound_to(&permissions::policies(&options)).await
    }

    /// The example with the real accounts.
    fn with_accounts(&self, example: &Value) -> Value {
        let text = example.to_string().replace(HERE, &self.here.account).replace(THERE, &self.there.account);
        serde_json::from_str(&text).unwrap()
    }

    /// The account of a monitor or of a place. Makes the role that it assumes.
    async fn account_of(&self, spec: &Value) -> &Sandbox {
        let role = &spec["assumeRole"];
        let Some(arn) = role["roleArn"].as_str() else { return &self.here };
        assert_eq!(arn, self.role_arn());
        make_other_role(&self.there, ROLE, &trust::other_account(&self.operator, role["externalId"].as_str())).await;
        &self.there
    }

    /// The fleet with the real accounts, and VPCs that it selects: one for each of its places and regions.
    async fn prepare_for_fleet(&self, example: &Value) -> (Value, Vec<String>) {
        let fleet = self.with_accounts(example);
        let tags = fleet["spec"]["selector"]["matchTags"].as_object().unwrap();
        // The condition of the override, too.
        let mut tags: Vec<_> = tags.iter().map(|(key, value)| (key.as_str(), value.as_str().unwrap())).collect();
        tags.push(("tier", "1"));
        let mut vpcs = Vec::new();
        for place in fleet["spec"]["places"].as_array().unwrap() {
            let account = self.account_of(place).await;
            for region in place["regions"].as_array().unwrap() {
                vpcs.push(make_vpc(&account.config, region.as_str().unwrap(), &tags).await);
            }
        }
        (fleet.clone(), vpcs)
    }

    /// Makes the resources that the example presupposes, and puts the real accounts and ids into it.
    async fn prepare_for(&self, example: &Value) -> Value {
        let mut monitor = self.with_accounts(example);
        let spec = &mut monitor["spec"];
        let sandbox = self.account_of(spec).await;
        let region = spec["region"].as_str().unwrap_or(REGION).to_owned();
        let config = sandbox.config.to_builder().region(Region::new(region)).build();
        let vpc = aws_sdk_ec2::Client::new(&config).create_vpc().cidr_block("10.1.0.0/16").send().await.unwrap();
        spec["vpcId"] = json!(vpc.vpc.unwrap().vpc_id.unwrap());
        if let Some(arn) = spec["notifications"]["topicArn"].as_str() {
            let topic = aws_sdk_sns::Client::new(&config).create_topic().name(arn.rsplit(':').next().unwrap());
            assert_eq!(topic.send().await.unwrap().topic_arn(), Some(arn));
        }
        if ["cloudWatchLogs", "s3", "notifications"].iter().any(|section| spec[section]["kmsKeyArn"].is_string()) {
            let key = make_key(sandbox).await;
            for section in ["cloudWatchLogs", "s3", "notifications"] {
                if let Some(arn) = spec.get_mut(section).and_then(|section| section.get_mut("kmsKeyArn")) {
                    *arn = json!(key);
                }
            }
        }
        monitor
    }
}

/// The key policy that docs/permissions.md has.
fn documented_key_policy(account: &str) -> String {
    let text = fs::read_to_string(devenv::project_root().join("docs/permissions.md")).unwrap();
    let (_, section) = text.split_once("\n## KMS keys\n").unwrap();
    let (_, policy) = section.split_once("\n```json\n").unwrap();
    let (policy, _) = policy.split_once("\n```\n").unwrap();
    policy.replace(HERE, account)
}

/// A key with that policy. The operator never makes one, so the tests have no client of that service.
async fn make_key(sandbox: &Sandbox) -> String {
    let policy = documented_key_policy(&sandbox.account);
    let mut aws = Command::new(devenv::provided_by("emulator/install.sh").await.unwrap());
    aws.arg(devenv::project_root().join("emulator/aws.py")).args(["kms", "create-key", "--cli-input-json"]);
    aws.arg(json!({"Policy": policy}).to_string()).env("AWS_ACCESS_KEY_ID", &sandbox.account);
    let output = aws.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let key: Value = serde_json::from_slice(&output.stdout).unwrap();
    key["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

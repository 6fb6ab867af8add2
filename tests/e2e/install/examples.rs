//! Every example is accepted as it stands, becomes Ready, and then shows as in sync: applied as Argo CD does, to AWS accounts that have
//! the resources that the example presupposes.

use std::fs;
use std::path::Path;

use aws_config::{Region, SdkConfig};
use kube::Api;
use kube::api::{ApiResource, DynamicObject};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::aws::operations::Caller;
use vpc_flow_operator::permissions::{self, Options, trust};

use crate::install::gitops::in_sync::{apply, assert_in_sync};
use crate::scenarios::cross_account::{make_other_role, make_role_of_operator};
use testkit::cluster::{Cluster, Operator};
use testkit::sandbox::{REGION, Sandbox};

/// The operator's account in the examples, and one that it works in through a role.
const HERE: &str = "111122223333";
const THERE: &str = "444455556666";
/// The role there.
const ROLE: &str = "vpc-flow-operator";

/// Every monitor in the files of this folder.
fn monitors(folder: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let texts = files.filter(|path| path.is_file()).map(|path| fs::read_to_string(path).unwrap());
    let documents = texts.flat_map(|text| {
        let documents = serde_yaml_ng::Deserializer::from_str(&text);
        documents.map(|document| Value::deserialize(document).unwrap()).collect::<Vec<_>>()
    });
    documents.filter(|document| document["kind"] == "VpcFlowMonitor").collect()
}

#[tokio::test]
async fn every_example_becomes_ready_and_is_in_sync() {
    let accounts = Accounts::new().await;
    let cluster = Cluster::new("examples").await;
    let kind = ApiResource::erase::<VpcFlowMonitor>(&());
    let objects: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), &cluster.namespace, &kind);
    let operator = Operator::start_at(&cluster, &accounts.config_of_operator().await, |options| {
        options.allowed_roles.0.push(format!("examples={}", accounts.role_arn()).parse().unwrap());
    });
    let mut applied = Vec::new();
    for example in ["examples", "examples/rules", "examples/gitops/monitors"].into_iter().flat_map(monitors) {
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

/// With the documents that `vpc-flow-operator permissions` prints for them.
struct Accounts {
    here: Sandbox,
    there: Sandbox,
    /// ARN of the operator's role.
    operator: String,
}

impl Accounts {
    async fn new() -> Self {
        let (here, there) = (Sandbox::new("examples").await, Sandbox::new("examples::there").await);
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

    /// Makes the resources that the example presupposes, and puts the real accounts and ids into it.
    async fn prepare_for(&self, example: &Value) -> Value {
        let text = example.to_string().replace(HERE, &self.here.account).replace(THERE, &self.there.account);
        let mut monitor: Value = serde_json::from_str(&text).unwrap();
        let spec = &mut monitor["spec"];
        let sandbox = if spec["assumeRole"].is_object() { &self.there } else { &self.here };
        if let Some(arn) = spec["assumeRole"]["roleArn"].as_str() {
            assert_eq!(arn, self.role_arn());
            let trust = trust::other_account(&self.operator, spec["assumeRole"]["externalId"].as_str());
            make_other_role(&self.there, ROLE, &trust).await;
        }
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

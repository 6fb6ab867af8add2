//! Monitors that live in another account through a role there, with the documents that `vpc-flow-operator permissions` prints.

use kube::api::DeleteParams;
use serde_json::{Value, json};
use vpc_flow_operator::api::spec::AssumeRole;
use vpc_flow_operator::aws::operations::Caller;
use vpc_flow_operator::permissions::{self, Options, trust};

use testkit::cluster::{Cluster, Operator, is, message};
use testkit::rights::{RELEASE_NAMESPACE, SERVICE_ACCOUNT};
use testkit::roles::{EXTERNAL_ID, ROLE, make_role};
use testkit::sandbox::{OPERATOR_ROLE, Sandbox};

const TAG_SESSION: &str = "sts:TagSession";

/// Makes the role that `Sandbox::config_bound_to` gives a session of, and returns its ARN.
pub async fn make_role_of_operator(here: &Sandbox) -> String {
    make_role(here, OPERATOR_ROLE, &trust::pod_identity(RELEASE_NAMESPACE, SERVICE_ACCOUNT)).await
}

/// Makes a role with the policies that are printed for its account, and returns its ARN.
pub async fn make_other_role(there: &Sandbox, name: &str, trust: &Value) -> String {
    let policies = permissions::policies(&there.printed(Caller::Operator));
    there.emulator.bind_role(&there.account, name, &policies).await.unwrap();
    make_role(there, name, trust).await
}

/// The printed policies for the operator, and the printed trust policy for the role in the other account.
struct Documents {
    policies: Vec<Value>,
    trust: Value,
}

/// An operator in one account, and a role in another.
struct Stage {
    here: Sandbox,
    there: Sandbox,
    cluster: Cluster,
    operator: Operator,
    role_arn: String,
}

impl Stage {
    async fn new(name: &str) -> Self {
        Self::with(name, |_| ()).await
    }

    /// With other documents.
    async fn with(name: &str, change: impl FnOnce(&mut Documents)) -> Self {
        let here = Sandbox::new(&format!("{name}::here")).await;
        let there = Sandbox::new(&format!("{name}::there")).await;
        let cluster = Cluster::new(name).await;
        let role_arn = format!("arn:aws:iam::{}:role/{ROLE}", there.account);
        let options = Options { assumed_roles: vec![role_arn.clone()], ..here.printed(Caller::Operator) };
        let mut documents = Documents {
            policies: permissions::policies(&options),
            trust: trust::other_account(&make_role_of_operator(&here).await, Some(EXTERNAL_ID)),
        };
        change(&mut documents);
        assert_eq!(make_other_role(&there, ROLE, &documents.trust).await, role_arn);
        let config = here.config_bound_to(&documents.policies).await;
        let operator = Operator::start_at(&cluster, &config, |options| {
            options.allowed_roles.0.push(format!("{name}={role_arn}").parse().unwrap());
        });
        Self { here, there, cluster, operator, role_arn }
    }

    async fn create(&self, external_id: &str) {
        let mut spec = self.there.spec();
        let (role_arn, external_id) = (self.role_arn.clone(), Some(external_id.to_owned()));
        spec.assume_role = Some(AssumeRole { role_arn, external_id });
        self.cluster.create("m", spec).await;
    }

    /// Waits until the monitor is stalled, and returns the message of its condition `Ready`.
    async fn refusal(&self) -> String {
        let stalled = self.cluster.wait("m", "a refusal", |monitor| is(monitor, "Stalled", "True")).await;
        message(&stalled, "Ready")
    }

    async fn delete(&self) {
        self.cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
        self.cluster.wait_gone("m").await;
    }
}

#[tokio::test]
async fn everything_is_made_there_and_nothing_here() {
    let stage = Stage::new("cross-account").await;
    let before = stage.here.inventory().await;
    stage.create(EXTERNAL_ID).await;
    let ready = stage.cluster.wait_ready("m").await;
    assert_eq!(ready.status.unwrap().account_id.as_deref(), Some(stage.there.account.as_str()));
    assert_eq!(stage.here.inventory().await, before);
    assert_eq!(stage.there.inventory().await["flowLogs"].as_object().unwrap().len(), 2);

    stage.delete().await;
    assert_eq!(stage.there.inventory().await["flowLogs"], json!({}));
    stage.operator.stop().await;
}

#[tokio::test]
async fn a_role_that_does_not_trust_us_is_reported_and_the_monitor_can_be_deleted() {
    let stage = Stage::new("cross-account-wary").await;
    stage.create("wrong").await;
    let reported = stage.refusal().await;
    assert!(reported.contains("trust policy") && reported.contains("external id"), "{reported}");
    stage.delete().await;
    stage.operator.stop().await;
}

/// Takes `sts:TagSession` out of a policy.
fn forbid_tags(document: &mut Value) {
    let statements = document["Statement"].as_array_mut().unwrap();
    for statement in statements.iter_mut() {
        match &mut statement["Action"] {
            Value::Array(actions) => actions.retain(|action| action != TAG_SESSION),
            action if action == TAG_SESSION => *action = json!([]),
            _ => (),
        }
    }
    statements.retain(|statement| statement["Action"] != json!([]));
}

/// EKS Pod Identity's session tags go along to the other role.
#[tokio::test]
async fn both_accounts_must_allow_session_tags() {
    let policies =
        Stage::with("cross-account-policies", |documents| documents.policies.iter_mut().for_each(forbid_tags));
    let trust = Stage::with("cross-account-trust", |documents| forbid_tags(&mut documents.trust));
    for stage in [policies.await, trust.await] {
        stage.create(EXTERNAL_ID).await;
        let reported = stage.refusal().await;
        let refused = format!("not authorized to perform: {TAG_SESSION} on resource: {}", stage.role_arn);
        assert!(reported.contains(&refused), "{reported}");
        stage.delete().await;
        stage.operator.stop().await;
    }
}

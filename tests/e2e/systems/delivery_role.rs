use serde_json::json;
use vpc_flow_operator::api::Component;
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::spec::{AdoptionPolicy, DeletionPolicy};
use vpc_flow_operator::engine::Action;

use testkit::sandbox::{Sandbox, own_tags};

const DELIVERY_ROLE: &[Component] = &[Component::DeliveryRole];

#[tokio::test]
async fn is_created_exactly_so_and_then_left_alone() {
    let sandbox = Sandbox::new("delivery_role::created").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, DELIVERY_ROLE).await;

    let (account, name) = (&sandbox.account, monitor.names.delivery_role());
    let group = format!("arn:aws:logs:eu-west-1:{account}:log-group:/aws/vpc/flowlogs/network/production");
    let role = &sandbox.inventory().await["roles"][&name];
    assert_eq!(role["path"], "/vpc-flow-operator/");
    assert_eq!(
        role["trustPolicy"],
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account},
                "ArnLike": {"aws:SourceArn": format!("arn:aws:ec2:eu-west-1:{account}:vpc-flow-log/*")},
            },
        }]})
    );
    let delivery = &role["inlinePolicies"]["deliver-flow-logs"];
    assert_eq!(delivery["Statement"][0]["Resource"], json!([group, format!("{group}:*")]));
    assert_eq!(role["attachedPolicies"], json!([]));
    assert_eq!(role["tags"], own_tags());
    sandbox.assert_at_rest(&monitor, DELIVERY_ROLE).await;
}

#[tokio::test]
async fn a_role_in_an_instance_profile_is_left_to_its_user() {
    let sandbox = Sandbox::new("delivery_role::instance_profile").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, DELIVERY_ROLE).await;
    let (name, iam) = (monitor.names.delivery_role(), aws_sdk_iam::Client::new(&sandbox.config));
    iam.create_instance_profile().instance_profile_name("theirs").send().await.unwrap();
    iam.add_role_to_instance_profile().instance_profile_name("theirs").role_name(&name).send().await.unwrap();

    let outcomes = sandbox.tear_down(&monitor, DELIVERY_ROLE).await;
    let [(_, failure)] = &outcomes[0].failures[..] else { panic!("{outcomes:#?}") };
    assert_eq!(failure.reason, Reason::Rejected);
    let reported = failure.to_string();
    assert!(reported.starts_with(&format!("role {name}: IAM DeleteRole: DeleteConflict: ")), "{reported}");
    assert!(reported.contains("aws iam remove-role-from-instance-profile"), "{reported}");

    iam.remove_role_from_instance_profile().instance_profile_name("theirs").role_name(&name).send().await.unwrap();
    sandbox.remove(&monitor, DELIVERY_ROLE).await;
}

#[tokio::test]
async fn every_drift_is_repaired() {
    let sandbox = Sandbox::new("delivery_role::drift").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, DELIVERY_ROLE).await;
    let (name, before) = (monitor.names.delivery_role(), sandbox.inventory().await);

    let iam = aws_sdk_iam::Client::new(&sandbox.config);
    let anyone = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    iam.update_assume_role_policy().role_name(&name).policy_document(anyone).send().await.unwrap();
    iam.put_role_policy().role_name(&name).policy_name("deliver-flow-logs").policy_document(all).send().await.unwrap();
    iam.put_role_policy().role_name(&name).policy_name("more").policy_document(all).send().await.unwrap();
    iam.update_role().role_name(&name).description("changed").send().await.unwrap();
    iam.untag_role().role_name(&name).tag_keys("vpcflow.dev/managed-by").send().await.unwrap();
    assert_ne!(sandbox.inventory().await, before);

    let changes = sandbox.converge(&monitor, DELIVERY_ROLE).await;
    assert_eq!(changes.len(), 5, "{changes:#?}");
    assert!(changes.iter().all(|change| change.action == Action::Update));
    assert_eq!(sandbox.inventory().await, before);
}

#[tokio::test]
async fn a_role_that_is_not_ours_is_a_conflict_and_untouched() {
    let sandbox = Sandbox::new("delivery_role::conflict").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let iam = aws_sdk_iam::Client::new(&sandbox.config);
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let name = monitor.names.delivery_role();
    let create = iam.create_role().role_name(&name).path("/vpc-flow-operator/").assume_role_policy_document(trust);
    create.send().await.unwrap();
    let before = sandbox.inventory().await;

    let outcomes = sandbox.pass(&monitor, DELIVERY_ROLE).await;
    assert!(outcomes[0].conflicts[0].to_string().contains("adoptionPolicy"), "{outcomes:#?}");
    sandbox.remove(&monitor, DELIVERY_ROLE).await;
    assert_eq!(sandbox.inventory().await, before);
}

#[tokio::test]
async fn a_role_under_another_path_is_never_adopted() {
    let sandbox = Sandbox::new("delivery_role::path").await;
    let mut spec = sandbox.spec();
    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    let monitor = sandbox.monitor(spec);
    let iam = aws_sdk_iam::Client::new(&sandbox.config);
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let create = iam.create_role().role_name(monitor.names.delivery_role()).assume_role_policy_document(trust);
    create.send().await.unwrap();
    let before = sandbox.inventory().await;

    let outcomes = sandbox.pass(&monitor, DELIVERY_ROLE).await;
    let reported = outcomes[0].conflicts[0].to_string();
    assert!(reported.ends_with("it is under path /; delete it or choose another cluster name"), "{reported}");
    sandbox.remove(&monitor, DELIVERY_ROLE).await;
    assert_eq!(sandbox.inventory().await, before);
}

#[tokio::test]
async fn goes_on_delete_and_stays_marked_on_retain() {
    let sandbox = Sandbox::new("delivery_role::delete").await;
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Retain);
    let retaining = sandbox.monitor(spec.clone());
    sandbox.converge(&retaining, DELIVERY_ROLE).await;
    sandbox.remove(&retaining, DELIVERY_ROLE).await;
    let inventory = sandbox.inventory().await;
    let tags = &inventory["roles"][retaining.names.delivery_role()]["tags"];
    assert_eq!(tags["vpcflow.dev/retained-by"], "test/network/production");
    assert!(tags.get("vpcflow.dev/owner").is_none());

    spec.deletion_policy = None;
    let again = sandbox.monitor(spec);
    let changes = sandbox.converge(&again, DELIVERY_ROLE).await;
    assert_eq!(changes.len(), 1, "taken back by its tags alone: {changes:#?}");
    sandbox.remove(&again, DELIVERY_ROLE).await;
    assert_eq!(sandbox.inventory().await["roles"], json!({}));
}

#[tokio::test]
async fn carries_the_permissions_boundary_that_the_operators_owner_demands() {
    let sandbox = Sandbox::new("delivery_role::boundary").await;
    let iam = aws_sdk_iam::Client::new(&sandbox.config);
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let boundary = iam.create_policy().policy_name("boundary").policy_document(all).send().await.unwrap();
    let arn = boundary.policy.unwrap().arn.unwrap();
    let mut monitor = sandbox.monitor(sandbox.spec());
    monitor.settings.permissions_boundary_arn = Some(arn.clone());
    sandbox.converge(&monitor, DELIVERY_ROLE).await;
    let name = monitor.names.delivery_role();
    assert_eq!(sandbox.inventory().await["roles"][&name]["permissionsBoundary"], json!(arn));

    iam.delete_role_permissions_boundary().role_name(&name).send().await.unwrap();
    let changes = sandbox.converge(&monitor, DELIVERY_ROLE).await;
    assert_eq!(changes[0].fields[0].path, "permissionsBoundary");
    assert_eq!(sandbox.inventory().await["roles"][&name]["permissionsBoundary"], json!(arn));
    sandbox.assert_at_rest(&monitor, DELIVERY_ROLE).await;
}

//! Names that are taken, answers that are lost, calls that are refused.

use aws_config::Region;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use devenv::Fault;
use serde_json::json;
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::spec::{AdoptionPolicy, DeletionPolicy};
use vpc_flow_operator::aws::{AwsGate, ClientPool};
use vpc_flow_operator::engine::{self, Action, Direction, Outcome};

use super::{BUCKET, bucket, s3};
use testkit::sandbox::{Sandbox, apply, systems};

/// Makes S3 refuse an operation.
pub async fn fail(sandbox: &Sandbox, operation: &str, code: &str, status: u16, times: Option<u32>) {
    let fault = Fault { status, times, ..sandbox.fault("s3", operation, code, "as the test asked") };
    sandbox.emulator.add_fault(fault).await.unwrap();
}

pub async fn make_bucket(s3: &aws_sdk_s3::Client, name: &str) {
    let here = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1).build();
    s3.create_bucket().bucket(name).create_bucket_configuration(here).send().await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_is_not_ours_is_a_conflict_and_untouched_until_adopted() {
    let sandbox = Sandbox::new("bucket::conflict").await;
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    let monitor = sandbox.monitor(spec.clone());
    make_bucket(&s3(&sandbox.config), &monitor.names.bucket).await;
    let before = sandbox.inventory().await;

    let outcomes = sandbox.pass(&monitor, BUCKET).await;
    assert!(outcomes[0].conflicts[0].to_string().contains("adoptionPolicy"), "{outcomes:#?}");
    sandbox.remove(&monitor, BUCKET).await;
    assert_eq!(sandbox.inventory().await, before);

    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    let monitor = sandbox.monitor(spec);
    let changes = sandbox.converge(&monitor, BUCKET).await;
    assert_eq!(changes[0].action, Action::Adopt, "{changes:#?}");
    assert_eq!(bucket(&sandbox, &monitor).await["tags"]["vpcflow.dev/owner"], "test/network/production");
    sandbox.assert_at_rest(&monitor, BUCKET).await;
}

#[tokio::test]
async fn a_name_taken_by_another_account_or_region_is_a_conflict_with_its_remedy() {
    let sandbox = Sandbox::new("bucket::taken").await;
    let stranger = Sandbox::new("bucket::taken::stranger").await;
    let mut spec = sandbox.spec();
    spec.s3.bucket_name = Some(format!("taken-{}", sandbox.account));
    let monitor = sandbox.monitor(spec);
    make_bucket(&s3(&stranger.config), &monitor.names.bucket).await;
    let outcomes = sandbox.pass(&monitor, BUCKET).await;
    let conflict = outcomes[0].conflicts[0].to_string();
    assert!(conflict.contains("another AWS account") && conflict.contains("spec.s3.bucketName"), "{conflict}");
    sandbox.remove(&monitor, BUCKET).await;

    let mut spec = sandbox.spec();
    spec.s3.bucket_name = Some(format!("far-{}", sandbox.account));
    let monitor = sandbox.monitor(spec);
    let far = sandbox.config.to_builder().region(Region::new("us-east-1")).build();
    s3(&far).create_bucket().bucket(&monitor.names.bucket).send().await.unwrap();
    let outcomes = sandbox.pass(&monitor, BUCKET).await;
    let conflict = outcomes[0].conflicts[0].to_string();
    assert!(conflict.contains("another region") && conflict.contains("spec.s3.bucketName"), "{conflict}");
    sandbox.remove(&monitor, BUCKET).await;
}

#[tokio::test]
async fn a_name_taken_between_look_and_creation_is_reported_with_its_remedy() {
    let sandbox = Sandbox::new("bucket::race").await;
    let monitor = sandbox.monitor(sandbox.spec());
    fail(&sandbox, "CreateBucket", "BucketAlreadyExists", 409, None).await;
    let outcomes = sandbox.pass(&monitor, BUCKET).await;
    let (_, failure) = &outcomes[0].failures[0];
    assert_eq!(failure.reason, Reason::Conflict);
    assert!(failure.message.contains("spec.s3.bucketName"), "{failure}");
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_finished() {
    let sandbox = Sandbox::new("bucket::lost").await;
    let monitor = sandbox.monitor(sandbox.spec());
    fail(&sandbox, "PutBucketPolicy", "AccessDenied", 403, None).await;
    let outcomes = sandbox.pass(&monitor, BUCKET).await;
    let (_, failure) = &outcomes[0].failures[0];
    assert_eq!(failure.reason, Reason::AccessDenied);
    assert!(failure.message.contains("s3:PutBucketPolicy"), "{failure}");
    let half_made = bucket(&sandbox, &monitor).await;
    assert_eq!((&half_made["versioning"], &half_made["policy"]), (&json!("Enabled"), &json!(null)));
    sandbox.emulator.clear_faults(&sandbox.account).await.unwrap();

    // The bucket is made, but not seen yet: its remaining settings are written all the same.
    fail(&sandbox, "GetBucketTagging", "NoSuchBucket", 404, Some(1)).await;
    let outcomes = sandbox.pass(&monitor, BUCKET).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
    assert_eq!(outcomes[0].applied[0].action, Action::Create);
    assert_ne!(bucket(&sandbox, &monitor).await["policy"], json!(null));
}

#[tokio::test]
async fn a_bucket_of_the_account_that_was_not_seen_is_not_taken_over() {
    let sandbox = Sandbox::new("bucket::unseen").await;
    let monitor = sandbox.monitor(sandbox.spec());
    make_bucket(&s3(&sandbox.config), &monitor.names.bucket).await;
    let before = sandbox.inventory().await;
    fail(&sandbox, "GetBucketTagging", "NoSuchBucket", 404, Some(1)).await;
    let outcomes = sandbox.pass(&monitor, BUCKET).await;
    assert_eq!(outcomes[0].failures[0].1.reason, Reason::WaitingForAws, "{outcomes:#?}");
    assert_eq!(sandbox.inventory().await, before);
}

/// There S3 lets the account make its own bucket again: `CreateBucket` in the S3 API reference.
#[tokio::test]
async fn nor_is_one_in_the_region_where_s3_says_yes_to_a_second_creation() {
    let sandbox = Sandbox::new("bucket::unseen::home").await;
    let home = sandbox.config.to_builder().region(Region::new("us-east-1")).build();
    let aws = ClientPool::new(&home, AwsGate::default()).get(None, None).await.unwrap();
    let mut monitor = sandbox.monitor(sandbox.spec());
    monitor.account_region = aws.account_region.clone();
    s3(&home).create_bucket().bucket(&monitor.names.bucket).send().await.unwrap();
    let before = sandbox.inventory().await;
    fail(&sandbox, "GetBucketTagging", "NoSuchBucket", 404, Some(1)).await;
    let systems = systems(BUCKET);
    let assessed = engine::assess(&systems, &aws, &monitor, Direction::Build).await;
    let outcomes = apply(&aws, &monitor, assessed, Direction::Build).await;
    assert_eq!(outcomes[0].failures[0].1.reason, Reason::WaitingForAws, "{outcomes:#?}");
    assert_eq!(sandbox.inventory().await, before);

    // One that is really made here is finished.
    s3(&home).delete_bucket().bucket(&monitor.names.bucket).send().await.unwrap();
    let assessed = engine::assess(&systems, &aws, &monitor, Direction::Build).await;
    let outcomes = apply(&aws, &monitor, assessed, Direction::Build).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
}

#[tokio::test]
async fn changes_that_s3_refuses_for_a_moment_are_repeated() {
    let sandbox = Sandbox::new("bucket::aborted").await;
    let monitor = sandbox.monitor(sandbox.spec());
    for operation in ["PutBucketLifecycleConfiguration", "PutBucketPolicy"] {
        fail(&sandbox, operation, "OperationAborted", 409, Some(2)).await;
    }
    let outcomes = sandbox.pass(&monitor, BUCKET).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
}

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    CreateBucketConfiguration, Delete, ObjectIdentifier, ObjectLockLegalHold, ObjectLockLegalHoldStatus, Tag, Tagging,
};
use serde_json::json;
use vpc_flow_operator::api::spec::DeletionPolicy;
use vpc_flow_operator::api::{Component, ResourceKind};
use vpc_flow_operator::engine::{Action, Outcome};
use vpc_flow_operator::monitor::Monitor;

use super::{BUCKET, bucket, s3};
use testkit::sandbox::{Sandbox, record};

fn monitor(sandbox: &Sandbox, policy: DeletionPolicy) -> Monitor {
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(policy);
    sandbox.monitor(spec)
}

async fn fill(sandbox: &Sandbox, name: &str) {
    let s3 = s3(&sandbox.config);
    for key in ["a", "a", "b/c", "b/c", "b/c"] {
        s3.put_object().bucket(name).key(key).body(ByteStream::from_static(b"x")).send().await.unwrap();
    }
    s3.delete_object().bucket(name).key("a").send().await.unwrap();
    s3.create_multipart_upload().bucket(name).key("unfinished").send().await.unwrap();
}

#[tokio::test]
async fn delete_empties_it_of_versions_markers_and_unfinished_uploads() {
    let sandbox = Sandbox::new("bucket::delete").await;
    let monitor = monitor(&sandbox, DeletionPolicy::Delete);
    sandbox.converge(&monitor, BUCKET).await;
    fill(&sandbox, &monitor.names.bucket).await;
    let filled = bucket(&sandbox, &monitor).await;
    assert_eq!((&filled["objectVersions"], &filled["deleteMarkers"]), (&json!(5), &json!(1)));

    let before = sandbox.latest_call().await;
    let outcomes = sandbox.tear_down(&monitor, BUCKET).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
    assert_eq!(sandbox.inventory().await["buckets"], json!({}));
    let writes: Vec<_> = sandbox.writes_since(before).await.into_iter().map(|call| call.operation).collect();
    assert_eq!(writes, ["DeleteObjects", "AbortMultipartUpload", "DeleteBucket"]);

    // It is gone already.
    sandbox.remove(&monitor, BUCKET).await;
}

#[tokio::test]
async fn a_big_bucket_is_emptied_over_several_passes_with_progress() {
    let sandbox = Sandbox::new("bucket::big").await;
    let monitor = monitor(&sandbox, DeletionPolicy::Delete);
    sandbox.converge(&monitor, BUCKET).await;
    let s3 = s3(&sandbox.config);
    // Deleting what does not exist leaves markers: the quickest way to many versions.
    for page in 0..9 {
        let keys = (0..1000).map(|key| ObjectIdentifier::builder().key(format!("{page:02}/{key:03}")).build().unwrap());
        let delete = Delete::builder().set_objects(Some(keys.collect())).quiet(true).build().unwrap();
        s3.delete_objects().bucket(&monitor.names.bucket).delete(delete).send().await.unwrap();
    }

    let outcomes = sandbox.tear_down(&monitor, BUCKET).await;
    assert!(!outcomes[0].is_settled() && outcomes[0].failures.is_empty(), "{outcomes:#?}");
    assert_eq!(
        outcomes[0].progress.as_deref(),
        Some("8000 object versions removed up to 07/999, more to go"),
        "{outcomes:#?}"
    );
    assert_eq!(bucket(&sandbox, &monitor).await["deleteMarkers"], 1000);
    let outcomes = sandbox.tear_down(&monitor, BUCKET).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
    assert_eq!(sandbox.inventory().await["buckets"], json!({}));
}

#[tokio::test]
async fn an_object_that_cannot_be_deleted_is_reported() {
    let sandbox = Sandbox::new("bucket::locked").await;
    let monitor = monitor(&sandbox, DeletionPolicy::Delete);
    let (s3, name) = (s3(&sandbox.config), &monitor.names.bucket);
    let here = CreateBucketConfiguration::builder().location_constraint("eu-west-1".into()).build();
    let create = s3.create_bucket().bucket(name).create_bucket_configuration(here);
    create.object_lock_enabled_for_bucket(true).send().await.unwrap();
    let owner = Tag::builder().key("vpcflow.dev/owner").value(&monitor.owner).build().unwrap();
    let tags = Tagging::builder().tag_set(owner).build().unwrap();
    s3.put_bucket_tagging().bucket(name).tagging(tags).send().await.unwrap();
    s3.put_object().bucket(name).key("kept").body(ByteStream::from_static(b"x")).send().await.unwrap();
    s3.put_object().bucket(name).key("other").body(ByteStream::from_static(b"x")).send().await.unwrap();
    let hold = ObjectLockLegalHold::builder().status(ObjectLockLegalHoldStatus::On).build();
    s3.put_object_legal_hold().bucket(name).key("kept").legal_hold(hold).send().await.unwrap();

    let outcomes = sandbox.tear_down(&monitor, BUCKET).await;
    let (change, failure) = &outcomes[0].failures[0];
    assert_eq!(change.as_ref().map(|change| change.action), Some(Action::Delete));
    assert!(failure.message.contains("kept: ") && failure.message.contains("(1 object version"), "{failure}");
    assert_eq!(bucket(&sandbox, &monitor).await["objectVersions"], 1);
}

#[tokio::test]
async fn it_stays_with_what_it_holds_and_is_taken_back() {
    for policy in [DeletionPolicy::RetainData, DeletionPolicy::Retain] {
        let sandbox = Sandbox::new(&format!("bucket::retain::{policy:?}")).await;
        let monitor = monitor(&sandbox, policy);
        sandbox.converge(&monitor, BUCKET).await;
        fill(&sandbox, &monitor.names.bucket).await;
        let before = bucket(&sandbox, &monitor).await;

        sandbox.remove(&monitor, BUCKET).await;
        let mut expected = before.clone();
        expected["tags"] = json!({
            "vpcflow.dev/retained-by": "test/network/production",
            "vpcflow.dev/managed-by": "vpc-flow-operator",
        });
        assert_eq!(bucket(&sandbox, &monitor).await, expected, "nothing but the tags changes");
        let since = sandbox.latest_call().await;
        sandbox.remove(&monitor, BUCKET).await;
        assert!(sandbox.writes_since(since).await.is_empty());

        let changes = sandbox.converge(&monitor, BUCKET).await;
        assert_eq!(changes.len(), 1, "taken back by its tags alone: {changes:#?}");
        assert_eq!(bucket(&sandbox, &monitor).await, before);
    }
}

#[tokio::test]
async fn after_a_rename_the_old_bucket_goes_or_stays_as_the_policy_says() {
    for (policy, stays) in [(DeletionPolicy::Delete, false), (DeletionPolicy::RetainData, true)] {
        let sandbox = Sandbox::new(&format!("bucket::rename::{policy:?}")).await;
        let old = monitor(&sandbox, policy);
        sandbox.converge(&old, BUCKET).await;
        fill(&sandbox, &old.names.bucket).await;

        let mut spec = old.spec.clone();
        spec.s3.bucket_name = Some(format!("other-{}", sandbox.account));
        let mut renamed = sandbox.monitor(spec);
        record(&mut renamed, Component::Bucket, ResourceKind::Bucket, &old.names.bucket);
        sandbox.converge(&renamed, BUCKET).await;
        assert_eq!(bucket(&sandbox, &renamed).await["versioning"], "Enabled");
        let left = bucket(&sandbox, &old).await;
        assert_eq!(left.is_object(), stays, "{policy:?}");
        if stays {
            assert_eq!(left["tags"]["vpcflow.dev/retained-by"], "test/network/production");
        }
        sandbox.assert_at_rest(&renamed, BUCKET).await;
    }
}

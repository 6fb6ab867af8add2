//! Buckets where AWS refuses or ignores tags at the creation.

use aws_config::Region;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Tag, Tagging};
use serde_json::json;
use vpc_flow_operator::api::spec::{AdoptionPolicy, DeletionPolicy};
use vpc_flow_operator::api::status::{ResourceState, ResourceStatus};
use vpc_flow_operator::api::{Component, ResourceKind};
use vpc_flow_operator::aws::{AwsGate, ClientPool};
use vpc_flow_operator::engine::{self, Direction, Outcome};
use vpc_flow_operator::monitor::Monitor;

use super::conflicts::{fail, make_bucket};
use super::{BUCKET, bucket, s3};
use testkit::sandbox::{Sandbox, apply, own_tags, systems};

const OWNER: &str = "test/network/production";

/// An account where AWS does so.
async fn account(test: &str, bucket_tags: &str) -> Sandbox {
    let sandbox = Sandbox::new(&format!("bucket::{test}::{bucket_tags}")).await;
    sandbox.emulator.set_modes(&sandbox.account, json!({"bucketTags": bucket_tags})).await.unwrap();
    sandbox
}

/// The monitor after an earlier pass has recorded the bucket, before it was seen with its tag.
fn with_record(mut monitor: Monitor, state: ResourceState) -> Monitor {
    monitor.recorded = vec![ResourceStatus {
        component: Component::Bucket,
        kind: ResourceKind::Bucket,
        name: monitor.names.bucket.clone(),
        arn: None,
        state,
        message: None,
    }];
    monitor
}

/// A pass that ends right after the bucket was created.
async fn end_before_the_tags(sandbox: &Sandbox, monitor: &Monitor) {
    fail(sandbox, "PutBucketTagging", "AccessDenied", 403, None).await;
    let outcomes = sandbox.pass(monitor, BUCKET).await;
    assert!(!outcomes[0].is_settled());
    sandbox.emulator.clear_faults(&sandbox.account).await.unwrap();
    assert_eq!(bucket(sandbox, monitor).await["tags"], json!({}));
}

#[tokio::test]
async fn it_is_created_and_tagged_at_once() {
    for bucket_tags in ["refused", "ignored"] {
        let sandbox = account("at-once", bucket_tags).await;
        let mut spec = sandbox.spec();
        for name in [None, Some(format!("chosen-{}", sandbox.account))] {
            spec.s3.bucket_name = name;
            let monitor = sandbox.monitor(spec.clone());
            let outcomes = sandbox.pass(&monitor, BUCKET).await;
            assert!(outcomes.iter().all(Outcome::is_settled), "{bucket_tags}: {outcomes:#?}");
            let found = bucket(&sandbox, &monitor).await;
            assert_eq!(found["tags"], own_tags());
            sandbox.assert_at_rest(&monitor, BUCKET).await;
        }
    }
}

/// Older services do not know the member of the request that contains the tags.
#[tokio::test]
async fn every_code_of_a_refusal_leads_to_a_creation_without_tags() {
    for (code, status) in [("UnsupportedArgument", 400), ("MalformedXML", 400), ("NotImplemented", 501)] {
        let sandbox = Sandbox::new(&format!("bucket::refusal::{code}")).await;
        let monitor = sandbox.monitor(sandbox.spec());
        fail(&sandbox, "CreateBucket", code, status, Some(1)).await;
        let outcomes = sandbox.pass(&monitor, BUCKET).await;
        assert!(outcomes.iter().all(Outcome::is_settled), "{code}: {outcomes:#?}");
        assert_eq!(bucket(&sandbox, &monitor).await["tags"]["vpcflow.dev/owner"], OWNER, "{code}");
        sandbox.assert_at_rest(&monitor, BUCKET).await;
    }
}

#[tokio::test]
async fn so_it_is_in_the_region_where_s3_says_yes_to_a_second_creation() {
    let sandbox = account("home", "ignored").await;
    let home = sandbox.config.to_builder().region(Region::new("us-east-1")).build();
    let aws = ClientPool::new(&home, AwsGate::default()).get(None, None).await.unwrap();
    let mut monitor = sandbox.monitor(sandbox.spec());
    monitor.account_region = aws.account_region.clone();
    let assessed = engine::assess(&systems(BUCKET), &aws, &monitor, Direction::Build).await;
    let outcomes = apply(&aws, &monitor, assessed, Direction::Build).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
    let tags = s3(&home).get_bucket_tagging().bucket(&monitor.names.bucket).send().await.unwrap().tag_set;
    assert!(tags.iter().any(|tag| tag.value() == OWNER), "{tags:?}");
}

#[tokio::test]
async fn after_a_crash_before_the_tags_it_is_finished_and_not_taken_for_an_adopted_one() {
    for bucket_tags in ["refused", "ignored"] {
        let sandbox = account("crash", bucket_tags).await;
        for (state, adoption) in
            [(ResourceState::Creating, AdoptionPolicy::Never), (ResourceState::Failed, AdoptionPolicy::IfUnowned)]
        {
            let mut spec = sandbox.spec();
            spec.adoption_policy = adoption;
            spec.deletion_policy = Some(DeletionPolicy::Delete);
            let monitor = with_record(sandbox.monitor(spec), state);
            end_before_the_tags(&sandbox, &monitor).await;
            sandbox.converge(&monitor, BUCKET).await;
            let found = bucket(&sandbox, &monitor).await;
            assert_eq!(found["tags"]["vpcflow.dev/owner"], OWNER, "{bucket_tags}: {found:#}");
            assert_eq!(found["tags"].get("vpcflow.dev/adopted"), None);
            sandbox.assert_at_rest(&monitor, BUCKET).await;
            sandbox.remove(&monitor, BUCKET).await;
            assert_eq!(bucket(&sandbox, &monitor).await, json!(null));
        }
    }
}

#[tokio::test]
async fn after_a_crash_before_the_tags_it_goes_with_its_monitor() {
    let sandbox = account("crash-delete", "refused").await;
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    let monitor = with_record(sandbox.monitor(spec), ResourceState::Creating);
    end_before_the_tags(&sandbox, &monitor).await;
    let deleting = with_record(monitor, ResourceState::Deleting);
    sandbox.remove(&deleting, BUCKET).await;
    assert_eq!(bucket(&sandbox, &deleting).await, json!(null));
}

/// A bucket of a chosen name may be anybody's, so nothing but the tag proves that the operator has created it.
#[tokio::test]
async fn under_a_chosen_name_a_crash_before_the_tags_is_a_conflict_with_its_ways_out() {
    for way_out in ["adopt", "tag", "delete"] {
        let sandbox = account(way_out, "refused").await;
        let mut spec = sandbox.spec();
        spec.s3.bucket_name = Some(format!("{way_out}-{}", sandbox.account));
        let mut monitor = with_record(sandbox.monitor(spec), ResourceState::Creating);
        end_before_the_tags(&sandbox, &monitor).await;
        let outcomes = sandbox.pass(&monitor, BUCKET).await;
        let conflict = outcomes[0].conflicts[0].to_string();
        let name = monitor.names.bucket.clone();
        let adoption = format!("network=arn:aws:s3:::{name}");
        for part in [
            format!(
                "spec.adoptionPolicy must be IfUnowned and the operator must be started with --allowed-adoption {adoption}"
            ),
            format!("put vpcflow.dev/owner={OWNER} back"),
        ] {
            assert!(conflict.contains(&part), "{conflict}");
        }
        let s3 = s3(&sandbox.config);
        match way_out {
            "adopt" => {
                monitor.spec.adoption_policy = AdoptionPolicy::IfUnowned;
                monitor.settings.allowed_adoptions.0.push(adoption.parse().unwrap());
            }
            "tag" => {
                let tag = Tag::builder().key("vpcflow.dev/owner").value(OWNER).build().unwrap();
                let tagging = Tagging::builder().tag_set(tag).build().unwrap();
                s3.put_bucket_tagging().bucket(&name).tagging(tagging).send().await.unwrap();
            }
            _ => _ = s3.delete_bucket().bucket(&name).send().await.unwrap(),
        }
        sandbox.converge(&monitor, BUCKET).await;
        let tags = &bucket(&sandbox, &monitor).await["tags"];
        assert_eq!(tags["vpcflow.dev/owner"], OWNER, "{way_out}");
        assert_eq!(tags.get("vpcflow.dev/adopted").is_some(), way_out == "adopt");
        sandbox.assert_at_rest(&monitor, BUCKET).await;
    }
}

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_finished() {
    let sandbox = account("lost", "refused").await;
    let monitor = with_record(sandbox.monitor(sandbox.spec()), ResourceState::Failed);
    end_before_the_tags(&sandbox, &monitor).await;
    fail(&sandbox, "GetBucketTagging", "NoSuchBucket", 404, Some(1)).await;
    let outcomes = sandbox.pass(&monitor, BUCKET).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
    sandbox.assert_at_rest(&monitor, BUCKET).await;
}

/// A status that somebody has forged may name any bucket, in any state.
#[tokio::test]
async fn a_bucket_that_may_be_somebody_elses_is_not_taken_over_whatever_the_status_says() {
    let sandbox = account("others", "refused").await;
    let s3 = s3(&sandbox.config);
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    let by_default = sandbox.monitor(spec.clone());
    make_bucket(&s3, &by_default.names.bucket).await;
    let forged = with_record(by_default.clone(), ResourceState::Creating);
    spec.s3.bucket_name = Some(format!("theirs-{}", sandbox.account));
    let chosen = sandbox.monitor(spec);
    make_bucket(&s3, &chosen.names.bucket).await;

    let is_refused = async |monitor: &Monitor, why: &str| {
        let before = sandbox.inventory().await;
        let outcomes = sandbox.pass(monitor, BUCKET).await;
        assert_eq!(outcomes[0].conflicts.len(), 1, "{why}: {outcomes:#?}");
        sandbox.remove(monitor, BUCKET).await;
        assert_eq!(sandbox.inventory().await, before, "{why}");
    };
    is_refused(&by_default, "no pass has recorded it").await;
    is_refused(&with_record(chosen, ResourceState::Creating), "the spec chooses the name").await;
    let name = &by_default.names.bucket;
    s3.put_object().bucket(name).key("k").body(ByteStream::from_static(b"precious")).send().await.unwrap();
    is_refused(&forged, "there is an object in it").await;
    s3.delete_object().bucket(name).key("k").send().await.unwrap();
    let deny = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObjectAcl", "Resource": format!("arn:aws:s3:::{name}/*"),
    }]});
    s3.put_bucket_policy().bucket(name).policy(deny.to_string()).send().await.unwrap();
    is_refused(&forged, "somebody has set it up").await;
    s3.delete_bucket_policy().bucket(name).send().await.unwrap();
    let tag = Tag::builder().key("team").value("a").build().unwrap();
    let tagging = Tagging::builder().tag_set(tag).build().unwrap();
    s3.put_bucket_tagging().bucket(name).tagging(tagging).send().await.unwrap();
    is_refused(&forged, "somebody has tagged it").await;
}

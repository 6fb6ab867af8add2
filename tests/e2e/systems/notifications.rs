use aws_sdk_sns::Client;
use devenv::Fault;
use serde_json::json;
use vpc_flow_operator::api::Component;
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::spec::{AdoptionPolicy, DeletionPolicy, Subscription, SubscriptionProtocol};
use vpc_flow_operator::api::status::{ResourceState, ResourceStatus};
use vpc_flow_operator::engine::{Action, Outcome};
use vpc_flow_operator::monitor::Monitor;

use testkit::sandbox::{Sandbox, own_tags};

const NOTIFICATIONS: &[Component] = &[Component::Notifications];

fn to(protocol: SubscriptionProtocol, endpoint: &str) -> Subscription {
    Subscription { protocol, endpoint: endpoint.to_owned(), subscription_role_arn: None }
}

/// The monitor after a pass whose outcome was written to the status.
fn recorded(mut monitor: Monitor, outcomes: &[Outcome]) -> Monitor {
    let resources = outcomes.iter().flat_map(|outcome| &outcome.report.as_ref().unwrap().resources);
    monitor.recorded = resources
        .map(|resource| ResourceStatus {
            component: Component::Notifications,
            kind: resource.kind,
            name: resource.name.clone(),
            arn: resource.arn.clone(),
            state: ResourceState::InSync,
            message: resource.message.clone(),
        })
        .collect();
    monitor
}

#[tokio::test]
async fn is_created_exactly_so_and_then_left_alone() {
    let sandbox = Sandbox::new("notifications::created").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, NOTIFICATIONS).await;

    let (account, name) = (&sandbox.account, monitor.names.topic());
    let alarms = [
        "rejected-connections",
        "rejected-connections-verdict",
        "high-data-transfer",
        "high-data-transfer-verdict",
        "external-connections",
        "external-connections-verdict",
        "detector-errors",
    ];
    let alarms =
        alarms.map(|alarm| format!("arn:aws:cloudwatch:eu-west-1:{account}:alarm:{}-{alarm}", monitor.names.base()));
    let arn = format!("arn:aws:sns:eu-west-1:{account}:{name}");
    let topic = &sandbox.inventory().await["topics"][&name];
    assert_eq!(
        topic["attributes"]["Policy"],
        json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "OwnAccount",
                    "Effect": "Allow",
                    "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
                    "Action": [
                        "SNS:AddPermission", "SNS:DeleteTopic", "SNS:GetTopicAttributes", "SNS:ListSubscriptionsByTopic",
                        "SNS:Publish", "SNS:RemovePermission", "SNS:SetTopicAttributes", "SNS:Subscribe",
                    ],
                    "Resource": arn,
                },
                {
                    "Sid": "Alarms",
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudwatch.amazonaws.com"},
                    "Action": "SNS:Publish",
                    "Resource": arn,
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": account},
                        "ArnLike": {"aws:SourceArn": alarms},
                    },
                },
            ],
        })
    );
    assert_eq!(topic["subscriptions"], json!([]));
    assert_eq!(topic["tags"], own_tags());
    sandbox.assert_at_rest(&monitor, NOTIFICATIONS).await;
}

#[tokio::test]
async fn every_protocol_is_subscribed_once_and_pending_ones_wait() {
    let sandbox = Sandbox::new("notifications::protocols").await;
    let account = sandbox.account.clone();
    let of = |service: &str, name: &str| format!("arn:aws:{service}:eu-west-1:{account}:{name}");
    let mut firehose = to(SubscriptionProtocol::Firehose, &of("firehose", "deliverystream/alerts"));
    firehose.subscription_role_arn = Some(format!("arn:aws:iam::{account}:role/firehose"));
    let mut spec = sandbox.spec();
    spec.notifications.subscriptions = vec![
        to(SubscriptionProtocol::Email, "soc@example.com"),
        to(SubscriptionProtocol::EmailJson, "soc@example.com"),
        to(SubscriptionProtocol::Sms, "+491701234567"),
        to(SubscriptionProtocol::Http, "http://127.0.0.1:1/alerts"),
        to(SubscriptionProtocol::Https, "https://127.0.0.1:1/alerts"),
        to(SubscriptionProtocol::Sqs, &of("sqs", "alerts")),
        to(SubscriptionProtocol::Lambda, &of("lambda", "function:alerts")),
        firehose,
        to(SubscriptionProtocol::Application, &of("sns", "endpoint/GCM/app/1")),
    ];
    let monitor = sandbox.monitor(spec);
    let changes = sandbox.converge(&monitor, NOTIFICATIONS).await;
    assert_eq!(changes.len(), 10, "{changes:#?}");

    let inventory = sandbox.inventory().await;
    let subscriptions = inventory["topics"][monitor.names.topic()]["subscriptions"].as_array().unwrap();
    assert_eq!(subscriptions.len(), 9);
    let pending: Vec<_> = subscriptions.iter().filter(|each| each["pending"] == true).collect();
    assert_eq!(pending.len(), 4, "{pending:?}");

    let outcomes = sandbox.pass(&monitor, NOTIFICATIONS).await;
    let resources = &outcomes[0].report.as_ref().unwrap().resources;
    assert_eq!(resources.len(), 10);
    let email = resources.iter().find(|resource| resource.name == "email:soc@example.com").unwrap();
    assert_eq!(email.message.as_deref(), Some("waits for confirmation by its recipient"));
    let sms = resources.iter().find(|resource| resource.name == "sms:+491701234567").unwrap();
    assert!(sms.arn.is_some() && sms.message.is_none());
    sandbox.assert_at_rest(&monitor, NOTIFICATIONS).await;
}

fn fault(sandbox: &Sandbox, operation: &str, code: &str, message: &str, times: Option<u32>) -> Fault {
    Fault { status: 403, times, ..sandbox.fault("sns", operation, code, message) }
}

#[tokio::test]
async fn a_password_is_never_reported_and_its_endpoint_subscribed_once() {
    let sandbox = Sandbox::new("notifications::password").await;
    let endpoint = "https://user:secret@127.0.0.1:1/alerts";
    let mut spec = sandbox.spec();
    spec.notifications.subscriptions = vec![to(SubscriptionProtocol::Https, endpoint)];
    let monitor = sandbox.monitor(spec);
    let refusal = format!("Invalid parameter: Endpoint {endpoint} is not reachable");
    let refused = fault(&sandbox, "Subscribe", "InvalidParameter", &refusal, Some(1));
    sandbox.emulator.add_fault(refused).await.unwrap();
    let outcomes = sandbox.pass(&monitor, NOTIFICATIONS).await;
    assert!(outcomes[0].failures[0].1.message.contains("https://user:****@127.0.0.1:1/alerts"), "{outcomes:#?}");
    assert!(!format!("{outcomes:?}").contains("secret"), "{outcomes:#?}");

    let changes = sandbox.converge(&monitor, NOTIFICATIONS).await;
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(changes[0].name, "https:https://user:****@127.0.0.1:1/alerts");
    let outcomes = sandbox.pass(&monitor, NOTIFICATIONS).await;
    assert!(!format!("{outcomes:?}").contains("secret"), "{outcomes:#?}");
    sandbox.assert_at_rest(&monitor, NOTIFICATIONS).await;
}

#[tokio::test]
async fn an_existing_topic_that_may_not_be_read_is_used_and_that_is_reported() {
    let sandbox = Sandbox::new("notifications::unreadable").await;
    let theirs = Sandbox::new("notifications::unreadable::theirs").await;
    let sns = Client::new(&theirs.config);
    let existing = sns.create_topic().name("soc").send().await.unwrap().topic_arn.unwrap();
    let publish = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", sandbox.account)},
        "Action": "SNS:Publish",
        "Resource": existing,
    }]});
    let set = sns.set_topic_attributes().topic_arn(&existing).attribute_name("Policy");
    set.attribute_value(publish.to_string()).send().await.unwrap();
    let before = theirs.inventory().await;

    let mut spec = sandbox.spec();
    spec.notifications.topic_arn = Some(existing.clone());
    let monitor = sandbox.monitor(spec);
    let outcomes = sandbox.pass(&monitor, NOTIFICATIONS).await;
    assert!(outcomes[0].is_settled(), "{outcomes:#?}");
    let reported = &outcomes[0].report.as_ref().unwrap().resources;
    assert_eq!((reported.len(), &reported[0].name), (1, &existing));
    let message = "not checked: the operator may not read it (sns:GetTopicAttributes)";
    assert_eq!(reported[0].message.as_deref(), Some(message));
    sandbox
        .converge(
            &monitor,
            &[Component::Notifications, Component::LogGroup, Component::MetricFilters, Component::Alarms],
        )
        .await;
    sandbox.assert_at_rest(&monitor, NOTIFICATIONS).await;
    sandbox.remove(&monitor, NOTIFICATIONS).await;
    assert_eq!(theirs.inventory().await, before);
}

#[tokio::test]
async fn tags_that_are_not_visible_yet_are_no_conflict() {
    let sandbox = Sandbox::new("notifications::tags_later").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, NOTIFICATIONS).await;
    let read = ("sns", "ListTagsForResource", "ResourceNotFound");
    sandbox.assert_late_tags_are_no_conflict(&monitor, Component::Notifications, read).await;
}

#[tokio::test]
async fn more_subscriptions_than_a_page_are_all_seen() {
    let sandbox = Sandbox::new("notifications::pages").await;
    let mut spec = sandbox.spec();
    spec.notifications.subscriptions = vec![to(SubscriptionProtocol::Sms, "+491701234567")];
    let monitor = sandbox.monitor(spec.clone());
    let sns = Client::new(&sandbox.config);
    let without = sandbox.monitor(sandbox.spec());
    sandbox.converge(&without, NOTIFICATIONS).await;
    for number in 0..100 {
        let endpoint = format!("arn:aws:sqs:eu-west-1:{}:queue-{number}", sandbox.account);
        sns.subscribe().topic_arn(monitor.topic_arn()).protocol("sqs").endpoint(endpoint).send().await.unwrap();
    }
    let changes = sandbox.converge(&monitor, NOTIFICATIONS).await;
    assert_eq!(changes.len(), 2, "recorded, then subscribed: {changes:#?}");
    sandbox.assert_at_rest(&monitor, NOTIFICATIONS).await;
}

#[tokio::test]
async fn what_is_taken_out_of_the_spec_is_unsubscribed_and_nothing_else() {
    let sandbox = Sandbox::new("notifications::unsubscribe").await;
    let queue = |name: &str| format!("arn:aws:sqs:eu-west-1:{}:{name}", sandbox.account);
    let mut spec = sandbox.spec();
    spec.notifications.subscriptions = vec![
        to(SubscriptionProtocol::Sqs, &queue("stays")),
        to(SubscriptionProtocol::Sqs, &queue("goes")),
        to(SubscriptionProtocol::Email, "pending@example.com"),
    ];
    let before = sandbox.monitor(spec.clone());
    sandbox.converge(&before, NOTIFICATIONS).await;
    let by_hand = queue("by-hand");
    let sns = Client::new(&sandbox.config);
    sns.subscribe().topic_arn(before.topic_arn()).protocol("sqs").endpoint(&by_hand).send().await.unwrap();
    let outcomes = sandbox.pass(&before, NOTIFICATIONS).await;

    spec.notifications.subscriptions.truncate(1);
    let monitor = recorded(sandbox.monitor(spec), &outcomes);
    let changes = sandbox.converge(&monitor, NOTIFICATIONS).await;
    assert_eq!(
        changes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [format!("subscription sqs:{}", queue("goes"))]
    );
    assert_eq!(changes[0].action, Action::Delete);
    let inventory = sandbox.inventory().await;
    let endpoints: Vec<_> = inventory["topics"][monitor.names.topic()]["subscriptions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each["endpoint"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(endpoints, ["pending@example.com".to_owned(), by_hand, queue("stays")]);

    // The pending one is still known, should its recipient confirm after all.
    let outcomes = sandbox.pass(&monitor, NOTIFICATIONS).await;
    let names: Vec<_> =
        outcomes[0].report.as_ref().unwrap().resources.iter().map(|resource| resource.name.clone()).collect();
    assert!(names.contains(&"email:pending@example.com".to_owned()), "{names:?}");
    sandbox.assert_at_rest(&monitor, NOTIFICATIONS).await;
}

#[tokio::test]
async fn every_drift_is_repaired() {
    let sandbox = Sandbox::new("notifications::drift").await;
    let mut firehose =
        to(SubscriptionProtocol::Firehose, &format!("arn:aws:firehose:eu-west-1:{}:deliverystream/a", sandbox.account));
    firehose.subscription_role_arn = Some(format!("arn:aws:iam::{}:role/firehose", sandbox.account));
    let mut spec = sandbox.spec();
    spec.notifications.subscriptions = vec![firehose, to(SubscriptionProtocol::Sms, "+491701234567")];
    let monitor = sandbox.monitor(spec);
    sandbox.converge(&monitor, NOTIFICATIONS).await;
    let before = sandbox.inventory().await;

    let (sns, arn) = (Client::new(&sandbox.config), monitor.topic_arn());
    let set = |name: &str, value: String| {
        sns.set_topic_attributes().topic_arn(&arn).attribute_name(name).attribute_value(value).send()
    };
    let open = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "SNS:Publish", "Resource": arn},
    ]});
    set("Policy", open.to_string()).await.unwrap();
    set("KmsMasterKeyId", "alias/aws/sns".to_owned()).await.unwrap();
    sns.untag_resource().resource_arn(&arn).tag_keys("vpcflow.dev/managed-by").send().await.unwrap();
    let listed = sns.list_subscriptions_by_topic().topic_arn(&arn).send().await.unwrap();
    for subscription in listed.subscriptions() {
        let subscription_arn = subscription.subscription_arn().unwrap();
        if subscription.protocol() == Some("sms") {
            sns.unsubscribe().subscription_arn(subscription_arn).send().await.unwrap();
        } else {
            sns.set_subscription_attributes()
                .subscription_arn(subscription_arn)
                .attribute_name("SubscriptionRoleArn")
                .attribute_value("arn:aws:iam::123456789012:role/other")
                .send()
                .await
                .unwrap();
        }
    }
    assert_ne!(sandbox.inventory().await, before);

    let changes = sandbox.converge(&monitor, NOTIFICATIONS).await;
    assert_eq!(changes.len(), 5, "{changes:#?}");
    assert_eq!(sandbox.inventory().await, before);
    sandbox.assert_at_rest(&monitor, NOTIFICATIONS).await;
}

#[tokio::test]
async fn the_key_and_tags_follow_the_spec() {
    let sandbox = Sandbox::new("notifications::key").await;
    let kms = format!("arn:aws:kms:eu-west-1:{}:key/12345678-1234-1234-1234-123456789012", sandbox.account);
    let mut spec = sandbox.spec();
    spec.notifications.kms_key_arn = Some(kms.clone());
    let encrypted = sandbox.monitor(spec.clone());
    sandbox.converge(&encrypted, NOTIFICATIONS).await;
    let key = |inventory: &serde_json::Value| {
        inventory["topics"][encrypted.names.topic()]["attributes"].get("KmsMasterKeyId").cloned()
    };
    assert_eq!(key(&sandbox.inventory().await), Some(json!(kms)));

    spec.notifications.kms_key_arn = None;
    let changes = sandbox.converge(&sandbox.monitor(spec), NOTIFICATIONS).await;
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(changes[0].fields[0].path, "kmsKeyArn");
    assert_eq!(key(&sandbox.inventory().await), None);
}

#[tokio::test]
async fn an_existing_topic_takes_the_place_of_ours_and_is_never_changed() {
    let sandbox = Sandbox::new("notifications::existing").await;
    sandbox.converge(&sandbox.monitor(sandbox.spec()), NOTIFICATIONS).await;
    let existing = format!("arn:aws:sns:eu-west-1:{}:soc", sandbox.account);
    let mut spec = sandbox.spec();
    spec.notifications.topic_arn = Some(existing);
    let monitor = sandbox.monitor(spec);

    let outcomes = sandbox.pass(&monitor, NOTIFICATIONS).await;
    assert!(outcomes[0].conflicts[0].to_string().contains("there is no such topic"), "{outcomes:#?}");
    assert!(
        sandbox.inventory().await["topics"].get(monitor.names.topic()).is_some(),
        "ours stays until the other is there"
    );

    Client::new(&sandbox.config).create_topic().name("soc").send().await.unwrap();
    let before = sandbox.inventory().await["topics"]["soc"].clone();
    let changes = sandbox.converge(&monitor, NOTIFICATIONS).await;
    assert_eq!(changes.len(), 1, "{changes:#?}");
    let topics = sandbox.inventory().await["topics"].clone();
    assert_eq!(topics, json!({"soc": before}));
    sandbox.assert_at_rest(&monitor, NOTIFICATIONS).await;
    sandbox.remove(&monitor, NOTIFICATIONS).await;
    assert_eq!(sandbox.inventory().await["topics"], topics);
}

#[tokio::test]
async fn a_topic_in_another_region_is_refused_before_aws_is_asked() {
    let sandbox = Sandbox::new("notifications::region").await;
    let mut spec = sandbox.spec();
    spec.notifications.topic_arn = Some(format!("arn:aws:sns:us-east-1:{}:soc", sandbox.account));
    let monitor = sandbox.monitor(spec);
    let outcomes = sandbox.pass(&monitor, NOTIFICATIONS).await;
    let (_, failure) = &outcomes[0].failures[0];
    assert_eq!(failure.reason, Reason::InvalidSpec);
    assert!(failure.message.starts_with("spec.notifications.topicArn: the topic is in us-east-1"), "{failure}");
    // Deletion goes on.
    sandbox.remove(&monitor, NOTIFICATIONS).await;
}

#[tokio::test]
async fn what_aws_refuses_is_reported_and_the_rest_goes_on() {
    let sandbox = Sandbox::new("notifications::refused").await;
    let mut spec = sandbox.spec();
    spec.notifications.subscriptions =
        vec![to(SubscriptionProtocol::Sqs, "no arn"), to(SubscriptionProtocol::Sms, "+491701234567")];
    let monitor = sandbox.monitor(spec);
    let outcomes = sandbox.pass(&monitor, NOTIFICATIONS).await;
    assert_eq!(outcomes[0].failures.len(), 1, "{outcomes:#?}");
    assert_eq!(outcomes[0].failures[0].1.reason, Reason::Rejected);
    let topic = &sandbox.inventory().await["topics"][monitor.names.topic()];
    assert_eq!(topic["subscriptions"][0]["endpoint"], "+491701234567");
}

#[tokio::test]
async fn a_topic_that_is_not_ours_is_a_conflict_and_untouched_unless_adopted() {
    let sandbox = Sandbox::new("notifications::conflict").await;
    let monitor = sandbox.monitor(sandbox.spec());
    Client::new(&sandbox.config).create_topic().name(monitor.names.topic()).send().await.unwrap();
    let before = sandbox.inventory().await;

    let outcomes = sandbox.pass(&monitor, NOTIFICATIONS).await;
    assert!(outcomes[0].conflicts[0].to_string().contains("adoptionPolicy"), "{outcomes:#?}");
    sandbox.remove(&monitor, NOTIFICATIONS).await;
    assert_eq!(sandbox.inventory().await, before);

    let mut spec = sandbox.spec();
    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    let adopting = sandbox.monitor(spec);
    let changes = sandbox.converge(&adopting, NOTIFICATIONS).await;
    assert_eq!(changes[0].action, Action::Adopt);
    sandbox.assert_at_rest(&adopting, NOTIFICATIONS).await;
}

#[tokio::test]
async fn goes_on_delete_and_stays_marked_on_retain() {
    let sandbox = Sandbox::new("notifications::delete").await;
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Retain);
    let retaining = sandbox.monitor(spec.clone());
    sandbox.converge(&retaining, NOTIFICATIONS).await;
    sandbox.remove(&retaining, NOTIFICATIONS).await;
    let inventory = sandbox.inventory().await;
    let tags = &inventory["topics"][retaining.names.topic()]["tags"];
    assert_eq!(tags["vpcflow.dev/retained-by"], "test/network/production");
    assert!(tags.get("vpcflow.dev/owner").is_none());

    for policy in [DeletionPolicy::RetainData, DeletionPolicy::Delete] {
        spec.deletion_policy = Some(policy);
        let monitor = sandbox.monitor(spec.clone());
        let changes = sandbox.converge(&monitor, NOTIFICATIONS).await;
        assert_eq!(changes.len(), 1, "taken back by its tags alone, or made anew: {changes:#?}");
        sandbox.remove(&monitor, NOTIFICATIONS).await;
        assert_eq!(sandbox.inventory().await["topics"], json!({}));
    }
}

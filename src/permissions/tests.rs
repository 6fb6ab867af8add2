use std::collections::BTreeSet;

use clap::ValueEnum as _;
use serde_json::{Value, json};

use super::*;
use crate::aws::optional_feature;

const BOUNDARY: &str = "arn:aws:iam::123456789012:policy/boundary";

fn all() -> Options {
    Options {
        account: Some("123456789012".into()),
        regions: vec!["eu-west-1".into()],
        cluster_name: Some("prod".into()),
        permissions_boundary_arn: Some(BOUNDARY.into()),
        assumed_roles: vec!["arn:aws:iam::210987654321:role/flow".into()],
        subscription_roles: vec!["arn:aws:iam::123456789012:role/firehose".into()],
        ..Options::everything(Caller::Operator)
    }
}

fn flattened(options: &Options) -> Vec<Value> {
    policies(options).iter().flat_map(|policy| policy["Statement"].as_array().unwrap().clone()).collect()
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn allowed(options: &Options) -> Vec<String> {
    let mut actions: Vec<_> = flattened(options).iter().flat_map(|it| strings(&it["Action"])).collect();
    actions.sort();
    actions.dedup();
    actions
}

/// The statements that allow an action.
fn with(options: &Options, action: &str) -> Vec<Value> {
    let holds = |statement: &Value| strings(&statement["Action"]).iter().any(|known| known == action);
    flattened(options).into_iter().filter(holds).collect()
}

#[test]
fn what_the_code_can_call_is_what_is_allowed() {
    assert_eq!(allowed(&all()), actions(Caller::Operator));
    for grant in grants() {
        assert!(actions(Caller::Operator).contains(&grant.action), "{} is no action of the operator's", grant.action);
    }
}

#[test]
fn a_missing_action_leads_to_the_feature_that_the_default_policies_leave_out() {
    for action in actions(Caller::Operator) {
        let of_action: Vec<_> = grants().filter(|grant| grant.action == action).map(|grant| grant.features).collect();
        let features: BTreeSet<_> = of_action
            .iter()
            .copied()
            .flatten()
            .map(|it| it.to_possible_value().unwrap().get_name().to_owned())
            .collect();
        let is_default = |feature: &Feature| Feature::DEFAULT.contains(feature);
        let is_optional = of_action.iter().all(|features| !features.is_empty() && !features.iter().any(is_default));
        let name = is_optional.then(|| features.into_iter().collect::<Vec<_>>().join(","));
        assert_eq!(optional_feature(action).map(str::to_owned), name, "{action}");
    }
}

#[test]
fn a_plan_may_read_and_nothing_else() {
    let of_plan = allowed(&Options { caller: Caller::Plan, ..all() });
    let of_operator = allowed(&all());
    assert!(of_plan.iter().all(|action| of_operator.contains(action)), "{of_plan:?}");
    for action in &of_plan {
        let name = action.split_once(':').unwrap().1;
        let reads = ["Get", "List", "Describe", "BatchGet"].iter().any(|verb| name.starts_with(verb));
        assert!(reads || ["AssumeRole", "TagSession"].contains(&name), "{action}");
    }
    assert!(of_plan.len() > 30, "{of_plan:?}");
}

#[test]
fn nothing_has_a_wildcard_for_a_service_and_only_what_must_stands_for_all_resources() {
    for statement in flattened(&all()) {
        assert!(strings(&statement["Action"]).iter().all(|action| !action.contains('*')), "{statement}");
        let resources = strings(&statement["Resource"]);
        if resources == ["*"] {
            for action in strings(&statement["Action"]) {
                let unconfined = [
                    "Describe",
                    "LogDelivery",
                    "QueryDefinition",
                    "ecs:List",
                    "AnomalyDetector",
                    "PutCompositeAlarm",
                    "events:PutPermission",
                    "oam:ListLinks",
                    "cloudwatch:Link",
                ];
                assert!(unconfined.iter().any(|part| action.contains(part)), "{action}");
            }
        } else {
            assert!(resources.iter().all(|arn| arn.starts_with("arn:aws:")), "{statement}");
        }
    }
}

#[test]
fn every_policy_is_short_enough_and_no_sid_stands_twice() {
    let policies = policies(&all());
    for policy in &policies {
        assert!(policy.to_string().chars().count() <= MANAGED_POLICY_CHARS);
    }
    // Half of what a role takes. A system with a tagged resource of its own needs about a fifth of a policy.
    assert!(policies.len() <= 5, "{}: a role takes ten, and people read them", policies.len());
    let mut sids: Vec<_> = flattened(&all()).iter().map(|it| it["Sid"].as_str().unwrap().to_owned()).collect();
    let count = sids.len();
    sids.sort();
    sids.dedup();
    assert_eq!(sids.len(), count);
    assert!(sids.iter().all(|sid| sid.chars().all(|c| c.is_ascii_alphanumeric())));
}

#[test]
fn a_role_is_made_only_with_the_boundary_and_handed_only_to_some_services() {
    let unbounded = Options { permissions_boundary_arn: None, ..all() };
    assert!(with(&unbounded, "iam:PutRolePermissionsBoundary").is_empty());
    assert_eq!(with(&unbounded, "iam:PutRolePolicy")[0]["Condition"]["StringEquals"], Value::Null);
    for action in
        ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary", "iam:UpdateAssumeRolePolicy"]
    {
        let statements = with(&all(), action);
        assert_eq!(statements.len(), 1);
        assert_eq!(statements[0]["Condition"]["StringEquals"]["iam:PermissionsBoundary"], BOUNDARY, "{action}");
    }
    let passing = with(&all(), "iam:PassRole");
    let services: Vec<_> =
        passing.iter().map(|it| it["Condition"]["StringEquals"]["iam:PassedToService"].as_str().unwrap()).collect();
    assert_eq!(
        services,
        ["lambda.amazonaws.com", "sns.amazonaws.com", "events.amazonaws.com", "vpc-flow-logs.amazonaws.com"]
    );
    let roles = passing.iter().map(|it| strings(&it["Resource"])).collect::<Vec<_>>().concat();
    let expected = [
        "vpc-flow-operator/vfm-*-detector",
        "vfm-*-detector",
        "firehose",
        "vpc-flow-operator/vfm-*-forward",
        "vfm-*-forward",
        "vpc-flow-operator/vfm-*-delivery",
        "vfm-*-delivery",
    ];
    assert_eq!(roles, expected.map(|role| format!("arn:aws:iam::123456789012:role/{role}")));
}

#[test]
fn a_role_that_was_just_created_is_within_reach_without_its_path_and_tags() {
    for action in ["iam:GetRole", "iam:ListRolePolicies", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"] {
        let [statement] = &with(&all(), action)[..] else { panic!("{action}") };
        let roles =
            ["role/vpc-flow-operator/vfm-*", "role/vfm-*"].map(|role| format!("arn:aws:iam::123456789012:{role}"));
        assert_eq!(strings(&statement["Resource"]), roles, "{action}");
        assert!(!statement.to_string().contains("managed-by"), "{action} needs a tag");
    }
    let [create] = &with(&all(), "iam:CreateRole")[..] else { panic!() };
    assert_eq!(strings(&create["Resource"]), ["arn:aws:iam::123456789012:role/vpc-flow-operator/vfm-*"]);
}

#[test]
fn what_other_clusters_own_is_out_of_reach() {
    let delete = &with(&all(), "lambda:DeleteFunction")[0];
    assert_eq!(
        delete["Condition"],
        json!({
            "StringEquals": {"aws:ResourceTag/vpcflow.dev/managed-by": "vpc-flow-operator"},
            "StringLikeIfExists": {
                "aws:ResourceTag/vpcflow.dev/owner": "prod/*",
                "aws:ResourceTag/vpcflow.dev/retained-by": "prod/*",
            },
        })
    );
    let create = &with(&all(), "sns:CreateTopic")[0];
    assert_eq!(create["Condition"]["StringLike"]["aws:RequestTag/vpcflow.dev/owner"], "prod/*");
    let change = &with(&all(), "cloudwatch:PutMetricAlarm")[0];
    assert_eq!(change["Condition"], json!({"StringLikeIfExists": {"aws:ResourceTag/vpcflow.dev/owner": "prod/*"}}));
    for action in ["logs:TagResource", "sns:Subscribe", "sns:Unsubscribe", "sns:SetSubscriptionAttributes"] {
        assert_eq!(with(&all(), action)[0]["Condition"], change["Condition"], "{action}");
    }
    let on_databases = |it: &Value| it["Resource"].to_string().contains(":database/");
    let databases = with(&all(), "glue:CreateTable").into_iter().find(on_databases).unwrap();
    assert_eq!(databases["Condition"], change["Condition"]);
    let bucket = &with(&all(), "s3:PutBucketPolicy")[0];
    assert_eq!(bucket["Condition"], json!({"StringEqualsIfExists": {"aws:ResourceAccount": "123456789012"}}));
    let unnamed = Options { cluster_name: None, ..all() };
    assert_eq!(
        with(&unnamed, "iam:DeleteRole")[0]["Condition"]["StringLikeIfExists"]["aws:ResourceTag/vpcflow.dev/owner"],
        "*"
    );
}

#[test]
fn regions_confine_also_what_has_no_arn() {
    let put_query = |regions: &[&str]| {
        let regions = regions.iter().map(ToString::to_string).collect();
        with(&Options { regions, ..all() }, "logs:PutQueryDefinition")[0]["Condition"]["StringEqualsIfExists"].clone()
    };
    assert_eq!(put_query(&["eu-west-1", "us-east-1"])["aws:RequestedRegion"], json!(["eu-west-1", "us-east-1"]));
    assert_eq!(put_query(&[]), Value::Null);
    let both = Options { regions: vec!["eu-west-1".into(), "us-east-1".into()], ..all() };
    let functions = strings(&with(&both, "lambda:GetFunction")[0]["Resource"]);
    assert_eq!(
        functions,
        ["eu-west-1", "us-east-1"].map(|it| format!("arn:aws:lambda:{it}:123456789012:function:vfm-*"))
    );
}

#[test]
fn in_another_account_the_boundary_is_that_accounts() {
    let elsewhere = Options { account: Some("210987654321".into()), ..all() };
    assert_eq!(
        with(&elsewhere, "iam:CreateRole")[0]["Condition"]["StringEquals"]["iam:PermissionsBoundary"],
        "arn:aws:iam::210987654321:policy/boundary"
    );
}

#[test]
fn what_is_not_used_is_not_allowed() {
    let without = |feature| {
        let features = Feature::value_variants().iter().copied().filter(|known| *known != feature).collect();
        allowed(&Options { features, ..all() })
    };
    let service = |actions: &[String], service: &str| actions.iter().any(|action| action.starts_with(service));
    assert!(!service(&without(Feature::Detector), "lambda:"));
    assert!(!service(&without(Feature::Analytics), "athena:") && !service(&without(Feature::Analytics), "glue:"));
    assert!(!without(Feature::OwnTopic).contains(&"sns:CreateTopic".to_owned()));
    assert!(!service(&without(Feature::EcsFields), "ecs:"));
    let asked_for = ["AnomalyDetector", "PutCompositeAlarm", "AlarmMuteRule"];
    let has = |features: &[Feature], part: &str| {
        let features = features.to_vec();
        allowed(&Options { features, ..all() }).iter().any(|action| action.contains(part))
    };
    for part in asked_for {
        assert!(has(Feature::value_variants(), part) && !has(&Feature::DEFAULT, part), "{part}");
    }
    let keeps = allowed(&Options { deletion_policy: DeletionPolicy::RetainData, ..all() });
    for action in ["s3:DeleteObject", "s3:DeleteBucket", "s3:DeleteObjectVersion"] {
        assert!(!keeps.contains(&action.to_owned()), "{action}");
    }
    // The detector's own log group always goes with it.
    let options = Options { deletion_policy: DeletionPolicy::RetainData, ..all() };
    let deletion = with(&options, "logs:DeleteLogGroup");
    assert_eq!(
        strings(&deletion[0]["Resource"]),
        ["arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/vfm-*:*"]
    );
    let alone = allowed(&Options { assumed_roles: Vec::new(), subscription_roles: Vec::new(), ..all() });
    assert!(!alone.contains(&"sts:AssumeRole".to_owned()));
}

#[test]
fn composite_alarms_are_seen_with_bands_alone() {
    let seen_on = |features: &[Feature]| -> Vec<Vec<String>> {
        let options = Options { features: features.to_vec(), ..all() };
        with(&options, "cloudwatch:DescribeAlarms").iter().map(|it| strings(&it["Resource"])).collect()
    };
    let alarms = vec!["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:*".to_owned()];
    assert_eq!(seen_on(&Feature::DEFAULT), std::slice::from_ref(&alarms));
    let with_bands = seen_on(&[Feature::AnomalyBands]);
    assert!(with_bands.contains(&vec!["*".to_owned()]) && with_bands.contains(&alarms), "{with_bands:?}");
    let of_plan = Options { caller: Caller::Plan, ..all() };
    assert!(with(&of_plan, "cloudwatch:DescribeAlarms").iter().any(|it| it["Resource"] == json!(["*"])));
}

#[test]
fn names_that_monitors_choose_are_added_where_they_belong() {
    let also =
        ["s3:::central", "logs:eu-west-1:123456789012:log-group:/flows", "glue:eu-west-1:123456789012:database/flows"];
    let options = Options { also: also.map(|arn| format!("arn:aws:{arn}")).into(), ..all() };
    let resources = |action: &str| strings(&with(&options, action)[0]["Resource"]);
    assert!(resources("s3:PutBucketPolicy").contains(&"arn:aws:s3:::central".to_owned()));
    assert!(resources("s3:DeleteObject").contains(&"arn:aws:s3:::central/*".to_owned()));
    for form in ["", ":*"] {
        let group = format!("arn:aws:logs:eu-west-1:123456789012:log-group:/flows{form}");
        for action in ["logs:PutMetricFilter", "logs:TagResource", "logs:ListTagsForResource"] {
            assert!(resources(action).contains(&group), "{action} {group}");
        }
    }
    assert!(resources("glue:GetTables").contains(&"arn:aws:glue:eu-west-1:123456789012:table/flows/*".to_owned()));
}

//! The resources on which each action is allowed, and the conditions.
//!
//! Three rules come from how IAM works. Reads require no tag: a missing resource has none, and AWS would answer "denied" instead of "not
//! found". Actions that make a resource require the owner's tag in the request. Actions that change or remove a resource require the
//! owner's tag on it. If such a call may come right after the one that makes the resource, it only requires that no other owner's tag is
//! there: IAM sees new tags a little late.

use super::feature::Feature;
use super::grant::{Extra, Grant, Row, When};
use super::scope::PolicyScope;

const ALARMS: PolicyScope = PolicyScope::Named("cloudwatch", "alarm:");
const MUTE_RULES: PolicyScope = PolicyScope::Named("cloudwatch", "alarm-mute-rule:");
const FUNCTIONS: PolicyScope = PolicyScope::Named("lambda", "function:");
const EVENT_RULES: PolicyScope = PolicyScope::Named("events", "rule/");
const EVENT_BUSES: PolicyScope = PolicyScope::Named("events", "event-bus/");
const WORKGROUPS: PolicyScope = PolicyScope::Named("athena", "workgroup/");

/// The parts of the policies: the start of each `Sid`, the features that need it, and its rows.
const TABLE: &[(&str, &[Feature], &[Row])] = &[
    // The session tags of EKS Pod Identity go along: "Passing session tags in AWS STS" in the IAM user guide.
    ("Account", &[], &[(PolicyScope::AssumedRoles, When::Always, Extra::None, &["sts:AssumeRole", "sts:TagSession"])]),
    // General purpose buckets know no tags in conditions unless somebody switches that on: S3 user guide, "Enabling ABAC".
    (
        "Bucket",
        &[],
        &[
            (
                PolicyScope::Buckets,
                When::InAccount,
                Extra::None,
                &[
                    "s3:CreateBucket",
                    "s3:TagResource",
                    "s3:GetBucketTagging",
                    "s3:PutBucketTagging",
                    "s3:GetBucketVersioning",
                    "s3:PutBucketVersioning",
                    "s3:GetEncryptionConfiguration",
                    "s3:PutEncryptionConfiguration",
                    "s3:GetBucketPublicAccessBlock",
                    "s3:PutBucketPublicAccessBlock",
                    "s3:GetBucketOwnershipControls",
                    "s3:PutBucketOwnershipControls",
                    "s3:GetBucketPolicy",
                    "s3:PutBucketPolicy",
                    "s3:GetLifecycleConfiguration",
                    "s3:PutLifecycleConfiguration",
                    "s3:ListBucketVersions",
                ],
            ),
            (
                PolicyScope::Buckets,
                When::InAccount,
                Extra::DeletesData,
                &["s3:DeleteBucket", "s3:ListBucketMultipartUploads"],
            ),
            (
                PolicyScope::Objects,
                When::InAccount,
                Extra::DeletesData,
                &["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"],
            ),
        ],
    ),
    (
        "Roles",
        &[],
        &[
            (
                PolicyScope::Roles,
                When::Always,
                Extra::None,
                &["iam:GetRole", "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies"],
            ),
            (PolicyScope::NewRoles, When::BecomesOurs, Extra::WithBoundary, &["iam:CreateRole"]),
            (PolicyScope::Roles, When::NotForeign, Extra::WithBoundary, &["iam:PutRolePolicy"]),
            (PolicyScope::Roles, When::NotForeign, Extra::ForBoundary, &["iam:PutRolePermissionsBoundary"]),
            // Principals that a role without a boundary trusts may do everything that the role may.
            (PolicyScope::Roles, When::NotForeign, Extra::WithBoundary, &["iam:UpdateAssumeRolePolicy"]),
            (PolicyScope::Roles, When::NotForeign, Extra::None, &["iam:UpdateRole"]),
            (
                PolicyScope::Roles,
                When::Ours,
                Extra::None,
                &["iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:UntagRole"],
            ),
            (PolicyScope::Roles, When::OursOrBecomesOurs, Extra::None, &["iam:TagRole"]),
            (PolicyScope::DeliveryRoles, When::PassedTo("vpc-flow-logs.amazonaws.com"), Extra::None, &["iam:PassRole"]),
        ],
    ),
    (
        "LogGroups",
        &[],
        &[
            (PolicyScope::Any, When::Always, Extra::None, &["logs:DescribeLogGroups"]),
            (PolicyScope::TaggedLogGroups, When::Always, Extra::None, &["logs:ListTagsForResource"]),
            // Also asked for when a log group is made, which has no tags yet.
            (PolicyScope::TaggedLogGroups, When::NotForeign, Extra::None, &["logs:TagResource"]),
            (PolicyScope::TaggedLogGroups, When::Ours, Extra::None, &["logs:UntagResource"]),
            (PolicyScope::RecordLogGroups, When::Always, Extra::None, &["logs:CreateLogGroup"]),
            (PolicyScope::RecordLogGroups, When::NotForeign, Extra::None, &["logs:PutRetentionPolicy"]),
            (PolicyScope::RecordLogGroups, When::Ours, Extra::DeletesData, &["logs:DeleteLogGroup"]),
        ],
    ),
    (
        "LogGroupKeys",
        &[Feature::LogGroupKey],
        &[(
            PolicyScope::RecordLogGroups,
            When::NotForeign,
            Extra::None,
            &["logs:AssociateKmsKey", "logs:DisassociateKmsKey"],
        )],
    ),
    (
        "FlowLogs",
        &[],
        &[
            (
                PolicyScope::Any,
                When::Always,
                Extra::None,
                &["ec2:DescribeFlowLogs", "ec2:DescribeVpcs", "logs:CreateLogDelivery", "logs:DeleteLogDelivery"],
            ),
            (PolicyScope::Vpcs, When::Always, Extra::None, &["ec2:CreateFlowLogs"]),
            (PolicyScope::FlowLogs, When::BecomesOurs, Extra::None, &["ec2:CreateFlowLogs"]),
            (PolicyScope::FlowLogs, When::Ours, Extra::None, &["ec2:DeleteFlowLogs", "ec2:DeleteTags"]),
            (PolicyScope::FlowLogs, When::OursOrBecomesOurs, Extra::None, &["ec2:CreateTags"]),
        ],
    ),
    (
        "EcsFields",
        &[Feature::EcsFields],
        &[(
            PolicyScope::Any,
            When::Always,
            Extra::None,
            &[
                "ecs:ListClusters",
                "ecs:ListContainerInstances",
                "ecs:ListServices",
                "ecs:ListTaskDefinitions",
                "ecs:ListTasks",
            ],
        )],
    ),
    (
        "Notifications",
        &[],
        &[
            (
                PolicyScope::Topics,
                When::Always,
                Extra::None,
                &["sns:GetTopicAttributes", "sns:ListTagsForResource", "sns:ListSubscriptionsByTopic"],
            ),
            // A subscription is checked as its topic: Service Authorization Reference of Amazon SNS, August 2026.
            (PolicyScope::Topics, When::Always, Extra::None, &["sns:GetSubscriptionAttributes"]),
            (
                PolicyScope::Topics,
                When::NotForeign,
                Extra::None,
                &["sns:Subscribe", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"],
            ),
            (PolicyScope::SubscriptionRoles, When::PassedTo("sns.amazonaws.com"), Extra::None, &["iam:PassRole"]),
        ],
    ),
    (
        "OwnTopic",
        &[Feature::OwnTopic],
        &[
            (PolicyScope::Topics, When::BecomesOurs, Extra::None, &["sns:CreateTopic"]),
            (PolicyScope::Topics, When::NotForeign, Extra::None, &["sns:SetTopicAttributes"]),
            (PolicyScope::Topics, When::Ours, Extra::None, &["sns:DeleteTopic", "sns:UntagResource"]),
            (PolicyScope::Topics, When::OursOrBecomesOurs, Extra::None, &["sns:TagResource"]),
        ],
    ),
    (
        "MetricFilters",
        &[Feature::MetricFilters],
        &[
            (PolicyScope::RecordLogGroups, When::Always, Extra::None, &["logs:DescribeMetricFilters"]),
            // A log group may be gone, or left behind, before its filters are.
            (
                PolicyScope::RecordLogGroups,
                When::NotForeign,
                Extra::None,
                &["logs:PutMetricFilter", "logs:DeleteMetricFilter"],
            ),
        ],
    ),
    (
        "Alarms",
        &[],
        &[
            (PolicyScope::AllAlarms, When::Always, Extra::None, &["cloudwatch:DescribeAlarms"]),
            (ALARMS, When::Always, Extra::None, &["cloudwatch:ListTagsForResource"]),
            (ALARMS, When::NotForeign, Extra::None, &["cloudwatch:PutMetricAlarm"]),
            (ALARMS, When::Ours, Extra::None, &["cloudwatch:DeleteAlarms", "cloudwatch:UntagResource"]),
            (ALARMS, When::OursOrBecomesOurs, Extra::None, &["cloudwatch:TagResource"]),
        ],
    ),
    (
        "AnomalyBands",
        &[Feature::AnomalyBands],
        &[
            // "Permissions for anomaly detector operations apply to all anomaly detectors in the account": CloudWatch API, AnomalyDetector.
            (
                PolicyScope::Any,
                When::Always,
                Extra::None,
                &[
                    "cloudwatch:DescribeAnomalyDetectors",
                    "cloudwatch:PutAnomalyDetector",
                    "cloudwatch:DeleteAnomalyDetector",
                ],
            ),
            // The permissions must be "scoped to *": CloudWatch API, PutCompositeAlarm and DescribeAlarms. With a narrower one, AWS shows no
            // composite alarms.
            (
                PolicyScope::Any,
                When::Always,
                Extra::None,
                &["cloudwatch:DescribeAlarms", "cloudwatch:PutCompositeAlarm"],
            ),
        ],
    ),
    (
        "QuietTimes",
        &[Feature::QuietTimes],
        &[
            (MUTE_RULES, When::Always, Extra::None, &["cloudwatch:GetAlarmMuteRule", "cloudwatch:ListTagsForResource"]),
            // Each call needs the rule and the alarms that it targets: CloudWatch API, PutAlarmMuteRule.
            (MUTE_RULES, When::NotForeign, Extra::None, &["cloudwatch:PutAlarmMuteRule"]),
            (ALARMS, When::NotForeign, Extra::None, &["cloudwatch:PutAlarmMuteRule"]),
            (MUTE_RULES, When::Ours, Extra::None, &["cloudwatch:DeleteAlarmMuteRule", "cloudwatch:UntagResource"]),
            (MUTE_RULES, When::OursOrBecomesOurs, Extra::None, &["cloudwatch:TagResource"]),
        ],
    ),
    (
        "Detector",
        &[Feature::Detector],
        &[
            (FUNCTIONS, When::Always, Extra::None, &["lambda:GetFunction", "lambda:ListTags", "lambda:GetPolicy"]),
            (FUNCTIONS, When::BecomesOurs, Extra::None, &["lambda:CreateFunction"]),
            (
                FUNCTIONS,
                When::NotForeign,
                Extra::None,
                &["lambda:AddPermission", "lambda:UpdateFunctionConfiguration", "lambda:UpdateFunctionCode"],
            ),
            (
                FUNCTIONS,
                When::Ours,
                Extra::None,
                &["lambda:DeleteFunction", "lambda:RemovePermission", "lambda:UntagResource"],
            ),
            (FUNCTIONS, When::OursOrBecomesOurs, Extra::None, &["lambda:TagResource"]),
            (PolicyScope::DetectorRoles, When::PassedTo("lambda.amazonaws.com"), Extra::None, &["iam:PassRole"]),
            (PolicyScope::DetectorLogGroups, When::Always, Extra::None, &["logs:CreateLogGroup"]),
            (PolicyScope::DetectorLogGroups, When::NotForeign, Extra::None, &["logs:PutRetentionPolicy"]),
            (PolicyScope::DetectorLogGroups, When::Ours, Extra::None, &["logs:DeleteLogGroup"]),
            (PolicyScope::RecordLogGroups, When::Always, Extra::None, &["logs:DescribeSubscriptionFilters"]),
            (
                PolicyScope::RecordLogGroups,
                When::NotForeign,
                Extra::None,
                &["logs:PutSubscriptionFilter", "logs:DeleteSubscriptionFilter"],
            ),
        ],
    ),
    (
        "RecordFiles",
        &[Feature::S3Source],
        &[(
            PolicyScope::Buckets,
            When::InAccount,
            Extra::None,
            &["s3:GetBucketNotification", "s3:PutBucketNotification"],
        )],
    ),
    (
        "EventRules",
        &[Feature::S3Source, Feature::Overviews],
        &[
            (
                EVENT_RULES,
                When::Always,
                Extra::None,
                &["events:DescribeRule", "events:ListTargetsByRule", "events:ListTagsForResource"],
            ),
            // Also sent for a rule that exists, whose tags it does not change.
            (EVENT_RULES, When::NotForeign, Extra::None, &["events:PutRule", "events:PutTargets"]),
            (
                EVENT_RULES,
                When::Ours,
                Extra::None,
                &["events:RemoveTargets", "events:DeleteRule", "events:UntagResource"],
            ),
            (EVENT_RULES, When::OursOrBecomesOurs, Extra::None, &["events:TagResource"]),
        ],
    ),
    (
        "Overviews",
        &[Feature::Overviews],
        &[
            (EVENT_BUSES, When::Always, Extra::None, &["events:DescribeEventBus", "events:ListTagsForResource"]),
            (EVENT_BUSES, When::BecomesOurs, Extra::None, &["events:CreateEventBus"]),
            // The Service Authorization Reference names no resource for it.
            (PolicyScope::Any, When::Always, Extra::None, &["events:PutPermission"]),
            (EVENT_BUSES, When::Ours, Extra::None, &["events:DeleteEventBus", "events:UntagResource"]),
            (EVENT_BUSES, When::OursOrBecomesOurs, Extra::None, &["events:TagResource"]),
            (PolicyScope::ForwardRoles, When::PassedTo("events.amazonaws.com"), Extra::None, &["iam:PassRole"]),
        ],
    ),
    // "CloudWatch cross-account observability", "Necessary permissions", in the CloudWatch user guide.
    (
        "OverviewLinks",
        &[Feature::OverviewLinks],
        &[
            (PolicyScope::Any, When::Always, Extra::None, &["oam:ListLinks", "cloudwatch:Link"]),
            (PolicyScope::Links, When::Always, Extra::None, &["oam:GetLink", "oam:ListTagsForResource"]),
            (PolicyScope::LinksAndSinks, When::BecomesOurs, Extra::None, &["oam:CreateLink"]),
            (PolicyScope::LinksAndSinks, When::NotForeign, Extra::None, &["oam:UpdateLink"]),
            (PolicyScope::Links, When::BecomesOurs, Extra::None, &["oam:TagResource"]),
            (PolicyScope::Links, When::Ours, Extra::None, &["oam:DeleteLink"]),
        ],
    ),
    (
        "Analytics",
        &[Feature::Analytics],
        &[
            (
                WORKGROUPS,
                When::Always,
                Extra::None,
                &[
                    "athena:GetWorkGroup",
                    "athena:ListTagsForResource",
                    "athena:ListNamedQueries",
                    "athena:BatchGetNamedQuery",
                ],
            ),
            (WORKGROUPS, When::BecomesOurs, Extra::None, &["athena:CreateWorkGroup"]),
            (
                WORKGROUPS,
                When::NotForeign,
                Extra::None,
                &["athena:UpdateWorkGroup", "athena:CreateNamedQuery", "athena:UpdateNamedQuery"],
            ),
            (
                WORKGROUPS,
                When::Ours,
                Extra::None,
                &["athena:DeleteWorkGroup", "athena:DeleteNamedQuery", "athena:UntagResource"],
            ),
            (WORKGROUPS, When::OursOrBecomesOurs, Extra::None, &["athena:TagResource"]),
            (
                PolicyScope::Any,
                When::Always,
                Extra::None,
                &["logs:DescribeQueryDefinitions", "logs:PutQueryDefinition", "logs:DeleteQueryDefinition"],
            ),
            (PolicyScope::TaggedDatabases, When::Always, Extra::None, &["glue:GetTags"]),
            (PolicyScope::TaggedDatabases, When::Ours, Extra::None, &["glue:UntagResource"]),
            (PolicyScope::TaggedDatabases, When::OursOrBecomesOurs, Extra::None, &["glue:TagResource"]),
            // Each call needs all of its resources: the database, and those without tags.
            (PolicyScope::TaggedDatabases, When::Always, Extra::None, &["glue:GetDatabase", "glue:GetTables"]),
            (
                PolicyScope::TaggedDatabases,
                When::NotForeign,
                Extra::None,
                &[
                    "glue:CreateDatabase",
                    "glue:UpdateDatabase",
                    "glue:DeleteDatabase",
                    "glue:CreateTable",
                    "glue:UpdateTable",
                    "glue:DeleteTable",
                ],
            ),
            (
                PolicyScope::CatalogAndTables,
                When::Always,
                Extra::None,
                &[
                    "glue:GetDatabase",
                    "glue:CreateDatabase",
                    "glue:UpdateDatabase",
                    "glue:DeleteDatabase",
                    "glue:GetTables",
                    "glue:CreateTable",
                    "glue:UpdateTable",
                    "glue:DeleteTable",
                ],
            ),
        ],
    ),
    (
        "Dashboard",
        &[Feature::Dashboard],
        &[
            (
                PolicyScope::Dashboards,
                When::Always,
                Extra::None,
                &["cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource"],
            ),
            (PolicyScope::Dashboards, When::NotForeign, Extra::None, &["cloudwatch:PutDashboard"]),
            (
                PolicyScope::Dashboards,
                When::Ours,
                Extra::None,
                &["cloudwatch:DeleteDashboards", "cloudwatch:UntagResource"],
            ),
            (PolicyScope::Dashboards, When::OursOrBecomesOurs, Extra::None, &["cloudwatch:TagResource"]),
        ],
    ),
];

/// Every row as one grant for each of its actions.
pub fn grants() -> impl Iterator<Item = Grant> {
    TABLE.iter().flat_map(|(part, features, rows)| {
        rows.iter().flat_map(move |(scope, when, extra, actions)| {
            actions.iter().map(move |action| Grant {
                action,
                part,
                scope: *scope,
                when: *when,
                features,
                extra: *extra,
            })
        })
    })
}

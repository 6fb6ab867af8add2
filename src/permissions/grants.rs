//! What each action is allowed on, and when.
//!
//! Three rules come from how IAM works. Reads ask for no tag: what is not there has none, and AWS would answer "denied" where "not found" is
//! meant. What makes a thing asks for the owner's tag in the request. What changes or removes a thing asks for the owner's tag on it; where
//! the very call may come right after the one that makes it, only no other owner's: IAM sees new tags a little late.

use clap::ValueEnum;

use super::scope::Scope;

/// A part of a monitor that its spec can switch off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Feature {
    /// Metric filters.
    Detections,
    /// The detector function.
    AnomalyDetector,
    /// Athena, Glue and saved queries.
    Analytics,
    /// The dashboard.
    Dashboard,
    /// A topic of the monitor's own, instead of one that the spec names.
    OwnTopic,
    /// `cloudWatchLogs.kmsKeyArn`.
    LogGroupKey,
    /// Fields of ECS in flow logs.
    EcsFields,
}

/// When an action is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Always,
    /// The resource is the operator's, and of no other cluster.
    Ours,
    /// The resource carries no other owner's tag.
    NobodyElses,
    /// The request puts the owner's tag on, and no other owner's is there.
    BecomesOurs,
    OursOrBecomesOurs,
    /// The resource is of the account: S3's ARNs do not say.
    InAccount,
    /// The role is handed to this service.
    PassedTo(&'static str),
}

/// A row: one action, in one place of the policy.
#[derive(Clone, Copy, Debug)]
pub struct Grant {
    pub action: &'static str,
    /// Begins the `Sid`.
    pub part: &'static str,
    pub scope: Scope,
    pub when: When,
    /// Needed only by monitors that use it.
    pub feature: Option<Feature>,
    /// Needed only where a monitor's deletion may take its data along.
    pub deletes_data: bool,
    /// The role must carry the permissions boundary, if there is one.
    pub with_boundary: bool,
    /// Needed only if there is one.
    pub for_boundary: bool,
}

/// What more has to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extra {
    None,
    DeletesData,
    WithBoundary,
    ForBoundary,
}

/// Actions with the same resources and conditions.
type Row = (Scope, When, Extra, &'static [&'static str]);

/// Every row as one grant for each of its actions.
pub fn grants() -> impl Iterator<Item = Grant> {
    TABLE.iter().flat_map(|(part, feature, rows)| {
        rows.iter().flat_map(move |(scope, when, extra, actions)| {
            actions.iter().map(move |action| Grant {
                action,
                part,
                scope: *scope,
                when: *when,
                feature: *feature,
                deletes_data: *extra == Extra::DeletesData,
                with_boundary: matches!(extra, Extra::WithBoundary | Extra::ForBoundary),
                for_boundary: *extra == Extra::ForBoundary,
            })
        })
    })
}

const TABLE: &[(&str, Option<Feature>, &[Row])] = &[
    // The session tags of EKS Pod Identity go along: "Passing session tags in AWS STS" in the IAM user guide.
    ("Account", None, &[(Scope::AssumedRoles, When::Always, Extra::None, &["sts:AssumeRole", "sts:TagSession"])]),
    // General purpose buckets know no tags in conditions unless somebody switches that on: S3 user guide, "Enabling ABAC".
    (
        "Storage",
        None,
        &[
            (
                Scope::Buckets,
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
                ],
            ),
            (
                Scope::Buckets,
                When::InAccount,
                Extra::DeletesData,
                &["s3:DeleteBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"],
            ),
            (
                Scope::Objects,
                When::InAccount,
                Extra::DeletesData,
                &["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"],
            ),
        ],
    ),
    (
        "Roles",
        None,
        &[
            (Scope::RolesOrNone, When::Always, Extra::None, &["iam:GetRole"]),
            (
                Scope::Roles,
                When::Always,
                Extra::None,
                &["iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies"],
            ),
            (Scope::Roles, When::BecomesOurs, Extra::WithBoundary, &["iam:CreateRole"]),
            (Scope::Roles, When::NobodyElses, Extra::WithBoundary, &["iam:PutRolePolicy"]),
            (Scope::Roles, When::NobodyElses, Extra::ForBoundary, &["iam:PutRolePermissionsBoundary"]),
            // Whoever may be let into a role without a boundary may do what the role may.
            (Scope::Roles, When::NobodyElses, Extra::WithBoundary, &["iam:UpdateAssumeRolePolicy"]),
            (Scope::Roles, When::NobodyElses, Extra::None, &["iam:UpdateRole"]),
            (
                Scope::Roles,
                When::Ours,
                Extra::None,
                &["iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:UntagRole"],
            ),
            (Scope::Roles, When::OursOrBecomesOurs, Extra::None, &["iam:TagRole"]),
            (Scope::DeliveryRoles, When::PassedTo("vpc-flow-logs.amazonaws.com"), Extra::None, &["iam:PassRole"]),
        ],
    ),
    (
        "LogGroups",
        None,
        &[
            (Scope::Any, When::Always, Extra::None, &["logs:DescribeLogGroups"]),
            (Scope::TaggedLogGroups, When::Always, Extra::None, &["logs:ListTagsForResource"]),
            // Also asked for when a log group is made, which has no tags yet.
            (Scope::TaggedLogGroups, When::NobodyElses, Extra::None, &["logs:TagResource"]),
            (Scope::TaggedLogGroups, When::Ours, Extra::None, &["logs:UntagResource"]),
            (Scope::RecordLogGroups, When::Always, Extra::None, &["logs:CreateLogGroup"]),
            (Scope::RecordLogGroups, When::NobodyElses, Extra::None, &["logs:PutRetentionPolicy"]),
            (Scope::RecordLogGroups, When::Ours, Extra::DeletesData, &["logs:DeleteLogGroup"]),
        ],
    ),
    (
        "LogGroupKeys",
        Some(Feature::LogGroupKey),
        &[(
            Scope::RecordLogGroups,
            When::NobodyElses,
            Extra::None,
            &["logs:AssociateKmsKey", "logs:DisassociateKmsKey"],
        )],
    ),
    (
        "FlowLogs",
        None,
        &[
            (
                Scope::Any,
                When::Always,
                Extra::None,
                &["ec2:DescribeFlowLogs", "logs:CreateLogDelivery", "logs:DeleteLogDelivery"],
            ),
            (Scope::Vpcs, When::Always, Extra::None, &["ec2:CreateFlowLogs"]),
            (Scope::FlowLogs, When::BecomesOurs, Extra::None, &["ec2:CreateFlowLogs"]),
            (Scope::FlowLogs, When::Ours, Extra::None, &["ec2:DeleteFlowLogs", "ec2:DeleteTags"]),
            (Scope::FlowLogs, When::OursOrBecomesOurs, Extra::None, &["ec2:CreateTags"]),
        ],
    ),
    (
        "EcsFields",
        Some(Feature::EcsFields),
        &[(
            Scope::Any,
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
        None,
        &[
            (
                Scope::Topics,
                When::Always,
                Extra::None,
                &["sns:GetTopicAttributes", "sns:ListTagsForResource", "sns:ListSubscriptionsByTopic"],
            ),
            (Scope::Topics, When::NobodyElses, Extra::None, &["sns:Subscribe"]),
            // A subscription is of its topic, and cannot be named apart from it.
            (
                Scope::Any,
                When::Always,
                Extra::None,
                &["sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"],
            ),
            (Scope::SubscriptionRoles, When::PassedTo("sns.amazonaws.com"), Extra::None, &["iam:PassRole"]),
        ],
    ),
    (
        "OwnTopic",
        Some(Feature::OwnTopic),
        &[
            (Scope::Topics, When::BecomesOurs, Extra::None, &["sns:CreateTopic"]),
            (Scope::Topics, When::NobodyElses, Extra::None, &["sns:SetTopicAttributes"]),
            (Scope::Topics, When::Ours, Extra::None, &["sns:DeleteTopic", "sns:UntagResource"]),
            (Scope::Topics, When::OursOrBecomesOurs, Extra::None, &["sns:TagResource"]),
        ],
    ),
    (
        "Detections",
        Some(Feature::Detections),
        &[
            (Scope::RecordLogGroups, When::Always, Extra::None, &["logs:DescribeMetricFilters"]),
            // A log group may be gone, or left behind, before its filters are.
            (
                Scope::RecordLogGroups,
                When::NobodyElses,
                Extra::None,
                &["logs:PutMetricFilter", "logs:DeleteMetricFilter"],
            ),
        ],
    ),
    (
        "Alarms",
        None,
        &[
            (Scope::AllAlarms, When::Always, Extra::None, &["cloudwatch:DescribeAlarms"]),
            (Scope::Alarms, When::Always, Extra::None, &["cloudwatch:ListTagsForResource"]),
            (Scope::Alarms, When::NobodyElses, Extra::None, &["cloudwatch:PutMetricAlarm"]),
            (Scope::Alarms, When::Ours, Extra::None, &["cloudwatch:DeleteAlarms", "cloudwatch:UntagResource"]),
            (Scope::Alarms, When::OursOrBecomesOurs, Extra::None, &["cloudwatch:TagResource"]),
        ],
    ),
    (
        "Detector",
        Some(Feature::AnomalyDetector),
        &[
            (
                Scope::Functions,
                When::Always,
                Extra::None,
                &["lambda:GetFunction", "lambda:ListTags", "lambda:GetPolicy"],
            ),
            (Scope::Functions, When::BecomesOurs, Extra::None, &["lambda:CreateFunction"]),
            (
                Scope::Functions,
                When::NobodyElses,
                Extra::None,
                &["lambda:AddPermission", "lambda:UpdateFunctionConfiguration", "lambda:UpdateFunctionCode"],
            ),
            (
                Scope::Functions,
                When::Ours,
                Extra::None,
                &["lambda:DeleteFunction", "lambda:RemovePermission", "lambda:UntagResource"],
            ),
            (Scope::Functions, When::OursOrBecomesOurs, Extra::None, &["lambda:TagResource"]),
            (Scope::DetectorRoles, When::PassedTo("lambda.amazonaws.com"), Extra::None, &["iam:PassRole"]),
            (Scope::DetectorLogGroups, When::Always, Extra::None, &["logs:CreateLogGroup"]),
            (Scope::DetectorLogGroups, When::NobodyElses, Extra::None, &["logs:PutRetentionPolicy"]),
            (Scope::DetectorLogGroups, When::Ours, Extra::None, &["logs:DeleteLogGroup"]),
            (Scope::RecordLogGroups, When::Always, Extra::None, &["logs:DescribeSubscriptionFilters"]),
            (
                Scope::RecordLogGroups,
                When::NobodyElses,
                Extra::None,
                &["logs:PutSubscriptionFilter", "logs:DeleteSubscriptionFilter"],
            ),
        ],
    ),
    (
        "Analytics",
        Some(Feature::Analytics),
        &[
            (
                Scope::Workgroups,
                When::Always,
                Extra::None,
                &[
                    "athena:GetWorkGroup",
                    "athena:ListTagsForResource",
                    "athena:ListNamedQueries",
                    "athena:BatchGetNamedQuery",
                ],
            ),
            (Scope::Workgroups, When::BecomesOurs, Extra::None, &["athena:CreateWorkGroup"]),
            (
                Scope::Workgroups,
                When::NobodyElses,
                Extra::None,
                &["athena:UpdateWorkGroup", "athena:CreateNamedQuery", "athena:UpdateNamedQuery"],
            ),
            (
                Scope::Workgroups,
                When::Ours,
                Extra::None,
                &["athena:DeleteWorkGroup", "athena:DeleteNamedQuery", "athena:UntagResource"],
            ),
            (Scope::Workgroups, When::OursOrBecomesOurs, Extra::None, &["athena:TagResource"]),
            (
                Scope::Any,
                When::Always,
                Extra::None,
                &["logs:DescribeQueryDefinitions", "logs:PutQueryDefinition", "logs:DeleteQueryDefinition"],
            ),
            (Scope::TaggedDatabases, When::Always, Extra::None, &["glue:GetTags"]),
            (Scope::TaggedDatabases, When::Ours, Extra::None, &["glue:UntagResource"]),
            (Scope::TaggedDatabases, When::OursOrBecomesOurs, Extra::None, &["glue:TagResource"]),
            // Each call needs all of its resources: the database, and what has no tags.
            (Scope::TaggedDatabases, When::Always, Extra::None, &["glue:GetDatabase", "glue:GetTables"]),
            (
                Scope::TaggedDatabases,
                When::NobodyElses,
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
                Scope::CatalogAndTables,
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
        Some(Feature::Dashboard),
        &[
            (
                Scope::Dashboards,
                When::Always,
                Extra::None,
                &["cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource"],
            ),
            (Scope::Dashboards, When::NobodyElses, Extra::None, &["cloudwatch:PutDashboard"]),
            (Scope::Dashboards, When::Ours, Extra::None, &["cloudwatch:DeleteDashboards", "cloudwatch:UntagResource"]),
            (Scope::Dashboards, When::OursOrBecomesOurs, Extra::None, &["cloudwatch:TagResource"]),
        ],
    ),
];

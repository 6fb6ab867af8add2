use super::Options;
use crate::monitor::{PREFIX, ROLE_PATH};

/// What an action is allowed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// AWS cannot confine it.
    Any,
    /// Buckets.
    Buckets,
    /// What is in the buckets.
    Objects,
    /// The operator's roles, all under its path.
    Roles,
    /// The same, and where AWS looks for a role that is not there: then it does not know a path.
    RolesOrNone,
    /// Log groups with records.
    RecordLogGroups,
    /// The detector's own log groups.
    DetectorLogGroups,
    /// Both, as the calls about tags name them: without `:*`.
    TaggedLogGroups,
    /// VPCs.
    Vpcs,
    /// Flow logs.
    FlowLogs,
    /// Topics.
    Topics,
    /// Alarms.
    Alarms,
    /// Every alarm: they are listed by name.
    AllAlarms,
    /// Dashboards.
    Dashboards,
    /// Functions.
    Functions,
    /// Workgroups.
    Workgroups,
    /// Databases, with the catalog that each call touches.
    Databases,
    /// The same, and what is in them.
    DatabasesAndTables,
    /// Databases alone.
    TaggedDatabases,
    /// Roles of other accounts.
    AssumedRoles,
    /// Roles that SNS uses for a subscription.
    SubscriptionRoles,
}

impl Scope {
    /// ARN patterns of it.
    pub fn arns(self, options: &Options) -> Vec<String> {
        let (account, region) = (options.account.as_deref().unwrap_or("*"), options.region.as_deref().unwrap_or("*"));
        let arn = |service: &str, region: &str, account: &str, resource: String| {
            format!("arn:{}:{service}:{region}:{account}:{resource}", options.partition)
        };
        let local = |service: &str, resource: String| arn(service, region, account, resource);
        let log_group = |name: &str, end: &str| local("logs", format!("log-group:{name}{end}"));
        let named = |service: &str, kind: &str| -> Vec<String> {
            let begins = format!("arn:{}:{service}:", options.partition);
            options.also.iter().filter(|arn| arn.starts_with(&begins) && arn.contains(kind)).cloned().collect()
        };
        let with = |mut own: Vec<String>, more: Vec<String>| {
            own.extend(more);
            own
        };
        let log_groups = |end: &str| -> Vec<String> {
            named("logs", ":log-group:").iter().map(|arn| format!("{}{end}", arn.trim_end_matches(":*"))).collect()
        };
        let named_databases = || named("glue", ":database/");
        let in_databases = |kind: &str| -> Vec<String> {
            named_databases().iter().map(|arn| format!("{}/*", arn.replacen(":database/", kind, 1))).collect()
        };
        let underscored = PREFIX.replace('-', "_");
        match self {
            Self::Any => vec!["*".to_owned()],
            Self::Buckets => with(vec![arn("s3", "", "", format!("vpc-flow-logs-{account}-*"))], named("s3", ":::")),
            Self::Objects => Self::Buckets.arns(options).into_iter().map(|arn| format!("{arn}/*")).collect(),
            Self::Roles => vec![arn("iam", "", account, format!("role{ROLE_PATH}*"))],
            Self::RolesOrNone => {
                with(Self::Roles.arns(options), vec![arn("iam", "", account, format!("role/{PREFIX}*"))])
            }
            Self::RecordLogGroups => with(vec![log_group("/aws/vpc/flowlogs/*", ":*")], log_groups(":*")),
            Self::DetectorLogGroups => vec![log_group(&format!("/aws/lambda/{PREFIX}*"), ":*")],
            Self::TaggedLogGroups => with(
                vec![log_group("/aws/vpc/flowlogs/*", ""), log_group(&format!("/aws/lambda/{PREFIX}*"), "")],
                log_groups(""),
            ),
            Self::Vpcs => vec![local("ec2", "vpc/*".to_owned())],
            Self::FlowLogs => vec![local("ec2", "vpc-flow-log/*".to_owned())],
            Self::Topics => with(vec![local("sns", format!("{PREFIX}*"))], named("sns", ":")),
            Self::Alarms => vec![local("cloudwatch", format!("alarm:{PREFIX}*"))],
            Self::AllAlarms => vec![local("cloudwatch", "alarm:*".to_owned())],
            Self::Dashboards => vec![arn("cloudwatch", "", account, format!("dashboard/{PREFIX}*"))],
            Self::Functions => vec![local("lambda", format!("function:{PREFIX}*"))],
            Self::Workgroups => vec![local("athena", format!("workgroup/{PREFIX}*"))],
            Self::TaggedDatabases => with(vec![local("glue", format!("database/{underscored}*"))], named_databases()),
            Self::Databases => with(vec![local("glue", "catalog".to_owned())], Self::TaggedDatabases.arns(options)),
            Self::DatabasesAndTables => {
                let own = [":table/", ":userDefinedFunction/"]
                    .map(|kind| with(vec![local("glue", format!("{}{underscored}*", &kind[1..]))], in_databases(kind)));
                with(Self::Databases.arns(options), own.concat())
            }
            Self::AssumedRoles => options.assumed_roles.clone(),
            Self::SubscriptionRoles => options.subscription_roles.clone(),
        }
    }
}

use super::Options;
use crate::monitor::{PREFIX, ROLE_PATH};

/// The resources on which an action is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyScope {
    /// AWS cannot confine it.
    Any,
    /// Buckets.
    Buckets,
    /// The objects in the buckets.
    Objects,
    /// Roles that the operator may create, all under its path.
    NewRoles,
    /// The operator's roles. AWS may not know the path of a role that is absent, or was created moments ago.
    Roles,
    /// Those that flow logs get, with and without the path.
    DeliveryRoles,
    /// Those that detectors get, with and without the path.
    DetectorRoles,
    /// Those by which `EventBridge` sends alarms to an overview, with and without the path.
    ForwardRoles,
    /// Links of Observability Access Manager. Their ids are AWS's.
    Links,
    /// These, and the sinks that they lead to, which are in other accounts.
    LinksAndSinks,
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
    /// Every alarm: AWS checks a list of alarms for all of them.
    AllAlarms,
    /// Dashboards.
    Dashboards,
    /// Resources of a region whose names begin with the operator's prefix: the service, and the part of the ARN before the name.
    Named(&'static str, &'static str),
    /// Databases.
    TaggedDatabases,
    /// The catalog that each call touches, and the contents of the databases.
    CatalogAndTables,
    /// Roles of other accounts.
    AssumedRoles,
    /// Roles that SNS uses for a subscription.
    SubscriptionRoles,
}

impl PolicyScope {
    /// Its ARN patterns.
    pub fn arns(self, options: &Options) -> Vec<String> {
        let account = options.account.as_deref().unwrap_or("*");
        let any = ["*".to_owned()];
        let regions = if options.regions.is_empty() { &any[..] } else { &options.regions };
        let arn = |service: &str, region: &str, account: &str, resource: &str| {
            format!("arn:{}:{service}:{region}:{account}:{resource}", options.partition)
        };
        let global = |service: &str, resource: &str| vec![arn(service, "", account, resource)];
        let local = |service: &str, resource: &str| -> Vec<String> {
            regions.iter().map(|region| arn(service, region, account, resource)).collect()
        };
        let named = |service: &str, kind: &str| -> Vec<String> {
            let begins = format!("arn:{}:{service}:", options.partition);
            options.also.iter().filter(|arn| arn.starts_with(&begins) && arn.contains(kind)).cloned().collect()
        };
        // AWS names a log group with `:*` or without it, depending on the operation.
        let log_groups = || -> Vec<String> {
            let forms = |arn: &String| {
                let arn = arn.trim_end_matches(":*");
                [arn.to_owned(), format!("{arn}:*")]
            };
            named("logs", ":log-group:").iter().flat_map(forms).collect()
        };
        let roles =
            |name: &str| [ROLE_PATH, "/"].map(|path| arn("iam", "", account, &format!("role{path}{name}"))).to_vec();
        let in_databases = |kind: &str| -> Vec<String> {
            let databases = named("glue", ":database/");
            databases.iter().map(|arn| format!("{}/*", arn.replacen(":database/", kind, 1))).collect()
        };
        let underscored = PREFIX.replace('-', "_");
        match self {
            Self::Any => any.to_vec(),
            Self::Buckets => {
                [vec![arn("s3", "", "", &format!("vpc-flow-logs-{account}-*"))], named("s3", ":::")].concat()
            }
            Self::Objects => Self::Buckets.arns(options).into_iter().map(|arn| format!("{arn}/*")).collect(),
            Self::NewRoles => global("iam", &format!("role{ROLE_PATH}{PREFIX}*")),
            Self::Roles => roles(&format!("{PREFIX}*")),
            Self::DeliveryRoles => roles(&format!("{PREFIX}*-delivery")),
            Self::DetectorRoles => roles(&format!("{PREFIX}*-detector")),
            Self::ForwardRoles => roles(&format!("{PREFIX}*-forward")),
            Self::Links => local("oam", "link/*"),
            Self::LinksAndSinks => {
                let sinks = regions.iter().map(|region| arn("oam", region, "*", "sink/*"));
                local("oam", "link/*").into_iter().chain(sinks).collect()
            }
            Self::RecordLogGroups => [local("logs", "log-group:/aws/vpc/flowlogs/*:*"), log_groups()].concat(),
            Self::DetectorLogGroups => local("logs", &format!("log-group:/aws/lambda/{PREFIX}*:*")),
            Self::TaggedLogGroups => {
                let detectors = local("logs", &format!("log-group:/aws/lambda/{PREFIX}*"));
                [local("logs", "log-group:/aws/vpc/flowlogs/*"), detectors, log_groups()].concat()
            }
            Self::Vpcs => local("ec2", "vpc/*"),
            Self::FlowLogs => local("ec2", "vpc-flow-log/*"),
            Self::Topics => [local("sns", &format!("{PREFIX}*")), named("sns", ":")].concat(),
            Self::AllAlarms => local("cloudwatch", "alarm:*"),
            Self::Dashboards => global("cloudwatch", &format!("dashboard/{PREFIX}*")),
            Self::Named(service, kind) => local(service, &format!("{kind}{PREFIX}*")),
            Self::TaggedDatabases => {
                [local("glue", &format!("database/{underscored}*")), named("glue", ":database/")].concat()
            }
            Self::CatalogAndTables => {
                let tables = [":table/", ":userDefinedFunction/"]
                    .map(|kind| [local("glue", &format!("{}{underscored}*", &kind[1..])), in_databases(kind)].concat());
                [local("glue", "catalog"), tables.concat()].concat()
            }
            Self::AssumedRoles => options.assumed_roles.clone(),
            Self::SubscriptionRoles => options.subscription_roles.clone(),
        }
    }
}

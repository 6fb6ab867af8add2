//! The function's settings, which the operator passes in environment variables and, for lists, in the package.

use std::sync::Arc;
use std::time::Duration;

use crate::custom_rule::CustomRule;
use crate::detection::Detection;
use crate::format::{FormatError, LogFormat};
use crate::package_config::{EventsConfig, PackageConfig, PackageConfigError};
use crate::rules::Config;
use crate::suppression::Suppression;

/// The time after which an incident is published again while it lasts, unless the spec sets it: 6 hours.
pub const DEFAULT_RENOTIFY_AFTER: Duration = Duration::from_hours(6);

/// The function's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `TOPIC_ARN`: the SNS topic to publish to.
    pub topic_arn: String,
    /// `MONITOR`, `OWNER` and `VPC_ID`.
    pub origin: Origin,
    /// `SOURCE`: the place where the records come from.
    pub source: Source,
    /// `LOG_FORMAT`: the format of the flow log, as `CreateFlowLogs` takes it. Files name their fields themselves.
    pub format: LogFormat,
    /// `RULES`, as JSON; the defaults if it is not set. The networks are those of the package.
    pub rules: Config,
    /// Rules of the user.
    pub custom_rules: Vec<Arc<CustomRule>>,
    /// Metrics that count the records of files.
    pub detections: Vec<Detection>,
    /// The events of findings, if they are sent.
    pub events: Option<EventsConfig>,
    /// Records that rules leave out.
    pub suppress: Vec<Suppression>,
    /// `DASHBOARD`, `WORKGROUP`, `DATABASE` and `TABLE`.
    pub console: ConsoleNames,
    /// The version of the lists in the package that rules look at.
    pub rules_version: String,
    /// `CHAT`: true if HTTPS subscribers get the form of Amazon Q Developer in chat applications.
    pub chat: bool,
    /// `BUCKET`: the bucket with the notification log. Without one the log lasts as long as an instance of the function.
    pub bucket: Option<String>,
    /// `RENOTIFY_AFTER_SECONDS`: the time after which an incident is published again while it lasts.
    pub renotify_after: Duration,
    /// `METRICS_NAMESPACE` and `METRICS_MONITOR`; without them there are no metrics.
    pub metrics: Option<MetricSettings>,
}

/// The place where the records come from. While it changes, some come from the other one too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The log group.
    #[default]
    CloudWatchLogs,
    /// The files of the bucket.
    S3,
}

/// Where the function's metrics go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricSettings {
    /// The namespace.
    pub namespace: String,
    /// The value of the dimension `Monitor`.
    pub monitor: String,
}

/// Names of the monitor's AWS resources that messages link to. Without one its link is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsoleNames {
    /// The `CloudWatch` dashboard.
    pub dashboard: Option<String>,
    /// The Athena workgroup.
    pub workgroup: Option<String>,
    /// The Glue database.
    pub database: Option<String>,
    /// The Glue table.
    pub table: Option<String>,
}

/// The monitor and the VPC of the records; every message names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// `<namespace>/<name>` of the `VpcFlowMonitor`.
    pub monitor: String,
    /// `<cluster>/<namespace>/<name>`, unique among the clusters that watch an account; the keys of findings contain it.
    pub owner: String,
    /// The VPC's id.
    pub vpc_id: String,
}

/// A setting that is missing or invalid.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not set, or empty.
    #[error("environment variable {0} is not set")]
    Missing(&'static str),
    /// Set to an invalid value.
    #[error("environment variable {name} is `{value}`; it should be {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// A description of valid values.
        expected: &'static str,
    },
    /// `LOG_FORMAT` is not the format of a flow log.
    #[error("environment variable LOG_FORMAT is not the format of a flow log: {0}")]
    Format(#[from] FormatError),
    /// `RULES` is invalid.
    #[error("environment variable RULES is not the JSON of the rules' settings: {0}")]
    Rules(String),
    /// The settings in the package are invalid.
    #[error(transparent)]
    Package(#[from] PackageConfigError),
}

impl Settings {
    /// Reads the settings; `variable` gives the value of an environment variable.
    pub fn read(variable: impl Fn(&str) -> Option<String>, package: PackageConfig) -> Result<Self, SettingsError> {
        let variables = Variables(variable);
        let rules = match variables.optional("RULES") {
            Some(json) => serde_json::from_str(&json).map_err(|error| SettingsError::Rules(error.to_string()))?,
            None => Config::default(),
        };
        let rules_version = package.rules_version();
        Ok(Self {
            rules_version,
            topic_arn: variables.checked("TOPIC_ARN", "the ARN of an SNS topic", is_topic_arn)?,
            origin: Origin {
                monitor: variables.checked("MONITOR", "<namespace>/<name> of a VpcFlowMonitor", is_monitor)?,
                owner: variables.checked("OWNER", "<cluster>/<namespace>/<name> of a VpcFlowMonitor", is_owner)?,
                vpc_id: variables.checked("VPC_ID", "the id of a VPC", is_vpc_id)?,
            },
            source: variables.source("SOURCE")?,
            format: variables.required("LOG_FORMAT")?.parse()?,
            rules: Config { trusted_cidrs: package.trusted_cidrs, ..rules },
            custom_rules: package.custom_rules.into_iter().map(Arc::new).collect(),
            detections: package.detections,
            events: package.events,
            suppress: package.suppress,
            console: ConsoleNames {
                dashboard: variables.name("DASHBOARD")?,
                workgroup: variables.name("WORKGROUP")?,
                database: variables.name("DATABASE")?,
                table: variables.name("TABLE")?,
            },
            chat: variables.flag("CHAT")?,
            bucket: variables.name("BUCKET")?,
            renotify_after: variables.seconds("RENOTIFY_AFTER_SECONDS")?.unwrap_or(DEFAULT_RENOTIFY_AFTER),
            metrics: variables
                .optional("METRICS_NAMESPACE")
                .zip(variables.optional("METRICS_MONITOR"))
                .map(|(namespace, monitor)| MetricSettings { namespace, monitor }),
        })
    }
}

struct Variables<V>(V);

impl<V: Fn(&str) -> Option<String>> Variables<V> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &'static str) -> Result<String, SettingsError> {
        self.optional(name).ok_or(SettingsError::Missing(name))
    }

    /// The name of an AWS resource, if it is set.
    fn name(&self, name: &'static str) -> Result<Option<String>, SettingsError> {
        let valid = |value: String| {
            if is_resource_name(&value) {
                Ok(value)
            } else {
                let expected = "the name of an AWS resource: letters, digits, `.`, `-` and `_`";
                Err(SettingsError::Invalid { name, value, expected })
            }
        };
        self.optional(name).map(valid).transpose()
    }

    /// A switch, off if it is not set.
    fn flag(&self, name: &'static str) -> Result<bool, SettingsError> {
        match self.optional(name) {
            None => Ok(false),
            Some(value) => value.parse().map_err(|_| SettingsError::Invalid { name, value, expected: "true or false" }),
        }
    }

    /// A source, the log group if it is not set.
    fn source(&self, name: &'static str) -> Result<Source, SettingsError> {
        match self.optional(name).as_deref() {
            None | Some("CloudWatchLogs") => Ok(Source::CloudWatchLogs),
            Some("S3") => Ok(Source::S3),
            Some(value) => {
                Err(SettingsError::Invalid { name, value: value.to_owned(), expected: "CloudWatchLogs or S3" })
            }
        }
    }

    /// A time span, if it is set.
    fn seconds(&self, name: &'static str) -> Result<Option<Duration>, SettingsError> {
        let parse = |value: String| match value.parse() {
            Ok(seconds) => Ok(Duration::from_secs(seconds)),
            Err(_) => Err(SettingsError::Invalid { name, value, expected: "a number of seconds" }),
        };
        self.optional(name).map(parse).transpose()
    }

    fn checked(
        &self,
        name: &'static str,
        expected: &'static str,
        is_valid: fn(&str) -> bool,
    ) -> Result<String, SettingsError> {
        let value = self.required(name)?;
        if is_valid(&value) { Ok(value) } else { Err(SettingsError::Invalid { name, value, expected }) }
    }
}

/// `arn:<partition>:sns:<region>:<account>:<topic>`.
fn is_topic_arn(text: &str) -> bool {
    let parts: Vec<_> = text.split(':').collect();
    matches!(parts.as_slice(), ["arn", partition, "sns", region, account, topic]
        if [partition, region, account, topic].iter().all(|part| !part.is_empty()))
}

/// Safe in a URL and in SQL.
fn is_resource_name(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_'))
}

/// Two Kubernetes names: printable ASCII of bounded length, safe in a subject line.
fn is_monitor(text: &str) -> bool {
    let is_name = |name: &str, longest| {
        (1..=longest).contains(&name.len())
            && name.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
    };
    text.split_once('/').is_some_and(|(namespace, name)| is_name(namespace, 63) && is_name(name, 253))
}

/// A name of a cluster, printable ASCII, before the two names of a monitor.
fn is_owner(text: &str) -> bool {
    text.split_once('/').is_some_and(|(cluster, monitor)| {
        let is_printable = |it: u8| it == b' ' || it.is_ascii_graphic();
        !cluster.is_empty() && cluster.bytes().all(is_printable) && is_monitor(monitor)
    })
}

fn is_vpc_id(text: &str) -> bool {
    text.strip_prefix("vpc-")
        .is_some_and(|id| (1..=32).contains(&id.len()) && id.bytes().all(|it| it.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::custom_rule;
    use crate::test_data::V2_FORMAT;

    const VARIABLES: [(&str, &str); 5] = [
        ("TOPIC_ARN", "arn:aws-cn:sns:cn-north-1:123456789012:alerts"),
        ("MONITOR", "network/production"),
        ("OWNER", "cluster 1/network/production"),
        ("VPC_ID", "vpc-0123456789abcdef0"),
        ("LOG_FORMAT", V2_FORMAT),
    ];

    fn read_with(name: &str, value: Option<&str>) -> Result<Settings, SettingsError> {
        Settings::read(
            |asked| {
                if asked == name {
                    return value.map(str::to_owned);
                }
                VARIABLES.iter().find(|(known, _)| *known == asked).map(|(_, value)| (*value).to_owned())
            },
            PackageConfig::default(),
        )
    }

    #[test]
    fn all_that_must_be_set() {
        let settings = read_with("", None).unwrap();
        assert_eq!(settings.topic_arn, "arn:aws-cn:sns:cn-north-1:123456789012:alerts");
        assert_eq!(settings.origin.monitor, "network/production");
        assert_eq!(settings.origin.owner, "cluster 1/network/production");
        assert_eq!(settings.origin.vpc_id, "vpc-0123456789abcdef0");
        assert_eq!(settings.format, V2_FORMAT.parse().unwrap());
        assert_eq!((settings.rules, settings.metrics), (Config::default(), None));
        assert_eq!(settings.console, ConsoleNames::default());
        assert_eq!((settings.bucket, settings.renotify_after), (None, Duration::from_hours(6)));
        assert_eq!(settings.source, Source::CloudWatchLogs);
        assert_eq!(read_with("SOURCE", Some("S3")).unwrap().source, Source::S3);
        assert!(!settings.chat && read_with("CHAT", Some("true")).unwrap().chat);
    }

    #[test]
    fn a_missing_or_empty_variable_is_named() {
        for (name, _) in VARIABLES {
            for value in [None, Some("")] {
                let error = read_with(name, value).unwrap_err();
                assert_eq!(error.to_string(), format!("environment variable {name} is not set"));
            }
        }
    }

    #[test]
    fn a_bad_variable_is_named_with_what_it_should_be() {
        let long = format!("a/{}", "b".repeat(254));
        for (name, value) in [
            ("TOPIC_ARN", "arn:aws:sqs:eu-west-1:123456789012:alerts"),
            ("TOPIC_ARN", "arn:aws:sns:eu-west-1::alerts"),
            ("TOPIC_ARN", "alerts"),
            ("MONITOR", "production"),
            ("MONITOR", "network/"),
            ("MONITOR", "network/two\nlines"),
            ("MONITOR", &long),
            ("OWNER", "network/production"),
            ("OWNER", "/network/production"),
            ("OWNER", "a/b/network/production"),
            ("OWNER", "cluster/network/Production"),
            ("OWNER", "cluster\n/network/production"),
            ("OWNER", "clust\u{e9}r/network/production"),
            ("VPC_ID", "subnet-0123"),
            ("VPC_ID", "vpc-"),
            ("DASHBOARD", "a b"),
            ("WORKGROUP", "a&b"),
            ("DATABASE", "a\"b"),
            ("TABLE", "a/b"),
            ("BUCKET", "a/b"),
            ("RENOTIFY_AFTER_SECONDS", "6h"),
            ("CHAT", "yes"),
            ("SOURCE", "s3"),
        ] {
            let error = read_with(name, Some(value)).unwrap_err();
            assert!(matches!(error, SettingsError::Invalid { name: named, .. } if named == name), "{name} {value}");
            assert!(error.to_string().starts_with(&format!("environment variable {name} is `{value}`; it should be ")));
        }
        let error = read_with("LOG_FORMAT", Some("version srcaddr")).unwrap_err().to_string();
        assert!(error.contains("LOG_FORMAT") && error.contains("`version` is not a field"), "{error}");
        let error = read_with("RULES", Some(r#"{"window":1}"#)).unwrap_err().to_string();
        assert!(error.contains("RULES") && error.contains("unknown field `window`"), "{error}");
    }

    #[test]
    fn names_of_resources_are_read_each_for_itself() {
        let named = |name| read_with(name, Some("vfm_network-1.a")).unwrap().console;
        let value = Some("vfm_network-1.a".to_owned());
        let none = ConsoleNames::default;
        assert_eq!(named("DASHBOARD"), ConsoleNames { dashboard: value.clone(), ..none() });
        assert_eq!(named("WORKGROUP"), ConsoleNames { workgroup: value.clone(), ..none() });
        assert_eq!(named("DATABASE"), ConsoleNames { database: value.clone(), ..none() });
        assert_eq!(named("TABLE"), ConsoleNames { table: value, ..none() });
        assert_eq!(read_with("TABLE", Some("")).unwrap().console, none());
    }

    #[test]
    fn rules_of_users_and_suppressions_come_from_the_package() {
        let package: PackageConfig = serde_json::from_value(serde_json::json!({
            "version": 1,
            "customRules": [custom_rule::tests::database()],
            "suppress": [{"name": "scanner", "when": "syn", "until": "2027-03-01T00:00:00Z", "reason": "ours"}],
        }))
        .unwrap();
        let variable =
            |asked: &str| VARIABLES.iter().find(|(known, _)| *known == asked).map(|(_, value)| (*value).to_owned());
        let settings = Settings::read(variable, package).unwrap();
        assert_eq!(settings.custom_rules[0].name, "database_from_elsewhere");
        assert_eq!(settings.suppress[0].name, "scanner");
    }

    #[test]
    fn networks_come_from_the_package_only() {
        let network = |text: &str| text.parse().unwrap();
        let package = PackageConfig { trusted_cidrs: vec![network("203.0.113.0/24")], ..PackageConfig::default() };
        let variable = |asked: &str| match asked {
            // As former versions wrote it.
            "RULES" => Some(r#"{"trustedCidrs":["198.51.100.0/24"],"windowSeconds":60}"#.to_owned()),
            _ => VARIABLES.iter().find(|(known, _)| *known == asked).map(|(_, value)| (*value).to_owned()),
        };
        let rules = Settings::read(variable, package).unwrap().rules;
        let trusted_cidrs = vec![network("203.0.113.0/24")];
        assert_eq!(rules, Config { window_seconds: 60, trusted_cidrs, ..Config::default() });
    }

    #[test]
    fn rules_and_metrics_are_read() {
        let settings = read_with("RULES", Some(r#"{"windowSeconds":60}"#)).unwrap();
        assert_eq!(settings.rules, Config { window_seconds: 60, ..Config::default() });
        let settings = read_with("RENOTIFY_AFTER_SECONDS", Some("900")).unwrap();
        assert_eq!(settings.renotify_after, Duration::from_mins(15));
        assert_eq!(read_with("BUCKET", Some("a-bucket")).unwrap().bucket.as_deref(), Some("a-bucket"));
        let variable = |asked: &str| match asked {
            "METRICS_NAMESPACE" => Some("VPC/FlowLogs".to_owned()),
            "METRICS_MONITOR" => Some("vpcflow-x".to_owned()),
            _ => VARIABLES.iter().find(|(known, _)| *known == asked).map(|(_, value)| (*value).to_owned()),
        };
        let settings = Settings::read(variable, PackageConfig::default());
        let expected = MetricSettings { namespace: "VPC/FlowLogs".to_owned(), monitor: "vpcflow-x".to_owned() };
        assert_eq!(settings.unwrap().metrics, Some(expected));
    }
}

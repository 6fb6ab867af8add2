use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A system of the monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Component {
    /// The bucket.
    Bucket,
    /// The role through which flow logs reach the log group.
    DeliveryRole,
    /// The log group.
    LogGroup,
    /// The flow logs.
    FlowLogs,
    /// The topic and its subscriptions.
    Notifications,
    /// The metric filters.
    MetricFilters,
    /// The alarms.
    Alarms,
    /// The detector function and what it needs.
    Detector,
    /// Workgroup, database, table and saved queries of Athena and Logs Insights.
    Analytics,
    /// The dashboard.
    Dashboard,
}

impl Component {
    /// The type of its condition.
    #[must_use]
    pub const fn condition(self) -> &'static str {
        match self {
            Self::Bucket => "BucketReady",
            Self::DeliveryRole => "DeliveryRoleReady",
            Self::LogGroup => "LogGroupReady",
            Self::FlowLogs => "FlowLogsReady",
            Self::Notifications => "NotificationsReady",
            Self::MetricFilters => "MetricFiltersReady",
            Self::Alarms => "AlarmsReady",
            Self::Detector => "DetectorReady",
            Self::Analytics => "AnalyticsReady",
            Self::Dashboard => "DashboardReady",
        }
    }
}

macro_rules! kinds {
    ($($kind:ident = $type:literal $noun:literal $plural:literal),* $(,)?) => {
        /// A type of AWS resource, as CloudFormation names it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum ResourceKind {
            $(#[doc = concat!("`", $type, "`")] #[serde(rename = $type)] $kind),*
        }

        impl ResourceKind {
            /// The noun for messages, such as `log group`.
            #[must_use]
            pub const fn noun(self) -> &'static str {
                match self { $(Self::$kind => $noun),* }
            }

            /// The noun for several, such as `log groups`.
            #[must_use]
            pub const fn plural(self) -> &'static str {
                match self { $(Self::$kind => $plural),* }
            }

            /// Kind and name, as in `role vfm-a`.
            #[must_use]
            pub fn named(self, name: &str) -> String {
                format!("{} {name}", self.noun())
            }
        }
    };
}

kinds! {
    Bucket = "AWS::S3::Bucket" "bucket" "buckets",
    BucketEvents = "AWS::S3::Bucket.EventBridgeConfiguration" "events of bucket" "events of buckets",
    Role = "AWS::IAM::Role" "role" "roles",
    LogGroup = "AWS::Logs::LogGroup" "log group" "log groups",
    MetricFilter = "AWS::Logs::MetricFilter" "metric filter" "metric filters",
    QueryDefinition = "AWS::Logs::QueryDefinition" "saved Insights query" "saved Insights queries",
    SubscriptionFilter = "AWS::Logs::SubscriptionFilter" "subscription filter" "subscription filters",
    FlowLog = "AWS::EC2::FlowLog" "flow log" "flow logs",
    Topic = "AWS::SNS::Topic" "topic" "topics",
    Subscription = "AWS::SNS::Subscription" "subscription" "subscriptions",
    Alarm = "AWS::CloudWatch::Alarm" "alarm" "alarms",
    CompositeAlarm = "AWS::CloudWatch::CompositeAlarm" "composite alarm" "composite alarms",
    AnomalyModel = "AWS::CloudWatch::AnomalyDetector" "anomaly model" "anomaly models",
    AlarmMuteRule = "AWS::CloudWatch::AlarmMuteRule" "alarm mute rule" "alarm mute rules",
    Dashboard = "AWS::CloudWatch::Dashboard" "dashboard" "dashboards",
    Function = "AWS::Lambda::Function" "function" "functions",
    FunctionPermission = "AWS::Lambda::Permission" "permission to invoke" "permissions to invoke",
    EventRule = "AWS::Events::Rule" "event rule" "event rules",
    EventBus = "AWS::Events::EventBus" "event bus" "event buses",
    ObservabilityLink = "AWS::Oam::Link" "observability link" "observability links",
    Workgroup = "AWS::Athena::WorkGroup" "workgroup" "workgroups",
    NamedQuery = "AWS::Athena::NamedQuery" "saved query" "saved queries",
    Database = "AWS::Glue::Database" "database" "databases",
    Table = "AWS::Glue::Table" "table" "tables",
}

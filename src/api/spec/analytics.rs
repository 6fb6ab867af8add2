use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::cel::{Validation, matching};

fn glue_name() -> Validation {
    matching(
        "^[a-z0-9_]{1,128}$",
        "a name in Glue has 1 to 128 lower-case letters, digits and underscores, such as vpc_flow_logs",
    )
}

/// Athena over the stored records: a workgroup, a Glue database and table, saved queries; and saved queries of Logs Insights over the log
/// group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Analytics {
    /// False removes the workgroup, the database and all saved queries, never the records. Default true.
    pub enabled: bool,
    /// Name of the Glue database: lower-case letters, digits and `_`. Default: one per monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128), extend("x-kubernetes-validations" = [glue_name()]))]
    pub database: Option<String>,
    /// Name of the Glue table: lower-case letters, digits and `_`. Default `vpc_flow_logs`.
    #[schemars(length(max = 128), extend("x-kubernetes-validations" = [glue_name()]))]
    pub table: String,
    /// A query that would read more bytes than this is cancelled, at least 10000000. Default 10737418240 (10 GiB, about 0.05 USD).
    #[schemars(range(min = 10_000_000))]
    pub bytes_scanned_cutoff: i64,
    /// Days that query results are kept. Default 30.
    #[schemars(range(min = 1, max = 36500))]
    pub result_retention_days: i32,
}

impl Default for Analytics {
    fn default() -> Self {
        Self {
            enabled: true,
            database: None,
            table: "vpc_flow_logs".into(),
            bytes_scanned_cutoff: 10_737_418_240,
            result_retention_days: 30,
        }
    }
}

/// The CloudWatch dashboard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Dashboard {
    /// False removes the dashboard. Default true.
    pub enabled: bool,
}

impl Default for Dashboard {
    fn default() -> Self {
        Self { enabled: true }
    }
}

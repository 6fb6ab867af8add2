use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The Lambda function that reads every record of the log group and reports anomalies to the topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AnomalyDetector {
    /// False removes the function, its role, its log group and the subscription filter. Default true.
    pub enabled: bool,
    /// Memory of the function in MB, 128 to 10240. Default 128. CPU grows with it.
    #[schemars(range(min = 128, max = 10240))]
    pub memory_mb: i32,
    /// Time limit of an invocation in seconds, 1 to 900. Default 60.
    #[schemars(range(min = 1, max = 900))]
    pub timeout_seconds: i32,
    /// A single flow of more bytes than this is an anomaly. Default 50000000 (50 MB).
    #[schemars(range(min = 1))]
    pub high_transfer_bytes: i64,
    /// Days that the function's own log is kept, one of the values CloudWatch Logs accepts. Default 14.
    #[schemars(extend("enum" = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]))]
    pub log_retention_days: i32,
}

impl Default for AnomalyDetector {
    fn default() -> Self {
        Self {
            enabled: true,
            memory_mb: 128,
            timeout_seconds: 60,
            high_transfer_bytes: 50_000_000,
            log_retention_days: 14,
        }
    }
}

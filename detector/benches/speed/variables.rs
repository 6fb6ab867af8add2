//! The environment variables of the function, as the operator sets them.

use anyhow::Result;
use detector::format::LogFormat;
use detector::rules::Config;

/// Those of a monitor that sets no rules.
pub fn of_monitor() -> Result<[(&'static str, String); 6]> {
    Ok([
        ("TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:alerts".to_owned()),
        ("MONITOR", "network/production".to_owned()),
        ("OWNER", "cluster/network/production".to_owned()),
        ("VPC_ID", "vpc-0123456789abcdef0".to_owned()),
        ("LOG_FORMAT", LogFormat::aws_default().to_string()),
        ("RULES", serde_json::to_string(&Config::of_monitor())?),
    ])
}

/// The names of the resources that messages link to.
pub const NAMES: [(&str, &str); 4] = [
    ("DASHBOARD", "vfm-network-production-aa0df1549f"),
    ("WORKGROUP", "vfm-network-production-aa0df1549f"),
    ("DATABASE", "vfm_network_production_aa0df1549f"),
    ("TABLE", "vpc_flow_logs"),
];

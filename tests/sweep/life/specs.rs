//! The specs of a life's monitor.

use anyhow::Result;
use serde_json::{Value, json};
use vpc_flow_operator::api::VpcFlowMonitorSpec;
use vpc_flow_operator::api::anomaly_mode::AnomalyMode;
use vpc_flow_operator::api::spec::{DeletionPolicy, QuietTime, Subscription, SubscriptionProtocol, TagValue};

use crate::fields::merge;
use testkit::sandbox::Sandbox;

// Not queues, whose ARNs would name the world's own account. They need no confirmation either.
const STAYS: &str = "+491701234561";
const GOES: &str = "+491701234562";
const COMES: &str = "+491701234563";

/// A spec with everything switched on, that leaves nothing behind.
pub fn full(sandbox: &Sandbox) -> VpcFlowMonitorSpec {
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    spec.tags.insert("team".into(), TagValue("network".into()));
    spec.tags.insert("stage".into(), TagValue("production".into()));
    spec.integrations.events.enabled = true;
    spec.detections.external_connections.trusted_cidrs = vec!["203.0.113.0/24".into()];
    spec.detections.high_data_transfer.anomaly.mode = AnomalyMode::Both;
    spec.notifications.quiet_times = vec![QuietTime {
        name: "backup".into(),
        schedule: "cron(0 2 * * *)".into(),
        duration: "PT1H".into(),
        timezone: "Europe/Berlin".into(),
        detections: Vec::new(),
    }];
    let to = |protocol, endpoint: String| Subscription { protocol, endpoint, subscription_role_arn: None };
    spec.notifications.subscriptions = vec![
        to(SubscriptionProtocol::Sms, STAYS.into()),
        to(SubscriptionProtocol::Sms, GOES.into()),
        to(SubscriptionProtocol::Email, "soc@example.com".into()),
    ];
    spec
}

/// A change of many fields at once, to be merged into the full spec: every system has to do something.
pub fn changes(sandbox: &Sandbox, namespace: &str) -> Value {
    json!({
        "aggregationInterval": 600,
        "cloudWatchLogs": {"logGroupName": format!("/{namespace}/renamed"), "retentionDays": 90},
        "s3": {
            "bucketName": format!("renamed-{}", sandbox.account),
            "prefix": "records",
            "fileFormat": "plain-text",
            "lifecycle": {"expireAfterDays": 400},
        },
        "detections": {
            "externalConnections": {"enabled": false},
            "highDataTransfer": {"minBytes": 20_000_000, "threshold": 20.0},
            "rejectedConnections": {"anomaly": {"mode": "Either", "direction": "Outside"}},
        },
        "notifications": {
            "subscriptions": [
                {"protocol": "sms", "endpoint": STAYS},
                {"protocol": "sms", "endpoint": COMES},
            ],
            "notifyOnRecovery": false,
            "quietTimes": [
                {"name": "weekend", "schedule": "cron(0 18 * * FRI)", "duration": "P2D", "detections": ["highDataTransfer"]},
            ],
        },
        "detector": {"source": "S3", "memoryMb": 384, "highTransferBytes": 70_000_000},
        "integrations": {"events": {"minSeverity": "HIGH"}},
        "analytics": {"database": "flows", "table": "records", "bytesScannedCutoff": 20_000_000},
        "tags": {"team": null, "stage": "test", "unit": "security"},
    })
}

/// The full spec after the change.
pub fn changed(sandbox: &Sandbox, namespace: &str) -> Result<VpcFlowMonitorSpec> {
    let mut spec = serde_json::to_value(full(sandbox))?;
    merge(&mut spec, &changes(sandbox, namespace));
    Ok(serde_json::from_value(spec)?)
}

//! The function's execution role.
//!
//! See "Defining Lambda function permissions with an execution role" in the AWS Lambda developer guide, and for the condition on
//! the trust, "Working with AWS managed policies in the execution role" there. `logs:CreateLogGroup` is left out on purpose: with
//! it, a late invocation would recreate the deleted log group without retention.

use detector::finding_events;
use detector::notification_log::OBJECT_KEY;
use serde_json::json;

use super::event_rule;
use crate::monitor::{Monitor, Owner};
use crate::resources::common::role::{Role, service_trust};

pub(super) fn desired(monitor: &Monitor) -> Role {
    let group = monitor.log_group_arn(&monitor.names.detector_log_group());
    let mut statements = vec![
        json!({
            "Sid": "WriteOwnLog",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": format!("{group}:*"),
        }),
        json!({
            "Sid": "ReportAnomalies",
            "Effect": "Allow",
            // The attributes have the number of subscribers: a message without a subscriber does not count.
            "Action": ["sns:GetTopicAttributes", "sns:Publish"],
            "Resource": monitor.topic_arn(),
        }),
        json!({
            "Sid": "KeepNotificationLog",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": monitor.account_region.s3_arn(format!("{}/{OBJECT_KEY}", monitor.names.bucket)),
        }),
    ];
    if monitor.spec.reads_files() {
        statements.push(json!({
            "Sid": "ReadRecords",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": monitor.account_region.s3_arn(format!("{}/{}*", monitor.names.bucket, event_rule::folder(monitor))),
        }));
    }
    if monitor.spec.sends_events() {
        statements.push(json!({
            "Sid": "SendEvents",
            "Effect": "Allow",
            "Action": "events:PutEvents",
            "Resource": monitor.account_region.arn("events", "event-bus/default"),
            // Nothing else can be sent in the name of others.
            "Condition": {"StringEquals": {"events:source": finding_events::SOURCE}},
        }));
    }
    // "Key management" in the Amazon SNS developer guide: a publisher to an encrypted topic, ours or an existing one, uses its key, and
    // only through SNS. "Condition keys for AWS KMS" in the KMS developer guide: the suffix is the same in all partitions.
    // S3 does likewise with the objects of a bucket.
    let keys = [
        ("UseTopicKey", "sns", &monitor.spec.notifications.kms_key_arn),
        ("UseBucketKey", "s3", &monitor.spec.s3.kms_key_arn),
    ];
    for (sid, service, key) in keys {
        let Some(key) = key else { continue };
        statements.push(json!({
            "Sid": sid,
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": key,
            "Condition": {
                "StringEquals": {"kms:ViaService": format!("{service}.{}.amazonaws.com", monitor.account_region.region)},
            },
        }));
    }
    Role {
        name: monitor.names.detector_role(),
        description: format!("Runs the detector of VpcFlowMonitor {}/{}", monitor.namespace, monitor.name),
        trust: service_trust(
            "lambda.amazonaws.com",
            Some(json!({"StringEquals": {"aws:SourceAccount": monitor.account_region.account}})),
        ),
        policies: [("detect-anomalies".to_owned(), json!({"Version": "2012-10-17", "Statement": statements}))].into(),
        boundary: monitor.permissions_boundary(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::VpcFlowMonitorSpec;
    use crate::monitor::fixtures;

    #[test]
    fn the_role_may_do_what_the_detector_does_and_no_more() {
        let role = desired(&fixtures::monitor());
        assert_eq!(
            role.policies["detect-anomalies"]["Statement"],
            json!([
                {
                    "Sid": "WriteOwnLog",
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/vfm-network-production-aa0df1549f-detector:*",
                },
                {
                    "Sid": "ReportAnomalies",
                    "Effect": "Allow",
                    "Action": ["sns:GetTopicAttributes", "sns:Publish"],
                    "Resource": "arn:aws:sns:eu-west-1:123456789012:vfm-network-production-aa0df1549f-alerts",
                },
                {
                    "Sid": "KeepNotificationLog",
                    "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:PutObject"],
                    "Resource": "arn:aws:s3:::vpc-flow-logs-123456789012-f79aa57299/detector-state/notification-log.json",
                },
            ])
        );
        assert_eq!(
            role.trust["Statement"][0]["Condition"],
            json!({"StringEquals": {"aws:SourceAccount": "123456789012"}})
        );
    }

    #[test]
    fn it_may_send_events_of_its_own_source_only_if_they_are_asked_for() {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        spec.integrations.events.enabled = true;
        let role = desired(&fixtures::with_spec(spec));
        assert_eq!(
            role.policies["detect-anomalies"]["Statement"][3],
            json!({
                "Sid": "SendEvents",
                "Effect": "Allow",
                "Action": "events:PutEvents",
                "Resource": "arn:aws:events:eu-west-1:123456789012:event-bus/default",
                "Condition": {"StringEquals": {"events:source": "vpcflow.dev"}},
            })
        );
    }

    #[test]
    fn of_the_records_it_may_read_those_of_its_account_and_region() {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        spec.detector.source = crate::api::spec::RecordSource::S3;
        let role = desired(&fixtures::with_spec(spec));
        let statement = &role.policies["detect-anomalies"]["Statement"][3];
        let folder = "vpc-flow-logs/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-west-1";
        let resource = format!("arn:aws:s3:::vpc-flow-logs-123456789012-f79aa57299/{folder}/*");
        assert_eq!((&statement["Sid"], &statement["Resource"]), (&json!("ReadRecords"), &json!(resource)));
    }

    #[test]
    fn keys_and_boundary_of_the_spec_are_used() {
        let key = "arn:aws:kms:eu-west-1:123456789012:key/1";
        let topic = "arn:aws:sns:eu-west-1:123456789012:soc";
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        spec.notifications.kms_key_arn = Some(key.into());
        spec.notifications.topic_arn = Some(topic.into());
        spec.s3.kms_key_arn = Some(key.into());
        let mut monitor = fixtures::with_spec(spec);
        monitor.settings.permissions_boundary_arn = Some("arn:aws:iam::210987654321:policy/limit".into());
        let role = desired(&monitor);
        let statements = &role.policies["detect-anomalies"]["Statement"];
        assert_eq!(statements[1]["Resource"], topic);
        assert_eq!(
            statements[4],
            json!({
                "Sid": "UseBucketKey",
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": key,
                "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
            })
        );
        assert_eq!(
            statements[3],
            json!({
                "Sid": "UseTopicKey",
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": key,
                "Condition": {"StringEquals": {"kms:ViaService": "sns.eu-west-1.amazonaws.com"}},
            })
        );
        assert_eq!(role.boundary.as_deref(), Some("arn:aws:iam::123456789012:policy/limit"), "that of the account");
    }
}

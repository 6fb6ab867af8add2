//! Reads that fail: the message names the resource that the read is about.

use std::collections::BTreeSet;

use devenv::Fault;
use vpc_flow_operator::api::Component;

use testkit::sandbox::{Sandbox, all_components};

#[tokio::test]
async fn a_failed_read_names_its_resource() {
    let sandbox = Sandbox::new("failed-reads").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, &all_components()).await;
    let names = &monitor.names;
    let bucket = format!("bucket {}: S3 ", names.bucket);
    let log_group = format!("log group {}: CloudWatch Logs ", names.log_group);
    let function = names.detector();
    let cases = [
        (Component::Bucket, "s3", "GetBucketTagging", bucket.clone()),
        (Component::Bucket, "s3", "GetBucketPolicy", bucket),
        (Component::LogGroup, "logs", "DescribeLogGroups", log_group.clone()),
        (Component::LogGroup, "logs", "ListTagsForResource", log_group.clone()),
        (Component::DeliveryRole, "iam", "GetRole", format!("role {}: IAM ", names.delivery_role())),
        (Component::MetricFilters, "logs", "DescribeMetricFilters", log_group.clone()),
        (Component::Notifications, "sns", "GetTopicAttributes", format!("topic {}: SNS ", names.topic())),
        (Component::Notifications, "sns", "ListTagsForResource", format!("topic {}: SNS ", names.topic())),
        (Component::Alarms, "monitoring", "ListTagsForResource", format!("alarm {}-", names.base())),
        (Component::Dashboard, "monitoring", "GetDashboard", format!("dashboard {}: CloudWatch ", names.dashboard())),
        (Component::Detector, "lambda", "GetFunction", format!("function {function}: Lambda ")),
        (Component::Detector, "lambda", "GetPolicy", format!("permission to invoke {function}: Lambda ")),
        (Component::Detector, "iam", "GetRole", format!("role {}: IAM ", names.detector_role())),
        (Component::Detector, "logs", "DescribeLogGroups", format!("log group {}: ", names.detector_log_group())),
        (Component::Detector, "logs", "DescribeSubscriptionFilters", log_group),
        (Component::Analytics, "glue", "GetDatabase", format!("database {}: Glue ", names.database)),
        (Component::Analytics, "athena", "GetWorkGroup", format!("workgroup {}: Athena ", names.workgroup())),
        (Component::Analytics, "athena", "ListNamedQueries", format!("workgroup {}: Athena ", names.workgroup())),
        // These are about several resources.
        (Component::FlowLogs, "ec2", "DescribeFlowLogs", "EC2 DescribeFlowLogs: ".to_owned()),
        (Component::Alarms, "monitoring", "DescribeAlarms", "CloudWatch DescribeAlarms: ".to_owned()),
    ];
    let tried: BTreeSet<_> = cases.iter().map(|(component, ..)| component.condition()).collect();
    assert_eq!(tried, all_components().into_iter().map(Component::condition).collect());
    for (component, service, operation, beginning) in cases {
        let fault = sandbox.fault(service, operation, "AsTheTestAsked", "it fails");
        sandbox.emulator.add_fault(Fault { times: None, ..fault }).await.unwrap();
        let outcomes = sandbox.pass(&monitor, &[component]).await;
        sandbox.emulator.clear_faults(&sandbox.account).await.unwrap();
        let (_, failure) = outcomes[0].failures.first().unwrap_or_else(|| panic!("{operation}: {outcomes:#?}"));
        let reported = failure.to_string();
        assert!(reported.starts_with(&beginning) && reported.contains(operation), "{beginning}: {reported}");
    }
}

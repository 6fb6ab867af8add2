//! Calls to EC2. `CreateFlowLogs` and `DeleteFlowLogs` report failures within a successful answer, under `Unsuccessful`.

use std::time::SystemTime;

use aws_sdk_ec2::types::{
    Filter, FlowLog as SdkFlowLog, FlowLogsResourceType, LogDestinationType, ResourceType, Tag, TagSpecification,
};

use super::flow_log::{self, FlowLog};
use super::{FlowLogOp, Found, Observed, Sink, health, neighbours, vpc};
use crate::aws::operations as ops;
use crate::aws::{Aws, AwsError, AwsResult, Gone, refusals};
use crate::monitor::{Monitor, TagCall, TagDiff, Tags};
use crate::resources::bucket::keep_policy;

/// Most ids that `DeleteFlowLogs` accepts in one call: see its entry in the EC2 API reference.
const MOST_IDS: usize = 1000;

/// Error codes for a VPC that can have no more flow logs.
const NO_MORE: [&str; 2] = ["FlowLogsLimitExceeded", "MaxFlowLogsLimitExceeded"];

/// Error message of AWS for a destination that it may not deliver to.
const NO_ACCESS: &str = "Access Denied for LogDestination";

const SAME_DESTINATION: &str = "FlowLogAlreadyExists";

/// Reads all flow logs of the VPC, since flow logs of others to our destinations matter too.
pub async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
    let read_at = SystemTime::now();
    let found = described(aws, "resource-id", &monitor.spec.vpc_id).await?;
    let flow_logs = found.into_iter().filter_map(|found| read(monitor, found)).collect();
    Ok(Observed { read_at, flow_logs })
}

/// The flow logs that a filter of `DescribeFlowLogs` selects.
pub async fn described(aws: &Aws, filter: &str, value: &str) -> Result<Vec<SdkFlowLog>, AwsError> {
    aws.ec2
        .describe_flow_logs()
        .filter(Filter::builder().name(filter).values(value).build())
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .op(ops::DESCRIBE_FLOW_LOGS)
}

/// The flow log, unless its destination is of a kind that no monitor uses.
pub fn read(monitor: &Monitor, found: SdkFlowLog) -> Option<Found> {
    let flow_log = flow_log::read(&monitor.account_region, &found)?;
    let tags = found.tags.unwrap_or_default();
    Some(Found {
        id: found.flow_log_id?,
        flow_log,
        tags: tags.into_iter().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect(),
        status: found.flow_log_status.unwrap_or_default(),
        delivery_status: found.deliver_logs_status,
        delivery_error: found.deliver_logs_error_message,
        created_at: found.creation_time,
    })
}

/// Carries out a step.
pub async fn apply(aws: &Aws, monitor: &Monitor, op: &FlowLogOp) -> Result<(), AwsError> {
    match carry_out(aws, monitor, op).await {
        Err(error) if NO_MORE.contains(&error.code.as_str()) => Err(match observe(aws, monitor).await {
            Ok(observed) => error.with_remedy(neighbours::full(&observed)),
            Err(_) => error,
        }),
        carried_out => carried_out,
    }
}

async fn carry_out(aws: &Aws, monitor: &Monitor, op: &FlowLogOp) -> Result<(), AwsError> {
    match op {
        FlowLogOp::Create { flow_log, token } => create(aws, monitor, flow_log, token, &[]).await,
        FlowLogOp::Replace { flow_log, token, token_after_delete, replaced, same_destination } => {
            // The new flow log is created first: if AWS rejects it for any other reason than the old one, the old one stays, and no record
            // is lost.
            let ids: Vec<_> = replaced.iter().map(|found| found.id.clone()).collect();
            match create(aws, monitor, flow_log, token, replaced).await {
                Ok(()) => delete(aws, &ids).await,
                Err(error) if is_in_the_way(&error, *same_destination) => {
                    delete(aws, &ids).await?;
                    create(aws, monitor, flow_log, token_after_delete, replaced).await
                }
                Err(error) => Err(error),
            }
        }
        FlowLogOp::Tag { id, tags } => tag(aws, id, tags).await,
        FlowLogOp::Delete { ids } => delete(aws, ids).await,
    }
}

/// True if AWS cannot create the new flow log because of the old one.
fn is_in_the_way(error: &AwsError, same_destination: bool) -> bool {
    (same_destination && error.code == SAME_DESTINATION) || NO_MORE.contains(&error.code.as_str())
}

async fn create(
    aws: &Aws,
    monitor: &Monitor,
    flow_log: &FlowLog,
    token: &str,
    replaced: &[Found],
) -> Result<(), AwsError> {
    let request = request(aws, monitor, flow_log, token);
    match flow_log.sink() {
        Sink::CloudWatchLogs => request.await,
        Sink::S3 => {
            let flow_logs = replaced.iter().map(|found| &found.flow_log).chain([flow_log]);
            let own = flow_log::bucket_statements(&monitor.account_region, flow_logs);
            Box::pin(keep_policy(aws, &monitor.names.bucket, &own, request)).await
        }
    }
}

async fn request(aws: &Aws, monitor: &Monitor, flow_log: &FlowLog, token: &str) -> Result<(), AwsError> {
    let result = aws
        .ec2
        .create_flow_logs()
        .client_token(token)
        .resource_type(FlowLogsResourceType::Vpc)
        .resource_ids(&monitor.spec.vpc_id)
        .traffic_type(flow_log.traffic_type.clone())
        .log_destination_type(LogDestinationType::from(flow_log.sink().as_str()))
        .log_destination(flow_log.destination_parameter())
        .set_deliver_logs_permission_arn(flow_log.role_arn().cloned())
        .set_destination_options(flow_log.destination_options())
        .log_format(&flow_log.format)
        .max_aggregation_interval(flow_log.aggregation_interval)
        .tag_specifications(
            TagSpecification::builder()
                .resource_type(ResourceType::VpcFlowLog)
                .set_tags(Some(sdk_tags(&monitor.tags)))
                .build(),
        )
        .send()
        .await
        .op(ops::CREATE_FLOW_LOGS)
        .and_then(|output| {
            let mut refusals = refusals::of_flow_logs(output.unsuccessful());
            refusals.next().map_or(Ok(()), |refusal| Err(AwsError::refused(ops::CREATE_FLOW_LOGS, &refusal)))
        });
    result.map_err(|error| with_remedy(monitor, flow_log, error))
}

fn with_remedy(monitor: &Monitor, flow_log: &FlowLog, error: AwsError) -> AwsError {
    if vpc::is_missing(&error) {
        return vpc::with_remedy(monitor, error);
    }
    if error.message.contains(NO_ACCESS) {
        return error.with_remedy(health::access(monitor, flow_log));
    }
    error
}

async fn delete(aws: &Aws, ids: &[String]) -> Result<(), AwsError> {
    for ids in ids.chunks(MOST_IDS) {
        let request = aws.ec2.delete_flow_logs().set_flow_log_ids(Some(ids.to_vec()));
        let result = request.send().await.op(ops::DELETE_FLOW_LOGS);
        let refused = |refusal| AwsError::refused(ops::DELETE_FLOW_LOGS, &refusal);
        let errors = result.map(|output| refusals::of_flow_logs(output.unsuccessful()).map(refused).collect());
        for error in errors.unwrap_or_else(|error| vec![error]) {
            Err::<(), _>(error).or_gone()?;
        }
    }
    Ok(())
}

async fn tag(aws: &Aws, id: &str, tags: &TagDiff) -> Result<(), AwsError> {
    for call in tags.calls() {
        match call {
            TagCall::Set(set) => {
                aws.ec2.create_tags().resources(id).set_tags(Some(sdk_tags(set))).send().await.op(ops::CREATE_TAGS)?;
            }
            TagCall::Unset(unset) => {
                // A key without a value deletes the tag whatever its value is.
                let keys = unset.iter().map(|key| Tag::builder().key(key).build()).collect();
                aws.ec2.delete_tags().resources(id).set_tags(Some(keys)).send().await.op(ops::DELETE_TAGS)?;
            }
        }
    }
    Ok(())
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

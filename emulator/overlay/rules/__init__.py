"""One module per AWS service, or part of one: where ministack differs from AWS's documents, AWS's behaviour is put in."""

from overlay.rules import (
    alarm_actions, alarm_mute_rules, alarm_states, anomaly_models, athena, athena_queries, bucket_tags, cloudwatch,
    cloudwatch_operations, ec2_flow_logs, ec2_operations, ec2_vpcs, event_buses, event_delivery, event_rules, glue, iam, lake_formation,
    lambda_functions, lambda_logging, lambda_metrics, log_events, logs, metric_data, new_buckets, oam, partial_denials,
    query_definitions, s3, sns, sts,
)

_MODULES = (
    alarm_actions, alarm_mute_rules, alarm_states, anomaly_models, athena, athena_queries, bucket_tags, cloudwatch,
    cloudwatch_operations, ec2_flow_logs, ec2_operations, ec2_vpcs, event_buses, event_delivery, event_rules, glue, iam, lake_formation,
    lambda_functions, lambda_logging, lambda_metrics, log_events, logs, metric_data, new_buckets, oam, partial_denials,
    query_definitions, s3, sns, sts,
)


def apply() -> None:
    for module in _MODULES:
        module.apply()

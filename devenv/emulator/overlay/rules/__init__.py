"""One module per AWS service: where ministack differs from AWS's documents, AWS's behaviour is put in."""

from overlay.rules import (
    athena, athena_queries, cloudwatch, ec2_flow_logs, glue, iam, lambda_functions, logs, query_definitions, s3, sns, sts,
)

_MODULES = (
    athena, athena_queries, cloudwatch, ec2_flow_logs, glue, iam, lambda_functions, logs, query_definitions, s3, sns, sts,
)


def apply() -> None:
    for module in _MODULES:
        module.apply()

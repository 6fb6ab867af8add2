"""One module per AWS service: where ministack differs from AWS's documents, AWS's behaviour is put in."""

from overlay.rules import ec2_flow_logs, iam, logs, s3, sts

_MODULES = (ec2_flow_logs, iam, logs, s3, sts)


def apply() -> None:
    for module in _MODULES:
        module.apply()

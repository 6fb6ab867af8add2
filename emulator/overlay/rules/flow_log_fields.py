"""The fields of a flow log record (VPC user guide, "Flow log records": available fields)."""

import re

_BY_VERSION = {
    2: """version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action
          log-status""",
    3: "vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr",
    4: "region az-id sublocation-type sublocation-id",
    5: "pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path",
    7: """ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id
          ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id""",
    8: "reject-reason",
    9: "resource-id",
    10: "encryption-status",
    11: """instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 interface-type
           next-hop-interface-id next-hop-interface-type next-hop-subnet-id next-hop-az-id next-hop-vpc-id""",
}
_VERSIONS = {name: version for version, names in _BY_VERSION.items() for name in names.split()}
_INT32 = frozenset({"version", "srcport", "dstport", "protocol", "tcp-flags", "traffic-path"})
_INT64 = frozenset({"packets", "bytes", "start", "end"})
NAMES = frozenset(_VERSIONS)


def of_format(log_format: str) -> list[str]:
    return re.findall(r"\$\{([^}]*)\}", log_format)


def version(fields: list[str]) -> int:
    """Of a custom format the highest version among its fields."""
    return max((_VERSIONS.get(field, 2) for field in fields), default=2)


def sql_type(field: str) -> str:
    """The type of the field's column in Parquet, as SQL calls it."""
    return "INTEGER" if field in _INT32 else "BIGINT" if field in _INT64 else "VARCHAR"

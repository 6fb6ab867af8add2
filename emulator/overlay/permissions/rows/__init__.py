"""The table of AWS's checks for each operation, one part per service. An operation that is not in it is refused as a
gap of the emulator's."""

from overlay.permissions.row import Row
from overlay.permissions.rows import athena, cloudwatch, ec2, events, functions, glue, iam, logs, oam, s3, sns, sts

# By signing name.
TABLE: dict[str, dict[str, Row]] = {
    "athena": athena.ROWS,
    "ec2": ec2.ROWS,
    "events": events.ROWS,
    "glue": glue.ROWS,
    "iam": iam.ROWS,
    "lambda": functions.ROWS,
    "logs": logs.ROWS,
    "monitoring": cloudwatch.ROWS,
    "oam": oam.ROWS,
    "s3": s3.ROWS,
    "sns": sns.ROWS,
    "sts": sts.ROWS,
}


def described() -> dict:
    """The table for people and tests: the actions that each operation may need."""
    return {
        service: {name: {"actions": row.actions, "document": row.document} for name, row in rows.items()}
        for service, rows in TABLE.items()
    }

"""Delivery to Amazon S3 (VPC user guide, "Flow log files"): a file every five minutes, by day or by hour."""

import gzip
import hashlib
import time
from collections import defaultdict

from overlay.inventory.client import Client
from overlay.rules import flow_log_delivery, flow_log_fields
from overlay.rules.flow_log_request import Request
from overlay.traffic import parquet
from overlay.traffic.records import Record

_FILE_SECONDS = 300


def deliver(client: Client, request: Request, flow_log_id: str, records: list[Record]) -> list[str]:
    """Puts the records as files into the bucket. Returns their keys."""
    names = flow_log_fields.of_format(request.log_format)
    bucket = flow_log_delivery.bucket_of(request)
    owner = Client(client.loop, flow_log_delivery.bucket_owner(bucket) or client.account, client.region)
    files: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        files[record.start // _FILE_SECONDS * _FILE_SECONDS].append(record)
    keys = []
    for begin, contents in sorted(files.items()):
        body = parquet.encode(names, contents) if request.file_format == "parquet" else _text(names, contents)
        keys.append(_key(request, client.account, client.region, flow_log_id, begin, body))
        owner.call("s3", "put_object", Bucket=bucket, Key=keys[-1], Body=body)
    return keys


def _text(names: list[str], records: list[Record]) -> bytes:
    lines = [" ".join(names), *(record.line(names) for record in records)]
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)


def _key(request: Request, account: str, region: str, flow_log_id: str, begin: int, body: bytes) -> str:
    moment = time.gmtime(begin)
    parts = {"aws-account-id": account, "aws-service": "vpcflowlogs", "aws-region": region,
             "year": f"{moment.tm_year}", "month": f"{moment.tm_mon:02d}", "day": f"{moment.tm_mday:02d}"}
    if request.hourly_partitions:
        parts["hour"] = f"{moment.tm_hour:02d}"
    folders = [f"{name}={value}" for name, value in parts.items()] if request.hive_partitions else list(parts.values())
    prefix = (request.destination or "").partition(":::")[2].strip("/").split("/")[1:]
    # Two deliveries never share a name: the hash covers when it was made, too.
    digest = hashlib.sha256(body + str(time.time_ns()).encode()).hexdigest()[:8]
    extension = "log.parquet" if request.file_format == "parquet" else "log.gz"
    stamp = time.strftime("%Y%m%dT%H%MZ", moment)
    name = f"{account}_vpcflowlogs_{region}_{flow_log_id}_{stamp}_{digest}.{extension}"
    return "/".join([*prefix, "AWSLogs", *folders, name])

"""S3 buckets."""

from overlay.inventory.client import Client, parsed, tags_as_object


def buckets(client: Client) -> dict:
    return {bucket["Name"]: _bucket(client, bucket["Name"]) for bucket in client.items("s3", "list_buckets", "Buckets")}


def _bucket(client: Client, name: str) -> dict:
    location = client.call("s3", "get_bucket_location", Bucket=name).get("LocationConstraint")
    region = location or "us-east-1"
    there = client.in_region(region)

    def read(operation: str, key: str):
        answer = there.call_or_none("s3", operation, Bucket=name)
        return None if answer is None else answer.get(key)

    versions, markers = _history(there, name)
    return {
        "region": region,
        "versioning": read("get_bucket_versioning", "Status"),
        "encryption": (read("get_bucket_encryption", "ServerSideEncryptionConfiguration") or {}).get("Rules"),
        "publicAccessBlock": read("get_public_access_block", "PublicAccessBlockConfiguration"),
        "ownershipControls": (read("get_bucket_ownership_controls", "OwnershipControls") or {}).get("Rules"),
        "policy": parsed(read("get_bucket_policy", "Policy")),
        "lifecycle": read("get_bucket_lifecycle_configuration", "Rules"),
        "sendsEvents": read("get_bucket_notification_configuration", "EventBridgeConfiguration") is not None,
        "tags": tags_as_object(read("get_bucket_tagging", "TagSet") or []),
        "objectVersions": versions,
        "deleteMarkers": markers,
    }


def _history(client: Client, name: str) -> tuple[int, int]:
    versions = markers = 0
    position: dict = {}
    while True:
        page = client.call("s3", "list_object_versions", Bucket=name, **position)
        versions += len(page.get("Versions", []))
        markers += len(page.get("DeleteMarkers", []))
        if not page.get("IsTruncated"):
            return versions, markers
        position = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}

"""The condition keys that some request brings. A policy with another key is refused: its effect is unknown.

IAM user guide, "AWS global condition context keys"; Service Authorization Reference, each service's condition keys.
"""

_KNOWN = frozenset({
    "aws:principalaccount", "aws:principalarn", "aws:principaltype", "aws:requestedregion", "aws:resourceaccount",
    "aws:securetransport", "aws:tagkeys", "aws:viaawsservice",
    "cloudwatch:alarmactions",
    "ec2:createaction", "ec2:region", "ec2:vpcid",
    "events:creatoraccount", "events:detail-type", "events:eventbusinvocation", "events:source", "events:targetarn",
    "iam:associatedresourcearn", "iam:passedtoservice", "iam:permissionsboundary", "iam:policyarn",
    "lambda:principal",
    "oam:resourcetypes",
    "s3:delimiter", "s3:locationconstraint", "s3:max-keys", "s3:prefix", "s3:resourceaccount", "s3:versionid",
    "s3:x-amz-object-ownership",
    "sns:endpoint", "sns:protocol",
    "sts:externalid", "sts:rolesessionname",
})
_FAMILIES = ("aws:requesttag/", "aws:resourcetag/", "ec2:resourcetag/", "iam:resourcetag/")


def is_known(key: str) -> bool:
    lower = key.lower()
    return lower in _KNOWN or lower.startswith(_FAMILIES)

"""The part of the AWS CLI that the demo uses: ``aws SERVICE OPERATION [--cli-input-json JSON]``.

Takes endpoint, region and credentials from the environment, as the AWS CLI does. Needs botocore, which the emulator's
virtual environment has.
"""

import argparse
import json
import sys

import botocore.exceptions
import botocore.session

# The AWS CLI's name of a service, where it is not botocore's.
_SERVICES = {"s3api": "s3"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="aws")
    parser.add_argument("service")
    parser.add_argument("operation", help="as in the AWS CLI, such as create-vpc")
    parser.add_argument("--cli-input-json", type=json.loads, default={}, metavar="JSON")
    arguments = parser.parse_args()
    service = _SERVICES.get(arguments.service, arguments.service)
    client = botocore.session.Session().create_client(service)
    try:
        answer = getattr(client, arguments.operation.replace("-", "_"))(**arguments.cli_input_json)
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        print(error, file=sys.stderr)
        return 254
    answer.pop("ResponseMetadata", None)
    if answer:
        print(json.dumps(answer, indent=2, default=str))
    return 0


if __name__ == "__main__":
    sys.exit(main())

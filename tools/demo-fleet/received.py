"""Prints the alarms in a queue: `received.py ACCOUNT REGION QUEUE-URL FROM-ACCOUNT FROM-REGION`. Fails if none came from there."""

import json
import os
import sys

import botocore.session

account, region, url, of_account, of_region = sys.argv[1:]
os.environ["AWS_ACCESS_KEY_ID"] = account
sqs = botocore.session.Session().create_client("sqs", region_name=region)
events = []
while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
    for message in messages:
        events.append(json.loads(json.loads(message["Body"])["Message"]))
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
for event in events:
    detail = event["detail"]
    print(f"{event['account']} {event['region']}: {detail['alarmName']} is {detail['state']['value']}")
if not any((event["account"], event["region"]) == (of_account, of_region) for event in events):
    sys.exit(f"no alarm of {of_account} {of_region} came")

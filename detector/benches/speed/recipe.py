"""Times the recipe's handler (recipe_handler.py, kept as published) over a file of events, one JSON text a line.

The call of AWS is stubbed. Prints JSON: seconds of processor time for all events, once for each repetition, and how many
anomalies of each type the handler reported.
"""

import base64
import collections
import gzip
import json
import os
import platform
import sys
import time
import types

published = []


class Sns:
    def publish(self, **message):
        published.append(message["Message"])


sys.modules["boto3"] = types.SimpleNamespace(client=lambda service: Sns())
os.environ["SNS_TOPIC_ARN"] = "arn:aws:sns:eu-west-1:123456789012:alerts"

from recipe_handler import lambda_handler  # noqa: E402


def unpack(event):
    """Decodes an event as the handler does before its first record."""
    return json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))


def seconds(work, items):
    published.clear()
    begun = time.process_time()
    for item in items:
        work(item)
    return time.process_time() - begun


def main(path, repetitions):
    with open(path) as file:
        texts = file.read().splitlines()
    events = [json.loads(text) for text in texts]
    handler = lambda event: lambda_handler(event, None)
    handler(events[0])
    times = {"handler": [], "whole": [], "unpack": []}
    anomalies = collections.Counter()
    for _ in range(repetitions):
        times["unpack"].append(seconds(unpack, events))
        times["whole"].append(seconds(lambda text: handler(json.loads(text)), texts))
        times["handler"].append(seconds(handler, events))
    for message in published:
        anomalies.update(anomaly["type"] for anomaly in json.loads(message[message.index("[") :]))
    print(json.dumps({"python": platform.python_version(), "seconds": times, "anomalies": anomalies}))


main(sys.argv[1], int(sys.argv[2]))

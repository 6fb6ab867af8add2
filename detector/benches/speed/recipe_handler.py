import json
import boto3
import gzip
import base64
import os
from datetime import datetime

def lambda_handler(event, context):
    # Decode and decompress CloudWatch Logs data
    compressed_payload = base64.b64decode(event['awslogs']['data'])
    uncompressed_payload = gzip.decompress(compressed_payload)
    log_data = json.loads(uncompressed_payload)

    anomalies = []

    for log_event in log_data['logEvents']:
        message = log_event['message']
        fields = message.split(' ')

        if len(fields) >= 14:
            srcaddr = fields[3]
            dstaddr = fields[4]
            srcport = fields[5]
            dstport = fields[6]
            protocol = fields[7]
            bytes_transferred = int(fields[9]) if fields[9].isdigit() else 0
            action = fields[12]

            # Detect potential anomalies
            if bytes_transferred > 50000000:  # >50MB
                anomalies.append({
                    'type': 'high_data_transfer',
                    'source': srcaddr,
                    'destination': dstaddr,
                    'bytes': bytes_transferred
                })

            if action == 'REJECT' and protocol == '6':  # TCP rejects
                anomalies.append({
                    'type': 'rejected_tcp',
                    'source': srcaddr,
                    'destination': dstaddr,
                    'port': dstport
                })

    # Send notifications for anomalies
    if anomalies:
        sns = boto3.client('sns')
        message = f"Network anomalies detected: {json.dumps(anomalies, indent=2)}"

        sns.publish(
            TopicArn=os.environ['SNS_TOPIC_ARN'],
            Message=message,
            Subject='Network Anomaly Alert'
        )

    return {
        'statusCode': 200,
        'body': json.dumps('Analysis complete')
    }

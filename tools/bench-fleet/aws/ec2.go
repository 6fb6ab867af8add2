package main

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"time"
)

func ec2Answer(c *call, content string) answer {
	return xmlAnswer(fmt.Sprintf("<%[1]sResponse>%[2]s</%[1]sResponse>", c.operation, content))
}

func (c *call) tags() string {
	return "<tagSet>" + pairsXML("item", "key", "value", c.members("TagSpecification.1.Tag", "Key", "Value")) + "</tagSet>"
}

func items(things []any) string {
	var out strings.Builder
	for _, it := range things {
		out.WriteString("<item>" + text(it.(thing)["xml"]) + "</item>")
	}
	return out.String()
}

func init() {
	operations["ec2 CreateVpc"] = func(p place, c *call) answer {
		id := fmt.Sprintf("vpc-%017x", p.id())
		vpc := fmt.Sprintf("<vpcId>%s</vpcId><state>available</state><cidrBlock>10.0.0.0/16</cidrBlock><isDefault>false</isDefault><ownerId>%s</ownerId>%s", id, p.account, c.tags())
		p.of("vpcs")[id] = thing{"xml": vpc}
		return ec2Answer(c, "<vpc>"+vpc+"</vpc>")
	}
	operations["ec2 DescribeVpcs"] = func(p place, c *call) answer {
		return ec2Answer(c, "<vpcSet>"+items(p.found("vpcs", c.Form.Get("VpcId.1")))+"</vpcSet>")
	}
	operations["ec2 DescribeFlowLogs"] = func(p place, c *call) answer {
		return ec2Answer(c, "<flowLogSet>"+items(p.found("flow logs "+c.Form.Get("Filter.1.Value.1"), ""))+"</flowLogSet>")
	}
	operations["ec2 CreateFlowLogs"] = func(p place, c *call) answer {
		id, vpc, destination := fmt.Sprintf("fl-%017x", p.id()), c.Form.Get("ResourceId.1"), c.Form.Get("LogDestination")
		var out strings.Builder
		member := func(name, value string) {
			if value != "" {
				fmt.Fprintf(&out, "<%[1]s>%[2]s</%[1]s>", name, html.EscapeString(value))
			}
		}
		member("creationTime", time.Now().UTC().Format(time.RFC3339))
		member("deliverLogsPermissionArn", c.Form.Get("DeliverLogsPermissionArn"))
		member("deliverLogsStatus", "SUCCESS")
		member("flowLogId", id)
		member("flowLogStatus", "ACTIVE")
		member("logGroupName", c.Form.Get("LogGroupName"))
		if _, group, is := strings.Cut(destination, ":log-group:"); is {
			member("logGroupName", strings.TrimSuffix(group, ":*"))
		}
		member("resourceId", vpc)
		member("trafficType", c.Form.Get("TrafficType"))
		member("logDestinationType", c.Form.Get("LogDestinationType"))
		member("logDestination", destination)
		member("logFormat", c.Form.Get("LogFormat"))
		member("maxAggregationInterval", c.Form.Get("MaxAggregationInterval"))
		if format := c.Form.Get("DestinationOptions.FileFormat"); format != "" {
			fmt.Fprintf(&out, "<destinationOptions><fileFormat>%s</fileFormat><hiveCompatiblePartitions>%s</hiveCompatiblePartitions><perHourPartition>%s</perHourPartition></destinationOptions>",
				format, c.Form.Get("DestinationOptions.HiveCompatiblePartitions"), c.Form.Get("DestinationOptions.PerHourPartition"))
		}
		p.of("flow logs " + vpc)[id] = thing{"xml": out.String() + c.tags()}
		if path, is := strings.CutPrefix(destination, "arn:aws:s3:::"); is {
			p.replacePolicy(path)
		}
		return ec2Answer(c, "<clientToken>"+c.Form.Get("ClientToken")+"</clientToken><flowLogIdSet><item>"+id+"</item></flowLogIdSet><unsuccessful></unsuccessful>")
	}
}

// replacePolicy gives a bucket the policy that CreateFlowLogs writes, in the place of its own.
func (p place) replacePolicy(path string) {
	bucket, prefix, _ := strings.Cut(path, "/")
	principal := thing{"Service": "delivery.logs.amazonaws.com"}
	source := thing{"aws:SourceArn": p.arn("logs", "*")}
	document, _ := json.Marshal(thing{"Version": "2012-10-17", "Id": "AWSLogDeliveryWrite20150319", "Statement": []any{
		thing{"Sid": "AWSLogDeliveryWrite", "Effect": "Allow", "Principal": principal, "Action": "s3:PutObject",
			"Resource":  "arn:aws:s3:::" + bucket + "/" + prefix + "AWSLogs/aws-account-id=" + p.account + "/*",
			"Condition": thing{"StringEquals": thing{"aws:SourceAccount": p.account, "s3:x-amz-acl": "bucket-owner-full-control"}, "ArnLike": source}},
		thing{"Sid": "AWSLogDeliveryAclCheck", "Effect": "Allow", "Principal": principal, "Action": []string{"s3:GetBucketAcl", "s3:ListBucket"},
			"Resource":  "arn:aws:s3:::" + bucket,
			"Condition": thing{"StringEquals": thing{"aws:SourceAccount": p.account}, "ArnLike": source}},
	}})
	p.of("buckets")[bucket]["policy"] = string(document)
}

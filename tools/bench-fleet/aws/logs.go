package main

import (
	"encoding/json"
	"fmt"
)

// jsonOperation is one of a service that speaks JSON. Its result is an answer, or the document of one.
func jsonOperation(do func(p place, c *call, in thing) any) operation {
	return func(p place, c *call) answer {
		in := thing{}
		if len(c.body) > 0 {
			if err := json.Unmarshal(c.body, &in); err != nil {
				return c.refuse(400, "SerializationException", err.Error())
			}
		}
		out := do(p, c, in)
		if refusal, refused := out.(answer); refused {
			return refusal
		}
		return jsonAnswer(out)
	}
}

func init() {
	operations["logs CreateLogGroup"] = jsonOperation(func(p place, c *call, in thing) any {
		name := text(in["logGroupName"])
		arn := p.arn("logs", "log-group:"+name)
		p.of("log tags")[arn] = thing{"tags": in["tags"]}
		p.of("log groups")[name] = thing{"logGroupName": name, "arn": arn + ":*", "logGroupArn": arn, "logGroupClass": in["logGroupClass"], "creationTime": int64(now() * 1000), "storedBytes": 0, "deletionProtectionEnabled": false}
		return thing{}
	})
	operations["logs DescribeLogGroups"] = jsonOperation(func(p place, c *call, in thing) any {
		return thing{"logGroups": p.found("log groups", text(in["logGroupNamePrefix"]))}
	})
	operations["logs PutRetentionPolicy"] = jsonOperation(func(p place, c *call, in thing) any {
		p.of("log groups")[text(in["logGroupName"])]["retentionInDays"] = in["retentionInDays"]
		return thing{}
	})
	operations["logs ListTagsForResource"] = jsonOperation(func(p place, c *call, in thing) any {
		return p.of("log tags")[text(in["resourceArn"])]
	})
	for operation, kind := range map[string]string{"MetricFilter": "metricFilters", "SubscriptionFilter": "subscriptionFilters"} {
		operations["logs Put"+operation] = jsonOperation(func(p place, c *call, in thing) any {
			if kind == "subscriptionFilters" {
				in["distribution"] = "ByLogStream"
			}
			in["creationTime"] = int64(now() * 1000)
			p.of(kind + text(in["logGroupName"]))[text(in["filterName"])] = in
			return thing{}
		})
		operations["logs Describe"+operation+"s"] = jsonOperation(func(p place, c *call, in thing) any {
			group := text(in["logGroupName"])
			if p.of("log groups")[group] == nil {
				return c.refuse(400, "ResourceNotFoundException", "The specified log group does not exist")
			}
			return thing{kind: p.found(kind+group, text(in["filterNamePrefix"]))}
		})
	}
	operations["logs PutQueryDefinition"] = jsonOperation(func(p place, c *call, in thing) any {
		if len(p.of("query definitions")) >= 1000 {
			return c.refuse(400, "LimitExceededException", "The account has 1,000 query definitions")
		}
		in["queryDefinitionId"] = fmt.Sprintf("query-%d", p.id())
		delete(in, "clientToken")
		p.of("query definitions")[text(in["name"])] = in
		return thing{"queryDefinitionId": in["queryDefinitionId"]}
	})
	operations["logs DescribeQueryDefinitions"] = jsonOperation(func(p place, c *call, in thing) any {
		return thing{"queryDefinitions": p.found("query definitions", text(in["queryDefinitionNamePrefix"]))}
	})
}

package main

import (
	"fmt"
	"html"
	"net/url"
	"strings"
	"time"
)

// IAM, SNS and STS, which speak the AWS Query protocol.

// members lists pairs such as Tags.member.1.Key and .Value.
func (c *call) members(list, key, value string) [][2]string {
	pairs := [][2]string{}
	for number := 1; ; number++ {
		of := fmt.Sprintf("%s.%d.", list, number)
		if !c.Form.Has(of + key) {
			return pairs
		}
		pairs = append(pairs, [2]string{c.Form.Get(of + key), c.Form.Get(of + value)})
	}
}

func pairsXML(element, key, value string, pairs [][2]string) string {
	var out strings.Builder
	for _, pair := range pairs {
		fmt.Fprintf(&out, "<%[1]s><%[2]s>%[4]s</%[2]s><%[3]s>%[5]s</%[3]s></%[1]s>", element, key, value, html.EscapeString(pair[0]), html.EscapeString(pair[1]))
	}
	return out.String()
}

func escaped(document string) string { return strings.ReplaceAll(url.QueryEscape(document), "+", "%20") }

func init() {
	operations["iam CreateRole"] = func(p place, c *call) answer {
		name, path := c.Form.Get("RoleName"), c.Form.Get("Path")
		if path == "" {
			path = "/"
		}
		role := fmt.Sprintf("<Role><RoleName>%s</RoleName><RoleId>AROA%d</RoleId><Arn>arn:aws:iam::%s:role%s%s</Arn><Path>%s</Path><CreateDate>%s</CreateDate><AssumeRolePolicyDocument>%s</AssumeRolePolicyDocument><Description>%s</Description><MaxSessionDuration>3600</MaxSessionDuration><Tags>%s</Tags></Role>",
			name, p.id(), p.account, path, name, path, time.Now().UTC().Format(time.RFC3339), escaped(c.Form.Get("AssumeRolePolicyDocument")),
			html.EscapeString(c.Form.Get("Description")), pairsXML("member", "Key", "Value", c.members("Tags.member", "Key", "Value")))
		p.global().of("roles")[name] = thing{"xml": role}
		return c.queryAnswer(role)
	}
	operations["iam GetRole"] = func(p place, c *call) answer {
		role := p.global().of("roles")[c.Form.Get("RoleName")]
		if role == nil {
			return c.refuse(404, "NoSuchEntity", "Role not found.")
		}
		return c.queryAnswer(text(role["xml"]))
	}
	operations["iam PutRolePolicy"] = func(p place, c *call) answer {
		p.global().of("policies" + c.Form.Get("RoleName"))[c.Form.Get("PolicyName")] = thing{"document": c.Form.Get("PolicyDocument")}
		return c.queryAnswer("")
	}
	operations["iam GetRolePolicy"] = func(p place, c *call) answer {
		role, name := c.Form.Get("RoleName"), c.Form.Get("PolicyName")
		policy := p.global().of("policies" + role)[name]
		if policy == nil {
			return c.refuse(404, "NoSuchEntity", "The role policy cannot be found.")
		}
		return c.queryAnswer(fmt.Sprintf("<RoleName>%s</RoleName><PolicyName>%s</PolicyName><PolicyDocument>%s</PolicyDocument>", role, name, escaped(text(policy["document"]))))
	}
	operations["iam ListRolePolicies"] = func(p place, c *call) answer {
		names := ""
		for name := range p.global().of("policies" + c.Form.Get("RoleName")) {
			names += "<member>" + name + "</member>"
		}
		return c.queryAnswer("<PolicyNames>" + names + "</PolicyNames><IsTruncated>false</IsTruncated>")
	}
	operations["iam ListAttachedRolePolicies"] = func(p place, c *call) answer {
		return c.queryAnswer("<AttachedPolicies></AttachedPolicies><IsTruncated>false</IsTruncated>")
	}

	operations["sns CreateTopic"] = func(p place, c *call) answer {
		arn := p.arn("sns", c.Form.Get("Name"))
		attributes := append([][2]string{{"TopicArn", arn}, {"Owner", p.account}}, c.members("Attributes.entry", "key", "value")...)
		p.of("topics")[arn] = thing{"attributes": pairsXML("entry", "key", "value", attributes), "tags": pairsXML("member", "Key", "Value", c.members("Tags.member", "Key", "Value"))}
		return c.queryAnswer("<TopicArn>" + arn + "</TopicArn>")
	}
	operations["sns GetTopicAttributes"] = func(p place, c *call) answer {
		topic := p.of("topics")[c.Form.Get("TopicArn")]
		if topic == nil {
			return c.refuse(404, "NotFound", "Topic does not exist")
		}
		return c.queryAnswer("<Attributes>" + text(topic["attributes"]) + "</Attributes>")
	}
	operations["sns ListTagsForResource"] = func(p place, c *call) answer {
		return c.queryAnswer("<Tags>" + text(p.of("topics")[c.Form.Get("ResourceArn")]["tags"]) + "</Tags>")
	}

	operations["sts AssumeRole"] = func(p place, c *call) answer {
		key := fmt.Sprintf("ASIA%016d", p.id())
		return c.queryAnswer(fmt.Sprintf("<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>%s</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>AROA:bench</AssumedRoleId><Arn>%s</Arn></AssumedRoleUser>",
			key, time.Now().Add(time.Hour).UTC().Format(time.RFC3339), c.Form.Get("RoleArn")))
	}
	operations["sts GetCallerIdentity"] = func(p place, c *call) answer {
		return c.queryAnswer(fmt.Sprintf("<Arn>arn:aws:sts::%[1]s:assumed-role/bench/bench</Arn><UserId>AROA:bench</UserId><Account>%[1]s</Account>", p.account))
	}
}

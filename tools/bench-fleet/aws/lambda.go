package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Time for which a new function is Pending.
const pending = 200 * time.Millisecond

func functionName(c *call) string { return strings.Split(strings.Trim(c.URL.Path, "/"), "/")[2] }

func init() {
	operations["lambda CreateFunction"] = jsonOperation(func(p place, c *call, in thing) any {
		name := text(in["FunctionName"])
		code, err := base64.StdEncoding.DecodeString(text(in["Code"].(thing)["ZipFile"]))
		if err != nil {
			return c.refuse(400, "InvalidParameterValueException", err.Error())
		}
		hash := sha256.Sum256(code)
		tags := in["Tags"]
		delete(in, "Code")
		delete(in, "Tags")
		configuration := with(in, thing{
			"FunctionArn": p.arn("lambda", "function:"+name), "CodeSize": len(code), "CodeSha256": base64.StdEncoding.EncodeToString(hash[:]),
			"Version": "$LATEST", "PackageType": "Zip", "RevisionId": fmt.Sprintf("revision-%d", p.id()),
			"EphemeralStorage": thing{"Size": 512}, "TracingConfig": thing{"Mode": "PassThrough"},
		})
		p.of("functions")[name] = thing{"Configuration": configuration, "Tags": tags, "at": time.Now()}
		return with(configuration, thing{"State": "Pending", "LastUpdateStatus": "InProgress"})
	})
	operations["lambda GetFunction"] = jsonOperation(func(p place, c *call, in thing) any {
		function := p.of("functions")[functionName(c)]
		if function == nil {
			return c.refuse(404, "ResourceNotFoundException", "Function not found")
		}
		state := thing{"State": "Active", "LastUpdateStatus": "Successful"}
		if time.Since(function["at"].(time.Time)) < pending {
			state = thing{"State": "Pending", "LastUpdateStatus": "InProgress"}
		}
		return thing{"Configuration": with(function["Configuration"].(thing), state), "Tags": function["Tags"], "Code": thing{"RepositoryType": "S3"}}
	})
	operations["lambda AddPermission"] = jsonOperation(func(p place, c *call, in thing) any {
		name := functionName(c)
		statement := thing{
			"Sid": in["StatementId"], "Effect": "Allow", "Principal": thing{"Service": in["Principal"]}, "Action": in["Action"],
			"Resource":  p.arn("lambda", "function:"+name),
			"Condition": thing{"ArnLike": thing{"AWS:SourceArn": in["SourceArn"]}, "StringEquals": thing{"AWS:SourceAccount": in["SourceAccount"]}},
		}
		p.of("permissions" + name)[text(in["StatementId"])] = statement
		document, _ := json.Marshal(statement)
		return thing{"Statement": string(document)}
	})
	operations["lambda GetPolicy"] = jsonOperation(func(p place, c *call, in thing) any {
		statements := p.found("permissions"+functionName(c), "")
		if len(statements) == 0 {
			return c.refuse(404, "ResourceNotFoundException", "No policy is associated with the given resource.")
		}
		document, _ := json.Marshal(thing{"Version": "2012-10-17", "Id": "default", "Statement": statements})
		return thing{"Policy": string(document), "RevisionId": "revision"}
	})
}

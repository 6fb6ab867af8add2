package main

import (
	"net/http"
	"net/url"
	"strings"
)

// A call is a request to AWS: the caller, the operation as AWS's service models name it, and the body.
type call struct {
	*http.Request
	accessKey, region, service, operation string
	body                                  []byte
}

// identify names the operation of a request from its signature, headers, path and body. The operation is empty if it has none.
func identify(r *http.Request, body []byte) *call {
	c := &call{Request: r, body: body}
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	credential, _, _ = strings.Cut(credential, ",")
	if scope := strings.Split(credential, "/"); len(scope) == 5 {
		c.accessKey, c.region, c.service = scope[0], scope[2], scope[3]
	}
	switch {
	case r.Header.Get("X-Amz-Target") != "": // AWS JSON
		_, c.operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	case strings.Contains(r.URL.Path, "/operation/"): // Smithy RPC v2 CBOR
		_, c.operation, _ = strings.Cut(r.URL.Path, "/operation/")
	case c.service == "s3":
		c.operation = s3Operation(r)
	case c.service == "lambda":
		c.operation = lambdaOperation(r.Method, strings.Split(strings.Trim(r.URL.Path, "/"), "/"))
	default: // AWS Query and EC2 Query
		form, _ := url.ParseQuery(string(body))
		r.Form = form
		c.operation = form.Get("Action")
	}
	return c
}

// s3Settings are the settings of a bucket that the operator uses: the key in the query, and the operation without its verb.
var s3Settings = map[string]string{
	"encryption": "BucketEncryption", "lifecycle": "BucketLifecycleConfiguration", "notification": "BucketNotificationConfiguration",
	"ownershipControls": "BucketOwnershipControls", "policy": "BucketPolicy", "publicAccessBlock": "PublicAccessBlock",
	"tagging": "BucketTagging", "versioning": "BucketVersioning",
}

func s3Operation(r *http.Request) string {
	verb := strings.ToUpper(r.Method[:1]) + strings.ToLower(r.Method[1:])
	for key := range r.URL.Query() {
		if noun := s3Settings[key]; noun != "" {
			return verb + noun
		}
	}
	return map[string]string{"PUT": "CreateBucket", "DELETE": "DeleteBucket", "HEAD": "HeadBucket"}[r.Method]
}

func lambdaOperation(method string, path []string) string {
	switch {
	case len(path) > 1 && path[1] == "tags":
		return map[string]string{"GET": "ListTags", "POST": "TagResource", "DELETE": "UntagResource"}[method]
	case len(path) == 2:
		return map[string]string{"POST": "CreateFunction"}[method]
	case len(path) == 3:
		return map[string]string{"GET": "GetFunction", "DELETE": "DeleteFunction"}[method]
	case path[3] == "policy":
		return map[string]string{"GET": "GetPolicy", "POST": "AddPermission", "DELETE": "RemovePermission"}[method]
	}
	return map[string]string{"code": "UpdateFunctionCode", "configuration": "UpdateFunctionConfiguration"}[path[3]]
}

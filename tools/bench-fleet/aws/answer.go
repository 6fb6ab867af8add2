package main

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
)

// An answer of AWS.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func respond(contentType string, body []byte) answer {
	return answer{200, http.Header{"Content-Type": {contentType}}, body}
}

func xmlAnswer(text string) answer {
	return respond("text/xml", []byte(`<?xml version="1.0" encoding="UTF-8"?>`+"\n"+text))
}

func jsonAnswer(value any) answer {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return respond("application/x-amz-json-1.1", body)
}

func cborAnswer(value any) answer {
	a := respond("application/cbor", encodeCBOR(value))
	a.header.Set("Smithy-Protocol", "rpc-v2-cbor")
	return a
}

// queryAnswer is a result in the AWS Query protocol.
func (c *call) queryAnswer(result string) answer {
	return xmlAnswer(fmt.Sprintf("<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", c.operation, result))
}

// refuse is an error in the protocol that the request speaks.
func (c *call) refuse(status int, code, message string) answer {
	text := fmt.Sprintf("<Code>%s</Code><Message>%s</Message>", html.EscapeString(code), html.EscapeString(message))
	object := map[string]any{"__type": code, "message": message, "Message": message}
	var a answer
	switch c.service {
	case "s3":
		a = xmlAnswer("<Error>" + text + "</Error>")
	case "ec2":
		a = xmlAnswer("<Response><Errors><Error>" + text + "</Error></Errors></Response>")
	case "iam", "sns", "sts":
		a = xmlAnswer("<ErrorResponse><Error>" + text + "</Error></ErrorResponse>")
	case "monitoring":
		a = cborAnswer(object)
		a.header.Set("X-Amzn-Query-Error", code+";Sender")
	default:
		a = jsonAnswer(object)
		a.header.Set("X-Amzn-Errortype", code)
	}
	a.status = status
	return a
}

// tooFast is the refusal of a service for the rate of calls.
func (c *call) tooFast() answer {
	switch c.service {
	case "ec2":
		return c.refuse(503, "RequestLimitExceeded", "Request limit exceeded.")
	case "s3":
		return c.refuse(503, "SlowDown", "Please reduce your request rate.")
	case "athena", "lambda":
		return c.refuse(429, "TooManyRequestsException", "Rate exceeded")
	case "iam", "sts":
		return c.refuse(400, "Throttling", "Rate exceeded")
	}
	return c.refuse(400, "ThrottlingException", "Rate exceeded")
}

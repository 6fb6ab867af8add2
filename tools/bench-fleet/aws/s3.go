package main

import (
	"regexp"
	"strings"
)

// A bucket is its settings, as they were sent, by their key in the query.

// newBucket are the settings that AWS gives to a bucket.
var newBucket = thing{
	"encryption":        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>",
	"ownershipControls": "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
	"publicAccessBlock": "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>",
	"versioning":        "<VersioningConfiguration></VersioningConfiguration>",
	"notification":      "<NotificationConfiguration></NotificationConfiguration>",
}

// absent are the codes for settings that a bucket does not have.
var absent = map[string]string{"policy": "NoSuchBucketPolicy", "lifecycle": "NoSuchLifecycleConfiguration", "tagging": "NoSuchTagSet"}

var bucketTags = regexp.MustCompile(`(?s)<Tags>(.*)</Tags>`)

func bucketName(c *call) string { return strings.Trim(c.URL.Path, "/") }

func init() {
	operations["s3 CreateBucket"] = func(p place, c *call) answer {
		bucket := with(newBucket, thing{})
		if tags := bucketTags.FindSubmatch(c.body); tags != nil {
			bucket["tagging"] = "<Tagging><TagSet>" + string(tags[1]) + "</TagSet></Tagging>"
		}
		p.of("buckets")[bucketName(c)] = bucket
		return xmlAnswer("")
	}
	for key, noun := range s3Settings {
		operations["s3 Get"+noun] = func(p place, c *call) answer {
			bucket := p.of("buckets")[bucketName(c)]
			if bucket == nil {
				return c.refuse(404, "NoSuchBucket", "The specified bucket does not exist")
			}
			setting, known := bucket[key]
			if !known {
				return c.refuse(404, absent[key], "The bucket has no such setting")
			}
			return respond("application/xml", []byte(text(setting)))
		}
		operations["s3 Put"+noun] = func(p place, c *call) answer {
			p.of("buckets")[bucketName(c)][key] = string(c.body)
			return respond("application/xml", nil)
		}
	}
}

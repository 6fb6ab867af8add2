//! Operations that only method, path and query identify: those of S3, Lambda and Observability Access Manager. A request that matches
//! none is an error, so that no rule silently misses it.

/// The level of the S3 resource that a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Account,
    Bucket,
    Object,
}

use Level::{Account, Bucket, Object};

/// Method, level, and the key of the query that identifies the operation; from the Amazon S3 API reference. Rows without a
/// key are last.
const S3: &[(&str, Level, &str, &str)] = &[
    ("GET", Bucket, "acl", "GetBucketAcl"),
    ("GET", Bucket, "encryption", "GetBucketEncryption"),
    ("PUT", Bucket, "encryption", "PutBucketEncryption"),
    ("DELETE", Bucket, "encryption", "DeleteBucketEncryption"),
    ("GET", Bucket, "lifecycle", "GetBucketLifecycleConfiguration"),
    ("PUT", Bucket, "lifecycle", "PutBucketLifecycleConfiguration"),
    ("DELETE", Bucket, "lifecycle", "DeleteBucketLifecycle"),
    ("GET", Bucket, "location", "GetBucketLocation"),
    ("GET", Bucket, "notification", "GetBucketNotificationConfiguration"),
    ("PUT", Bucket, "notification", "PutBucketNotificationConfiguration"),
    ("GET", Bucket, "ownershipControls", "GetBucketOwnershipControls"),
    ("PUT", Bucket, "ownershipControls", "PutBucketOwnershipControls"),
    ("DELETE", Bucket, "ownershipControls", "DeleteBucketOwnershipControls"),
    ("GET", Bucket, "policy", "GetBucketPolicy"),
    ("PUT", Bucket, "policy", "PutBucketPolicy"),
    ("DELETE", Bucket, "policy", "DeleteBucketPolicy"),
    ("GET", Bucket, "publicAccessBlock", "GetPublicAccessBlock"),
    ("PUT", Bucket, "publicAccessBlock", "PutPublicAccessBlock"),
    ("DELETE", Bucket, "publicAccessBlock", "DeletePublicAccessBlock"),
    ("GET", Bucket, "tagging", "GetBucketTagging"),
    ("PUT", Bucket, "tagging", "PutBucketTagging"),
    ("DELETE", Bucket, "tagging", "DeleteBucketTagging"),
    ("GET", Bucket, "versioning", "GetBucketVersioning"),
    ("PUT", Bucket, "versioning", "PutBucketVersioning"),
    ("GET", Bucket, "versions", "ListObjectVersions"),
    ("GET", Bucket, "uploads", "ListMultipartUploads"),
    ("GET", Bucket, "list-type", "ListObjectsV2"),
    ("POST", Bucket, "delete", "DeleteObjects"),
    ("POST", Object, "uploads", "CreateMultipartUpload"),
    ("POST", Object, "uploadId", "CompleteMultipartUpload"),
    ("DELETE", Object, "uploadId", "AbortMultipartUpload"),
    ("PUT", Object, "uploadId", "UploadPart"),
    ("GET", Account, "", "ListBuckets"),
    ("HEAD", Bucket, "", "HeadBucket"),
    ("PUT", Bucket, "", "CreateBucket"),
    ("DELETE", Bucket, "", "DeleteBucket"),
    ("HEAD", Object, "", "HeadObject"),
    ("GET", Object, "", "GetObject"),
    ("PUT", Object, "", "PutObject"),
    ("DELETE", Object, "", "DeleteObject"),
];

/// Keys of a query that only parametrise an operation.
const S3_PARAMETERS: &[&str] = &["x-id", "versionId", "partNumber"];

/// The S3 operation of a path-style request.
pub(super) fn s3(method: &str, path: &str, query: &str) -> Option<&'static str> {
    let level = match path.trim_start_matches('/').split_once('/') {
        Some((_, key)) if !key.is_empty() => Object,
        _ if path.len() > 1 => Bucket,
        _ => Account,
    };
    let keys: Vec<&str> = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default()).collect();
    let plain = keys.iter().all(|key| key.is_empty() || S3_PARAMETERS.contains(key));
    let fits = |key: &str| if key.is_empty() { plain } else { keys.contains(&key) };
    S3.iter().find(|row| (row.0, row.1) == (method, level) && fits(row.2)).map(|row| row.3)
}

/// Method and path; from the AWS Lambda API reference. A segment in braces is any, one with `+` also what follows it.
const LAMBDA: &[(&str, &str, &str)] = &[
    ("POST", "2015-03-31/functions", "CreateFunction"),
    ("GET", "2015-03-31/functions", "ListFunctions"),
    ("GET", "2015-03-31/functions/{name}", "GetFunction"),
    ("DELETE", "2015-03-31/functions/{name}", "DeleteFunction"),
    ("PUT", "2015-03-31/functions/{name}/code", "UpdateFunctionCode"),
    ("GET", "2015-03-31/functions/{name}/configuration", "GetFunctionConfiguration"),
    ("PUT", "2015-03-31/functions/{name}/configuration", "UpdateFunctionConfiguration"),
    ("POST", "2015-03-31/functions/{name}/invocations", "Invoke"),
    ("GET", "2015-03-31/functions/{name}/policy", "GetPolicy"),
    ("POST", "2015-03-31/functions/{name}/policy", "AddPermission"),
    ("DELETE", "2015-03-31/functions/{name}/policy/{sid}", "RemovePermission"),
    ("GET", "2017-03-31/tags/{arn+}", "ListTags"),
    ("POST", "2017-03-31/tags/{arn+}", "TagResource"),
    ("DELETE", "2017-03-31/tags/{arn+}", "UntagResource"),
];

/// The Lambda operation of a request.
pub(super) fn lambda(method: &str, path: &str) -> Option<&'static str> {
    let row = LAMBDA.iter().find(|row| row.0 == method && fits(row.1, path.trim_matches('/')));
    row.map(|row| row.2)
}

fn fits(pattern: &str, path: &str) -> bool {
    let mut given = path.split('/');
    for wanted in pattern.split('/') {
        match given.next() {
            Some(_) if wanted.ends_with("+}") => return true,
            Some(segment) if wanted.starts_with('{') || wanted == segment => {}
            _ => return false,
        }
    }
    given.next().is_none()
}

/// Operations on links; from the API reference of Observability Access Manager. The path is the name.
const OAM: &[&str] = &["CreateLink", "DeleteLink", "GetLink", "ListLinks", "UpdateLink"];

/// The operation of Observability Access Manager.
pub(super) fn oam(method: &str, path: &str) -> Option<&'static str> {
    let name = path.strip_prefix('/').filter(|_| method == "POST")?;
    OAM.iter().find(|operation| **operation == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_operations_are_told_by_method_level_and_query() {
        let cases = [
            ("PUT", "/bucket", "", Some("CreateBucket")),
            ("PUT", "/bucket/", "", Some("CreateBucket")),
            ("PUT", "/bucket/", "publicAccessBlock", Some("PutPublicAccessBlock")),
            ("PUT", "/bucket/a/b", "x-id=PutObject", Some("PutObject")),
            ("PUT", "/bucket/a", "partNumber=1&uploadId=u", Some("UploadPart")),
            ("GET", "/bucket/", "list-type=2&prefix=versions", Some("ListObjectsV2")),
            ("GET", "/bucket/", "max-keys=9&versions", Some("ListObjectVersions")),
            ("POST", "/bucket/", "delete", Some("DeleteObjects")),
            ("DELETE", "/bucket/a", "uploadId=u&x-id=AbortMultipartUpload", Some("AbortMultipartUpload")),
            ("GET", "/", "", Some("ListBuckets")),
            ("PUT", "/bucket/", "accelerate", None),
            ("PATCH", "/bucket", "", None),
        ];
        for (method, path, query, operation) in cases {
            assert_eq!(s3(method, path, query), operation, "{method} {path}?{query}");
        }
    }

    #[test]
    fn lambda_operations_are_told_by_method_and_path() {
        let cases = [
            ("POST", "/2015-03-31/functions", Some("CreateFunction")),
            ("GET", "/2015-03-31/functions/f", Some("GetFunction")),
            ("DELETE", "/2015-03-31/functions/f/policy/sid", Some("RemovePermission")),
            ("POST", "/2017-03-31/tags/arn:aws:lambda:eu-west-1:1:function:f", Some("TagResource")),
            ("DELETE", "/2017-03-31/tags/arn%3Aaws%3Alambda", Some("UntagResource")),
            ("GET", "/2015-03-31/functions/f/url", None),
        ];
        for (method, path, operation) in cases {
            assert_eq!(lambda(method, path), operation, "{method} {path}");
        }
    }
}

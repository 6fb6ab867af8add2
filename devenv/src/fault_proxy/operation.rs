//! Names the AWS operation of a request, as AWS's service models name it.

use hyper::http::request::Parts;

use super::errors;
use super::routes;

/// The caller of a request, and the operation that it calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identified {
    pub(super) access_key: String,
    pub(super) region: String,
    pub(super) service: String,
    pub(super) operation: String,
}

/// Operations that only read, by how their names begin.
const READ_VERBS: [&str; 14] = [
    "Get", "List", "Describe", "Head", "BatchGet", "Select", "Filter", "Query", "Search", "Lookup", "Simulate",
    "Generate", "Test", "Decode",
];
/// Start and stop of reads: they change nothing a person would call state.
const READS: [&str; 5] = ["AssumeRole", "AssumeRoleWithWebIdentity", "StartQuery", "StopQuery", "StartLiveTail"];

impl Identified {
    pub(super) fn is_mutating(&self) -> bool {
        let name = self.operation.as_str();
        !READ_VERBS.iter().any(|verb| name.starts_with(verb)) && !READS.contains(&name)
    }
}

/// The operation of a request, or a sentence that says why it has none.
pub(super) fn identify(parts: &Parts, body: &[u8]) -> Result<Identified, String> {
    let reported = format!("{} {}", parts.method, parts.uri);
    let (access_key, region, service) =
        credential_scope(header(parts, "authorization")).ok_or_else(|| format!("{reported} has no SigV4 signature"))?;
    if !errors::is_known(service) {
        return Err(format!("{reported} is of `{service}`, which the fault proxy does not know"));
    }
    let operation =
        operation(service, parts, body).ok_or_else(|| format!("{reported} is no known operation of {service}"));
    Ok(Identified {
        access_key: access_key.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        operation: operation?,
    })
}

pub(super) fn header<'a>(parts: &'a Parts, name: &str) -> &'a str {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Access key id, region and service: `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`.
fn credential_scope(authorization: &str) -> Option<(&str, &str, &str)> {
    let (_, credential) = authorization.split_once("Credential=")?;
    let mut parts = credential.split(',').next()?.split('/');
    let (access_key, _date, region, service) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (parts.next()? == "aws4_request").then_some((access_key, region, service))
}

fn operation(service: &str, parts: &Parts, body: &[u8]) -> Option<String> {
    // AWS JSON: `X-Amz-Target: Logs_20140328.DescribeLogGroups`.
    if let Some((_, name)) = header(parts, "x-amz-target").rsplit_once('.') {
        return Some(name.to_owned());
    }
    let path = parts.uri.path();
    // Smithy RPC v2 CBOR: `/service/GraniteServiceVersion20100801/operation/PutMetricAlarm`.
    if let Some((_, name)) = path.rsplit_once("/operation/") {
        return Some(name.to_owned());
    }
    let query = parts.uri.query().unwrap_or_default();
    match service {
        "s3" => routes::s3(parts.method.as_str(), path, query).map(str::to_owned),
        "lambda" => routes::lambda(parts.method.as_str(), path).map(str::to_owned),
        "oam" => routes::oam(parts.method.as_str(), path).map(str::to_owned),
        // AWS Query and EC2 Query: `Action=CreateRole&…`, in the body or in the URL.
        _ => {
            let body = str::from_utf8(body).ok()?;
            body.split('&').chain(query.split('&')).find_map(|pair| pair.strip_prefix("Action=")).map(str::to_owned)
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn named(service: &str, method: &str, uri: &str, header: (&str, &str), body: &str) -> Result<String, String> {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=123456789012/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let request = Request::builder().method(method).uri(uri).header("authorization", authorization);
        let (parts, ()) = request.header(header.0, header.1).body(()).unwrap().into_parts();
        identify(&parts, body.as_bytes()).map(|identified| identified.operation)
    }

    #[test]
    fn each_protocol_names_its_operation() {
        let cases = [
            ("logs", "POST", "/", ("x-amz-target", "Logs_20140328.PutMetricFilter"), "{}", "PutMetricFilter"),
            ("iam", "POST", "/", ("x", ""), "Action=CreateRole&Version=2010-05-08", "CreateRole"),
            ("ec2", "POST", "/", ("x", ""), "Version=2016-11-15&Action=CreateFlowLogs", "CreateFlowLogs"),
            ("monitoring", "POST", "/service/Granite/operation/PutMetricAlarm", ("x", ""), "\u{1}", "PutMetricAlarm"),
            ("s3", "PUT", "/bucket/?lifecycle", ("x", ""), "<x/>", "PutBucketLifecycleConfiguration"),
            ("lambda", "PUT", "/2015-03-31/functions/f/code", ("x", ""), "{}", "UpdateFunctionCode"),
            ("oam", "POST", "/CreateLink", ("x", ""), "{}", "CreateLink"),
        ];
        for (service, method, uri, header, body, operation) in cases {
            assert_eq!(named(service, method, uri, header, body).as_deref(), Ok(operation), "{service}");
        }
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        assert_eq!(
            named("s3", "PUT", "/b?frobnicate", ("x", ""), "").unwrap_err(),
            "PUT /b?frobnicate is no known operation of s3"
        );
        assert!(named("iam", "POST", "/", ("x", ""), "").is_err());
        assert!(named("sqs", "POST", "/", ("x", ""), "Action=SendMessage").is_err());
        let (parts, ()) = Request::builder().uri("/").body(()).unwrap().into_parts();
        assert!(identify(&parts, b"Action=CreateRole").is_err(), "not signed");
    }

    #[test]
    fn a_verb_tells_reads_from_writes() {
        let of = |operation: &str| Identified {
            access_key: String::new(),
            region: String::new(),
            service: String::new(),
            operation: operation.to_owned(),
        };
        for read in
            ["GetRole", "ListTagsForResource", "DescribeFlowLogs", "HeadBucket", "BatchGetNamedQuery", "AssumeRole"]
        {
            assert!(!of(read).is_mutating(), "{read}");
        }
        for write in
            ["CreateRole", "PutDashboard", "Subscribe", "TagResource", "AbortMultipartUpload", "StartQueryExecution"]
        {
            assert!(of(write).is_mutating(), "{write}");
        }
    }
}

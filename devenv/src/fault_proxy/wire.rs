//! Answers an AWS error in the wire protocol that the request speaks.

use hyper::http::request::Parts;

use super::errors::ServiceError;
use super::operation::header;

/// Status, headers and body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ErrorAnswer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// From "AWS JSON 1.1 protocol", "AWS restJson1 protocol", "AWS query protocol", "AWS EC2 query protocol" and "Smithy RPC v2
/// CBOR protocol" of the Smithy documentation, and "REST error responses" of the S3 API reference.
pub(super) fn error(service: &str, parts: &Parts, error: &ServiceError, seq: u64) -> ErrorAnswer {
    let ServiceError { code, message, status } = error;
    let request_id = format!("fault-{seq}");
    let side = if *status < 500 { "Sender" } else { "Receiver" };
    let mut headers = vec![("x-amzn-requestid", request_id.clone()), ("x-amz-request-id", request_id.clone())];
    let reported = format!("<Code>{}</Code><Message>{}</Message>", escaped(code), escaped(message));
    let body = if header(parts, "smithy-protocol") == "rpc-v2-cbor" {
        headers.push(("content-type", "application/cbor".to_owned()));
        headers.push(("smithy-protocol", "rpc-v2-cbor".to_owned()));
        // CloudWatch's model is query-compatible: SDKs read the code from here.
        headers.push(("x-amzn-query-error", format!("{code};{side}")));
        cbor(&[("__type", code), ("message", message)])
    } else if parts.headers.contains_key("x-amz-target") {
        headers.push(("content-type", header(parts, "content-type").to_owned()));
        headers.push(("x-amzn-errortype", code.clone()));
        serde_json::json!({"__type": code, "message": message}).to_string().into_bytes()
    } else if service == "s3" {
        headers.push(("content-type", "application/xml".to_owned()));
        if parts.method == "HEAD" {
            Vec::new()
        } else {
            xml(&format!("<Error>{reported}<RequestId>{request_id}</RequestId></Error>"))
        }
    } else if service == "ec2" {
        headers.push(("content-type", "text/xml;charset=UTF-8".to_owned()));
        xml(&format!(
            "<Response><Errors><Error>{reported}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        ))
    } else if service == "lambda" || service == "oam" {
        headers.push(("content-type", "application/json".to_owned()));
        headers.push(("x-amzn-errortype", code.clone()));
        serde_json::json!({"Type": side, "message": message, "Message": message}).to_string().into_bytes()
    } else {
        headers.push(("content-type", "text/xml".to_owned()));
        xml(&format!(
            "<ErrorResponse><Error><Type>{side}</Type>{reported}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        ))
    };
    ErrorAnswer { status: *status, headers, body }
}

fn xml(text: &str) -> Vec<u8> {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}").into_bytes()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A CBOR map of texts (RFC 8949).
fn cbor(entries: &[(&str, &str)]) -> Vec<u8> {
    const TEXT: u8 = 3 << 5;
    const MAP: u8 = 5 << 5;
    let mut bytes = cbor_head(MAP, entries.len());
    for text in entries.iter().flat_map(|(key, value)| [key, value]) {
        bytes.extend(cbor_head(TEXT, text.len()));
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// Major type and length, in the fewest bytes.
fn cbor_head(major_type: u8, length: usize) -> Vec<u8> {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length), _) if length < 24 => vec![major_type | length],
        (Ok(length), _) => vec![major_type | 0x18, length],
        (_, Ok(length)) => [&[major_type | 0x19], length.to_be_bytes().as_slice()].concat(),
        _ => [&[major_type | 0x1b], (length as u64).to_be_bytes().as_slice()].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cbor_lengths_take_the_bytes_they_need() {
        assert_eq!(cbor(&[("a", "b")]), [0xa1, 0x61, b'a', 0x61, b'b']);
        assert_eq!(cbor_head(0x60, 23), [0x77]);
        assert_eq!(cbor_head(0x60, 24), [0x78, 24]);
        assert_eq!(cbor_head(0x60, 256), [0x79, 1, 0]);
        assert_eq!(cbor_head(0x60, 65_536), [0x7b, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn xml_texts_are_escaped() {
        assert_eq!(escaped("a<b>&c"), "a&lt;b&gt;&amp;c");
    }
}

//! The answers of S3.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Region, retry::RetryConfig};
use detector::files::FileName;
use detector::files::error::{MAX_FILE_BYTES, Problem};
use detector::files::store::FileStore;

/// Answers each request on a port of its own with `answer`. Returns the requests.
fn serve(answer: Vec<u8>) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let request = |stream: &TcpStream| {
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    };
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = request(&stream);
        stream.write_all(&answer).unwrap();
        request
    });
    (address, server)
}

/// Fetches a file. Returns the outcome, the content and the request.
async fn fetch(status: &str, length: usize, body: &str) -> (Result<bool, Problem>, String, String) {
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    let (address, server) = serve(answer.into_bytes());
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(address)
        .retry_config(RetryConfig::disabled())
        .force_path_style(true)
        .allow_no_auth()
        .build();
    let name =
        FileName { bucket: "flow-logs".to_owned(), key: "AWSLogs/a b+é.log.gz".to_owned(), etag: String::new() };
    let mut file = tempfile::tempfile().unwrap();
    let outcome = Client::from_conf(config).fetch(&name, Some("123456789012"), &mut file).await;
    let mut content = String::new();
    std::io::Seek::rewind(&mut file).unwrap();
    file.read_to_string(&mut content).unwrap();
    (outcome, content, server.join().unwrap())
}

async fn refusal(status: &str, code: &str) -> Result<bool, Problem> {
    let body = format!("<Error><Code>{code}</Code><Message>said so</Message></Error>");
    fetch(status, body.len(), &body).await.0
}

#[tokio::test]
async fn a_file_is_asked_for_by_its_key_and_owner() {
    let (outcome, content, request) = fetch("200 OK", 5, "hello").await;
    assert!(outcome.unwrap());
    assert_eq!(content, "hello");
    assert!(request.starts_with("GET /flow-logs/AWSLogs/a%20b%2B%C3%A9.log.gz"), "{request}");
    assert!(request.contains("\nx-amz-expected-bucket-owner: 123456789012"), "{request}");
}

#[tokio::test]
async fn a_deleted_file_is_none_and_a_refusal_says_what_the_role_needs() {
    assert!(!refusal("404 Not Found", "NoSuchKey").await.unwrap());
    for code in ["AccessDenied", "KMS.DisabledException"] {
        let error = refusal("403 Forbidden", code).await.unwrap_err();
        assert!(matches!(error, Problem::Denied(_)), "{error:?}");
        let message = error.to_string();
        assert!(message.starts_with(&format!("{code}: said so; the function's role needs s3:GetObject")), "{message}");
    }
    let error = refusal("404 Not Found", "NoSuchBucket").await.unwrap_err();
    assert_eq!(error.to_string(), "NoSuchBucket: said so; Lambda invokes the function again");
}

#[tokio::test]
async fn a_connection_that_breaks_is_an_error() {
    let (outcome, ..) = fetch("200 OK", 10, "hello").await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.starts_with("the connection broke after 5 bytes: "), "{error}");
}

#[tokio::test]
async fn a_file_that_does_not_fit_is_refused_before_it_comes() {
    let length = usize::try_from(MAX_FILE_BYTES).unwrap() + 1;
    let (outcome, content, _) = fetch("200 OK", length, "hello").await;
    assert!(matches!(outcome, Err(Problem::TooLarge(bytes)) if bytes == MAX_FILE_BYTES + 1), "{outcome:?}");
    assert_eq!(content, "");
}

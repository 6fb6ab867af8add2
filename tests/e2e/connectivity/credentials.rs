//! A source of credentials on this machine, as the agent of EKS Pod Identity is.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Starts a server that gives the credentials of an account, or refuses them if there is none. Returns its URL.
pub async fn source(account: Option<&str>) -> String {
    let (status, body) = match account {
        Some(account) => ("200 OK", credentials(account)),
        None => ("403 Forbidden", String::new()),
    };
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                if stream.read_buf(&mut head).await.unwrap_or_default() == 0 {
                    break;
                }
            }
            let _ = stream.write_all(response.as_bytes()).await;
        }
    });
    format!("http://{address}/v1/credentials")
}

fn credentials(account: &str) -> String {
    json!({
        "AccessKeyId": account,
        "SecretAccessKey": "emulator",
        "Token": "token",
        "Expiration": "2100-01-01T00:00:00Z",
    })
    .to_string()
}

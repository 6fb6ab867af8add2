//! Proxies that lead every connection to one server, whatever host it is for.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// The protocol of a proxy.
#[derive(Clone, Copy)]
pub enum Protocol {
    Http,
    /// An HTTP proxy that wants the value of this header in `CONNECT`.
    HttpWith(&'static str),
    /// An HTTP proxy that connects to nothing.
    Refusing,
    Socks5,
}

/// A running proxy.
pub struct Proxy {
    /// Host and port.
    pub address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    pub async fn start(protocol: Protocol, upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, upstream) = (Arc::clone(&requests), upstream.to_owned());
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let (seen, upstream) = (Arc::clone(&seen), upstream.clone());
                tokio::spawn(async move {
                    let far = TcpStream::connect(upstream).await.unwrap();
                    match protocol {
                        Protocol::Socks5 => socks(near, far, &seen).await,
                        protocol => http(protocol, near, far, &seen).await,
                    }
                });
            }
        });
        Self { address, requests }
    }

    /// The first lines of the requests, or the hosts that SOCKS was asked for.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn http(protocol: Protocol, mut near: TcpStream, mut far: TcpStream, seen: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if near.read_buf(&mut head).await.unwrap_or_default() == 0 {
            return;
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    seen.lock().unwrap().push(text.lines().next().unwrap_or_default().to_owned());
    let answer = match protocol {
        Protocol::Refusing => "HTTP/1.1 403 Forbidden\r\n\r\n",
        Protocol::HttpWith(header) if !text.contains(header) => "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        _ if text.starts_with("CONNECT ") => "HTTP/1.1 200 Connection established\r\n\r\n",
        _ => {
            far.write_all(&head).await.unwrap();
            ""
        }
    };
    let _ = near.write_all(answer.as_bytes()).await;
    if !answer.contains(" 40") {
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
}

async fn socks(mut near: TcpStream, mut far: TcpStream, seen: &Mutex<Vec<String>>) {
    let mut greeting = [0; 2];
    near.read_exact(&mut greeting).await.unwrap();
    near.read_exact(&mut vec![0; greeting[1].into()]).await.unwrap();
    near.write_all(&[5, 0]).await.unwrap();
    // Version, command, reserved, type of the address (3: a name), its length.
    let mut request = [0; 5];
    near.read_exact(&mut request).await.unwrap();
    assert_eq!(request[3], 3, "the proxy resolves the name");
    let mut name_and_port = vec![0; usize::from(request[4]) + 2];
    near.read_exact(&mut name_and_port).await.unwrap();
    let name = &name_and_port[..usize::from(request[4])];
    seen.lock().unwrap().push(String::from_utf8_lossy(name).into_owned());
    near.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    let _ = copy_bidirectional(&mut near, &mut far).await;
}

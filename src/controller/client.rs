use std::time::Duration;

use axum::http::{Method, Request};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tower::filter::FilterLayer;

use crate::leader::{Fence, NotLeader};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client that changes nothing while `fence` is shut.
pub fn fenced_client(config: Config, fence: Fence) -> kube::Result<Client> {
    let mut config = config;
    // The controller retries whole passes. Retries in here would multiply with them, and be sent without asking the fence.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    let check = move |request: Request<Body>| -> Result<_, NotLeader> {
        if *request.method() != Method::GET {
            fence.check()?;
        }
        Ok(request)
    };
    Ok(ClientBuilder::try_from(config)?.with_layer(&FilterLayer::new(check)).build())
}

use std::time::Duration;

use axum::http::{Method, Request};
use kube::client::Body;
use kube::{Client, Config};
use tower::filter::FilterLayer;

use super::health::Health;
use crate::kubernetes::client_builder;
use crate::leader::{Fence, NotLeader};

/// The fence is checked before a connection is made. The connection must be made or have failed before another replica can lead, which is
/// no sooner than 5 s (`--leader-elect-lease-duration` less `--leader-elect-renew-deadline`) after the fence has shut.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time within which an answer must come.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for which a watch may be silent; a healthy one gets a bookmark about every minute, and ends by itself after 290 seconds.
const SILENCE: Duration = Duration::from_mins(5);

/// Ways to the Kubernetes API.
pub struct Clients {
    /// For all but the watch. It changes nothing while the fence is shut.
    pub work: Client,
    /// For the watch.
    pub watch: Client,
}

/// Makes both clients. Every request of the watch is reported to `health`.
pub fn clients(config: &Config, fence: Fence, health: Health) -> kube::Result<Clients> {
    let with_read_timeout = |read_timeout: Duration| {
        let mut config = config.clone();
        // The controller retries whole passes. Retries in here would multiply with them, and be sent without asking the fence.
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // Without one, a connection that died silently is waited for without end.
        config.read_timeout = Some(read_timeout);
        client_builder(&config)
    };
    let check = move |request: Request<Body>| -> Result<_, NotLeader> {
        if *request.method() != Method::GET {
            fence.check()?;
        }
        Ok(request)
    };
    let note = move |request: Request<Body>| -> Result<_, NotLeader> {
        health.watch_asks(request.uri().path());
        Ok(request)
    };
    Ok(Clients {
        work: with_read_timeout(ANSWER_TIMEOUT)?.with_layer(&FilterLayer::new(check)).build(),
        watch: with_read_timeout(SILENCE)?.with_layer(&FilterLayer::new(note)).build(),
    })
}

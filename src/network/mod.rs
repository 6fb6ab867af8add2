//! The way from here to AWS and to Kubernetes: proxies, and the reasons why a connection fails.

mod connection_problem;
mod no_proxy;
mod proxies;
mod proxy_url;
#[cfg(test)]
pub(crate) mod test_server;

pub use connection_problem::ConnectionProblem;
pub use proxies::Proxies;
pub use proxy_url::{InvalidProxy, ProxyScheme, ProxyUrl};

use http::Uri;

/// The host of a URL, an IPv6 address without its brackets.
#[must_use]
pub fn host(url: &Uri) -> &str {
    let host = url.host().unwrap_or_default();
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

//! Connections to the Kubernetes API.

use std::error::Error;
use std::time::Duration;

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::{Client, Config};
use tower::util::BoxService;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

use super::error::NoAnswer;
use crate::network::{ProxyScheme, ProxyUrl};

/// Time after which a connection that nothing uses is closed. Firewalls, NAT gateways and load balancers forget a silent connection, some after
/// 60 s, and most of them do so silently: the next request would wait for its whole time-out.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// Interval of the probes that keep a watch from looking silent to them.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The service that carries requests to the Kubernetes API.
pub type Connections = BoxService<Request<Body>, Response<Incoming>, BoxError>;

/// A client for `config`, with the time-outs that it names.
pub fn client(config: &Config) -> kube::Result<Client> {
    Ok(client_builder(config)?.build())
}

/// As [`client`], for layers on top.
pub fn client_builder(config: &Config) -> kube::Result<ClientBuilder<Connections>> {
    with_idle_timeout(config, IDLE_TIMEOUT)
}

fn with_idle_timeout(config: &Config, idle_timeout: Duration) -> kube::Result<ClientBuilder<Connections>> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_keepalive(Some(KEEP_ALIVE));
    let Some(url) = &config.proxy_url else { return over(tcp, config, idle_timeout) };
    // `config` has read it once.
    let proxy = ProxyUrl::parse("", &url.to_string())
        .map_err(|_| kube::Error::ProxyProtocolUnsupported { proxy_url: Box::new(url.clone()) })?;
    match proxy.scheme {
        ProxyScheme::Http => over(tunnel(&proxy, tcp), config, idle_timeout),
        ProxyScheme::Https => {
            // `tls-server-name` is the name of the API server.
            let mut to_proxy = config.clone();
            to_proxy.tls_server_name = None;
            over(tunnel(&proxy, to_proxy.rustls_https_connector_with_connector(tcp)?), config, idle_timeout)
        }
        ProxyScheme::Socks5 => {
            let socks = SocksV5::new(proxy.url(), tcp);
            match proxy.credentials() {
                Some((user, password)) => over(socks.with_auth(user, password), config, idle_timeout),
                None => over(socks, config, idle_timeout),
            }
        }
    }
}

fn tunnel<C>(proxy: &ProxyUrl, connector: C) -> Tunnel<C> {
    let tunnel = Tunnel::new(proxy.url(), connector);
    match proxy.authorization() {
        Some(header) => tunnel.with_auth(header),
        None => tunnel,
    }
}

fn over<C>(connector: C, config: &Config, idle_timeout: Duration) -> kube::Result<ClientBuilder<Connections>>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + Read + Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Error + Send + Sync + 'static,
{
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(connector)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    let connections = HttpClient::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(idle_timeout)
        .build(connector);
    let server = config.cluster_url.clone();
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(move |error| BoxError::from(NoAnswer::new(&server, error)))
        .service(connections);
    Ok(ClientBuilder::new(service.boxed(), config.default_namespace.clone()))
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;
    use crate::network::test_server::ForgetfulServer;

    #[tokio::test]
    async fn a_connection_that_rested_is_not_used_again() {
        const REST: Duration = Duration::from_millis(50);
        let server = ForgetfulServer::start().await;
        let mut config = Config::new(format!("http://{}", server.address).parse().unwrap());
        config.read_timeout = Some(Duration::from_secs(5));
        let client = with_idle_timeout(&config, REST).unwrap().build();
        let read = || client.request_text(Request::get("/").body(Vec::new()).unwrap());
        read().await.unwrap();
        sleep(2 * REST).await;
        read().await.unwrap();
        assert_eq!(server.connections(), 2);
    }

    #[test]
    fn connections_rest_for_less_time_than_networks_remember_them() {
        assert!(IDLE_TIMEOUT <= Duration::from_secs(30));
    }
}

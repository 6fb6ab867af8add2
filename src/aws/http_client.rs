//! The HTTP client of all AWS clients and of all sources of credentials.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use http::Uri;
use ipnet::IpNet;
use thiserror::Error;

use crate::network::{InvalidProxy, Proxies, ProxyScheme, ProxyUrl, host};

/// Time after which a connection that nothing uses is closed. NAT gateways forget a connection after 350 s, many firewalls and proxies after 60 s
/// or less, and most of them do so silently: the next call would wait for its whole time-out.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The networks of the sources of credentials on an instance: the metadata of EC2, and the agents of ECS and EKS Pod Identity.
const LINK_LOCAL: [&str; 3] = ["169.254.0.0/16", "fe80::/10", "fd00:ec2::/32"];

/// The environment names a proxy that the AWS clients cannot use.
#[derive(Debug, Error)]
enum UnusableProxy {
    #[error(transparent)]
    Invalid(#[from] InvalidProxy),
    #[error(
        "{0} names a SOCKS proxy, which the AWS SDK cannot use: name an HTTP proxy, or name the hosts of AWS in NO_PROXY (.amazonaws.com)"
    )]
    Socks(&'static str),
}

/// An HTTP client that trusts the certificates of `tls` and uses the proxies where they apply.
#[must_use]
pub fn http_client(proxies: Proxies, tls: &TlsContext) -> SharedHttpClient {
    let direct = client(ProxyConfig::disabled(), tls, IDLE_TIMEOUT);
    if proxies.is_empty() {
        return direct;
    }
    let route = |proxy: &ProxyUrl| {
        let config = ProxyConfig::all(proxy.url_with_credentials()).ok()?;
        Some((proxy.clone(), client(config, tls, IDLE_TIMEOUT)))
    };
    let routes = Routes { direct, proxied: proxies.urls().filter_map(route).collect(), proxies };
    SharedHttpClient::new(Routed(Arc::new(routes)))
}

fn client(proxy: ProxyConfig, tls: &TlsContext, idle_timeout: Duration) -> SharedHttpClient {
    let tls = tls.clone();
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(tls.clone())
            .proxy_config(proxy.clone())
            .pool_idle_timeout(idle_timeout);
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.build()
    })
}

/// A client for each way to AWS. A client opens its connections when it gets its first call.
#[derive(Debug)]
struct Routes {
    direct: SharedHttpClient,
    proxied: Vec<(ProxyUrl, SharedHttpClient)>,
    proxies: Proxies,
}

impl Routes {
    fn client_for(&self, url: &Uri) -> Result<&SharedHttpClient, UnusableProxy> {
        if is_link_local(host(url)) {
            return Ok(&self.direct);
        }
        let Some(proxy) = self.proxies.proxy_for(url)? else { return Ok(&self.direct) };
        if proxy.scheme == ProxyScheme::Socks5 {
            return Err(UnusableProxy::Socks(proxy.source));
        }
        let known = self.proxied.iter().find(|(known, _)| known == proxy);
        let (_, client) = known.ok_or(InvalidProxy { setting: proxy.source })?;
        Ok(client)
    }
}

/// True for an address of the machine's own network, where no proxy leads.
fn is_link_local(host: &str) -> bool {
    let Ok(address) = host.parse::<IpAddr>() else { return false };
    let mut networks = LINK_LOCAL.iter().filter_map(|network| network.parse::<IpNet>().ok());
    networks.any(|network| network.contains(&address.to_canonical()))
}

#[derive(Debug)]
struct Routed(Arc<Routes>);

impl HttpClient for Routed {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(RoutedConnector {
            routes: Arc::clone(&self.0),
            settings: settings.clone(),
            components: components.clone(),
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.direct.connector_metadata()
    }
}

#[derive(Debug)]
struct RoutedConnector {
    routes: Arc<Routes>,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for RoutedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let url: Uri = match request.uri().parse() {
            Ok(url) => url,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(Box::new(error)))),
        };
        match self.routes.client_for(&url) {
            // The client keeps its connector and connections from call to call.
            Ok(client) => client.http_connector(&self.settings, &self.components).call(request),
            Err(unusable) => HttpConnectorFuture::ready(Err(ConnectorError::user(Box::new(unusable)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_config::retry::RetryConfig;
    use aws_config::timeout::TimeoutConfig;
    use aws_sdk_sts::config::{BehaviorVersion, Credentials, Region};
    use tokio::time::sleep;

    use super::*;
    use crate::network::test_server::ForgetfulServer;

    fn routes(variables: &[(&str, &str)]) -> Routes {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let proxies = Proxies::read(get);
        let client = client(ProxyConfig::disabled(), &TlsContext::default(), IDLE_TIMEOUT);
        Routes { proxied: proxies.urls().map(|url| (url.clone(), client.clone())).collect(), direct: client, proxies }
    }

    fn is_direct(routes: &Routes, url: &'static str) -> bool {
        std::ptr::eq(routes.client_for(&Uri::from_static(url)).unwrap(), &raw const routes.direct)
    }

    #[test]
    fn sources_of_credentials_on_this_machine_are_reached_without_a_proxy() {
        let routes =
            routes(&[("HTTP_PROXY", "http://proxy:1"), ("HTTPS_PROXY", "http://proxy:2"), ("NO_PROXY", "near")]);
        for url in [
            "http://169.254.169.254/latest/meta-data",
            "http://[fd00:ec2::254]/latest/meta-data",
            "http://169.254.170.2/v2/credentials",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
            "http://[::ffff:169.254.169.254]/",
            "http://[fe80::1]/",
            "http://localhost:1338/",
            "http://127.0.0.1:1338/",
            "http://[::1]:1338/",
            "https://near/",
        ] {
            assert!(is_direct(&routes, url), "{url}");
        }
        for url in
            ["https://sts.eu-west-1.amazonaws.com/", "http://aws.example/", "http://10.0.0.1/", "http://[fd00::1]/"]
        {
            assert!(!is_direct(&routes, url), "{url}");
        }
    }

    #[test]
    fn a_socks_proxy_is_refused_where_it_would_be_used() {
        let routes = routes(&[("HTTPS_PROXY", "socks5://proxy:1"), ("NO_PROXY", "near")]);
        assert!(is_direct(&routes, "https://near/"));
        let refused = routes.client_for(&Uri::from_static("https://far/")).unwrap_err().to_string();
        assert!(refused.starts_with("HTTPS_PROXY names a SOCKS proxy"), "{refused}");
    }

    async fn call(config: &aws_sdk_sts::Config) -> bool {
        aws_sdk_sts::Client::from_conf(config.clone()).get_caller_identity().send().await.is_ok()
    }

    #[tokio::test]
    async fn a_connection_that_rested_is_not_used_again() {
        const REST: Duration = Duration::from_millis(50);
        let server = ForgetfulServer::start().await;
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .endpoint_url(format!("http://{}", server.address))
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().read_timeout(Duration::from_secs(5)).build())
            .http_client(client(ProxyConfig::disabled(), &TlsContext::default(), REST))
            .build();
        call(&config).await;
        sleep(2 * REST).await;
        call(&config).await;
        assert_eq!(server.connections(), 2);
    }

    #[test]
    fn connections_rest_for_less_time_than_networks_remember_them() {
        assert!(IDLE_TIMEOUT <= Duration::from_secs(30));
    }
}

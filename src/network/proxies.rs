//! The proxies that the environment names.

use std::env;
use std::net::IpAddr;

use http::Uri;

use super::host;
use super::no_proxy::NoProxy;
use super::proxy_url::{InvalidProxy, ProxyUrl};

/// Port of URLs without one.
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in capitals or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    http: Option<Result<ProxyUrl, InvalidProxy>>,
    https: Option<Result<ProxyUrl, InvalidProxy>>,
    no_proxy: NoProxy,
}

impl Proxies {
    /// The proxies that kubectl would use here.
    #[must_use]
    pub fn of_kubectl() -> Self {
        Self::read(|name| env::var(name).ok())
    }

    /// The proxies to AWS. The AWS SDK for Rust knows `ALL_PROXY` as well.
    #[must_use]
    pub fn of_aws() -> Self {
        Self::read(|name| env::var(name).ok()).or_all_proxy(|name| env::var(name).ok())
    }

    /// Reads variables by `get`. Those in small letters come first, as in Go.
    #[must_use]
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            http: proxy("http_proxy", "HTTP_PROXY", &get),
            https: proxy("https_proxy", "HTTPS_PROXY", &get),
            no_proxy: NoProxy::parse(&first("no_proxy", "NO_PROXY", &get).map(|(_, list)| list).unwrap_or_default()),
        }
    }

    /// Takes `ALL_PROXY` where there is no proxy.
    #[must_use]
    pub fn or_all_proxy(mut self, get: impl Fn(&str) -> Option<String>) -> Self {
        let all = proxy("all_proxy", "ALL_PROXY", &get);
        self.http = self.http.or_else(|| all.clone());
        self.https = self.https.or(all);
        self
    }

    /// True if no URL is reached through a proxy.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// The proxies.
    pub fn urls(&self) -> impl Iterator<Item = &ProxyUrl> {
        [&self.http, &self.https].into_iter().flatten().filter_map(|proxy| proxy.as_ref().ok())
    }

    /// The proxy on the way to `url`, if there is one. Loopback is never reached through a proxy.
    pub fn proxy_for(&self, url: &Uri) -> Result<Option<&ProxyUrl>, InvalidProxy> {
        let (proxy, default_port) = match url.scheme_str() {
            Some("https") => (&self.https, HTTPS_PORT),
            Some("http") => (&self.http, HTTP_PORT),
            _ => return Ok(None),
        };
        let host = host(url);
        if is_loopback(host) || self.no_proxy.contains(host, url.port_u16().unwrap_or(default_port)) {
            return Ok(None);
        }
        proxy.as_ref().map(|proxy| proxy.as_ref().map_err(Clone::clone)).transpose()
    }
}

fn first(
    small: &'static str,
    capital: &'static str,
    get: impl Fn(&str) -> Option<String>,
) -> Option<(&'static str, String)> {
    [small, capital].into_iter().find_map(|name| Some((name, get(name).filter(|value| !value.is_empty())?)))
}

fn proxy(
    small: &'static str,
    capital: &'static str,
    get: impl Fn(&str) -> Option<String>,
) -> Option<Result<ProxyUrl, InvalidProxy>> {
    first(small, capital, get).map(|(name, value)| ProxyUrl::parse(name, &value))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Proxies::read(get).or_all_proxy(get)
    }

    fn used(variables: &[(&str, &str)], url: &'static str) -> Option<String> {
        let proxies = proxies(variables);
        proxies.proxy_for(&Uri::from_static(url)).unwrap().map(|proxy| proxy.address.to_string())
    }

    #[test]
    fn each_scheme_has_its_proxy_and_small_letters_come_first() {
        let both = [("HTTP_PROXY", "plain:1"), ("HTTPS_PROXY", "secure:2")];
        assert_eq!(used(&both, "https://a").as_deref(), Some("secure:2"));
        assert_eq!(used(&both, "http://a").as_deref(), Some("plain:1"));
        assert_eq!(used(&[("HTTPS_PROXY", "a:1"), ("https_proxy", "b:2")], "https://a").as_deref(), Some("b:2"));
        assert_eq!(used(&[("HTTPS_PROXY", "a:1"), ("https_proxy", "")], "https://a").as_deref(), Some("a:1"));
        assert_eq!(used(&[("HTTP_PROXY", "a:1")], "https://a"), None);
        assert_eq!(used(&[("ALL_PROXY", "a:1")], "https://a").as_deref(), Some("a:1"));
    }

    #[test]
    fn no_proxy_names_servers_and_loopback_needs_no_name() {
        let with = |no_proxy| [("HTTPS_PROXY", "p:1"), ("NO_PROXY", no_proxy)];
        assert_eq!(used(&with("k8s.example:6443"), "https://k8s.example:6443"), None);
        assert_eq!(used(&with("k8s.example:443"), "https://k8s.example"), None);
        assert_eq!(used(&with("172.20.0.0/16"), "https://172.20.0.1:443"), None);
        assert_eq!(used(&with(""), "https://172.20.0.1:443").as_deref(), Some("p:1"));
        for url in ["https://localhost:1", "https://127.0.0.2", "https://[::1]:1"] {
            assert_eq!(used(&with(""), url), None, "{url}");
        }
    }

    #[test]
    fn a_wrong_proxy_matters_only_where_it_is_used() {
        let proxies = proxies(&[("HTTPS_PROXY", "socks4://p:1"), ("NO_PROXY", "near")]);
        assert_eq!(proxies.proxy_for(&Uri::from_static("https://near")), Ok(None));
        assert!(proxies.proxy_for(&Uri::from_static("https://far")).is_err());
    }
}

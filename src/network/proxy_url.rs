//! The URL of a proxy.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use thiserror::Error;

/// The protocol that a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyScheme {
    /// `CONNECT` over TCP.
    Http,
    /// `CONNECT` over TLS.
    Https,
    /// SOCKS 5; the proxy resolves names.
    Socks5,
}

impl ProxyScheme {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            "socks5" | "socks5h" => Some(Self::Socks5),
            _ => None,
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 => 1080,
        }
    }
}

/// A proxy, and where its URL was set.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl {
    /// The setting that names the proxy: an environment variable, or a field of the kubeconfig.
    pub source: &'static str,
    /// The protocol to the proxy.
    pub scheme: ProxyScheme,
    /// Host and port.
    pub address: Authority,
    userinfo: Option<String>,
}

/// A setting that names no proxy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{setting} is not the URL of a proxy: write http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT")]
pub struct InvalidProxy {
    /// The environment variable, or the field of the kubeconfig. Its value may contain a password, so it is not repeated.
    pub setting: &'static str,
}

impl ProxyUrl {
    /// Reads `text`, which `source` is set to. A URL without a scheme is that of an HTTP proxy.
    pub fn parse(source: &'static str, text: &str) -> Result<Self, InvalidProxy> {
        let invalid = || InvalidProxy { setting: source };
        let text = text.trim();
        let url = if text.contains("://") { text.parse() } else { format!("http://{text}").parse() };
        let url: Uri = url.map_err(|_| invalid())?;
        let scheme = url.scheme_str().and_then(ProxyScheme::parse).ok_or_else(invalid)?;
        let authority = url.authority().filter(|authority| !authority.host().is_empty()).ok_or_else(invalid)?;
        let (userinfo, address) = match authority.as_str().rsplit_once('@') {
            Some((userinfo, address)) => (Some(userinfo.to_owned()), address),
            None => (None, authority.as_str()),
        };
        let address = if authority.port().is_some() {
            address.to_owned()
        } else {
            format!("{}:{}", address.trim_end_matches(':'), scheme.default_port())
        };
        Ok(Self { source, scheme, address: address.parse().map_err(|_| invalid())?, userinfo })
    }

    /// User and password, decoded.
    #[must_use]
    pub fn credentials(&self) -> Option<(String, String)> {
        let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (user, password) = self.userinfo.as_deref().map(|text| text.split_once(':').unwrap_or((text, "")))?;
        Some((decoded(user), decoded(password)))
    }

    /// The header with user and password.
    #[must_use]
    pub fn authorization(&self) -> Option<HeaderValue> {
        let (user, password) = self.credentials()?;
        let mut header =
            HeaderValue::try_from(format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// The URL without user and password.
    #[must_use]
    pub fn url(&self) -> Uri {
        self.with_authority(self.address.as_str())
    }

    /// The URL with user and password.
    #[must_use]
    pub fn url_with_credentials(&self) -> Uri {
        match &self.userinfo {
            Some(userinfo) => self.with_authority(&format!("{userinfo}@{}", self.address)),
            None => self.url(),
        }
    }

    fn with_authority(&self, authority: &str) -> Uri {
        let scheme = match self.scheme {
            ProxyScheme::Http => Scheme::HTTP,
            ProxyScheme::Https => Scheme::HTTPS,
            ProxyScheme::Socks5 => Scheme::try_from("socks5").unwrap_or(Scheme::HTTP),
        };
        Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build().unwrap_or_default()
    }
}

/// Without user and password: they are a secret.
impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.source, self.scheme, self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ProxyUrl {
        ProxyUrl::parse("HTTPS_PROXY", text).unwrap()
    }

    #[test]
    fn a_proxy_may_be_written_without_scheme_and_port() {
        for (text, url) in [
            ("proxy:3128", "http://proxy:3128/"),
            ("proxy", "http://proxy:80/"),
            (" http://proxy:3128/path ", "http://proxy:3128/"),
            ("https://proxy", "https://proxy:443/"),
            ("socks5h://proxy", "socks5://proxy:1080/"),
            ("http://[fd00::1]", "http://[fd00::1]:80/"),
        ] {
            assert_eq!(parsed(text).url().to_string(), url, "{text}");
        }
        for text in ["socks4://proxy", "ftp://proxy", "http://", "a b"] {
            let error = ProxyUrl::parse("HTTPS_PROXY", text).unwrap_err().to_string();
            assert!(error.starts_with("HTTPS_PROXY is not the URL of a proxy: write http://"), "{error}");
        }
    }

    #[test]
    fn credentials_are_decoded_and_never_printed() {
        let proxy = parsed("http://me:s%40cret@proxy:3128");
        assert_eq!(proxy.credentials(), Some(("me".to_owned(), "s@cret".to_owned())));
        assert_eq!(proxy.url_with_credentials().to_string(), "http://me:s%40cret@proxy:3128/");
        assert!(!format!("{proxy:?}").contains("cret"));
        assert_eq!(proxy.authorization().unwrap(), "Basic bWU6c0BjcmV0");
        assert_eq!(parsed("http://proxy").credentials(), None);
    }
}

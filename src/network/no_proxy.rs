//! `NO_PROXY`, with the meaning that it has for kubectl and for every program that uses Go's `httpproxy`.

use std::net::IpAddr;

use ipnet::IpNet;

/// Hosts that are reached without a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxy(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    All,
    Network(IpNet),
    Address(IpAddr, Option<u16>),
    Domain {
        /// With a dot in front.
        suffix: String,
        port: Option<u16>,
        /// True if the entry means the domain itself as well as what is below it.
        itself: bool,
    },
}

impl NoProxy {
    /// Reads a list with commas. An entry that makes no sense is passed over, as by kubectl.
    pub fn parse(text: &str) -> Self {
        Self(text.split(',').filter_map(|entry| Entry::parse(&entry.trim().to_lowercase())).collect())
    }

    /// True if the host is reached without a proxy.
    pub fn contains(&self, host: &str, port: u16) -> bool {
        let host = host.trim().to_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        self.0.iter().any(|entry| entry.matches(&host, address, port))
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        if let Ok(network) = text.parse() {
            return Some(Self::Network(network));
        }
        let (host, port) = split_port(text)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = host.parse() {
            return Some(Self::Address(address, port));
        }
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        if host.is_empty() {
            return None;
        }
        let itself = !host.starts_with('.');
        let suffix = if itself { format!(".{host}") } else { host.to_owned() };
        Some(Self::Domain { suffix, port, itself })
    }

    fn matches(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        match (self, address) {
            (Self::All, _) => true,
            (Self::Network(network), Some(address)) => network.contains(&address.to_canonical()),
            (Self::Address(own, own_port), Some(address)) => {
                own.to_canonical() == address.to_canonical() && own_port.is_none_or(|own| own == port)
            }
            (Self::Domain { suffix, port: own_port, itself }, None) => {
                let is_it = *itself && host == &suffix[1..];
                (is_it || host.ends_with(suffix)) && own_port.is_none_or(|own| own == port)
            }
            _ => false,
        }
    }
}

/// Splits `HOST:PORT` and `[IPv6]:PORT`; an address of IPv6 without brackets has no port.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => Some((host, Some(port.parse().ok()?))),
        _ => Some((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_mean_what_they_mean_to_kubectl() {
        for (list, host, port, expected) in [
            ("example.com", "example.com", 443, true),
            ("example.com", "API.Example.com", 443, true),
            ("example.com", "notexample.com", 443, false),
            (".example.com", "a.example.com", 443, true),
            (".example.com", "example.com", 443, false),
            ("*.example.com", "a.example.com", 443, true),
            ("*.example.com", "example.com", 443, false),
            ("a, b ,", "b", 443, true),
            ("example.com:8443", "example.com", 8443, true),
            ("example.com:8443", "example.com", 443, false),
            ("10.0.0.0/8", "10.1.2.3", 443, true),
            ("10.0.0.0/8", "11.1.2.3", 443, false),
            ("10.0.0.0/8", "10.example.com", 443, false),
            ("10.1.2.3", "10.1.2.3", 443, true),
            ("10.1.2.3:443", "10.1.2.3", 6443, false),
            ("10.1.2.3:443", "10.1.2.3", 443, true),
            ("fd00::1", "fd00::1", 443, true),
            ("[fd00::1]:443", "fd00:0::1", 443, true),
            ("[fd00::1]:443", "fd00::1", 80, false),
            ("fd00::/8", "fd12::1", 443, true),
            ("*", "anything", 1, true),
            ("*", "10.0.0.1", 1, true),
            ("", "anything", 1, false),
            (":443", "anything", 443, false),
            ("example.com:https", "example.com", 443, false),
        ] {
            assert_eq!(NoProxy::parse(list).contains(host, port), expected, "NO_PROXY={list} {host}:{port}");
        }
    }
}

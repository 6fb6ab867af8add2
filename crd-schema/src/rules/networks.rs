//! The functions `isCIDR`, `cidr` and `masked` of Kubernetes, which CEL itself lacks. A network is its text here.

use std::net::IpAddr;
use std::sync::Arc;

use cel::extractors::This;
use cel::{Context, DeclarationError, ExecutionError};
use ipnet::IpNet;

/// Declares the functions for one evaluation.
pub fn declare(context: &mut Context) -> Result<(), DeclarationError> {
    context.add_function("isCIDR", |text: Arc<String>| network(&text).is_some())?;
    context.add_function("cidr", |text: Arc<String>| {
        let network = network(&text).ok_or_else(|| ExecutionError::function_error("cidr", "not a network"))?;
        Ok::<_, ExecutionError>(Arc::new(network.to_string()))
    })?;
    context.add_function("masked", |This(text): This<Arc<String>>| {
        let network = network(&text).ok_or_else(|| ExecutionError::function_error("masked", "not a network"))?;
        Ok::<_, ExecutionError>(Arc::new(network.trunc().to_string()))
    })
}

/// A network in CIDR notation. Kubernetes refuses IPv4 addresses in IPv6 form, and lengths with leading zeros.
fn network(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    // The standard library is as strict about addresses as Go, which `ipnet` is not.
    let address: IpAddr = address.parse().ok()?;
    let is_mapped = matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
    let has_leading_zero = length.len() > 1 && length.starts_with('0');
    let is_number = length.chars().all(|digit| digit.is_ascii_digit());
    if is_mapped || has_leading_zero || !is_number {
        return None;
    }
    IpNet::new(address, length.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_those_of_kubernetes() {
        for right in ["10.0.0.0/8", "10.0.0.1/8", "0.0.0.0/0", "2001:db8::/32", "::/0"] {
            assert!(network(right).is_some(), "{right}");
        }
        for wrong in [
            "",
            "10.0.0.0",
            "10.0.0.0/08",
            "10.0.0.0/33",
            "010.0.0.0/8",
            "::ffff:10.0.0.0/104",
            "a/8",
            "fe80::1%eth0/64",
        ] {
            assert!(network(wrong).is_none(), "{wrong}");
        }
    }
}

//! The reasons why a connection fails that a person can do something about.

use std::error::Error;
use std::io;

use rustls::{CertificateError, Error as TlsError};

/// A reason why a connection fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionProblem {
    /// The server's certificate comes from an authority that is not trusted.
    UnknownIssuer,
    /// The server's certificate is for another host.
    OtherHost,
    /// The server's certificate is valid at another time.
    OutOfDate,
    /// The server does not speak TLS, or another version of it.
    NoTls,
    /// The proxy wants a user and a password.
    ProxyCredentials,
    /// The proxy does not connect to the host.
    ProxyRefusal,
    /// The proxy cannot be reached.
    ProxyUnreachable,
}

/// The beginnings of hyper-util's errors of proxies; their types are private.
const TUNNEL: &str = "tunnel error: ";
const SOCKS: &str = "SOCKS error: ";
/// Both errors for a proxy without a connection.
const NOT_CONNECTED: &str = "failed to create underlying connection";
/// The errors for an HTTP proxy that answers 407, and for a SOCKS proxy that refuses the user.
const WANTS_CREDENTIALS: [&str; 2] = ["proxy authorization required", "credentials not accepted"];

impl ConnectionProblem {
    /// The reason in the chain of causes of `error`, if it is one of these.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        let mut found = None;
        while let Some(cause) = next {
            // The innermost says most: a proxy that is reached over TLS may have the wrong certificate.
            found = Self::of_one(cause).or(found);
            next = inner(cause);
        }
        found
    }

    fn of_one(error: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(tls) = error.downcast_ref::<TlsError>() {
            return Self::of_tls(tls);
        }
        let text = error.to_string();
        let what = text.strip_prefix(TUNNEL).or_else(|| text.strip_prefix(SOCKS))?;
        Some(match what {
            NOT_CONNECTED => Self::ProxyUnreachable,
            _ if WANTS_CREDENTIALS.iter().any(|wants| what.contains(wants)) => Self::ProxyCredentials,
            _ => Self::ProxyRefusal,
        })
    }

    fn of_tls(error: &TlsError) -> Option<Self> {
        Some(match error {
            TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => Self::UnknownIssuer,
            TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => Self::OtherHost,
            TlsError::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            ) => Self::OutOfDate,
            TlsError::InvalidMessage(_) | TlsError::PeerIncompatible(_) => Self::NoTls,
            _ => return None,
        })
    }
}

/// The cause of an error. An `io::Error` leaves out the error that it carries.
fn inner<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|carried| carried as &(dyn Error + 'static)),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_errors_are_found_inside_others() {
        for (certificate, expected) in [
            (CertificateError::UnknownIssuer, ConnectionProblem::UnknownIssuer),
            (CertificateError::NotValidForName, ConnectionProblem::OtherHost),
            (CertificateError::Expired, ConnectionProblem::OutOfDate),
        ] {
            let tls = io::Error::new(io::ErrorKind::InvalidData, TlsError::InvalidCertificate(certificate));
            assert_eq!(ConnectionProblem::of(&io::Error::other(tls)), Some(expected));
        }
        assert_eq!(ConnectionProblem::of(&io::Error::other("else")), None);
    }

    #[test]
    fn errors_of_proxies_are_told_apart() {
        for (text, expected) in [
            ("tunnel error: proxy authorization required", ConnectionProblem::ProxyCredentials),
            ("tunnel error: unsuccessful", ConnectionProblem::ProxyRefusal),
            ("tunnel error: failed to create underlying connection", ConnectionProblem::ProxyUnreachable),
            ("SOCKS error: failed to create underlying connection", ConnectionProblem::ProxyUnreachable),
        ] {
            assert_eq!(ConnectionProblem::of(&io::Error::other(text)), Some(expected), "{text}");
        }
    }
}

//! Errors of the Kubernetes API in words for people.

use std::error::Error;
use std::fmt;

use http::Uri;
use tower::BoxError;

/// The API server did not answer a request.
#[derive(Debug)]
pub struct NoAnswer {
    server: String,
    source: BoxError,
}

impl NoAnswer {
    pub(super) fn new(server: &Uri, source: impl Into<BoxError>) -> Self {
        Self { server: address(server), source: source.into() }
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no answer from the API server {}", self.server)?;
        let mut cause: Option<&dyn Error> = Some(self.source.as_ref());
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for NoAnswer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// The address without a user and a password.
fn address(server: &Uri) -> String {
    let scheme = server.scheme_str().unwrap_or("https");
    let port = server.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{}{port}{}", server.host().unwrap_or_default(), server.path().trim_end_matches('/'))
}

/// The API server's own message, or the reason why there is none.
#[must_use]
pub fn message(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        kube::Error::Api(status) => format!("the API server answers {} {}", status.code, status.reason),
        kube::Error::Service(error) => error.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Namespace;
    use kube::Config;
    use kube::api::Api;
    use kube::core::Status;

    use super::*;

    #[test]
    fn a_refusal_is_the_api_servers_message_only() {
        let text = "events is forbidden: User \"u\" cannot list resource \"events\"";
        let status =
            Status { code: 403, message: text.to_owned(), reason: "Forbidden".to_owned(), ..Status::default() };
        assert_eq!(message(&kube::Error::Api(Box::new(status.clone()))), text);
        let bare = Status { message: String::new(), ..status };
        assert_eq!(message(&kube::Error::Api(Box::new(bare))), "the API server answers 403 Forbidden");
    }

    #[tokio::test]
    async fn a_connection_that_fails_names_the_server_and_the_cause() {
        // No process listens on port 1.
        let config = Config::new("http://127.0.0.1:1".parse().unwrap());
        let namespaces: Api<Namespace> = Api::all(super::super::client(&config).unwrap());
        let text = message(&namespaces.get("kube-system").await.unwrap_err());
        assert!(
            text.starts_with("no answer from the API server http://127.0.0.1:1: client error (Connect): "),
            "{text}"
        );
        assert!(text.contains("Connection refused"), "{text}");
    }

    #[test]
    fn the_address_has_no_password() {
        assert_eq!(address(&Uri::from_static("https://me:secret@k8s.example:6443/a/")), "https://k8s.example:6443/a");
    }
}

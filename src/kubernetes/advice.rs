use crate::network::ConnectionProblem;

/// The remedy for a connection to the Kubernetes API that fails.
#[must_use]
pub const fn advice(problem: ConnectionProblem) -> &'static str {
    match problem {
        ConnectionProblem::UnknownIssuer => {
            "the kubeconfig does not name the authority that signed this certificate (certificate-authority-data); if a proxy inspects TLS, name \
             the API server in NO_PROXY"
        }
        ConnectionProblem::OtherHost => {
            "this certificate is for another host: check the server of the kubeconfig, or set its tls-server-name"
        }
        ConnectionProblem::OutOfDate => {
            "this certificate is not valid at the present time: check the clock, or renew the certificate"
        }
        ConnectionProblem::NoTls => {
            "the server does not speak TLS, or no version that is still safe: check the server of the kubeconfig"
        }
        ConnectionProblem::ProxyCredentials => {
            "the proxy requires a user and a password: http://USER:PASSWORD@HOST:PORT in HTTPS_PROXY or in proxy-url of the kubeconfig"
        }
        ConnectionProblem::ProxyRefusal => {
            "the proxy of HTTPS_PROXY, or of proxy-url in the kubeconfig, refuses to connect to the API server: allow it there, or name the server \
             in NO_PROXY"
        }
        ConnectionProblem::ProxyUnreachable => {
            "the proxy of HTTPS_PROXY, or of proxy-url in the kubeconfig, cannot be reached: check its address, or name the API server in NO_PROXY"
        }
    }
}

use crate::network::ConnectionProblem;

/// The remedy for a connection to AWS that fails.
pub const fn advice(problem: ConnectionProblem) -> &'static str {
    match problem {
        ConnectionProblem::UnknownIssuer => {
            "set AWS_CA_BUNDLE to a PEM file with the authority that signed this certificate, such as that of a proxy that inspects TLS"
        }
        ConnectionProblem::OtherHost => {
            "this certificate is for another host: a proxy or another server answers in place of AWS"
        }
        ConnectionProblem::OutOfDate => "this certificate is not valid at the present time: check the clock",
        ConnectionProblem::NoTls => "the server does not speak TLS: a proxy or another server answers in place of AWS",
        ConnectionProblem::ProxyCredentials => {
            "the proxy requires a user and a password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
        }
        ConnectionProblem::ProxyRefusal => {
            "the proxy of HTTPS_PROXY refuses to connect to this host: allow it there, or name the host in NO_PROXY"
        }
        ConnectionProblem::ProxyUnreachable => {
            "the proxy of HTTPS_PROXY cannot be reached: check its address, or name the host in NO_PROXY"
        }
    }
}

use crate::network::failure::Failure;

/// What to do about a connection to AWS that fails.
pub const fn advice(failure: Failure) -> &'static str {
    match failure {
        Failure::UnknownIssuer => {
            "set AWS_CA_BUNDLE to a PEM file with the authority that signed this certificate, such as that of a proxy that inspects TLS"
        }
        Failure::OtherHost => "this certificate is for another host: a proxy or another server answers in place of AWS",
        Failure::OutOfDate => "this certificate is not valid at the present time: check the clock",
        Failure::NoTls => "the server does not speak TLS: a proxy or another server answers in place of AWS",
        Failure::ProxyCredentials => {
            "the proxy requires a user and a password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
        }
        Failure::ProxyRefusal => {
            "the proxy of HTTPS_PROXY refuses to connect to this host: allow it there, or name the host in NO_PROXY"
        }
        Failure::ProxyUnreachable => {
            "the proxy of HTTPS_PROXY cannot be reached: check its address, or name the host in NO_PROXY"
        }
    }
}

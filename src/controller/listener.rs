//! The socket of metrics and health.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Listens on `address`. `[::]` means all addresses of IPv6 and of IPv4; where the kernel has no IPv6, those of IPv4.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    listen_by(address, open)
}

fn listen_by<T>(address: SocketAddr, open: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    match open(address) {
        Err(error) if address.is_ipv6() && address.ip().is_unspecified() && is_without_ipv6(&error) => {
            open((Ipv4Addr::UNSPECIFIED, address.port()).into())
        }
        opened => opened,
    }
}

/// True unless the error is about the port: kernels report a missing IPv6 in several ways.
fn is_without_ipv6(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // The default is a setting of the kernel.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv6Addr};

    use tokio::net::TcpStream;

    use super::*;

    const ALL: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0);

    #[tokio::test]
    async fn all_addresses_are_those_of_both_versions() {
        let listener = listen(ALL).unwrap();
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        TcpStream::connect(("::1", port)).await.unwrap();
    }

    #[test]
    fn without_ipv6_they_are_those_of_ipv4() {
        let open = |kind: io::ErrorKind| {
            move |address: SocketAddr| if address.is_ipv6() { Err(kind.into()) } else { Ok(address.to_string()) }
        };
        assert_eq!(listen_by(ALL, open(io::ErrorKind::Unsupported)).unwrap(), "0.0.0.0:0");
        assert_eq!(listen_by(ALL, open(io::ErrorKind::AddrNotAvailable)).unwrap(), "0.0.0.0:0");
        assert!(listen_by(ALL, open(io::ErrorKind::AddrInUse)).is_err());
        assert!(listen_by("[::1]:0".parse().unwrap(), open(io::ErrorKind::AddrNotAvailable)).is_err());
    }
}

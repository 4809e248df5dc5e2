//! The PROXY protocol, versions 1 and 2: a load balancer's word on whom it speaks for, before the first byte of TLS or
//! HTTP. <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>

use std::io;
use std::net::SocketAddr;

use ppp::v2::{Command, Protocol};
use ppp::{HeaderResult, v1, v2};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// Reads the header that `socket` must begin with, and not a byte beyond it.
///
/// Gives the client's address; `None` when the peer speaks for itself, as health checks do (`LOCAL`, `UNKNOWN`), or for
/// a client without an IP address.
///
/// # Errors
/// When anything else comes first, or the header is longer than any honest one.
pub(super) async fn read(socket: &mut TcpStream) -> io::Result<Option<SocketAddr>> {
    let mut header = [0; LONGEST];
    let mut length = 0;
    loop {
        // Looked at before it is taken: what follows the header is not ours.
        let room = header.get_mut(length..).unwrap_or_default();
        let seen = socket.peek(room).await?;
        if seen == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let frame = frame(header.get(..length + seen).unwrap_or_default())?;
        let end = frame.unwrap_or(length + seen);
        let part = header.get_mut(length..end).unwrap_or_default();
        socket.read_exact(part).await?;
        length = end;
        if frame.is_some() {
            return client(header.get(..end).unwrap_or_default());
        }
    }
}

/// Where the header ends, once that can be told.
fn frame(seen: &[u8]) -> io::Result<Option<usize>> {
    let v2 = common(seen, v2::PROTOCOL_PREFIX);
    if !v2 && !common(seen, V1_PREFIX) {
        return Err(malformed("no PROXY protocol header"));
    }
    let (end, most) = if v2 {
        let length = seen.get(V2_LENGTH..V2_FIXED).and_then(|two| two.try_into().ok());
        (
            length.map(|two| V2_FIXED + usize::from(u16::from_be_bytes(two))),
            LONGEST,
        )
    } else {
        (
            seen.iter().position(|&byte| byte == b'\n').map(|at| at + 1),
            V1_LONGEST,
        )
    };
    if end.unwrap_or(seen.len() + 1) > most {
        return Err(malformed("the PROXY protocol header is too long"));
    }
    Ok(end.filter(|&end| end <= seen.len()))
}

/// Whether one begins with the other.
fn common(seen: &[u8], prefix: &[u8]) -> bool {
    seen.iter().zip(prefix).all(|(one, other)| one == other)
}

fn client(header: &[u8]) -> io::Result<Option<SocketAddr>> {
    match HeaderResult::parse(header) {
        HeaderResult::V1(Ok(header)) => Ok(match header.addresses {
            v1::Addresses::Tcp4(ip) => Some((ip.source_address, ip.source_port).into()),
            v1::Addresses::Tcp6(ip) => Some((ip.source_address, ip.source_port).into()),
            v1::Addresses::Unknown => None,
        }),
        HeaderResult::V2(Ok(header)) => match (header.command, header.protocol) {
            (Command::Local, _) | (_, Protocol::Unspecified) => Ok(None),
            (Command::Proxy, Protocol::Stream) => Ok(match header.addresses {
                v2::Addresses::IPv4(ip) => Some((ip.source_address, ip.source_port).into()),
                v2::Addresses::IPv6(ip) => Some((ip.source_address, ip.source_port).into()),
                v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
            }),
            (Command::Proxy, Protocol::Datagram) => {
                Err(malformed("the PROXY protocol header tells of no stream"))
            }
        },
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => {
            Err(malformed("a malformed PROXY protocol header"))
        }
    }
}

/// The header's bytes are an unknown peer's and stay out of the log.
fn malformed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

const V1_PREFIX: &[u8] = b"PROXY ";

/// The specification's own bound for version 1, with the line's end.
const V1_LONGEST: usize = 107;

/// Version 2 could reach 64 KiB; addresses take 232 bytes, and what load balancers add below a few hundred.
const LONGEST: usize = 1024;

/// Signature, command, family and length of version 2.
const V2_FIXED: usize = 16;
const V2_LENGTH: usize = 14;

#[cfg(test)]
mod tests;

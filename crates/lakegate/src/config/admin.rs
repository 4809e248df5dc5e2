use std::net::{Ipv4Addr, SocketAddr};

use super::fault::Faults;
use super::given::Given;
use super::server::Server;
use super::{grammar, raw};

/// `[admin]`: liveness, readiness, metrics and status, apart from the callers. No section, no listener.
#[derive(Clone, Debug)]
pub struct Admin {
    /// The address to listen on.
    pub listen: SocketAddr,
}

impl Default for Admin {
    /// - `listen`: 127.0.0.1:9901. It is plain HTTP without authentication, so it stays on the machine.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9901)),
        }
    }
}

impl Admin {
    pub(super) fn from_raw(raw: raw::Admin, server: &Server, faults: &mut Faults) -> Self {
        let apart = |given: &Given<String>| {
            let address = grammar::socket_address(given)?;
            if address.port() != 0 && server.listen.contains(&address) {
                return Err(given.fault("the admin listener needs an address that the server does not use"));
            }
            Ok(address)
        };
        Self {
            listen: raw.listen.parse(faults, apart).unwrap_or(Self::default().listen),
        }
    }
}

use std::net::{Ipv4Addr, SocketAddr};

use super::fault::{Fault, Faults};
use super::server::Server;
use super::{grammar, raw};

/// `[admin]`: liveness, readiness, metrics and status, apart from the callers. No section, no listener.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        let mut admin = Self::default();
        let place = raw.listen.place().unwrap_or(&raw.place).clone();
        raw.listen.set(&mut admin.listen, faults, grammar::socket_address);
        if admin.listen.port() != 0 && server.listen.contains(&admin.listen) {
            let fault = Fault::new(&place, format!("the server listens on {} already", admin.listen));
            faults.record(
                fault.help("the admin listener has no authentication: it needs an address of its own"),
            );
        }
        admin
    }
}

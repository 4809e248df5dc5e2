use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts connections by client, all workers together, so that no client takes the places of all others. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crowd(Arc<Hall>);

#[derive(Debug, Default)]
struct Hall {
    /// Locked for moments, and once for a connection, not for a request.
    clients: Mutex<HashMap<IpAddr, Presence>>,
}

/// A client that has connections.
#[derive(Debug, Default)]
struct Presence {
    connections: usize,
    /// A client that is refused tries again; once it was said, the log has nothing to gain.
    was_told: bool,
}

/// One connection of a client; dropped, it counts no more.
#[derive(Debug)]
pub(super) struct Guest {
    hall: Arc<Hall>,
    client: IpAddr,
}

// === impl Crowd ===

impl Crowd {
    /// One more connection from `address`; `None` when it has `limit` of them, if there is a limit.
    pub(super) fn admit(&self, address: IpAddr, limit: Option<NonZeroUsize>) -> Option<Guest> {
        let client = client(address);
        let limit = limit.map_or(usize::MAX, NonZeroUsize::get);
        let mut clients = self.0.clients();
        let presence = clients.entry(client).or_default();
        if presence.connections >= limit {
            if !std::mem::replace(&mut presence.was_told, true) {
                tracing::warn!(%client, limit, "a client has as many connections as it may; more are closed");
            }
            return None;
        }
        presence.connections += 1;
        Some(Guest {
            hall: Arc::clone(&self.0),
            client,
        })
    }
}

// === impl Hall ===

impl Hall {
    fn clients(&self) -> MutexGuard<'_, HashMap<IpAddr, Presence>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut clients = self.hall.clients();
        if let Some(presence) = clients.get_mut(&self.client) {
            presence.connections -= 1;
            if presence.connections == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

/// An IPv4 address, or the network of 64 bits within which one IPv6 client chooses its addresses at will
/// (RFC 4291 section 2.5.4, RFC 8981).
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
        address @ IpAddr::V4(_) => address,
    }
}

const NETWORK: u128 = u128::MAX << 64;

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::Crowd;

    fn crowd_of(limit: usize) -> impl Fn(&str) -> Option<super::Guest> {
        let crowd = Crowd::default();
        move |address| crowd.admit(address.parse().expect("an address"), NonZeroUsize::new(limit))
    }

    #[test]
    fn a_client_has_as_many_connections_as_it_may_and_others_have_theirs() {
        let admit = crowd_of(2);
        let one = admit("192.0.2.1").expect("the first");
        let _two = admit("192.0.2.1").expect("the second");
        assert!(admit("192.0.2.1").is_none());
        let _other = admit("192.0.2.2").expect("another client's first");
        drop(one);
        assert!(admit("192.0.2.1").is_some());
    }

    #[test]
    fn an_ipv6_client_is_its_network_and_an_ipv4_one_is_the_same_on_either_socket() {
        let admit = crowd_of(1);
        let _one = admit("2001:db8::1").expect("the first");
        assert!(admit("2001:db8::ffff:2").is_none());
        let _neighbour = admit("2001:db8:0:1::1").expect("another network");
        let _four = admit("192.0.2.1").expect("the first");
        assert!(admit("::ffff:192.0.2.1").is_none());
    }

    #[test]
    fn nobody_is_remembered_who_has_left() {
        let crowd = Crowd::default();
        drop(crowd.admit("192.0.2.1".parse().expect("an address"), None));
        assert!(crowd.0.clients().is_empty());
    }

    #[test]
    fn without_a_limit_all_are_admitted() {
        let admit = crowd_of(0);
        let all: Vec<_> = (0..10_000).map_while(|_| admit("192.0.2.1")).collect();
        assert_eq!(all.len(), 10_000);
    }
}

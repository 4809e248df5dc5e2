/// A certificate authority of the test's own, and what it signs.
#[derive(Clone)]
pub struct Authority;

impl Authority {
    /// A fresh authority.
    pub fn new() -> Self {
        todo!()
    }

    /// Its certificate, in PEM: what a client must trust.
    pub fn ca_pem(&self) -> String {
        todo!()
    }

    /// A server certificate chain and its key, in PEM, for `localhost`, `127.0.0.1`, `::1` and `names`.
    pub fn server_pem(&self, _names: &[&str]) -> (String, String) {
        todo!()
    }
}

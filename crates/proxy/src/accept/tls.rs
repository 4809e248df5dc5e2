use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;

/// What TLS clients are met with, which may be replaced while they come in: a connection keeps what it began with, the
/// next one gets what is there then. Clones are one and the same.
#[derive(Clone, Debug)]
pub struct ServerTls(Arc<ArcSwap<ServerConfig>>);

impl ServerTls {
    /// This, until it is replaced.
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self(Arc::new(ArcSwap::new(config)))
    }

    /// For every connection from now on.
    pub fn replace(&self, config: Arc<ServerConfig>) {
        self.0.store(config);
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.0.load_full()
    }
}

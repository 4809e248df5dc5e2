use super::Config;

/// What is different in a configuration that is to follow another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// What takes effect at once.
    pub(crate) now: Vec<&'static str>,
    /// What takes effect at the next start: it was built into what serves.
    pub(crate) at_restart: Vec<&'static str>,
}

impl Change {
    /// From the configuration that the process was `started` with, and the one that serves, to the `next`.
    pub(crate) fn between(started: &Config, serving: &Config, next: &Config) -> Self {
        let mut rest = next.clone();
        rest.keep_from(started);
        let mut before = serving.clone();
        before.keep_from(started);
        Self {
            now: differing(&before, &rest),
            at_restart: fixed(started, next),
        }
    }
}

impl Config {
    /// Puts the other's values in the place of those that cannot change while the process runs.
    fn keep_from(&mut self, started: &Self) {
        let server = &mut self.server;
        server.listen.clone_from(&started.server.listen);
        server.workers = started.server.workers;
        server.max_connections = started.server.max_connections;
        if server.tls.is_some() != started.server.tls.is_some() {
            server.tls.clone_from(&started.server.tls);
        }
        self.admin.clone_from(&started.admin);
        self.exchange.cache_capacity = started.exchange.cache_capacity;
        self.log.clone_from(&started.log);
    }
}

fn differing(before: &Config, next: &Config) -> Vec<&'static str> {
    named([
        ("server", before.server != next.server),
        ("issuer", before.issuers != next.issuers),
        ("workspace", before.workspaces != next.workspaces),
        ("exchange", before.exchange != next.exchange),
        ("outbound", before.outbound != next.outbound),
    ])
}

fn fixed(started: &Config, next: &Config) -> Vec<&'static str> {
    let (before, after) = (&started.server, &next.server);
    named([
        ("server.listen", before.listen != after.listen),
        ("server.workers", before.workers != after.workers),
        (
            "server.max_connections",
            before.max_connections != after.max_connections,
        ),
        ("server.tls", before.tls.is_some() != after.tls.is_some()),
        ("admin", started.admin != next.admin),
        (
            "exchange.cache_capacity",
            started.exchange.cache_capacity != next.exchange.cache_capacity,
        ),
        ("log", started.log != next.log),
    ])
}

fn named<const N: usize>(settings: [(&'static str, bool); N]) -> Vec<&'static str> {
    let changed = settings.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests;

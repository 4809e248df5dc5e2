//! What decides over requests, as one configuration says: made as a whole, and put in place as a whole.

use std::sync::Arc;
use std::time::Duration;

use exchange::{Exchange, HostMetadata};
use identity::{IssuerHealth, KeyRefresh, Verifier};
use proxy::{AccessSink, Credentials, Gateway, Routes, Settings, Workspace, WorkspaceUrl};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::{Config, Hosts};
use crate::outbound::Clients;
use crate::workspace_metadata;

/// What decides over requests, and the configuration that says so.
pub(super) struct Terms {
    pub(super) config: Config,
    pub(super) verifier: Verifier,
    pub(super) exchange: Exchange,
    clients: Clients,
    routes: Arc<Routes>,
    /// What keeps the workspaces' metadata fresh; ends with these terms.
    _upkeep: JoinSet<()>,
}

/// What every configuration meets in this process.
#[derive(Clone)]
pub(super) struct Setting {
    /// Where exchanges, keys and metadata are looked after.
    pub(super) control_plane: Handle,
    /// Whose JWT requests travel under.
    pub(super) credentials: Credentials,
    /// Who is told of every request.
    pub(super) access: Arc<dyn AccessSink>,
}

// === impl Terms ===

impl Terms {
    /// As `config` says, and the gateway that serves by them. What holds on is taken over from `before`: connections, keys,
    /// tokens, and what is known of others.
    ///
    /// # Errors
    /// When a certificate authority cannot be used.
    pub(super) fn new(
        config: Config,
        before: Option<&Self>,
        setting: &Setting,
    ) -> anyhow::Result<(Self, Gateway<Exchange>)> {
        let clients = match before {
            Some(before) => Clients::following(&config.outbound, (&before.config.outbound, &before.clients))?,
            None => Clients::build(&config.outbound)?,
        };
        let routes = Arc::new(routes(&config, &clients, before)?);
        let (verifier, keys) = verifier(&config, &clients, before);
        setting.control_plane.spawn(keys.run());
        let exchange = exchange(&config, &clients, before, setting);
        let settings = settings(&config, setting.credentials.clone());
        let gateway = Gateway::new(
            Arc::clone(&routes),
            verifier.clone(),
            exchange.clone(),
            settings,
            Arc::clone(&setting.access),
        );
        let mut upkeep = JoinSet::new();
        let metadata = workspace_metadata::keep_fresh(clients.http.clone(), workspaces(&config, &routes));
        upkeep.spawn_on(metadata, &setting.control_plane);
        let terms = Self {
            config,
            verifier,
            exchange,
            clients,
            routes,
            _upkeep: upkeep,
        };
        Ok((terms, gateway))
    }

    /// The issuers whose callers were served before, or are new, and would not be served now, as there are no keys of theirs.
    /// A first fetch is waited for.
    pub(super) async fn without_keys(&self, before: &Self) -> Vec<IssuerHealth> {
        // However it ends: what matters is who has keys by then.
        let _ = timeout(FIRST_KEYS, self.verifier.ready()).await;
        let lacked = before.verifier.health();
        let lacked_before = |now: &IssuerHealth| {
            let same = lacked.iter().find(|before| before.issuer == now.issuer);
            same.is_some_and(|before| before.keys == 0)
        };
        let mut without = self.verifier.health();
        without.retain(|now| now.keys == 0 && !lacked_before(now));
        without
    }

    /// What the host of this workspace has said about itself.
    fn metadata_of(&self, workspace: &crate::config::Workspace) -> Option<HostMetadata> {
        let mut known = self.config.workspaces.iter().zip(self.routes.workspaces());
        let (_, same) = known.find(|(configured, _)| configured.url == workspace.url)?;
        same.metadata
            .read()
            .map(|metadata| HostMetadata::clone(&metadata))
    }
}

/// A little longer than one fetch may take, so that its end is seen.
const FIRST_KEYS: Duration = Duration::from_secs(6);

fn verifier(config: &Config, clients: &Clients, before: Option<&Terms>) -> (Verifier, KeyRefresh) {
    let builder = Verifier::builder(config.issuers.clone(), clients.http.clone())
        .remembered_tokens(config.exchange.cache_capacity.get() as u64);
    let builder = match before {
        Some(before) => builder.succeeding(&before.verifier),
        None => builder,
    };
    builder.build()
}

fn exchange(config: &Config, clients: &Clients, before: Option<&Terms>, setting: &Setting) -> Exchange {
    let builder = Exchange::builder(clients.http.clone())
        .runtime(setting.control_plane.clone())
        .deadline(config.exchange.timeout)
        .capacity(config.exchange.cache_capacity.get() as u64)
        .overlap(config.exchange.overlap);
    let builder = match before {
        Some(before) => builder.succeeding(&before.exchange),
        None => builder,
    };
    builder.build()
}

fn routes(config: &Config, clients: &Clients, before: Option<&Terms>) -> anyhow::Result<Routes> {
    let workspace = |workspace: &crate::config::Workspace| {
        let url = WorkspaceUrl::new(&workspace.url, Arc::clone(&clients.tls))?;
        let hosts = match &workspace.hosts {
            Hosts::Any => Vec::new(),
            Hosts::Only(hosts) => hosts.iter().map(|host| host.as_str().to_owned()).collect(),
        };
        let mut routed = Workspace::new(workspace.name.as_str(), url, hosts, workspace.grant.clone());
        routed.allowances = workspace.allowances;
        if let Some(known) = before.and_then(|before| before.metadata_of(workspace)) {
            routed.metadata.set(known);
        }
        anyhow::Ok(routed)
    };
    let workspaces = config
        .workspaces
        .iter()
        .map(workspace)
        .collect::<Result<_, _>>()?;
    Ok(Routes::new(workspaces)?)
}

fn workspaces(config: &Config, routes: &Routes) -> Vec<(url::Url, Arc<Workspace>)> {
    let urls = config.workspaces.iter().map(|workspace| workspace.url.clone());
    urls.zip(routes.workspaces().iter().cloned()).collect()
}

fn settings(config: &Config, credentials: Credentials) -> Settings {
    let audiences = config
        .issuers
        .iter()
        .flat_map(|issuer| &issuer.audiences)
        .map(|audience| audience.0.clone());
    Settings {
        header_timeout: config.server.header_timeout,
        idle_timeout: config.server.idle_timeout,
        tunnel_idle_timeout: config.server.tunnel_idle_timeout,
        tls_handshake_timeout: config.server.tls_handshake_timeout,
        body_idle_timeout: config.server.body_idle_timeout,
        max_header_size: config.server.max_header_size,
        max_headers: config.server.max_headers.get(),
        max_target_size: config.server.max_target_size,
        max_body_size: config.server.max_body_size,
        max_connections: config.server.max_connections.get(),
        max_concurrent_streams: config.server.max_concurrent_streams.get(),
        h2c: config.server.h2c,
        max_connections_per_client: config.server.max_connections_per_client,
        max_requests_in_flight: config.server.max_requests_in_flight.get(),
        share: config.server.share,
        proxy_protocol: config.server.proxy_protocol.clone(),
        connect_timeout: config.outbound.connect_timeout,
        first_byte_timeout: config.outbound.first_byte_timeout,
        upstream_body_idle_timeout: config.outbound.body_idle_timeout,
        upstream_idle_timeout: config.outbound.pool_idle_timeout,
        audiences: audiences.collect(),
        forwarded: config.server.forwarded,
        credentials,
    }
}

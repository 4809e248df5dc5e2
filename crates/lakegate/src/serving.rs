//! From a finished configuration to a gateway that serves: the data plane of `proxy`, and the control plane beside it.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use exchange::{EndpointHealth, Exchange, ExchangeStats};
use identity::{Clock, IssuerHealth, Verifier};
use proxy::{
    AccessSink, CountersSnapshot, Credentials, Drained, Gateway, Listener, Machine, Routes, Running,
    Settings, Workspace, WorkspaceUrl,
};
use tokio::runtime::Runtime;

use crate::admin;
use crate::agent::{SocketFile, Tokens};
use crate::config::{Agent, Config, Hosts, Server, UnixSocket};
use crate::inbound::{Renewal, Renewals};
use crate::outbound::Clients;
use crate::workspace_metadata;

/// A gateway that serves. Dropped, it cuts what is in flight; [`Serving::drain`] lets it finish.
pub struct Serving {
    data_plane: Option<Running>,
    /// Exchanges, keys, metadata and the admin listener. `None` only while it is being dropped.
    control_plane: Option<Runtime>,
    health: Health,
    addresses: Vec<SocketAddr>,
    admin: Option<SocketAddr>,
    drain_timeout: Duration,
    /// Goes with the agent that listens on it.
    socket: Option<SocketFile>,
}

/// How the gateway is doing; cheap to clone, and alive for as long as somebody asks.
#[derive(Clone)]
pub struct Health {
    verifier: Verifier,
    exchange: Exchange,
    counters: proxy::Tally,
    draining: Arc<AtomicBool>,
    renewals: Renewals,
    access: Arc<dyn AccessSink>,
    /// Of an agent, this machine's JWT.
    tokens: Option<Tokens>,
}

/// Whether callers should be sent here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Yes.
    Ready,
    /// Yes: callers whose Databricks token is cached are served. But these token endpoints do not answer, and nobody else is.
    CachedOnly(Vec<String>),
    /// Not any more: it is shutting down.
    Draining,
    /// Not yet, or not for all: these issuers have no keys, so that none of their tokens can be judged.
    NoKeys(Vec<String>),
    /// An agent's machine has no JWT, for this reason.
    NoToken(String),
}

// === impl Serving ===

impl Serving {
    /// Binds every listener, then serves; `access` is told of every request.
    ///
    /// # Errors
    /// When an address cannot be bound or the operating system gives no thread.
    pub fn start(config: &Config, access: Arc<dyn AccessSink>) -> anyhow::Result<Self> {
        Self::start_as(config, None, access)
    }

    /// The same for an agent, on its Unix socket as well, and under its machine's JWT.
    ///
    /// # Errors
    /// When an address or a socket cannot be bound, or the operating system gives no thread.
    pub fn start_agent(agent: &Agent, access: Arc<dyn AccessSink>) -> anyhow::Result<Self> {
        Self::start_as(&agent.config, Some(agent), access)
    }

    fn start_as(config: &Config, agent: Option<&Agent>, access: Arc<dyn AccessSink>) -> anyhow::Result<Self> {
        let renewals = Renewals::default();
        let renewal = config
            .server
            .tls
            .as_ref()
            .map(|tls| Renewal::new(tls, renewals.clone()))
            .transpose()?;
        let mut listeners = bind(&config.server, renewal.as_ref())?;
        let socket = match agent.and_then(|agent| agent.socket.as_ref()) {
            Some(socket) => Some(bind_socket(socket, &mut listeners)?),
            None => None,
        };
        let addresses = listeners
            .iter()
            .filter_map(|listener| listener.local_addr().transpose())
            .collect::<Result<_, _>>()?;
        let clients = Clients::build(&config.outbound)?;
        let control_plane = control_plane()?;
        // What is made in here spawns on the control plane, and nowhere else.
        let inside = control_plane.enter();

        let (verifier, keys) = Verifier::builder(config.issuers.clone(), clients.http.clone())
            .remembered_tokens(config.exchange.cache_capacity.get() as u64)
            .build();
        control_plane.spawn(keys.run());
        if let Some(renewal) = renewal {
            control_plane.spawn(renewal.run());
        }
        let exchange = Exchange::builder(clients.http.clone())
            .runtime(control_plane.handle().clone())
            .deadline(config.exchange.timeout)
            .capacity(config.exchange.cache_capacity.get() as u64)
            .overlap(config.exchange.overlap)
            .build();
        let routes = Arc::new(routes(config, &clients)?);
        control_plane.spawn(workspace_metadata::keep_fresh(
            clients.http,
            workspaces(config, &routes),
        ));

        let tokens = agent.map(|agent| tokens(agent, &control_plane));
        let settings = Settings {
            credentials: credentials(agent, tokens.as_ref()),
            ..settings(config)
        };
        let gateway = Gateway::new(
            routes,
            verifier.clone(),
            exchange.clone(),
            settings,
            Arc::clone(&access),
        );
        let data_plane = gateway.start(listeners, config.server.workers)?;
        let health = Health {
            verifier,
            exchange,
            counters: data_plane.tally(),
            draining: Arc::default(),
            renewals,
            access,
            tokens,
        };
        let admin = match &config.admin {
            Some(admin) => Some(admin::start(admin.listen, health.clone())?),
            None => None,
        };
        drop(inside);
        Ok(Self {
            data_plane: Some(data_plane),
            control_plane: Some(control_plane),
            health,
            addresses,
            admin,
            drain_timeout: config.server.drain_timeout,
            socket,
        })
    }

    /// Where callers connect, with the ports that were given for port 0.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The Unix socket that programs connect to, if there is one.
    pub fn socket_path(&self) -> Option<&Path> {
        self.socket.as_ref().map(SocketFile::path)
    }

    /// Where the admin listener is, if there is one.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// How it is doing.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Looks at once whether the certificate's files have changed, instead of within seconds.
    pub fn reload(&self) {
        self.health.renewals.ask();
    }

    /// Not ready first, so that load balancers look elsewhere; then no new connections; then what is in flight finishes,
    /// for `drain_timeout` at most.
    pub async fn drain(mut self) -> Drained {
        self.health.draining.store(true, Ordering::Relaxed);
        match self.data_plane.take() {
            Some(data_plane) => data_plane.drain(self.drain_timeout).await,
            None => Drained::Completely,
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(control_plane) = self.control_plane.take() {
            // Waits for nobody: dropping a runtime inside another one would panic.
            control_plane.shutdown_background();
        }
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving")
            .field("addresses", &self.addresses)
            .field("admin", &self.admin)
            .finish_non_exhaustive()
    }
}

// === impl Readiness ===

impl Readiness {
    /// Whether callers should be sent here: whoever is sent elsewhere in an outage that is everybody's finds no cached token there.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready | Self::CachedOnly(_))
    }
}

// === impl Health ===

impl Health {
    /// Whether callers should be sent here.
    pub fn readiness(&self) -> Readiness {
        if self.draining.load(Ordering::Relaxed) {
            return Readiness::Draining;
        }
        let without: Vec<String> = self
            .issuers()
            .into_iter()
            .filter(|issuer| issuer.keys == 0)
            .map(|issuer| issuer.issuer)
            .collect();
        if !without.is_empty() {
            return Readiness::NoKeys(without);
        }
        let down = self.token_endpoints().into_iter().filter(|health| health.open);
        let down: Vec<String> = down.map(|health| health.endpoint).collect();
        if down.is_empty() {
            Readiness::Ready
        } else {
            Readiness::CachedOnly(down)
        }
    }

    /// Each token endpoint that was asked for a token.
    pub fn token_endpoints(&self) -> Vec<EndpointHealth> {
        self.exchange.endpoints()
    }

    /// The same, after a look at this machine's JWT, if it is an agent's.
    pub(crate) async fn checked(&self) -> Readiness {
        let lack = match &self.tokens {
            Some(tokens) => tokens.look().await.err(),
            None => None,
        };
        match (self.readiness(), lack) {
            (Readiness::Ready, Some(lack)) => Readiness::NoToken(lack.why),
            (readiness, _) => readiness,
        }
    }

    /// Each issuer's keys.
    pub fn issuers(&self) -> Vec<IssuerHealth> {
        self.verifier.health()
    }

    /// Resolves once every issuer has its keys.
    pub async fn ready(&self) {
        self.verifier.ready().await;
    }

    /// Exchanges and their cache.
    pub fn exchange(&self) -> ExchangeStats {
        self.exchange.stats()
    }

    /// How often a new certificate was taken into use, and how often it could not be.
    pub fn certificate_renewals(&self) -> (u64, u64) {
        (self.renewals.renewed(), self.renewals.refused())
    }

    /// Lines of the log that were lost, as they came faster than they could be written.
    pub fn lost_log_lines(&self) -> u64 {
        self.access.lost_lines()
    }

    /// Connections and requests, all workers together.
    pub fn counters(&self) -> CountersSnapshot {
        self.counters.read()
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("readiness", &self.readiness())
            .finish_non_exhaustive()
    }
}

fn bind(server: &Server, renewal: Option<&Renewal>) -> anyhow::Result<Vec<Listener>> {
    let tls = renewal.map(Renewal::serving);
    let bind = |&address: &SocketAddr| {
        Listener::bind(address, tls.clone()).with_context(|| format!("cannot listen on {address}"))
    };
    server.listen.iter().map(bind).collect()
}

fn bind_socket(socket: &UnixSocket, listeners: &mut Vec<Listener>) -> anyhow::Result<SocketFile> {
    let (file, listener) = SocketFile::bind(&socket.path, socket.mode)?;
    listeners.push(Listener::unix(listener)?);
    Ok(file)
}

/// Looked for at once, so that the log tells early of one that is not there.
fn tokens(agent: &Agent, control_plane: &Runtime) -> Tokens {
    let tokens = Tokens::new(
        agent.token.clone(),
        agent.patience,
        Clock::system(),
        control_plane.handle().clone(),
    );
    let first = tokens.clone();
    control_plane.spawn(async move { first.look().await });
    tokens
}

fn credentials(agent: Option<&Agent>, tokens: Option<&Tokens>) -> Credentials {
    match agent.zip(tokens) {
        None => Credentials::Callers,
        Some((agent, tokens)) => Credentials::Machine(Arc::new(Machine {
            source: Box::new(tokens.clone()),
            next_hop: agent.next_hop,
            local_token: agent.local_token.clone(),
        })),
    }
}

/// One thread is enough: what runs here waits for other machines.
fn control_plane() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("control")
        .enable_all()
        .build()
        .context("the control plane cannot be started")
}

fn routes(config: &Config, clients: &Clients) -> anyhow::Result<Routes> {
    let workspace = |workspace: &crate::config::Workspace| {
        let url = WorkspaceUrl::new(&workspace.url, Arc::clone(&clients.tls))?;
        let hosts = match &workspace.hosts {
            Hosts::Any => Vec::new(),
            Hosts::Only(hosts) => hosts.iter().map(|host| host.as_str().to_owned()).collect(),
        };
        let mut routed = Workspace::new(workspace.name.as_str(), url, hosts, workspace.grant.clone());
        routed.allowances = workspace.allowances;
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

fn settings(config: &Config) -> Settings {
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
        credentials: Credentials::Callers,
    }
}

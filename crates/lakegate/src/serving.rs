//! From a finished configuration to a gateway that serves: the data plane of `proxy`, and the control plane beside it.

mod control_plane;
mod health;
mod reload;
mod terms;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use identity::Clock;
use proxy::{AccessSink, Credentials, Drained, Listener, Machine, Running};
use tokio::runtime::Runtime;

use crate::admin;
use crate::agent::{SocketFile, Tokens};
use crate::config::{Agent, Config, Faults, Server, UnixSocket};
use crate::inbound::{Renewal, Renewals};

use control_plane::control_plane;
pub use health::{Health, Readiness};
use reload::{Reload, Reloads};
use terms::{Setting, Terms};

/// A gateway that serves. Dropped, it cuts what is in flight; [`Serving::drain`] lets it finish.
pub struct Serving {
    data_plane: Option<Running>,
    /// Exchanges, keys, metadata and the admin listener. `None` only while it is being dropped.
    control_plane: Option<Runtime>,
    health: Health,
    addresses: Vec<SocketAddr>,
    admin: Option<SocketAddr>,
    renewals: Option<Renewals>,
    /// Until there is a configuration to follow.
    reload: Option<Reload>,
    /// Goes with the agent that listens on it.
    socket: Option<SocketFile>,
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
        let control_plane = control_plane()?;
        // What is made in here spawns on the control plane, and nowhere else.
        let inside = control_plane.enter();

        if let Some(renewal) = renewal.clone() {
            control_plane.spawn(renewal.run());
        }
        let tokens = agent.map(|agent| tokens(agent, &control_plane));
        let setting = Setting {
            control_plane: control_plane.handle().clone(),
            credentials: credentials(agent, tokens.as_ref()),
            access: Arc::clone(&access),
        };
        let (terms, gateway) = Terms::new(config.clone(), None, &setting)?;
        let data_plane = gateway.start(listeners, config.server.workers)?;
        let terms = Arc::new(ArcSwap::from_pointee(terms));
        let reloads = Reloads::default();
        let health = Health {
            terms: Arc::clone(&terms),
            counters: data_plane.tally(),
            control_plane: control_plane.metrics(),
            draining: Arc::default(),
            renewals: renewals.clone(),
            reloads: reloads.clone(),
            access,
            tokens,
        };
        let renewals = renewal.is_some().then_some(renewals);
        let reload = Reload::new(config.clone(), gateway, terms, setting, renewal, reloads);
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
            renewals,
            reload: Some(reload),
            socket,
        })
    }

    /// Goes on as the configuration says that `read` gives, whenever that changes. What serves now is what it was started with.
    ///
    /// A change takes effect as a whole, without an end to any connection or request, or it is refused as a whole: where the
    /// configuration has a fault, and where callers of an issuer would not be served any more.
    pub fn follow(&mut self, read: impl Fn() -> Result<Config, Faults> + Send + Sync + 'static) {
        if let (Some(reload), Some(control_plane)) = (self.reload.take(), &self.control_plane) {
            control_plane.spawn(reload.run(Arc::new(read)));
        }
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

    /// Looks at once whether the configuration or the certificate's files have changed, instead of within seconds.
    pub fn reload(&self) {
        self.health.reloads.ask();
        if let Some(renewals) = &self.renewals {
            renewals.ask();
        }
    }

    /// How long [`Serving::retire`] takes, as the configuration says at present.
    pub fn drain_delay(&self) -> Duration {
        self.health.terms.load().config.server.drain_delay
    }

    /// Not ready from now on, so that load balancers look elsewhere, and serving as before for `drain_delay`.
    ///
    /// In its second half, clients are asked to leave the connections that they keep. In the first, a balancer that has not
    /// looked yet would only lead them back here.
    pub async fn retire(&self) {
        self.health.draining.store(true, Ordering::Relaxed);
        let half = self.drain_delay() / 2;
        tokio::time::sleep(half).await;
        if let Some(data_plane) = &self.data_plane {
            data_plane.lead_away();
        }
        tokio::time::sleep(half).await;
    }

    /// Not ready, if it still was; then no new connections; then what is in flight finishes, for `drain_timeout` at most.
    pub async fn drain(mut self) -> Drained {
        self.health.draining.store(true, Ordering::Relaxed);
        let patience = self.health.terms.load().config.server.drain_timeout;
        match self.data_plane.take() {
            Some(data_plane) => data_plane.drain(patience).await,
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

mod host;

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::str::FromStr as _;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use exchange::{Grant, HostMetadata};
use http::uri::Authority;
use http::{HeaderValue, Method, Request};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::Failure;

pub(crate) use host::Host;

/// Which workspace a request is for, by its exact host and by nothing else that a client sends.
#[derive(Debug)]
pub struct Routes {
    /// Each a place in `all`.
    by_host: HashMap<String, usize>,
    all: Vec<Arc<Workspace>>,
}

/// The same for one worker alone. Each request counts among the holders of its workspace several times: cores that count at one place
/// would wait for each other, and a worker that counts for itself need not lock memory for it.
#[derive(Debug)]
pub(crate) struct OwnRoutes {
    by_host: HashMap<String, Rc<Workspace>>,
    /// The only workspace, when it names no hosts: then every host is its own.
    only: Option<Rc<Workspace>>,
    all: Vec<Rc<Workspace>>,
}

/// One Databricks workspace, ready to be forwarded to.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The configured name, for people, logs and metrics.
    pub name: String,
    /// Where it is.
    pub url: WorkspaceUrl,
    /// The hosts under which clients address it, lower-case, with or without a port; empty: all, for a single workspace.
    pub hosts: Vec<String>,
    /// How callers' identities become its tokens.
    pub grant: Grant,
    /// What crosses beyond the default.
    pub allowances: Allowances,
    /// What it says about itself, once the control plane has asked it.
    pub metadata: Metadata,
    /// Its place among all workspaces, which is its pool's place among all pools.
    pub(crate) index: usize,
}

/// What crosses between callers and a workspace only where its operator says so. Default: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowances {
    /// Cookies, in both directions. They are credentials of their own, past every check that is made here.
    pub cookies: bool,
    /// The JWT as `x-api-key` or `x-goog-api-key` on paths below `/ai-gateway/`, as the clients of Anthropic and Google
    /// send what they know as a key.
    pub api_key_carriers: bool,
    /// Databricks' own tokens, personal ones and those of the workspace's OAuth issuer, as they are. Databricks alone
    /// judges them.
    pub databricks_tokens: bool,
}

/// The origin of a workspace: a scheme, a host and a port, and nothing that could be joined with a client's path.
#[derive(Clone)]
pub struct WorkspaceUrl {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) host_header: HeaderValue,
    pub(crate) authority: Authority,
    pub(crate) tls: Option<WorkspaceTls>,
}

/// Whom a workspace has to prove to be, and how that is judged.
#[derive(Clone)]
pub(crate) struct WorkspaceTls {
    pub(crate) name: ServerName<'static>,
    /// For HTTP/1.1, as given.
    pub(crate) config: Arc<ClientConfig>,
    /// The same, for HTTP/2 and nothing else (RFC 7301).
    pub(crate) h2: Arc<ClientConfig>,
}

/// What a workspace says about itself at `/.well-known/databricks-config`; empty until it has been asked. A clone is told the
/// same.
#[derive(Clone, Debug, Default)]
pub struct Metadata(Arc<ArcSwapOption<HostMetadata>>);

/// A URL that is no workspace's origin.
#[derive(Debug, thiserror::Error)]
#[error("a workspace URL must be http:// or https:// with a host, and no path, query, fragment or user name")]
pub struct InvalidWorkspace;

/// Workspaces whose hosts leave a request's destination open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RouteConflict {
    /// There is nowhere to go.
    #[error("no workspace is configured")]
    Empty,
    /// With several workspaces, each must name its hosts.
    #[error("workspace {0} names no hosts, and it is not the only one")]
    NoHosts(String),
    /// One host, two workspaces.
    #[error("host {0} is named more than once")]
    Twice(String),
}

// === impl Routes ===

impl Routes {
    /// Every workspace by its hosts.
    ///
    /// # Errors
    /// When some host would lead to no workspace or to two.
    pub fn new(workspaces: Vec<Workspace>) -> Result<Self, RouteConflict> {
        let mut routes = Self {
            by_host: HashMap::new(),
            all: Vec::new(),
        };
        let alone = workspaces.len() == 1;
        for (index, workspace) in workspaces.into_iter().enumerate() {
            if workspace.hosts.is_empty() && !alone {
                return Err(RouteConflict::NoHosts(workspace.name));
            }
            for host in &workspace.hosts {
                if routes.by_host.insert(host.to_ascii_lowercase(), index).is_some() {
                    return Err(RouteConflict::Twice(host.clone()));
                }
            }
            routes.all.push(Arc::new(Workspace { index, ..workspace }));
        }
        if routes.all.is_empty() {
            Err(RouteConflict::Empty)
        } else {
            Ok(routes)
        }
    }

    /// On the worker's own thread.
    pub(crate) fn for_one_worker(&self) -> OwnRoutes {
        let all: Vec<_> = self
            .all
            .iter()
            .map(|those| Rc::new(those.for_one_worker()))
            .collect();
        let own = |(host, index): (&String, &usize)| Some((host.clone(), Rc::clone(all.get(*index)?)));
        OwnRoutes {
            by_host: self.by_host.iter().filter_map(own).collect(),
            only: all.first().filter(|only| only.hosts.is_empty()).cloned(),
            all,
        }
    }

    /// All workspaces, in the order of the configuration.
    pub fn workspaces(&self) -> &[Arc<Workspace>] {
        &self.all
    }
}

// === impl OwnRoutes ===

impl OwnRoutes {
    /// All workspaces, in the order of the configuration.
    pub(crate) fn workspaces(&self) -> &[Rc<Workspace>] {
        &self.all
    }

    /// The workspace that this request is for.
    ///
    /// # Errors
    /// When the request names no host, more than one, or none of ours; or uses a method that is not for forwarding.
    pub(crate) fn find<B>(&self, request: &Request<B>) -> Result<Destination<'_>, Failure> {
        // The method first: CONNECT has a target of its own shape, about which no other check is right.
        if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
            return Err(Failure::MethodNotAllowed);
        }
        let host = Host::of(request)?;
        let workspace = self
            .lookup(&host)
            .ok_or_else(|| Failure::UnknownHost(host.to_string()))?;
        Ok(Destination { workspace, host })
    }

    /// The whole authority first, so that a configured port is honoured; then the host without its port.
    fn lookup(&self, host: &Host) -> Option<&Rc<Workspace>> {
        if let Some(only) = &self.only {
            return Some(only);
        }
        self.named(host.as_str()).or_else(|| self.named(host.name()))
    }

    /// Hosts are kept in lower case, in which nearly every client writes them.
    fn named(&self, host: &str) -> Option<&Rc<Workspace>> {
        if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.by_host.get(&host.to_ascii_lowercase())
        } else {
            self.by_host.get(host)
        }
    }
}

/// Where a request goes, and under which name the client knows it.
#[derive(Debug)]
pub(crate) struct Destination<'a> {
    pub(crate) workspace: &'a Rc<Workspace>,
    pub(crate) host: Host,
}

// === impl Workspace ===

impl Workspace {
    /// A workspace that says nothing about itself yet.
    pub fn new(name: impl Into<String>, url: WorkspaceUrl, hosts: Vec<String>, grant: Grant) -> Self {
        Self {
            name: name.into(),
            url,
            hosts,
            grant,
            allowances: Allowances::default(),
            metadata: Metadata::default(),
            index: 0,
        }
    }

    /// The same, with copies of its own of what each request takes a share in.
    fn for_one_worker(&self) -> Self {
        Self {
            url: self.url.for_one_worker(),
            grant: self.grant.for_one_worker(),
            ..self.clone()
        }
    }
}

// === impl WorkspaceUrl ===

impl WorkspaceUrl {
    /// `tls` is used for `https://`; its roots decide whom to believe.
    ///
    /// # Errors
    /// When `url` is not an origin.
    pub fn new(url: &url::Url, tls: Arc<ClientConfig>) -> Result<Self, InvalidWorkspace> {
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        if !bare || !anonymous {
            return Err(InvalidWorkspace);
        }
        let host = url.host_str().ok_or(InvalidWorkspace)?.to_owned();
        let port = url.port_or_known_default().ok_or(InvalidWorkspace)?;
        let authority = url
            .port()
            .map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        let host_header = HeaderValue::try_from(authority.as_str()).map_err(|_| InvalidWorkspace)?;
        // `Url` writes an IPv6 address in brackets; a socket and a certificate know it without.
        let host = host.trim_matches(['[', ']']).to_owned();
        let tls = match url.scheme() {
            "http" => None,
            "https" => {
                let name = ServerName::try_from(host.clone()).map_err(|_| InvalidWorkspace)?;
                Some(WorkspaceTls::new(name, tls))
            }
            _ => return Err(InvalidWorkspace),
        };
        Ok(Self {
            host,
            port,
            host_header,
            authority: Authority::try_from(authority).map_err(|_| InvalidWorkspace)?,
            tls,
        })
    }
}

impl WorkspaceUrl {
    fn for_one_worker(&self) -> Self {
        let own = HeaderValue::from_bytes(self.host_header.as_bytes());
        let own_authority = Authority::from_str(self.authority.as_str());
        Self {
            // What was good before is so again.
            host_header: own.unwrap_or_else(|_| self.host_header.clone()),
            authority: own_authority.unwrap_or_else(|_| self.authority.clone()),
            ..self.clone()
        }
    }

    /// Whether `authority` is this workspace's: the same host, and the same port, left out or not.
    pub(crate) fn is_at(&self, authority: &Authority) -> bool {
        let default_port = if self.tls.is_some() { 443 } else { 80 };
        let host = authority.host().trim_matches(['[', ']']);
        let port = match authority.port_u16() {
            Some(port) => port == self.port,
            None => self.port == default_port,
        };
        port && host.eq_ignore_ascii_case(&self.host) && !authority.as_str().contains('@')
    }

    /// Whether a connection to the one serves the other: the same place, and the same judgement of who answers there.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let judged_alike = match (&self.tls, &other.tls) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(&one.config, &other.config),
            _ => false,
        };
        judged_alike && self.host == other.host && self.port == other.port
    }

    /// `iss` of the OAuth tokens that this workspace issues.
    pub(crate) fn own_issuer(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/oidc", self.authority)
    }
}

impl fmt::Debug for WorkspaceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host_header.to_str().unwrap_or_default())
    }
}

// === impl WorkspaceTls ===

impl WorkspaceTls {
    fn new(name: ServerName<'static>, config: Arc<ClientConfig>) -> Self {
        let mut h2 = ClientConfig::clone(&config);
        h2.alpn_protocols = vec![b"h2".to_vec()];
        Self {
            name,
            config,
            h2: Arc::new(h2),
        }
    }
}

// === impl Metadata ===

impl Metadata {
    /// What the workspace said.
    pub fn set(&self, metadata: HostMetadata) {
        self.0.store(Some(Arc::new(metadata)));
    }

    /// What it said last, or nothing yet.
    pub fn read(&self) -> Option<Arc<HostMetadata>> {
        self.0.load_full()
    }
}

#[cfg(test)]
mod tests;

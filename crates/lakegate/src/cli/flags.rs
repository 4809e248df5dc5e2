use clap::Args;

use crate::config::raw::{Admin, Issuer, Jwks, Log, Outbound, Raw, Server, Tls, Workspace};
use crate::config::{Given, Place, Setting};

/// One workspace and one issuer, without a file. Each flag means what the key of the same name means
/// in the file, and is read by the same rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "One workspace, instead of --config")]
pub struct Flags {
    /// The Databricks workspace that requests are forwarded to
    #[arg(
        long,
        value_name = "URL",
        env = "LAKEGATE_WORKSPACE",
        conflicts_with = "config"
    )]
    workspace: Option<String>,

    /// The identity provider, exactly as its tokens say it in `iss`
    #[arg(long, value_name = "URL", env = "LAKEGATE_ISSUER", conflicts_with = "config")]
    issuer: Option<String>,

    /// A value of `aud` that is accepted; may be repeated
    #[arg(
        long,
        value_name = "AUD",
        env = "LAKEGATE_AUDIENCE",
        conflicts_with = "config"
    )]
    audience: Vec<String>,

    /// The address to listen on; may be repeated [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR", env = "LAKEGATE_LISTEN", conflicts_with = "config")]
    listen: Vec<String>,

    /// The address of the admin listener [default: none]
    #[arg(long, value_name = "ADDR", env = "LAKEGATE_ADMIN", conflicts_with = "config")]
    admin: Option<String>,

    /// The service principal whose federation policy decides [default: the account's policy]
    #[arg(
        long,
        value_name = "ID",
        env = "LAKEGATE_CLIENT_ID",
        conflicts_with = "config"
    )]
    client_id: Option<String>,

    /// The Databricks account, when --workspace is an account console
    #[arg(
        long,
        value_name = "ID",
        env = "LAKEGATE_ACCOUNT_ID",
        conflicts_with = "config"
    )]
    account_id: Option<String>,

    /// The certificate chain to serve TLS with, in PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "LAKEGATE_TLS_CERT",
        conflicts_with = "config"
    )]
    tls_cert: Option<String>,

    /// The private key of --tls-cert, in PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "LAKEGATE_TLS_KEY",
        conflicts_with = "config"
    )]
    tls_key: Option<String>,

    /// More certificate authorities to trust on outgoing connections, in PEM
    #[arg(long, value_name = "FILE", env = "LAKEGATE_CA", conflicts_with = "config")]
    ca: Option<String>,

    /// The issuer's keys, from a URL [default: OpenID Connect discovery]
    #[arg(
        long,
        value_name = "URL",
        env = "LAKEGATE_JWKS_URL",
        conflicts_with = "config"
    )]
    jwks_url: Option<String>,

    /// The issuer's keys, from a file
    #[arg(
        long,
        value_name = "FILE",
        env = "LAKEGATE_JWKS_FILE",
        conflicts_with = "config"
    )]
    jwks_file: Option<String>,

    /// Accept http:// beyond loopback for the issuer and the workspace: tokens travel in the clear
    #[arg(long, env = "LAKEGATE_INSECURE_HTTP", conflicts_with = "config")]
    insecure_http: bool,

    /// Which lines are logged [default: info]
    #[arg(
        long,
        value_name = "LEVEL",
        env = "LAKEGATE_LOG_LEVEL",
        conflicts_with = "config"
    )]
    log_level: Option<String>,
}

// === impl Flags ===

impl Flags {
    /// As if typed by somebody who wants a gateway for one workspace and one issuer.
    #[cfg(feature = "demo")]
    pub(crate) fn for_one(workspace: &str, issuer: &str, audience: &str, listen: &str, admin: &str) -> Self {
        Self {
            workspace: Some(workspace.to_owned()),
            issuer: Some(issuer.to_owned()),
            audience: vec![audience.to_owned()],
            listen: vec![listen.to_owned()],
            admin: Some(admin.to_owned()),
            ..Self::default()
        }
    }

    /// The flags as the file would have said it.
    pub(crate) fn to_raw(&self) -> Raw {
        Raw {
            server: Server {
                listen: list("--listen", &self.listen),
                tls: Tls::flags(self.tls_cert.as_ref(), self.tls_key.as_ref()),
                ..Server::default()
            },
            admin: self.admin.clone().map(admin),
            issuers: Setting::flag("--issuer", Some(vec![self.issuer()])),
            workspaces: Setting::flag("--workspace", Some(vec![self.workspace()])),
            outbound: Outbound {
                ca: Setting::flag("--ca", self.ca.clone()),
                ..Outbound::default()
            },
            log: Log {
                level: Setting::flag("--log-level", self.log_level.clone()),
                ..Log::default()
            },
            ..Raw::default()
        }
    }

    fn issuer(&self) -> Issuer {
        Issuer {
            place: Place::Flag("--issuer"),
            url: Setting::flag("--issuer", self.issuer.clone()),
            audiences: list("--audience", &self.audience),
            jwks: Jwks::flags(self.jwks_url.as_ref(), self.jwks_file.as_ref()),
            identity_claims: Setting::Absent,
            insecure_http: self.insecure_http(),
        }
    }

    fn workspace(&self) -> Workspace {
        Workspace {
            place: Place::Flag("--workspace"),
            name: Setting::Absent,
            url: Setting::flag("--workspace", self.workspace.clone()),
            hosts: Setting::Absent,
            scope: Setting::Absent,
            client_id: Setting::flag("--client-id", self.client_id.clone()),
            account_id: Setting::flag("--account-id", self.account_id.clone()),
            token_url: Setting::Absent,
            cookies: Setting::Absent,
            api_key_carriers: Setting::Absent,
            allow_databricks_tokens: Setting::Absent,
            insecure_http: self.insecure_http(),
        }
    }

    fn insecure_http(&self) -> Setting<bool> {
        Setting::flag("--insecure-http", Some(self.insecure_http))
    }
}

// === impl Tls ===

impl Tls {
    /// Absent when neither flag was given.
    pub(super) fn flags(cert: Option<&String>, key: Option<&String>) -> Setting<Self> {
        let place = if cert.is_some() { "--tls-cert" } else { "--tls-key" };
        let given = cert.is_some() || key.is_some();
        let tls = given.then(|| Self {
            cert: Setting::flag("--tls-cert", cert.cloned()),
            key: Setting::flag("--tls-key", key.cloned()),
            ..Self::default()
        });
        Setting::flag(place, tls)
    }
}

// === impl Jwks ===

impl Jwks {
    /// Absent when neither flag was given.
    pub(super) fn flags(url: Option<&String>, file: Option<&String>) -> Setting<Self> {
        let jwks = (url.is_some() || file.is_some()).then(|| Self {
            url: Setting::flag("--jwks-url", url.cloned()),
            file: Setting::flag("--jwks-file", file.cloned()),
        });
        Setting::flag("--jwks-url", jwks)
    }
}

pub(super) fn admin(address: String) -> Admin {
    Admin {
        place: Place::Flag("--admin"),
        listen: Setting::flag("--admin", Some(address)),
    }
}

/// A flag that may be repeated; not given at all, it is absent.
pub(super) fn list(name: &'static str, values: &[String]) -> Setting<Vec<Given<String>>> {
    let given = |value: &String| Given {
        value: value.clone(),
        place: Place::Flag(name),
    };
    let values: Vec<_> = values.iter().map(given).collect();
    Setting::flag(name, Some(values).filter(|values| !values.is_empty()))
}

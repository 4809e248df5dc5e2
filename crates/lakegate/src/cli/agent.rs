use clap::Args;
use proxy::NextHop;

use super::flags::{admin, list};
use crate::config::raw::{self, Issuer, Jwks, Log, Outbound, Raw, Server, Tls, Workspace};
use crate::config::{Agent, Faults, Place, Setting};

/// `lakegate agent`
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct AgentArgs {
    /// Where requests go: a Databricks workspace; the JWT is verified and exchanged here
    #[arg(
        long,
        value_name = "URL",
        env = "LAKEGATE_WORKSPACE",
        required_unless_present = "gateway",
        conflicts_with = "gateway",
        help_heading = WHERE_TO
    )]
    workspace: Option<String>,

    /// Where requests go: a lakegate gateway, which verifies and exchanges the JWT
    #[arg(long, value_name = "URL", env = "LAKEGATE_GATEWAY", help_heading = WHERE_TO)]
    gateway: Option<String>,

    /// The JWT's issuer, exactly as it says it in `iss`; needed with --workspace
    #[arg(long, value_name = "URL", env = "LAKEGATE_ISSUER", conflicts_with = "gateway", help_heading = WHERE_TO)]
    issuer: Option<String>,

    /// A value of `aud` that is accepted, needed with --workspace; may be repeated
    #[arg(long, value_name = "AUD", env = "LAKEGATE_AUDIENCE", conflicts_with = "gateway", help_heading = WHERE_TO)]
    audience: Vec<String>,

    /// The service principal whose federation policy decides [default: the account's policy]
    #[arg(long, value_name = "ID", env = "LAKEGATE_CLIENT_ID", conflicts_with = "gateway", help_heading = WHERE_TO)]
    client_id: Option<String>,

    /// The Databricks account, when --workspace is an account console
    #[arg(long, value_name = "ID", env = "LAKEGATE_ACCOUNT_ID", conflicts_with = "gateway", help_heading = WHERE_TO)]
    account_id: Option<String>,

    /// What tokens are asked for [default: all-apis]
    #[arg(long, value_name = "SCOPE", env = "LAKEGATE_SCOPE", conflicts_with = "gateway", help_heading = WHERE_TO)]
    scope: Option<String>,

    /// The issuer's keys, from a URL [default: OpenID Connect discovery]
    #[arg(long, value_name = "URL", env = "LAKEGATE_JWKS_URL", conflicts_with = "gateway", help_heading = WHERE_TO)]
    jwks_url: Option<String>,

    /// The issuer's keys, from a file
    #[arg(long, value_name = "FILE", env = "LAKEGATE_JWKS_FILE", conflicts_with = "gateway", help_heading = WHERE_TO)]
    jwks_file: Option<String>,

    /// More certificate authorities to trust on outgoing connections, in PEM
    #[arg(long, value_name = "FILE", env = "LAKEGATE_CA", help_heading = WHERE_TO)]
    ca: Option<String>,

    /// Accept http:// beyond loopback: tokens travel in the clear
    #[arg(long, env = "LAKEGATE_INSECURE_HTTP", help_heading = WHERE_TO)]
    insecure_http: bool,

    /// A file that holds this machine's JWT, looked at on every use
    #[arg(
        long,
        value_name = "FILE",
        env = "LAKEGATE_TOKEN_FILE",
        required_unless_present = "token_command",
        conflicts_with = "token_command",
        help_heading = JWT
    )]
    token_file: Option<String>,

    /// A command that writes this machine's JWT to its standard output; split at spaces and quotes, read by no shell
    #[arg(long, value_name = "COMMAND", env = "LAKEGATE_TOKEN_COMMAND", help_heading = JWT)]
    token_command: Option<String>,

    /// Let /bin/sh read --token-command
    #[arg(long, env = "LAKEGATE_TOKEN_SHELL", conflicts_with = "token_file", help_heading = JWT)]
    token_shell: bool,

    /// How long --token-command may run [default: 10s]
    #[arg(long, value_name = "DURATION", env = "LAKEGATE_TOKEN_TIMEOUT", conflicts_with = "token_file", help_heading = JWT)]
    token_timeout: Option<String>,

    /// How long before the end of a JWT --token-command is run again [default: 1m]
    #[arg(long, value_name = "DURATION", env = "LAKEGATE_TOKEN_MARGIN", conflicts_with = "token_file", help_heading = JWT)]
    token_margin: Option<String>,

    /// How long a request waits for a JWT that is late, before it is answered 503 [default: 10s]
    #[arg(long, value_name = "DURATION", env = "LAKEGATE_TOKEN_WAIT", help_heading = JWT)]
    token_wait: Option<String>,

    /// A loopback address to listen on; may be repeated [default: 127.0.0.1:8080, unless there is --socket]
    #[arg(long, value_name = "ADDR", env = "LAKEGATE_LISTEN", help_heading = CLIENTS)]
    listen: Vec<String>,

    /// A Unix socket to listen on
    #[arg(long, value_name = "PATH", env = "LAKEGATE_SOCKET", help_heading = CLIENTS)]
    socket: Option<String>,

    /// Who may connect to --socket, in octal [default: 0600]
    #[arg(long, value_name = "MODE", env = "LAKEGATE_SOCKET_MODE", requires = "socket", help_heading = CLIENTS)]
    socket_mode: Option<String>,

    /// A file with a secret that clients must send as their token; without, whoever can connect may use the JWT
    #[arg(long, value_name = "FILE", env = "LAKEGATE_REQUIRE_TOKEN", help_heading = CLIENTS)]
    require_token: Option<String>,

    /// The certificate chain to serve TLS with, in PEM, for clients that insist on https
    #[arg(long, value_name = "FILE", env = "LAKEGATE_TLS_CERT", help_heading = CLIENTS)]
    tls_cert: Option<String>,

    /// The private key of --tls-cert, in PEM
    #[arg(long, value_name = "FILE", env = "LAKEGATE_TLS_KEY", help_heading = CLIENTS)]
    tls_key: Option<String>,

    /// The address of the admin listener: /livez, /readyz, /metrics [default: none]
    #[arg(long, value_name = "ADDR", env = "LAKEGATE_ADMIN")]
    admin: Option<String>,

    /// Which lines are logged [default: info]
    #[arg(long, value_name = "LEVEL", env = "LAKEGATE_LOG_LEVEL")]
    log_level: Option<String>,
}

const WHERE_TO: &str = "Where requests go";
const JWT: &str = "This machine's JWT";
const CLIENTS: &str = "Clients of this machine";

// === impl AgentArgs ===

impl AgentArgs {
    /// What they mean.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(&self) -> Result<Agent, Faults> {
        Agent::from_flags(self.to_raw())
    }

    fn to_raw(&self) -> raw::Agent {
        let next_hop = if self.gateway.is_some() {
            NextHop::Gateway
        } else {
            NextHop::Workspace
        };
        raw::Agent {
            base: self.base(),
            next_hop,
            socket: Setting::flag("--socket", self.socket.clone()),
            socket_mode: Setting::flag("--socket-mode", self.socket_mode.clone()),
            token_file: Setting::flag("--token-file", self.token_file.clone()),
            token_command: Setting::flag("--token-command", self.token_command.clone()),
            token_shell: Setting::flag("--token-shell", Some(self.token_shell)),
            token_timeout: Setting::flag("--token-timeout", self.token_timeout.clone()),
            token_margin: Setting::flag("--token-margin", self.token_margin.clone()),
            token_wait: Setting::flag("--token-wait", self.token_wait.clone()),
            require_token: Setting::flag("--require-token", self.require_token.clone()),
        }
    }

    /// What a gateway has as well.
    fn base(&self) -> Raw {
        Raw {
            server: Server {
                listen: list("--listen", &self.listen),
                tls: Tls::flags(self.tls_cert.as_ref(), self.tls_key.as_ref()),
                ..Server::default()
            },
            admin: self.admin.clone().map(admin),
            issuers: Setting::flag("--issuer", Some(vec![self.issuer()])),
            workspaces: Setting::flag("--workspace", Some(vec![self.next_hop()])),
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

    fn next_hop(&self) -> Workspace {
        let (flag, url) = match &self.gateway {
            Some(gateway) => ("--gateway", Some(gateway)),
            None => ("--workspace", self.workspace.as_ref()),
        };
        Workspace {
            place: Place::Flag(flag),
            name: Setting::Absent,
            url: Setting::flag(flag, url.cloned()),
            hosts: Setting::Absent,
            scope: Setting::flag("--scope", self.scope.clone()),
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

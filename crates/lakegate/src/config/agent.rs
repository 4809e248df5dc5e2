use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use proxy::{LocalToken, NextHop};

use super::fault::{Fault, Faults, Place, Source};
use super::folder::Folder;
use super::given::{Given, Setting};
use super::{Admin, Config, Exchange, Log, Outbound, Server, grammar, issuer, raw, workspace};
use crate::agent::{Command, JwtFile, MachineToken};

/// `lakegate agent`: a gateway for the programs of one machine, under that machine's own JWT.
#[derive(Clone, Debug)]
pub struct Agent {
    /// As of a gateway. Its listeners are on loopback; there may be none, and no issuer where another gateway is next.
    pub config: Config,
    pub(crate) socket: Option<UnixSocket>,
    pub(crate) token: MachineToken,
    /// How long a request waits for a JWT that is late.
    pub(crate) patience: Duration,
    pub(crate) local_token: Option<LocalToken>,
    pub(crate) next_hop: NextHop,
}

/// A Unix socket to listen on, and who may connect to it.
#[derive(Clone, Debug)]
pub(crate) struct UnixSocket {
    pub(crate) path: PathBuf,
    pub(crate) mode: u32,
}

// === impl Agent ===

impl Agent {
    /// What flags say; paths are relative to the working folder.
    pub(crate) fn from_flags(raw: raw::Agent) -> Result<Self, Faults> {
        let folder = Folder::working();
        let mut faults = Faults::of(Source::Flags);
        let found = &mut faults;
        let token = token(&raw, found);
        let patience = raw.token_wait.parse(found, |given| {
            Ok(grammar::duration_or_off(given)?.unwrap_or_default())
        });
        let local_token = raw
            .require_token
            .parse(found, |given| local_token(given, &folder));
        let mode = raw.socket_mode.parse(found, mode).unwrap_or(OWNER_ONLY);
        let socket = raw.socket.given().map(|given| UnixSocket {
            path: given.value.into(),
            mode,
        });
        let config = config(raw.base, raw.next_hop, socket.is_some(), found);
        let finished = config.zip(token).map(|(config, token)| Self {
            config,
            socket,
            token,
            patience: patience.unwrap_or(PATIENCE),
            local_token,
            next_hop: raw.next_hop,
        });
        faults.settle(finished)
    }
}

/// What an agent has of a gateway.
fn config(raw: raw::Raw, next_hop: NextHop, has_socket: bool, faults: &mut Faults) -> Option<Config> {
    let folder = Folder::working();
    let has_address = matches!(raw.server.listen, Setting::Given(_));
    let mut server = Server::from_raw(raw.server, &folder, faults);
    if has_socket && !has_address {
        server.listen.clear();
    }
    for address in &server.listen {
        faults.keep(loopback(*address));
    }
    // gRPC without TLS, which no certificate authority would vouch for on a machine's own address.
    server.h2c = true;
    // All clients are one: this machine.
    server.max_connections_per_client = None;
    // There is no balancer before it, and no other agent that one could lead to.
    server.drain_delay = Duration::ZERO;
    // It is beside the programs that do the work.
    server.workers = server.workers.min(const { NonZeroUsize::new(2).unwrap() });
    let admin = raw.admin.map(|admin| Admin::from_raw(admin, &server, faults));
    let issuers = match next_hop {
        NextHop::Workspace => issuer::issuers(raw.issuers, &folder, faults),
        NextHop::Gateway => Some(Vec::new()),
    };
    let workspaces = workspace::workspaces(raw.workspaces, faults);
    let outbound = Outbound::from_raw(raw.outbound, &folder, faults);
    let log = Log::from_raw(raw.log, &folder, faults);
    Some(Config {
        server,
        admin,
        issuers: issuers?,
        workspaces: workspaces?,
        exchange: Exchange::from_raw(raw.exchange, faults),
        outbound,
        log,
    })
}

fn loopback(address: SocketAddr) -> Result<(), Fault> {
    if address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let fault = Fault::new(
        &Place::Flag("--listen"),
        format!(
            "an agent listens on loopback addresses only, and {address} is none: whoever reaches it acts as this machine"
        ),
    );
    Err(fault.help("use 127.0.0.1, [::1] or --socket; for callers on other machines there is `lakegate run`"))
}

fn token(raw: &raw::Agent, faults: &mut Faults) -> Option<MachineToken> {
    let timeout = raw.token_timeout.clone().parse(faults, grammar::duration);
    let margin = raw.token_margin.clone().parse(faults, grammar::duration);
    let shell = raw.token_shell.is_on();
    if let Setting::Given(file) = &raw.token_file {
        return Some(MachineToken::File(JwtFile::new(PathBuf::from(&file.value))));
    }
    let words = raw
        .token_command
        .clone()
        .parse(faults, |given| words(given, shell))?;
    Some(MachineToken::Command(Command {
        words,
        timeout: timeout.unwrap_or(TIMEOUT),
        margin: margin.unwrap_or(MARGIN),
    }))
}

/// As a shell splits them, but nothing is expanded, substituted or piped.
fn words(given: &Given<String>, shell: bool) -> Result<Vec<String>, Fault> {
    if shell {
        return Ok(vec!["/bin/sh".to_owned(), "-c".to_owned(), given.value.clone()]);
    }
    let words = shlex::split(&given.value).ok_or_else(|| given.fault("a quote is not closed"))?;
    if words.is_empty() {
        return Err(given.fault("there is no command"));
    }
    Ok(words)
}

fn local_token(given: &Given<String>, folder: &Folder) -> Result<LocalToken, Fault> {
    let (path, secret) = folder.read(given)?;
    LocalToken::new(secret.trim_ascii()).ok_or_else(|| {
        let least = LocalToken::LEAST;
        let fault = given.fault(format!(
            "{} must hold {least} visible ASCII characters or more, without spaces",
            path.display()
        ));
        fault.help("fill it with a random secret: openssl rand -hex 32")
    })
}

fn mode(given: &Given<String>) -> Result<u32, Fault> {
    u32::from_str_radix(&given.value, 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| {
            let fault = given.fault(format!("`{}` is not a file mode", given.value));
            fault.help("write it in octal: 0600 for this user alone, 0660 for its group as well")
        })
}

/// Nobody but the user whose agent it is (and root, whom nothing keeps out).
const OWNER_ONLY: u32 = 0o600;

/// Rotation is late by seconds, if at all; SQL drivers wait for a minute after a 503, so that waiting here is shorter.
const PATIENCE: Duration = Duration::from_secs(10);

/// Commands ask an identity provider over the network, and some of them start slowly.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Twice what some of Databricks' clients want to be left of a token.
const MARGIN: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;

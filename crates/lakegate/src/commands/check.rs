//! `lakegate check`: read a configuration, say what it comes to, start nothing.

use std::fmt::Write;

use exchange::FederationPolicy;
use identity::{Issuer, KeySource};

use super::{Failure, say};
use crate::cli::CheckArgs;
use crate::config::{Config, HostName, Hosts, Workspace};

/// Prints `ok` and what would be served.
///
/// # Errors
/// Every fault of the configuration at once.
pub fn check(args: &CheckArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config)?;
    say(&summary(&config));
    Ok(())
}

/// `ok`, then one line per listener, issuer and workspace.
fn summary(config: &Config) -> String {
    let tls = if config.server.tls.is_some() {
        "TLS"
    } else {
        "plain HTTP"
    };
    let listeners = config
        .server
        .listen
        .iter()
        .map(|address| format!("listen     {address} ({tls})"));
    let admin = config
        .admin
        .iter()
        .map(|admin| format!("admin      {}", admin.listen));
    let issuers = config.issuers.iter().map(issuer);
    let workspaces = config.workspaces.iter().map(workspace);
    let lines = listeners.chain(admin).chain(issuers).chain(workspaces);
    lines.fold("ok".to_owned(), |summary, line| summary + "\n" + &line)
}

fn issuer(issuer: &Issuer) -> String {
    let audiences: Vec<_> = issuer
        .audiences
        .iter()
        .map(|audience| audience.0.as_str())
        .collect();
    let keys = match &issuer.keys {
        KeySource::Discovery => "keys by discovery".to_owned(),
        KeySource::Url(url) => format!("keys from {url}"),
        KeySource::Fixed(_) => "keys from a file".to_owned(),
    };
    format!("issuer     {} for {}, {keys}", issuer.url, audiences.join(", "))
}

fn workspace(workspace: &Workspace) -> String {
    let mut line = format!(
        "workspace  {} at {}",
        workspace.name,
        workspace.url.origin().ascii_serialization()
    );
    if let Hosts::Only(hosts) = &workspace.hosts {
        let hosts: Vec<_> = hosts.iter().map(HostName::as_str).collect();
        // Writing to a string cannot fail.
        let _ = write!(line, " as {}", hosts.join(", "));
    }
    let grant = &workspace.grant;
    let policy = match grant.policy() {
        FederationPolicy::AccountWide => "account-wide policy".to_owned(),
        FederationPolicy::ServicePrincipal(client_id) => format!("service principal {}", client_id.as_str()),
    };
    let (endpoint, scope) = (grant.endpoint().url(), grant.scope().as_str());
    line + &format!("\n           tokens from {endpoint} for {scope}, {policy}")
}

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;
use testbed::{Authority, Databricks, Idp};

/// Two identity providers and two workspaces, and the configuration of a gateway between them.
pub(crate) struct World {
    /// The first rotates its keys; in the name of the second, unknown keys are asked for.
    pub(crate) idps: [Idp; 2],
    /// The first over TLS and with JWTs of its own as tokens, the second in the clear and with opaque ones.
    pub(crate) workspaces: [Databricks; 2],
    pub(crate) authority: Authority,
    folder: TempDir,
}

/// The host names under which the gateway serves the workspaces.
pub(crate) const HOSTS: [&str; 2] = ["analytics.soak.test", "jobs.soak.test"];

/// Short, so that tokens end while they are in use. The gateway serves none in its last 5 s.
pub(crate) const TOKEN_LIFETIME: Duration = Duration::from_secs(15);
pub(crate) const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(2);
/// Small, so that tokens are evicted.
const CACHE_CAPACITY: usize = 64;

// === impl World ===

impl World {
    pub(crate) async fn new() -> anyhow::Result<Self> {
        let authority = Authority::new();
        let idps = [Idp::start().await, Idp::start().await];
        let [first, second] = &idps;
        let workspace = || {
            Databricks::builder()
                .trust(first)
                .trust(second)
                .token_lifetime(TOKEN_LIFETIME)
                .forgetful()
        };
        let workspaces = [
            workspace().tls(&authority).start().await,
            workspace().h2c().opaque_tokens().start().await,
        ];
        Ok(Self {
            idps,
            workspaces,
            authority,
            folder: TempDir::new().context("no folder for the configuration")?,
        })
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Writes the configuration; `plain` serves without TLS, and HTTP/2 with prior knowledge.
    pub(crate) fn configure(&self, plain: bool) -> anyhow::Result<PathBuf> {
        let (chain, key) = self.authority.server_pem(&HOSTS);
        let files = [
            ("ca.pem", self.authority.ca_pem()),
            ("tls.crt", chain),
            ("tls.key", key),
            ("lakegate.toml", self.configuration(plain)),
        ];
        for (name, content) in files {
            fs::write(self.folder.path().join(name), content)?;
        }
        Ok(self.folder.path().join("lakegate.toml"))
    }

    /// Another configuration in the place of the present one, which is the `number`th.
    pub(crate) fn reconfigure(&self, number: u64) -> anyhow::Result<()> {
        let path = self.folder.path().join("lakegate.toml");
        let text = fs::read_to_string(&path)?;
        fs::write(path, text.replace(&limit(number), &limit(number + 1)))?;
        Ok(())
    }

    /// Everything that waits waits for a short time, so that much happens in a minute.
    fn configuration(&self, plain: bool) -> String {
        let served = if plain {
            "h2c = true"
        } else {
            "tls = { cert = \"tls.crt\", key = \"tls.key\" }"
        };
        let issuers = self.idps.iter().map(|idp| {
            let url = idp.issuer();
            format!("[[issuer]]\nurl = \"{url}\"\naudiences = [\"databricks-gateway\"]\n")
        });
        let workspaces = self.workspaces.iter().zip(HOSTS).map(|(workspace, host)| {
            let (name, url) = (host.split('.').next().unwrap_or_default(), workspace.url());
            format!("[[workspace]]\nname = \"{name}\"\nurl = \"{url}\"\nhosts = [\"{host}\"]\n")
        });
        let timeout = EXCHANGE_TIMEOUT.as_secs();
        format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nworkers = 2\n{served}\n{}\nheader_timeout = \"2s\"\n\
             idle_timeout = \"5s\"\nbody_idle_timeout = \"4s\"\ntunnel_idle_timeout = \"5s\"\ndrain_delay = \"1s\"\ndrain_timeout = \"10s\"\n\
             [admin]\nlisten = \"127.0.0.1:0\"\n\
             [exchange]\ntimeout = \"{timeout}s\"\ncache_capacity = {CACHE_CAPACITY}\n\
             [outbound]\nca = \"ca.pem\"\nconnect_timeout = \"2s\"\nfirst_byte_timeout = \"2s\"\n\
             body_idle_timeout = \"4s\"\npool_idle_timeout = \"2s\"\n\
             [log]\nlevel = \"info\"\nformat = \"json\"\n{}{}",
            limit(0),
            issuers.collect::<String>(),
            workspaces.collect::<String>()
        )
    }
}

/// A setting that no request meets, so that it may be any.
fn limit(number: u64) -> String {
    format!("max_target_size = {}", 8192 + number)
}

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use clap::Parser as _;
use http::StatusCode;
use lakegate::cli::{Cli, Command};
use lakegate::outbound::install_cryptography;
use lakegate::serving::{Health, Serving};
use tempfile::TempDir;
use testbed::{Databricks, Idp};
use tokio::net::{TcpStream, UnixStream};

use super::records::Records;
use super::{Answer, Call, Client, H2Client, Wire, logs, soon};

/// An agent that serves, as `lakegate agent` would, and the file in which its machine's JWT rotates.
///
/// When it is dropped, no workspace has seen a foreign JWT, and nothing has logged a credential; or the test fails.
pub(crate) struct Agent {
    _serving: Serving,
    health: Health,
    address: Option<SocketAddr>,
    admin: SocketAddr,
    workspaces: Vec<Databricks>,
    folder: TempDir,
}

/// An agent's arguments, and the files that they name.
#[must_use = "an agent serves once it is started"]
pub(crate) struct AgentBuilder {
    arguments: Vec<String>,
    listens: bool,
    has_source: bool,
    behind: Vec<Databricks>,
    folder: TempDir,
}

// === impl AgentBuilder ===

impl AgentBuilder {
    /// One more argument; `{}` in it stands for the folder in which the agent's files are.
    pub(crate) fn with(mut self, argument: &str) -> Self {
        let folder = self.folder.path().to_str().expect("a path");
        let argument = argument.replace("{}", folder);
        self.listens |= argument.starts_with("--socket=") || argument.starts_with("--listen=");
        self.has_source |= argument.starts_with("--token-command=");
        self.arguments.push(argument);
        self
    }

    /// A file in that folder.
    pub(crate) fn file(self, name: &str, content: &str) -> Self {
        std::fs::write(self.folder.path().join(name), content).expect("a file");
        self
    }

    /// This machine's JWT at the start.
    pub(crate) fn jwt(self, jwt: &str) -> Self {
        self.file("jwt", jwt)
    }

    /// Serves, once it has the issuer's keys.
    pub(crate) async fn start(self) -> Agent {
        let agent = self.try_start().expect("an agent");
        soon(agent.health.ready()).await;
        agent
    }

    /// Serves at once, or says why it cannot.
    pub(crate) fn try_start(mut self) -> Result<Agent, String> {
        logs::listen();
        install_cryptography();
        if !self.listens {
            self = self.with("--listen=127.0.0.1:0");
        }
        if !self.has_source {
            self = self.with("--token-file={}/jwt");
        }
        let words = ["lakegate", "agent", "--admin=127.0.0.1:0"].map(str::to_owned);
        let Command::Agent(arguments) = Cli::parse_from(words.into_iter().chain(self.arguments)).command
        else {
            panic!("another command");
        };
        let config = arguments.load().map_err(|faults| faults.to_string())?;
        let (sink, _) = Records::new();
        let serving = Serving::start_agent(&config, Arc::new(sink)).map_err(|error| format!("{error:#}"))?;
        Ok(Agent {
            health: serving.health().clone(),
            address: serving.addresses().first().copied(),
            admin: serving.admin_address().expect("an admin listener"),
            _serving: serving,
            workspaces: self.behind,
            folder: self.folder,
        })
    }
}

// === impl Agent ===

impl Agent {
    /// To a workspace, for JWTs of `idp`.
    pub(crate) fn in_front_of(databricks: &Databricks, idp: &Idp) -> AgentBuilder {
        let mut agent = Self::bare();
        agent.behind.push(databricks.clone());
        agent
            .with(&format!("--workspace={}", databricks.url()))
            .with(&format!("--issuer={}", idp.issuer()))
            .with("--audience=databricks-gateway")
    }

    /// To a gateway at `url`.
    pub(crate) fn in_front_of_gateway(url: &str) -> AgentBuilder {
        Self::bare().with(&format!("--gateway={url}"))
    }

    fn bare() -> AgentBuilder {
        AgentBuilder {
            arguments: Vec::new(),
            listens: false,
            has_source: false,
            behind: Vec::new(),
            folder: TempDir::new().expect("a folder"),
        }
    }

    /// Puts another JWT into the place of the present one, as a whole, as everything does that rotates them.
    pub(crate) fn rotate(&self, jwt: &str) {
        let next = self.path("jwt.next");
        std::fs::write(&next, jwt).expect("a file");
        std::fs::rename(next, self.path("jwt")).expect("a file");
    }

    /// A file in the agent's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// An ordinary client on a connection of its own.
    pub(crate) async fn client(&self) -> Client {
        let host = self.address().to_string();
        Client::over(self.tcp().await, &host).await
    }

    /// One that speaks HTTP/2 with prior knowledge.
    pub(crate) async fn h2_client(&self) -> H2Client {
        H2Client::over(self.tcp().await, &format!("http://{}", self.address())).await
    }

    /// One on the Unix socket at `path`.
    pub(crate) async fn unix_client(path: &Path) -> Client {
        let socket = soon(UnixStream::connect(path)).await.expect("it listens");
        Client::over(socket, "localhost").await
    }

    /// A connection to be spoken on by hand.
    pub(crate) async fn wire(&self) -> Wire {
        Wire::new(self.tcp().await)
    }

    /// One call on a connection of its own.
    pub(crate) async fn send(&self, call: Call) -> Answer {
        self.client().await.send(call).await
    }

    /// A page of the admin listener.
    pub(crate) async fn admin(&self, page: &str) -> (StatusCode, String) {
        let socket = soon(TcpStream::connect(self.admin)).await.expect("it listens");
        let mut client = Client::over(socket, &self.admin.to_string()).await;
        let answer = client.send(Call::get(page)).await;
        (answer.status, answer.text().to_owned())
    }

    pub(crate) async fn tcp(&self) -> TcpStream {
        soon(TcpStream::connect(self.address()))
            .await
            .expect("it listens")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address.expect("a port")
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        for workspace in &self.workspaces {
            assert_eq!(workspace.leaked_jwts(), 0, "a JWT leaked upstream");
        }
        let indiscretions = logs::indiscretions();
        assert!(
            indiscretions.is_empty(),
            "credentials in the log: {indiscretions:#?}"
        );
    }
}

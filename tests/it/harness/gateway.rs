use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use http::StatusCode;
use lakegate::config::Config;
use lakegate::outbound::install_cryptography;
use lakegate::serving::{Health, Serving};
use proxy::{CountersSnapshot, RefusalRecord};
use rustls::ClientConfig;
use tempfile::TempDir;
use testbed::{Authority, Databricks, Idp};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::records::{Log, Records};
use super::{Answer, Call, Client, Frames, H2Client, Record, Wire, eventually, logs, soon, tls};

/// A gateway that serves, as `lakegate run` would.
///
/// When it is dropped, no workspace has seen a foreign JWT, and nothing has logged a credential; or the test fails.
pub(crate) struct Gateway {
    serving: Option<Serving>,
    health: Health,
    address: SocketAddr,
    admin: SocketAddr,
    workspaces: Vec<Databricks>,
    log: Log,
    folder: TempDir,
}

/// The configuration file of a gateway, line by line.
#[must_use = "a gateway serves once it is started"]
pub(crate) struct GatewayBuilder {
    listen: Vec<&'static str>,
    server: String,
    outbound: String,
    exchange: String,
    issuers: String,
    workspaces: String,
    behind: Vec<Databricks>,
    folder: TempDir,
}

// === impl GatewayBuilder ===

impl GatewayBuilder {
    /// A line of `[server]`.
    pub(crate) fn server(mut self, line: &str) -> Self {
        let _ = writeln!(self.server, "{line}");
        self
    }

    /// One more address to listen on.
    pub(crate) fn and_listener(mut self) -> Self {
        self.listen.push("127.0.0.1:0");
        self
    }

    /// A line of `[outbound]`.
    pub(crate) fn outbound(mut self, line: &str) -> Self {
        let _ = writeln!(self.outbound, "{line}");
        self
    }

    /// A line of `[exchange]`.
    pub(crate) fn exchange(mut self, line: &str) -> Self {
        let _ = writeln!(self.exchange, "{line}");
        self
    }

    /// One more `[[issuer]]`.
    pub(crate) fn and_issuer(mut self, url: &str) -> Self {
        let _ = writeln!(
            self.issuers,
            "[[issuer]]\nurl = \"{url}\"\naudiences = [\"databricks-gateway\"]"
        );
        self
    }

    /// A line of the latest `[[issuer]]`.
    pub(crate) fn issuer(mut self, line: &str) -> Self {
        let _ = writeln!(self.issuers, "{line}");
        self
    }

    /// One more `[[workspace]]`.
    pub(crate) fn and_workspace(mut self, databricks: &Databricks) -> Self {
        self.behind.push(databricks.clone());
        self.and_workspace_at(databricks.url())
    }

    pub(crate) fn and_workspace_at(mut self, url: &str) -> Self {
        let _ = writeln!(self.workspaces, "[[workspace]]\nurl = \"{url}\"");
        self
    }

    /// A line of the latest `[[workspace]]`.
    pub(crate) fn workspace(mut self, line: &str) -> Self {
        let _ = writeln!(self.workspaces, "{line}");
        self
    }

    /// A file beside the configuration.
    pub(crate) fn file(self, name: &str, content: &str) -> Self {
        std::fs::write(self.folder.path().join(name), content).expect("a file");
        self
    }

    /// Trusts `authority` beside the machine's own.
    pub(crate) fn trust(self, authority: &Authority) -> Self {
        self.file("ca.pem", &authority.ca_pem())
            .outbound("ca = \"ca.pem\"")
    }

    /// Serves TLS under a certificate of `authority`.
    pub(crate) fn tls(self, authority: &Authority) -> Self {
        let (chain, key) = authority.server_pem(&[]);
        self.file("tls.crt", &chain)
            .file("tls.key", &key)
            .server("tls = { cert = \"tls.crt\", key = \"tls.key\" }")
    }

    /// Serves, once every issuer has its keys.
    pub(crate) async fn start(self) -> Gateway {
        let gateway = self.start_cold();
        soon(gateway.health.ready()).await;
        gateway
    }

    /// Serves at once.
    pub(crate) fn start_cold(self) -> Gateway {
        logs::listen();
        install_cryptography();
        let path = self.write();
        let config = Config::load(&path).unwrap_or_else(|faults| panic!("{faults}"));
        let (sink, log) = Records::new();
        let mut serving = Serving::start(&config, Arc::new(sink)).expect("a gateway");
        serving.follow(move || Config::load(&path));
        Gateway {
            health: serving.health().clone(),
            address: serving.addresses()[0],
            admin: serving.admin_address().expect("an admin listener"),
            serving: Some(serving),
            workspaces: self.behind,
            log,
            folder: self.folder,
        }
    }

    fn write(&self) -> PathBuf {
        let text = format!(
            "[server]\nlisten = {:?}\nworkers = 2\n{}\n[admin]\nlisten = \"127.0.0.1:0\"\n\
             [outbound]\n{}\n[exchange]\n{}\n{}\n{}",
            self.listen, self.server, self.outbound, self.exchange, self.issuers, self.workspaces
        );
        let path = self.folder.path().join("lakegate.toml");
        std::fs::write(&path, text).expect("a file");
        path
    }
}

// === impl Gateway ===

impl Gateway {
    /// For one workspace, under every host, and for one issuer, whose keys are discovered.
    pub(crate) fn in_front_of(databricks: &Databricks, idp: &Idp) -> GatewayBuilder {
        Self::bare().and_issuer(idp.issuer()).and_workspace(databricks)
    }

    /// For a workspace at `url` whose tokens come from `databricks`.
    pub(crate) fn in_front_of_url(url: &str, databricks: &Databricks, idp: &Idp) -> GatewayBuilder {
        let token_url = format!("token_url = \"{}/oidc/v1/token\"", databricks.url());
        let mut builder = Self::bare().and_issuer(idp.issuer());
        builder.behind.push(databricks.clone());
        builder.and_workspace_at(url).workspace(&token_url)
    }

    /// For nobody yet.
    pub(crate) fn bare() -> GatewayBuilder {
        GatewayBuilder {
            listen: vec!["127.0.0.1:0"],
            server: String::new(),
            outbound: String::new(),
            exchange: String::new(),
            issuers: String::new(),
            workspaces: String::new(),
            behind: Vec::new(),
            folder: TempDir::new().expect("a folder"),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every address that it listens on.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.serving.as_ref().expect("it serves").addresses().to_vec()
    }

    /// As SIGHUP does.
    pub(crate) fn reload(&self) {
        self.serving.as_ref().expect("it serves").reload();
    }

    /// Replaces files beside the configuration.
    pub(crate) fn replace(&self, files: &[(&str, &str)]) {
        for (name, content) in files {
            std::fs::write(self.folder.path().join(name), content).expect("a file");
        }
    }

    /// Edits the configuration file, as an operator would.
    pub(crate) fn edit(&self, edit: impl FnOnce(String) -> String) {
        let path = self.folder.path().join("lakegate.toml");
        let text = std::fs::read_to_string(&path).expect("a file");
        std::fs::write(path, edit(text)).expect("a file");
    }

    /// The same, and a SIGHUP; returns when it has been taken into use.
    pub(crate) async fn reconfigure(&self, edit_it: impl FnOnce(String) -> String) {
        let (before, _) = self.health.reloads();
        self.edit(edit_it);
        self.reload();
        eventually("the new configuration serves", async || {
            self.health.reloads().0 > before
        })
        .await;
    }

    /// The same for one that cannot be used.
    pub(crate) async fn reconfigure_in_vain(&self, edit_it: impl FnOnce(String) -> String) {
        let (_, before) = self.health.reloads();
        self.edit(edit_it);
        self.reload();
        eventually("the new configuration is refused", async || {
            self.health.reloads().1 > before
        })
        .await;
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    pub(crate) fn counters(&self) -> CountersSnapshot {
        self.health.counters()
    }

    /// The next line of the access log.
    pub(crate) async fn record(&self) -> Record {
        let mut records = self.log.requests.lock().await;
        soon(records.recv()).await.expect("a gateway that serves")
    }

    /// The next line about a request that was refused before its head was read.
    pub(crate) async fn refusal(&self) -> RefusalRecord {
        let mut refusals = self.log.refusals.lock().await;
        soon(refusals.recv()).await.expect("a gateway that serves")
    }

    /// An ordinary client on a connection of its own.
    pub(crate) async fn client(&self) -> Client {
        Client::over(connect(self.address).await, &self.address.to_string()).await
    }

    /// The same over TLS, trusting `authority` alone.
    pub(crate) async fn tls_client(&self, authority: &Authority) -> Client {
        let host = format!("localhost:{}", self.address.port());
        Client::over(self.tls(authority, &[]).await, &host).await
    }

    /// One that speaks HTTP/2 with prior knowledge; the gateway's `h2c` must be on.
    pub(crate) async fn h2_client(&self) -> H2Client {
        H2Client::over(connect(self.address).await, &format!("http://{}", self.address)).await
    }

    /// One that agrees on HTTP/2 over TLS (RFC 7301).
    pub(crate) async fn h2_tls_client(&self, authority: &Authority) -> H2Client {
        let tls = self.tls(authority, &[b"h2", b"http/1.1"]).await;
        assert_eq!(tls.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
        let origin = format!("https://localhost:{}", self.address.port());
        H2Client::over(tls, &origin).await
    }

    /// An ordinary client on a session that begins after these bytes in the clear.
    pub(crate) async fn tls_client_after(&self, clear: &[u8], authority: &Authority) -> Client {
        let mut socket = connect(self.address).await;
        soon(socket.write_all(clear)).await.expect("it listens");
        let host = format!("localhost:{}", self.address.port());
        Client::over(handshake(socket, authority, &[]).await, &host).await
    }

    /// A session that offers these protocols.
    pub(crate) async fn tls(&self, authority: &Authority, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        handshake(connect(self.address).await, authority, protocols).await
    }

    /// A connection to be spoken on frame by frame; the gateway's `h2c` must be on.
    pub(crate) async fn frames(&self) -> Frames {
        Frames::new(connect(self.address).await).await
    }

    /// A connection on which nothing was said.
    pub(crate) async fn tcp(&self) -> TcpStream {
        connect(self.address).await
    }

    /// A connection to be spoken on by hand.
    pub(crate) async fn wire(&self) -> Wire {
        Wire::new(connect(self.address).await)
    }

    /// The same on another of its listeners.
    pub(crate) async fn wire_to(&self, address: SocketAddr) -> Wire {
        Wire::new(connect(address).await)
    }

    /// One call on a connection of its own.
    pub(crate) async fn send(&self, call: Call) -> Answer {
        self.client().await.send(call).await
    }

    /// The most usual call.
    pub(crate) async fn get(&self, target: &str, token: &str) -> Answer {
        self.send(Call::get(target).bearer(token)).await
    }

    /// A page of the admin listener.
    pub(crate) async fn admin(&self, page: &str) -> (StatusCode, String) {
        let host = self.admin.to_string();
        let mut client = Client::over(connect(self.admin).await, &host).await;
        let answer = client.send(Call::get(page)).await;
        (answer.status, answer.text().to_owned())
    }

    /// Takes the serving part out, to be drained; the rest still answers questions.
    pub(crate) fn take_serving(&mut self) -> Serving {
        self.serving.take().expect("it serves")
    }
}

impl Drop for Gateway {
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

async fn connect(address: SocketAddr) -> TcpStream {
    soon(TcpStream::connect(address)).await.expect("it listens")
}

async fn handshake(socket: TcpStream, authority: &Authority, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
    let mut config = ClientConfig::clone(&tls::trusting(authority));
    config.alpn_protocols = protocols.iter().map(|&protocol| protocol.to_vec()).collect();
    tls::over(socket, Arc::new(config)).await.expect("a TLS session")
}

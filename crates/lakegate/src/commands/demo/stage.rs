use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proxy::{AccessRecord, AccessSink, RefusalRecord};
use testbed::{Databricks, Idp};

use crate::cli::{DemoArgs, Flags};
use crate::config::{Config, LogFormat, Subjects};
use crate::outbound::Clients;
use crate::serving::Serving;
use crate::telemetry::{AccessLog, Telemetry};

/// The three, and a client.
pub(super) struct Stage {
    pub(super) idp: Idp,
    pub(super) databricks: Databricks,
    pub(super) serving: Serving,
    pub(super) client: reqwest::Client,
    curtain: Arc<Curtain>,
    _telemetry: Telemetry,
}

/// Hides the access log until the story has been told: the two would run into each other.
struct Curtain {
    log: AccessLog,
    raised: AtomicBool,
}

// === impl Stage ===

impl Stage {
    /// Everything on loopback; ports are free ones unless the arguments say otherwise.
    pub(super) async fn set(args: &DemoArgs) -> anyhow::Result<Self> {
        let idp = Idp::builder().port(args.idp_port).mint_endpoint().start().await;
        let databricks = Databricks::builder()
            .trust(&idp)
            .port(args.workspace_port)
            .start()
            .await;
        let listen = format!("127.0.0.1:{}", args.port);
        let flags = Flags::for_one(databricks.url(), idp.issuer(), AUDIENCE, &listen, "127.0.0.1:0");
        let mut config = Config::from_flags(flags.to_raw()).map_err(anyhow::Error::new)?;
        // People who try it want to see who called; there is nobody here whose name must be kept.
        config.log.subjects = Subjects::Clear;
        config.log.format = LogFormat::Text;
        let telemetry = Telemetry::start(&config.log);
        let curtain = Arc::new(Curtain {
            log: telemetry.access(),
            raised: AtomicBool::new(false),
        });
        let serving = Serving::start(&config, Arc::<Curtain>::clone(&curtain))?;
        serving.health().ready().await;
        let client = Clients::build(&config.outbound)?.http;
        Ok(Self {
            idp,
            databricks,
            serving,
            client,
            curtain,
            _telemetry: telemetry,
        })
    }

    /// Where callers connect.
    pub(super) fn gateway(&self) -> String {
        let address = self.serving.addresses().first();
        address
            .map(|address| format!("http://{address}"))
            .unwrap_or_default()
    }

    pub(super) fn show_log(&self) {
        self.curtain.raised.store(true, Ordering::Relaxed);
    }

    /// Finishes what is in flight.
    pub(super) async fn clear(self) {
        self.serving.drain().await;
    }
}

impl AccessSink for Curtain {
    fn record(&self, record: &AccessRecord<'_>) {
        if self.raised.load(Ordering::Relaxed) {
            self.log.record(record);
        }
    }

    fn refused(&self, record: &RefusalRecord) {
        if self.raised.load(Ordering::Relaxed) {
            self.log.refused(record);
        }
    }

    fn lost_lines(&self) -> u64 {
        self.log.lost_lines()
    }
}

/// What the fake identity provider writes into `aud`.
const AUDIENCE: &str = "databricks-gateway";

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use clap::Args;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;

use crate::target::Target;
use crate::tokens::{Choice, Tokens};

/// Each connection sends the next request when it has its answer.
#[derive(Args)]
pub(crate) struct Closed {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    tokens: Choice,
    /// How many connections.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// For how long, unless the tokens are used up before.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
}

/// What all connections share.
struct Round {
    target: Target,
    tokens: Tokens,
    until: Duration,
    requests: Cell<u64>,
}

// === impl Closed ===

impl Closed {
    pub(crate) fn run(self) -> io::Result<String> {
        let round = Rc::new(Round {
            target: self.target,
            tokens: self.tokens.open()?,
            until: Duration::from_secs_f64(self.seconds),
            requests: Cell::new(0),
        });
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let start = Instant::now();
        LocalSet::new().block_on(&runtime, Round::run(Rc::clone(&round), self.connections))?;
        Ok(format!(
            r#"{{"requests":{},"seconds":{:.6}}}"#,
            round.requests.get(),
            start.elapsed().as_secs_f64()
        ))
    }
}

// === impl Round ===

impl Round {
    async fn run(round: Rc<Self>, connections: usize) -> io::Result<()> {
        let mut all = JoinSet::new();
        for _ in 0..connections {
            let round = Rc::clone(&round);
            all.spawn_local(async move { round.connection().await });
        }
        while let Some(ended) = all.join_next().await {
            ended.expect("no connection panics")?;
        }
        Ok(())
    }

    async fn connection(&self) -> io::Result<()> {
        let start = Instant::now();
        let mut client = self.target.connect().await?;
        let mut request = Vec::new();
        while start.elapsed() < self.until {
            let Some(token) = self.tokens.next() else { break };
            self.target.write_request(&mut request, token);
            client.call(&request).await?;
            self.requests.set(self.requests.get() + 1);
        }
        Ok(())
    }
}

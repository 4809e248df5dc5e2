use std::io::{self, Read as _};

use clap::Args;
use tokio::runtime::Builder;

use crate::target::{Client, Target};
use crate::tokens::Choice;

/// Connections that make one request and then rest until standard input ends.
#[derive(Args)]
pub(crate) struct Idle {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    tokens: Choice,
    /// How many connections.
    #[arg(long, default_value_t = 1000)]
    connections: usize,
}

impl Idle {
    /// Says when all of them rest, by a line of its own.
    pub(crate) fn run(self) -> io::Result<String> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let clients = runtime.block_on(self.open())?;
        #[expect(clippy::print_stdout, reason = "its answer to who started it")]
        {
            println!("resting");
        }
        io::stdin().read_to_end(&mut Vec::new())?;
        Ok(format!(r#"{{"requests":{}}}"#, clients.len()))
    }

    /// One after the other, so that no more than one connection to the backend is needed.
    async fn open(&self) -> io::Result<Vec<Client>> {
        let tokens = self.tokens.open()?;
        let mut clients = Vec::with_capacity(self.connections);
        let mut request = Vec::new();
        while clients.len() < self.connections {
            let Some(token) = tokens.next() else { break };
            let mut client = self.target.connect().await?;
            self.target.write_request(&mut request, token);
            client.call(&request).await?;
            clients.push(client);
        }
        Ok(clients)
    }
}

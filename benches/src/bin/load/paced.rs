use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use crate::response::Head;
use crate::target::Target;
use crate::tokens::Choice;

/// Requests at a steady pace, and how long each took.
///
/// A thread for each connection, as timers of an event loop tick in milliseconds. The threads begin one after the other,
/// so that requests do not come in bunches.
#[derive(Args)]
pub(crate) struct Paced {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    tokens: Choice,
    /// How many connections.
    #[arg(long, default_value_t = 16)]
    connections: u32,
    /// Requests per second, all connections together.
    #[arg(long)]
    rate: f64,
    /// For how long.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
}

/// What one connection does.
struct Lane {
    request: Vec<u8>,
    first: Instant,
    interval: Duration,
    last: Instant,
}

// === impl Paced ===

impl Paced {
    pub(crate) fn run(self) -> io::Result<String> {
        let mut request = Vec::new();
        let tokens = self.tokens.open()?;
        self.target
            .write_request(&mut request, tokens.next().unwrap_or_default());
        let interval = Duration::from_secs_f64(f64::from(self.connections) / self.rate);
        let start = Instant::now() + Duration::from_millis(50);
        let lanes = (0..self.connections).map(|number| {
            let lane = Lane {
                request: request.clone(),
                first: start + interval * number / self.connections,
                interval,
                last: start + Duration::from_secs_f64(self.seconds),
            };
            let address = self.target.address;
            thread::spawn(move || lane.run(&TcpStream::connect(address)?))
        });
        let lanes: Vec<_> = lanes.collect();
        let mut took = Vec::new();
        for lane in lanes {
            took.extend(lane.join().expect("no lane panics")?);
        }
        took.sort_unstable();
        Ok(report(&took))
    }
}

// === impl Lane ===

impl Lane {
    /// A request that could not begin in time, because the one before it took so long, counts from when it should have begun;
    /// one that began late because the thread was woken late does not.
    fn run(self, mut stream: &TcpStream) -> io::Result<Vec<Duration>> {
        stream.set_nodelay(true)?;
        let (mut took, mut due, mut buffer) = (Vec::new(), self.first, vec![0; 64 * 1024]);
        while due < self.last {
            let now = Instant::now();
            let begun = if now < due {
                thread::sleep(due - now);
                Instant::now()
            } else {
                due
            };
            stream.write_all(&self.request)?;
            read(stream, &mut buffer)?;
            took.push(begun.elapsed());
            due += self.interval;
        }
        Ok(took)
    }
}

fn read(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(buffer.get_mut(filled..).unwrap_or_default())?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        let here = buffer.get(..filled).unwrap_or_default();
        if Head::read(here)?.is_some_and(|head| filled >= head.total()) {
            return Ok(());
        }
    }
}

fn report(took: &[Duration]) -> String {
    let quantile = |per_mille: usize| {
        let rank = took.len() * per_mille / 1000;
        took.get(rank).map_or(0, Duration::as_micros)
    };
    format!(
        r#"{{"requests":{},"p50_us":{},"p99_us":{}}}"#,
        took.len(),
        quantile(500),
        quantile(990)
    )
}

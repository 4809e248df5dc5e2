//! The load of the comparison where wrk and h2load cannot say what is wanted: another token in each request, a steady pace, idle connections.
//!
//! Prints one line of JSON about what was answered; an answer that is not 200 with the expected length ends it.

#![expect(
    clippy::expect_used,
    reason = "a load that cannot be made must stop the comparison"
)]

mod closed;
mod idle;
mod paced;
mod response;
mod target;
mod tokens;

use std::io;

use clap::Parser;

/// Requests to a proxy, one connection or thousands.
#[derive(Parser)]
enum Load {
    /// Each connection sends the next request when it has its answer.
    Closed(closed::Closed),
    /// Requests at a steady pace, and how long each took.
    Paced(paced::Paced),
    /// Connections that make one request and then rest until standard input ends.
    Idle(idle::Idle),
}

fn main() -> io::Result<()> {
    let report = match Load::parse() {
        Load::Closed(closed) => closed.run()?,
        Load::Paced(paced) => paced.run()?,
        Load::Idle(idle) => idle.run()?,
    };
    #[expect(clippy::print_stdout, reason = "its answer to who started it")]
    {
        println!("{report}");
    }
    Ok(())
}

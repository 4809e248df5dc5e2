use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::time::sleep;
use tokio_util::io::{InspectReader, InspectWriter};

use super::Switch;
use crate::accept::AfterHttp;
use crate::observe::{Outcome, Traffic, Trail};

impl Switch {
    /// Bytes both ways, until both sides have ended, one breaks, or nothing has moved for `patience`. A side that ends
    /// its half leaves the other half open, as TCP does.
    pub(crate) async fn tunnel(self, client: AfterHttp, mut trail: Box<Trail>, patience: Option<Duration>) {
        let traffic = trail.tunnelled();
        let ended = tokio::select! {
            ended = self.run(client, &traffic) => ended,
            () = silence(&traffic, patience) => Err(io::ErrorKind::TimedOut.into()),
        };
        trail.finish(match ended {
            Ok(()) => Outcome::Complete,
            Err(error) => {
                tracing::debug!(%error, "a tunnel was cut");
                Outcome::TunnelCut
            }
        });
    }

    async fn run(self, client: AfterHttp, traffic: &Traffic) -> io::Result<()> {
        let mut workspace = self.workspace;
        let mut client = counted(client, traffic);
        copy_bidirectional(&mut client, &mut workspace).await.map(drop)
    }
}

fn counted(client: AfterHttp, traffic: &Traffic) -> impl AsyncRead + AsyncWrite + Unpin {
    let (up, down) = (traffic.up.clone(), traffic.down.clone());
    let reads = InspectReader::new(client, move |bytes: &[u8]| {
        up.add(bytes.len() as u64);
    });
    InspectWriter::new(reads, move |bytes: &[u8]| down.add(bytes.len() as u64))
}

/// Resolves when nothing has moved for `patience`, looked at once in that time.
async fn silence(traffic: &Traffic, patience: Option<Duration>) {
    let Some(patience) = patience else {
        return pending().await;
    };
    let mut moved = traffic.bytes();
    loop {
        sleep(patience).await;
        let now = traffic.bytes();
        if now == moved {
            return;
        }
        moved = now;
    }
}

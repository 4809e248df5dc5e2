use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::task_local;

use crate::drain::Tasks;
use crate::moment;
use crate::patience::Patience;

/// Who is waited for on one stream: shared between hyper's task for it, which waits, and the answer's body, which knows
/// for whom. Both live on one thread.
#[derive(Clone, Debug, Default)]
pub(in crate::accept::connection) struct Turn(Rc<State>);

#[derive(Debug, Default)]
struct State {
    /// Since the last part was handed over, and until the next one is asked for.
    is_clients: Cell<bool>,
    parts: Cell<u64>,
}

/// Runs hyper's tasks, one for each stream, and gives up those whose client keeps its window shut.
///
/// Dropped, a task resets its stream (`CANCEL`, RFC 9113 section 5.4.2), and the connection's others go on. hyper itself
/// waits for ever: whoever answers its pings is alive, and may still make a workspace stand still.
#[derive(Clone, Debug)]
pub(super) struct Streamwise {
    tasks: Tasks,
    patience: Duration,
}

/// One of these tasks.
struct Attended<F> {
    stream: Pin<Box<F>>,
    turn: Turn,
    /// The parts that had been handed over when the waiting began.
    parts: u64,
    patience: Patience,
}

task_local! {
    static TURN: Turn;
}

// === impl Turn ===

impl Turn {
    /// That of the stream whose task this is.
    pub(super) fn current() -> Self {
        TURN.try_with(Self::clone).unwrap_or_default()
    }

    /// A part was handed over.
    pub(in crate::accept::connection) fn pass_to_client(&self) {
        self.0.parts.update(|parts| parts + 1);
        self.0.is_clients.set(true);
    }

    /// The next part is asked for: the client's window has taken the one before.
    pub(in crate::accept::connection) fn pass_to_workspace(&self) {
        self.0.is_clients.set(false);
    }
}

// === impl Streamwise ===

impl Streamwise {
    pub(super) fn new(tasks: Tasks, patience: Duration) -> Self {
        Self { tasks, patience }
    }
}

impl<F: Future<Output = ()> + 'static> Executor<F> for Streamwise {
    fn execute(&self, stream: F) {
        self.tasks.spawn(Attended {
            stream: Box::pin(stream),
            turn: Turn::default(),
            parts: 0,
            patience: Patience::new(self.patience),
        });
    }
}

// === impl Attended ===

impl<F> Attended<F> {
    /// Ready once the client has taken nothing for too long.
    fn poll_forsaken(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let parts = self.turn.0.parts.get();
        let is_clients = self.turn.0.is_clients.get();
        if !is_clients || std::mem::replace(&mut self.parts, parts) != parts {
            self.patience.moved();
        }
        if is_clients {
            self.patience.poll_exhausted(cx)
        } else {
            Poll::Pending
        }
    }
}

impl<F: Future<Output = ()>> Future for Attended<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let (turn, stream) = (this.turn.clone(), &mut this.stream);
        let polled = moment::turn(|| TURN.sync_scope(turn, || stream.as_mut().poll(cx)));
        if polled.is_ready() {
            return Poll::Ready(());
        }
        ready!(this.poll_forsaken(cx));
        tracing::debug!("a client's window stays shut: its stream is reset");
        Poll::Ready(())
    }
}

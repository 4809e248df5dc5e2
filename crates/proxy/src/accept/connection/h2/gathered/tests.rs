use std::cell::RefMut;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::task::Waker;

use tokio::io::AsyncWriteExt as _;

use super::*;

/// A socket of which the test says how much it takes, and that remembers what it was given: one entry for each write.
#[derive(Clone, Debug, Default)]
struct Wire(Rc<RefCell<Sent>>);

#[derive(Debug, Default)]
struct Sent {
    writes: Vec<Vec<u8>>,
    flushes: usize,
    room: usize,
    is_shut: bool,
    is_broken: bool,
}

impl Wire {
    fn with_room(room: usize) -> Self {
        let wire = Self::default();
        wire.sent().room = room;
        wire
    }

    fn sent(&self) -> RefMut<'_, Sent> {
        self.0.borrow_mut()
    }

    fn lengths(&self) -> Vec<usize> {
        self.sent().writes.iter().map(Vec::len).collect()
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut sent = self.sent();
        if sent.is_broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let taken = buf.len().min(sent.room);
        if taken == 0 {
            return Poll::Pending;
        }
        sent.room -= taken;
        sent.writes.push(buf[..taken].to_vec());
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sent().flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sent().is_shut = true;
        Poll::Ready(Ok(()))
    }
}

fn polled<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A connection that writes frames of these lengths in one turn, flushes after each, and has nothing more to say.
async fn says(io: &mut Gathered<Wire>, lengths: &[usize]) -> hyper::Result<()> {
    for (number, &length) in (0..).zip(lengths) {
        io.write_all(&vec![number; length]).await.unwrap();
        io.flush().await.unwrap();
    }
    pending().await
}

#[test]
fn answers_that_are_ready_at_once_go_out_at_once() {
    let wire = Wire::with_room(usize::MAX);
    let (mut io, outlet) = Gathered::new(wire.clone());
    let driven = polled(outlet.drive(pin!(says(&mut io, &[100, 1000, 100, 1000]))));
    assert!(driven.is_pending());
    assert_eq!(wire.lengths(), [2200]);
    assert_eq!(wire.sent().flushes, 1);
}

#[test]
fn nothing_is_written_or_flushed_in_a_turn_without_a_word() {
    let wire = Wire::with_room(usize::MAX);
    let (mut io, outlet) = Gathered::new(wire.clone());
    assert!(polled(outlet.drive(pin!(says(&mut io, &[])))).is_pending());
    assert_eq!((wire.lengths(), wire.sent().flushes), (vec![], 0));
}

#[test]
fn a_record_that_is_full_does_not_wait() {
    let wire = Wire::with_room(usize::MAX);
    let (mut io, outlet) = Gathered::new(wire.clone());
    let driven = polled(outlet.drive(pin!(says(&mut io, &[9_000, 7_000, 1_000]))));
    assert!(driven.is_pending());
    assert_eq!(wire.lengths(), [16_000, 1_000]);
}

#[test]
fn a_whole_frame_of_a_long_body_goes_out_in_its_turn_and_by_itself() {
    let wire = Wire::with_room(usize::MAX);
    let (mut io, outlet) = Gathered::new(wire.clone());
    let driven = polled(outlet.drive(pin!(says(&mut io, &[100, ENOUGH + 9, 10]))));
    assert!(driven.is_pending());
    assert_eq!(wire.lengths(), [100, ENOUGH + 9, 10]);
    let order: Vec<_> = wire.sent().writes.iter().map(|written| written[0]).collect();
    assert_eq!(order, [0, 1, 2]);
}

#[test]
fn who_does_not_read_holds_no_more_than_one_record() {
    let wire = Wire::with_room(10);
    let (mut io, outlet) = Gathered::new(wire.clone());
    let written = |io: &mut Gathered<Wire>| polled(io.write(&[7; 1_000])).is_ready();
    let taken = (0..100).take_while(|_| written(&mut io)).count();
    assert_eq!(taken, ENOUGH / 1_000);

    wire.sent().room = usize::MAX;
    assert!(polled(outlet.drive(pin!(says(&mut io, &[5])))).is_pending());
    assert_eq!(wire.lengths().iter().sum::<usize>(), taken * 1_000 + 5);
}

#[test]
fn the_end_comes_behind_everything_else() {
    let wire = Wire::default();
    let (mut io, _) = Gathered::new(wire.clone());
    assert!(polled(io.write_all(b"last words")).is_ready());
    assert!(polled(io.shutdown()).is_pending());
    assert!(!wire.sent().is_shut);
    wire.sent().room = usize::MAX;
    assert!(polled(io.shutdown()).is_ready());
    assert_eq!((wire.lengths(), wire.sent().is_shut), (vec![10], true));
}

#[test]
fn a_connection_ends_when_its_socket_breaks() {
    let wire = Wire::default();
    let (mut io, outlet) = Gathered::new(wire.clone());
    wire.sent().is_broken = true;
    let Poll::Ready(Err(broken)) = polled(outlet.drive(pin!(says(&mut io, &[5])))) else {
        panic!("it goes on");
    };
    assert_eq!(broken.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn a_connection_that_has_ended_ends_the_driving() {
    let (_, outlet) = Gathered::new(Wire::default());
    let ended = poll_fn(|_| Poll::Ready(hyper::Result::Ok(())));
    assert!(polled(outlet.drive(pin!(ended))).is_ready());
}

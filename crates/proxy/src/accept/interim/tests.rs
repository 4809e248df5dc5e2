use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};

use tokio::io::{AsyncWrite as _, AsyncWriteExt as _};

use super::{MOST_LINES, Prompted, Prompter};

fn written(io: Prompted<Vec<u8>>) -> String {
    String::from_utf8(io.io).expect("text")
}

#[tokio::test]
async fn it_is_put_where_nothing_is_half_written() {
    let prompter = Prompter::default();
    let mut io = Prompted::new(Vec::new(), prompter.clone());
    let interim = prompter.cue();
    io.write_all(b"the end of ").await.unwrap();
    interim.say("103;");
    io.write_all(b"another answer;").await.unwrap();
    io.flush().await.unwrap();
    interim.end().await;
    io.write_all(b"200").await.unwrap();
    assert_eq!(written(io), "the end of another answer;103;200");
}

/// Counts how often it is woken.
#[derive(Default)]
struct Sleeper(AtomicUsize);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn a_connection_that_rests_is_woken_in_whichever_task_it_is_by_then() {
    let prompter = Prompter::default();
    let mut io = Prompted::new(Vec::new(), prompter.clone());
    let sleepers = [Arc::<Sleeper>::default(), Arc::default()];
    for sleeper in &sleepers {
        let interim = prompter.cue();
        let waker = Waker::from(Arc::clone(sleeper));
        let cx = &mut Context::from_waker(&waker);
        for line in 1..3 {
            assert!(Pin::new(&mut io).poll_flush(cx).is_ready());
            interim.say("103;");
            assert_eq!(sleeper.0.load(Relaxed), line);
        }
        assert!(Pin::new(&mut io).poll_flush(cx).is_ready());
    }
    assert_eq!(sleepers.map(|sleeper| sleeper.0.load(Relaxed)), [2, 2]);
    assert_eq!(written(io), "103;".repeat(4));
}

#[tokio::test]
async fn an_answer_waits_until_it_is_out() {
    let prompter = Prompter::default();
    let mut io = Prompted::new(Vec::new(), prompter.clone());
    let interim = prompter.cue();
    interim.say("103;");
    let mut end = Box::pin(interim.end());
    let polled = end.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Pending);
    io.flush().await.unwrap();
    end.await;
    assert_eq!(written(io), "103;");
}

#[tokio::test]
async fn what_is_said_too_late_is_never_heard() {
    let prompter = Prompter::default();
    let mut io = Prompted::new(Vec::new(), prompter.clone());
    let first = prompter.cue();
    first.end().await;
    first.say("after the answer;");
    let second = prompter.cue();
    first.say("during another request;");
    second.say("103;");
    io.flush().await.unwrap();
    assert_eq!(written(io), "103;");
}

#[tokio::test]
async fn a_client_that_does_not_read_costs_little() {
    let prompter = Prompter::default();
    let mut io = Prompted::new(Vec::new(), prompter.clone());
    let interim = prompter.cue();
    (0..10 * MOST_LINES).for_each(|_| interim.say("103;"));
    io.flush().await.unwrap();
    assert_eq!(written(io), "103;".repeat(MOST_LINES));
}

use std::task::{Context, Poll, Waker};

use tokio::io::AsyncWriteExt as _;

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

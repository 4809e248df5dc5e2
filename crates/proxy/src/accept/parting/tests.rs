use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::Instant;

use super::{FIRST_WORD, LAST_WORD, LINGERING, Parting};
use crate::accept::paced::{Pace, Paced};
use crate::drain::Drain;
use crate::settings::Settings;

/// A connection, its pace, and its client.
fn connection(drain: &Drain) -> (Parting<Paced<DuplexStream>>, Pace, DuplexStream) {
    let (gateway, client) = duplex(1024);
    let (io, pace) = Paced::new(gateway, &Settings::default());
    (Parting::new(io, pace.clone(), drain.clone()), pace, client)
}

/// What comes next; nothing is the end.
async fn read(io: &mut Parting<Paced<DuplexStream>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    io.read_buf(&mut bytes).await.expect("no error");
    bytes
}

fn drain_that_has_started() -> Drain {
    let drain = Drain::default();
    drain.start(Duration::from_secs(20));
    drain
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_just_come_has_a_while_for_its_first_word() {
    let (mut io, _, mut client) = connection(&drain_that_has_started());
    let began = Instant::now();
    let (first, ()) = tokio::join!(read(&mut io), async {
        tokio::time::sleep(FIRST_WORD / 2).await;
        client.write_all(b"GET").await.expect("it reads");
    });
    assert_eq!(first, b"GET");

    let (mut io, ..) = connection(&drain_that_has_started());
    assert_eq!(read(&mut io).await, b"");
    assert!(began.elapsed() < 2 * FIRST_WORD);
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_ends_between_two_requests_and_not_within_one() {
    let drain = Drain::default();
    let (mut io, pace, mut client) = connection(&drain);
    client.write_all(b"GET").await.expect("it reads");
    assert_eq!(read(&mut io).await, b"GET");
    drain.start(Duration::from_secs(20));
    let (rest, ()) = tokio::join!(read(&mut io), async {
        tokio::time::sleep(2 * FIRST_WORD).await;
        client.write_all(b" / ").await.expect("it reads");
    });
    assert_eq!(rest, b" / ");

    pace.request_started();
    pace.request_ended();
    let began = Instant::now();
    assert_eq!(read(&mut io).await, b"");
    assert!(began.elapsed() <= 2 * LAST_WORD);
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_the_end_was_told_is_read_for_a_while_and_meets_no_reset() {
    let (mut io, _, mut client) = connection(&drain_that_has_started());
    let began = Instant::now();
    let (ended, ()) = tokio::join!(io.shutdown(), async {
        assert_eq!(client.read(&mut [0; 9]).await.expect("no error"), 0);
        // More than fits: it is read, or this would wait for ever.
        client.write_all(&[0; 4096]).await.expect("it reads");
    });
    ended.expect("no error");
    assert!(began.elapsed() <= 2 * LINGERING, "and not for ever");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_ends_is_not_waited_for() {
    let (mut io, _, client) = connection(&drain_that_has_started());
    let began = Instant::now();
    drop(client);
    io.shutdown().await.expect("no error");
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_behind_the_back_of_a_request_or_a_tunnel() {
    let (mut io, pace, mut client) = connection(&drain_that_has_started());
    pace.request_started();
    client.write_all(b"a frame").await.expect("it reads");
    io.shutdown().await.expect("no error");
    assert_eq!(read(&mut io).await, b"a frame");
}

use testbed::{Databricks, Idp};

use super::trio;
use crate::harness::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS, PING,
    PROTOCOL_ERROR, RST_STREAM, SETTINGS, WINDOW_UPDATE, block,
};
use crate::harness::{Call, End, Endless, Frames, Gateway, ME, eventually, soon};

/// The attacker's connection has ended, and everybody else is served at once.
async fn others_are_served(gateway: &Gateway, idp: &Idp) {
    let call = Call::get(ME).bearer(&idp.mint("bob"));
    assert_eq!(gateway.h2_client().await.send(call.clone()).await.user(), "bob");
    assert_eq!(gateway.send(call).await.user(), "bob");
}

fn head<'a>(token: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "gateway.example.com"),
        (":path", "/testbed/sink"),
        ("authorization", token),
    ];
    fields.extend(more);
    fields
}

/// Says it again and again until the gateway hangs up, and returns why it did and how often it was said.
async fn until_gone(
    mut frames: Frames,
    most: u32,
    mut say: impl AsyncFnMut(&mut Frames, u32) -> std::io::Result<()>,
) -> (Option<u32>, u32) {
    for round in 0..most {
        if say(&mut frames, round).await.is_err() {
            return (frames.goodbye().await, round);
        }
    }
    let _ = frames.flush().await;
    (frames.goodbye().await, most)
}

/// The id of a client's stream.
fn stream(round: u32) -> u32 {
    2 * round + 1
}

#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let (gateway, _, idp) = trio().await;
    let token = format!("Bearer {}", idp.mint("alice"));
    let request = block(&head(&token, &[]));
    // CVE-2023-44487.
    let (why, _) = until_gone(gateway.frames().await, 5_000, async |frames, round| {
        let id = stream(round);
        frames
            .queue(HEADERS, END_HEADERS | END_STREAM, id, &request)
            .await?;
        frames.queue(RST_STREAM, 0, id, &8_u32.to_be_bytes()).await
    })
    .await;
    assert!(matches!(why, Some(ENHANCE_YOUR_CALM) | None), "{why:?}");
    others_are_served(&gateway, &idp).await;
}

#[tokio::test]
async fn resets_that_the_gateway_is_made_to_send_end_the_connection() {
    let (gateway, _, idp) = trio().await;
    let token = format!("Bearer {}", idp.mint("alice"));
    let request = block(&head(&token, &[]));
    // MadeYouReset (CVE-2025-8671): a window that is opened by nothing is the stream's error (RFC 9113 section 6.9).
    let (why, rounds) = until_gone(gateway.frames().await, 5_000, async |frames, round| {
        frames
            .queue(HEADERS, END_HEADERS, stream(round), &request)
            .await?;
        frames.queue(WINDOW_UPDATE, 0, stream(round), &[0; 4]).await
    })
    .await;
    assert!(
        why.is_none_or(|why| why >= PROTOCOL_ERROR),
        "{why:?} after {rounds}"
    );
    others_are_served(&gateway, &idp).await;
}

#[tokio::test]
async fn a_head_without_end_ends_the_connection() {
    let (gateway, _, idp) = trio().await;
    let token = format!("Bearer {}", idp.mint("alice"));
    let request = block(&head(&token, &[]));
    let filler = block(&[("x", &"x".repeat(8_000))]);
    // CVE-2024-27316.
    let (_, rounds) = until_gone(gateway.frames().await, 5_000, async |frames, round| match round {
        0 => frames.queue(HEADERS, END_STREAM, 1, &request).await,
        _ => frames.try_say(CONTINUATION, 0, 1, &filler).await,
    })
    .await;
    assert!(rounds < 5_000);
    // The same in frames of nothing.
    let (_, rounds) = until_gone(
        gateway.frames().await,
        50_000,
        async |frames, round| match round {
            0 => frames.queue(HEADERS, END_STREAM, 1, &request).await,
            _ => frames.try_say(CONTINUATION, 0, 1, &[]).await,
        },
    )
    .await;
    assert!(rounds < 50_000);
    others_are_served(&gateway, &idp).await;
}

#[tokio::test]
async fn data_of_nothing_ends_the_connection() {
    let (gateway, _, idp) = trio().await;
    let token = format!("Bearer {}", idp.mint("alice"));
    let request = block(&head(&token, &[]));
    // RUSTSEC-2026-0258.
    let (_, rounds) = until_gone(
        gateway.frames().await,
        100_000,
        async |frames, round| match round {
            0 => frames.queue(HEADERS, END_HEADERS, 1, &request).await,
            _ => frames.queue(DATA, 0, 1, &[]).await,
        },
    )
    .await;
    assert!(rounds < 100_000);
    others_are_served(&gateway, &idp).await;
}

#[tokio::test]
async fn answers_that_nobody_reads_do_not_pile_up() {
    let (gateway, _, idp) = trio().await;
    let mut flooding = gateway.frames().await;
    for kind in [PING, SETTINGS] {
        let payload: &[u8] = if kind == PING { &[7; 8] } else { &[] };
        for _ in 0..5_000 {
            // Each asks for an ACK; the gateway stops to read when it cannot write.
            if flooding.queue_at_once(kind, 0, 0, payload).await.is_none() {
                break;
            }
        }
    }
    others_are_served(&gateway, &idp).await;
}

#[tokio::test]
async fn a_head_that_unfolds_is_refused_or_ends_the_connection() {
    let (gateway, databricks, idp) = trio().await;
    let token = format!("Bearer {}", idp.mint("alice"));
    // RFC 7541 section 6.2.1: one field of 4,000 bytes, remembered; then a byte for each time it is meant.
    let mut bomb = block(&head(&token, &[]));
    bomb.push(0x40);
    let field = block(&[("x-bomb", &"x".repeat(3_900))]);
    bomb.extend(&field[1..]);
    bomb.extend([0xbe; 8_000]);
    let mut frames = gateway.frames().await;
    frames.say(HEADERS, END_HEADERS | END_STREAM, 1, &bomb).await;
    assert!(matches!(frames.end_of(1).await, End::Answered | End::Gone(_)));
    assert_eq!(crate::harness::forwarded(&databricks).len(), 0);
    others_are_served(&gateway, &idp).await;
}

#[tokio::test]
async fn many_fields_that_cost_a_byte_each_are_refused_before_anything_waits_for_them() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server("h2c = true")
        .start()
        .await;
    databricks
        .faults()
        .inject("/testbed/", testbed::Fault::Hang, 1_000);
    let token = format!("Bearer {}", idp.mint("alice"));
    // CVE-2026-49975: below every limit of size.
    let mut bomb = block(&head(&token, &[]));
    bomb.push(0x40);
    bomb.extend(&block(&[("x", "")])[1..]);
    bomb.extend([0xbe; 1_500]);
    let mut frames = gateway.frames().await;
    for round in 0..50 {
        frames
            .say(HEADERS, END_HEADERS | END_STREAM, stream(round), &bomb)
            .await;
        assert_eq!(frames.end_of(stream(round)).await, End::Answered);
        assert_eq!(gateway.record().await.failure, Some("TOO_MANY_FIELDS"));
    }
    assert_eq!(crate::harness::forwarded(&databricks).len(), 0);
    others_are_served(&gateway, &idp).await;
}

#[tokio::test]
async fn more_streams_than_agreed_are_refused() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server("h2c = true\nmax_concurrent_streams = 4")
        .start()
        .await;
    let token = format!("Bearer {}", idp.mint("alice"));
    let request = block(&head(&token, &[]));
    let mut frames = gateway.frames().await;
    // Told before anything is refused (RFC 9113 section 6.5.2).
    let settings = frames.next().await.unwrap();
    assert!(
        settings
            .payload
            .chunks(6)
            .any(|setting| setting == [0, 3, 0, 0, 0, 4]),
        "{settings:?}"
    );
    frames.say(SETTINGS, ACK, 0, &[]).await;
    for round in 0..5 {
        frames.say(HEADERS, END_HEADERS, stream(round), &request).await;
    }
    // REFUSED_STREAM: not looked at, and safe to send again.
    assert_eq!(frames.end_of(stream(4)).await, End::Reset(7));
    others_are_served(&gateway, &idp).await;
}

#[tokio::test]
async fn a_window_that_stays_shut_stalls_its_workspace() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let endless = Endless::start().await;
    let gateway = Gateway::in_front_of_url(endless.url(), &databricks, &idp)
        .server("h2c = true")
        .start()
        .await;
    let token = format!("Bearer {}", idp.mint("alice"));
    let request = block(&head(&token, &[("content-type", "application/grpc")]));
    let mut frames = gateway.frames().await;
    // RFC 9113 section 6.9.2: no stream may be sent anything.
    frames.say(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]).await;
    for round in 0..50 {
        frames
            .say(HEADERS, END_HEADERS | END_STREAM, stream(round), &request)
            .await;
        assert_eq!(frames.end_of(stream(round)).await, End::Answered);
    }
    // Whatever the workspace still produces, a stream's window bounds it.
    let mut reader = gateway.h2_client().await;
    let call = Call::post("/x")
        .bearer(&idp.mint("bob"))
        .field("content-type", "application/grpc");
    let mut body = reader.open(call).await.into_body();
    let mut read = 0;
    while read < 4 << 20 {
        let frame = soon(http_body_util::BodyExt::frame(&mut body))
            .await
            .unwrap()
            .unwrap();
        read += frame.into_data().unwrap().len();
    }
    let ahead = endless.produced() - read as u64;
    assert!(ahead < 50 * (512 << 10), "{ahead} bytes for 50 shut windows");
    drop((frames, body));
    endless.given_up().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_socket_is_cut() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let endless = Endless::start().await;
    let gateway = Gateway::in_front_of_url(endless.url(), &databricks, &idp)
        .server("h2c = true\nbody_idle_timeout = \"300ms\"")
        .start()
        .await;
    let token = format!("Bearer {}", idp.mint("alice"));
    let request = block(&head(&token, &[("content-type", "application/grpc")]));
    let mut frames = gateway.frames().await;
    // Windows as wide as there are, so that nothing but the socket stands in the way.
    frames.say(SETTINGS, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff]).await;
    frames
        .say(WINDOW_UPDATE, 0, 0, &0x7000_0000_u32.to_be_bytes())
        .await;
    frames.say(HEADERS, END_HEADERS | END_STREAM, 1, &request).await;
    endless.given_up().await;
    eventually("an end", async || gateway.counters().connections == 0).await;
    drop(frames);
}

#[tokio::test]
async fn what_is_no_http2_ends_the_connection() {
    let (gateway, _, idp) = trio().await;
    let wrong: &[(u8, u8, u32, &[u8])] = &[
        // RFC 9113 sections 5.1, 5.1.1, 6.1, 6.2, 6.5, 6.9, 6.10.
        (DATA, 0, 0, b"x"),
        (DATA, 0, 1, b"x"),
        (HEADERS, END_HEADERS, 0, &[]),
        (HEADERS, END_HEADERS, 2, &[0x82]),
        (RST_STREAM, 0, 1, &[0; 4]),
        (SETTINGS, 0, 1, &[]),
        (SETTINGS, 0, 0, &[0; 5]),
        (SETTINGS, 0, 0, &[0, 4, 0xff, 0xff, 0xff, 0xff]),
        (PING, 0, 1, &[0; 8]),
        (PING, 0, 0, &[0; 7]),
        (WINDOW_UPDATE, 0, 0, &[0; 4]),
        (CONTINUATION, END_HEADERS, 1, &[]),
        (HEADERS, END_HEADERS, 1, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        (5, END_HEADERS, 1, &[0, 0, 0, 2]),
    ];
    for (kind, flags, id, payload) in wrong {
        let mut frames = gateway.frames().await;
        frames.say(*kind, *flags, *id, payload).await;
        let why = frames.goodbye().await;
        assert!(
            why.is_none_or(|why| why >= PROTOCOL_ERROR),
            "{kind} on {id}: {why:?}"
        );
    }
    let mut frames = gateway.frames().await;
    // Longer than agreed (section 4.2).
    let _ = frames.try_say(DATA, 0, 1, &vec![0; 16_385]).await;
    let _ = frames.goodbye().await;
    others_are_served(&gateway, &idp).await;
}

#[tokio::test]
async fn a_client_that_stops_in_the_middle_of_a_frame_holds_nobody_up() {
    let (gateway, databricks, idp) = trio().await;
    let token = format!("Bearer {}", idp.mint("alice"));
    let mut frames = gateway.frames().await;
    frames
        .say(HEADERS, END_HEADERS, 1, &block(&head(&token, &[])))
        .await;
    eventually("the request", async || {
        databricks
            .seen()
            .iter()
            .any(|seen| seen.target == "/testbed/sink")
    })
    .await;
    others_are_served(&gateway, &idp).await;
    frames.say(GOAWAY, 0, 0, &[0; 8]).await;
    drop(frames);
    eventually("the end of the upload", async || {
        gateway.counters().connections == 0
    })
    .await;
}

use http::StatusCode;
use http_body_util::BodyExt as _;
use proxy::Drained;
use testbed::{Authority, Databricks, Idp};
use tokio::net::TcpStream;

use crate::harness::{Call, Client, Gateway, H2Client, ME, Wire, eventually, soon, tls};

/// The most usual call, spoken by hand; its connection is kept.
fn me(idp: &Idp) -> String {
    let token = idp.mint("alice");
    format!("GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n")
}

async fn is_served_and_led_away(wire: &mut Wire) {
    let answer = wire.answer().await;
    assert_eq!(answer.user(), "alice");
    assert_eq!(answer.header("connection"), "close");
    assert_eq!(wire.rest().await, b"");
}

#[tokio::test]
async fn what_is_in_flight_finishes_while_nothing_new_is_accepted() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let mut gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    let mut client = gateway.client().await;
    let stream = client
        .open(Call::get("/testbed/stream").bearer(&idp.mint("alice")))
        .await;
    let mut idle = gateway.wire().await;
    let serving = gateway.take_serving();
    let drained = tokio::spawn(serving.drain());

    assert_eq!(idle.rest().await, b"", "an idle connection ends soon");
    eventually("a closed port", async || {
        TcpStream::connect(gateway.address()).await.is_err()
    })
    .await;
    let (status, reason) = gateway.admin("/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reason, "not ready: shutting down\n");
    assert_eq!(gateway.admin("/livez").await.0, StatusCode::OK);

    assert!(!drained.is_finished());
    databricks.send_event("one");
    databricks.end_streams();
    let body = soon(stream.into_body().collect())
        .await
        .expect("an unbroken stream");
    assert_eq!(body.to_bytes(), "data: one\n\n");
    assert_eq!(soon(drained).await.unwrap(), Drained::Completely);
}

#[tokio::test]
async fn a_connection_ends_after_the_request_that_was_on_it() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let delay = testbed::Fault::Delay(std::time::Duration::from_millis(200));
    databricks.faults().inject("/api/", delay, 1);
    let mut gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    let mut wire = gateway.wire().await;
    wire.say(me(&idp)).await;
    eventually("the request", async || {
        databricks.seen().iter().any(|seen| seen.target == ME)
    })
    .await;
    let serving = gateway.take_serving();
    let drained = tokio::spawn(serving.drain());
    is_served_and_led_away(&mut wire).await;
    assert_eq!(soon(drained).await.unwrap(), Drained::Completely);
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut_and_counted() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let mut gateway = Gateway::in_front_of(&databricks, &idp)
        .server("drain_timeout = \"200ms\"")
        .start()
        .await;
    let mut client = gateway.client().await;
    let stream = client
        .open(Call::get("/testbed/stream").bearer(&idp.mint("alice")))
        .await;
    let drained = soon(gateway.take_serving().drain()).await;
    assert!(matches!(drained, Drained::Cut(cut) if cut > 0), "{drained:?}");
    assert!(
        soon(stream.into_body().collect()).await.is_err(),
        "a cut is no end"
    );
    soon(databricks.stream_cancelled()).await;
}

#[tokio::test]
async fn a_gateway_that_is_dropped_serves_no_more() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let mut gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    drop(gateway.take_serving());
    eventually("a closed port", async || {
        TcpStream::connect(gateway.address()).await.is_err()
    })
    .await;
}

#[tokio::test]
async fn a_gateway_that_retires_is_not_ready_and_serves_on_while_it_leads_its_clients_away() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let mut gateway = Gateway::in_front_of(&databricks, &idp)
        .server("drain_delay = \"10ms\"")
        .start()
        .await;
    let mut kept = gateway.wire().await;
    kept.say(me(&idp)).await;
    assert!(!kept.answer().await.headers.contains_key("connection"));
    let serving = gateway.take_serving();
    soon(serving.retire()).await;

    let (status, reason) = gateway.admin("/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reason, "not ready: shutting down\n");
    for mut wire in [kept, gateway.wire().await] {
        wire.say(me(&idp)).await;
        is_served_and_led_away(&mut wire).await;
    }
    assert_eq!(soon(serving.drain()).await, Drained::Completely);
}

/// At the limit of connections everybody else waits in the kernel's queue, for as long as it takes.
#[tokio::test]
async fn whoever_waits_in_the_kernels_queue_when_a_drain_starts_is_served() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let mut gateway = Gateway::in_front_of(&databricks, &idp)
        .server("max_connections = 1")
        .start()
        .await;
    let mut first = gateway.wire().await;
    first.say(me(&idp)).await;
    assert_eq!(first.answer().await.user(), "alice");
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let mut wire = gateway.wire().await;
        wire.say(me(&idp)).await;
        waiting.push(wire);
    }
    let drained = tokio::spawn(gateway.take_serving().drain());
    assert_eq!(first.rest().await, b"");
    for mut wire in waiting {
        is_served_and_led_away(&mut wire).await;
    }
    assert_eq!(soon(drained).await.unwrap(), Drained::Completely);
}

#[tokio::test]
async fn whoever_has_connected_and_not_asked_yet_when_a_drain_starts_is_served_once() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let mut gateway = Gateway::in_front_of(&databricks, &idp)
        .server("h2c = true")
        .start()
        .await;
    let mut kept = gateway.wire().await;
    kept.say(me(&idp)).await;
    assert_eq!(kept.answer().await.user(), "alice");
    let (mut one, other) = (gateway.wire().await, gateway.tcp().await);
    eventually("all connections", async || gateway.counters().connections == 3).await;
    let drained = tokio::spawn(gateway.take_serving().drain());
    assert_eq!(kept.rest().await, b"", "it has started");

    one.say(me(&idp)).await;
    let mut other = H2Client::over(other, &format!("http://{}", gateway.address())).await;
    let answer = other.send(Call::get(ME).bearer(&idp.mint("alice"))).await;
    assert_eq!(answer.user(), "alice");
    is_served_and_led_away(&mut one).await;
    assert_eq!(soon(drained).await.unwrap(), Drained::Completely);
}

#[tokio::test]
async fn a_tls_handshake_that_a_drain_finds_at_its_beginning_is_finished_and_its_request_served() {
    let (idp, authority) = (Idp::start().await, Authority::new());
    let databricks = Databricks::start(&idp).await;
    let mut gateway = Gateway::in_front_of(&databricks, &idp)
        .tls(&authority)
        .start()
        .await;
    let (mut kept, socket) = (gateway.tls_client(&authority).await, gateway.tcp().await);
    let call = || Call::get(ME).bearer(&idp.mint("alice"));
    assert_eq!(kept.send(call()).await.user(), "alice");
    eventually("both connections", async || gateway.counters().connections == 2).await;
    let drained = tokio::spawn(gateway.take_serving().drain());
    eventually("the end of the kept one", async || {
        gateway.counters().connections == 1
    })
    .await;

    let stream = tls::over(socket, tls::trusting(&authority)).await.unwrap();
    let answer = Client::over(stream, "localhost").await.send(call()).await;
    assert_eq!(answer.user(), "alice");
    assert_eq!(answer.header("connection"), "close");
    assert_eq!(soon(drained).await.unwrap(), Drained::Completely);
}

use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use testbed::{Databricks, Idp};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::trio;
use crate::harness::{Agent, Call, ME, eventually, soon};

#[tokio::test]
async fn a_stream_outlives_the_jwt_under_which_it_began() {
    let (agent, databricks, idp) = trio().await;
    let stream = agent.client().await.open(Call::get("/testbed/stream")).await;
    let mut body = stream.into_body();
    databricks.send_event("before");
    let frame = soon(body.frame()).await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "data: before\n\n");
    agent.rotate(&idp.token("alice").expires_in(-60).sign());
    databricks.send_event("after");
    databricks.end_streams();
    let rest = soon(body.collect()).await.expect("an unbroken stream");
    assert_eq!(rest.to_bytes(), "data: after\n\n");
}

#[tokio::test]
async fn an_upload_arrives_whole() {
    let (agent, databricks, _idp) = trio().await;
    let content = vec![7_u8; 3 * 1024 * 1024];
    let path = "/Volumes/main/default/v/upload.bin";
    let call = Call::put(&format!("/api/2.0/fs/files{path}?overwrite=true")).body(content.clone());
    assert!(agent.send(call).await.status.is_success());
    assert_eq!(databricks.file(path).expect("a file"), content);
}

#[tokio::test]
async fn a_websocket_opens_under_the_machines_jwt() {
    let (agent, _databricks, _idp) = trio().await;
    let target = "/driver-proxy-api/o/7405600000000001/0123-456789-abcdefgh/7772/ssh?id=1";
    let request = format!("ws://{}{target}", agent.address())
        .into_client_request()
        .unwrap();
    let connecting = Box::pin(client_async(request, agent.tcp().await));
    let (mut socket, _) = soon(connecting).await.expect("a WebSocket");
    soon(socket.send(Message::text("over there"))).await.unwrap();
    let echo = soon(socket.next()).await.unwrap().unwrap();
    assert_eq!(echo, Message::text("over there"));
}

#[tokio::test]
async fn grpc_needs_no_tls_on_the_machine_itself() {
    let idp = Idp::start().await;
    let databricks = Databricks::builder().trust(&idp).h2c().start().await;
    let agent = Agent::in_front_of(&databricks, &idp)
        .jwt(&idp.mint("alice"))
        .start()
        .await;
    let call = Call::post("/testbed.Echo/Converse")
        .field("content-type", "application/grpc+proto")
        .field("te", "trailers")
        .body("a message");
    let answer = agent.h2_client().await.send(call).await;
    assert_eq!(answer.text(), "a message");
    assert_eq!(answer.trailers["grpc-status"], "0");
}

#[tokio::test]
async fn whoever_leaves_while_a_jwt_is_late_leaves_nothing_behind() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let agent = Agent::in_front_of(&databricks, &idp).jwt("").start().await;
    let mut wire = agent.wire().await;
    wire.say("GET /api HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    eventually("a request in flight", async || {
        agent.health().counters().in_flight == 1
    })
    .await;
    drop(wire);
    eventually("no request in flight", async || {
        agent.health().counters().in_flight == 0
    })
    .await;
    agent.rotate(&idp.mint("bob"));
    assert_eq!(agent.send(Call::get(ME)).await.user(), "bob");
}

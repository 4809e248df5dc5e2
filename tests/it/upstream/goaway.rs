//! A workspace takes its leave of a connection that calls share (RFC 9113 section 6.8).

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use testbed::{Databricks, Idp};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::harness::{Call, Gateway, H2Client, details, soon};

/// What one of the workspace's connections is told.
#[derive(Default)]
struct Orders {
    /// Say GOAWAY, and end what has begun.
    leave: Notify,
    /// Break it off.
    vanish: Notify,
    /// Answer a call that waits.
    answer: Notify,
}

/// Accepts connections one after the other, and says of each call which of them it came on.
struct Leaving {
    first: Arc<Orders>,
    calls: UnboundedReceiver<usize>,
}

async fn leaving() -> (Gateway, H2Client, Leaving, String) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (told, calls) = unbounded_channel();
    let first = Arc::<Orders>::default();
    tokio::spawn(accept(listener, Arc::clone(&first), told));
    let gateway = Gateway::in_front_of_url(&url, &databricks, &idp)
        .server("h2c = true")
        .start()
        .await;
    let client = gateway.h2_client().await;
    (gateway, client, Leaving { first, calls }, idp.mint("alice"))
}

async fn accept(listener: TcpListener, first: Arc<Orders>, told: UnboundedSender<usize>) {
    let mut number = 0;
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        // The control plane's own question is HTTP/1.1 (RFC 9113 section 3.4).
        let mut begins = [0; 3];
        if soon(socket.peek(&mut begins)).await.unwrap() != 3 || &begins != b"PRI" {
            continue;
        }
        number += 1;
        let orders = if number == 1 {
            Arc::clone(&first)
        } else {
            Arc::default()
        };
        tokio::spawn(serve(socket, number, orders, told.clone()));
    }
}

/// Calls on the first connection wait for an order; all others are answered at once.
async fn serve(socket: TcpStream, number: usize, orders: Arc<Orders>, told: UnboundedSender<usize>) {
    let service = service_fn(|_: Request<Incoming>| {
        let (orders, told) = (Arc::clone(&orders), told.clone());
        async move {
            let _ = told.send(number);
            if number == 1 {
                orders.answer.notified().await;
            }
            let response = Response::builder()
                .header("content-type", "application/grpc")
                .header("grpc-status", "0");
            Ok::<_, Infallible>(response.body(Empty::<Bytes>::new()).unwrap())
        }
    });
    let builder = http2::Builder::new(TokioExecutor::new());
    let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), service));
    let mut leaves = pin!(orders.leave.notified());
    let mut left = false;
    loop {
        tokio::select! {
            _ = &mut connection => return,
            () = orders.vanish.notified() => return,
            () = &mut leaves, if !left => {
                left = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn call(token: &str) -> Call {
    Call::post("/testbed.Echo/Converse")
        .field("content-type", "application/grpc+proto")
        .field("te", "trailers")
        .bearer(token)
}

#[tokio::test]
async fn calls_in_flight_are_ended_and_the_next_go_elsewhere() {
    let (gateway, client, mut workspace, token) = leaving().await;
    let send = |call: Call| {
        let mut client = client.clone();
        tokio::spawn(async move { client.send(call).await })
    };
    let mut waiting = vec![send(call(&token))];
    assert_eq!(soon(workspace.calls.recv()).await, Some(1));
    workspace.first.leave.notify_one();
    // Until the gateway has read it, calls still go there, and are taken.
    loop {
        waiting.push(send(call(&token)));
        if soon(workspace.calls.recv()).await == Some(2) {
            break;
        }
    }
    workspace.first.answer.notify_waiters();
    for answer in waiting {
        let answer = soon(answer).await.unwrap();
        assert_eq!(answer.header("grpc-status"), "0");
    }
    assert_eq!(gateway.counters().upstream_opened, 2);
}

#[tokio::test]
async fn calls_that_may_have_been_acted_upon_are_unavailable_and_not_sent_again() {
    let (_gateway, mut client, mut workspace, token) = leaving().await;
    let waiting = tokio::spawn({
        let (mut client, call) = (client.clone(), call(&token));
        async move { client.send(call).await }
    });
    assert_eq!(soon(workspace.calls.recv()).await, Some(1));
    workspace.first.vanish.notify_one();
    let answer = soon(waiting).await.unwrap();
    assert_eq!(answer.header("grpc-status"), "14");
    assert_eq!(details(&answer).reason, "UPSTREAM_BROKE");
    assert_eq!(client.send(call(&token)).await.header("grpc-status"), "0");
    assert_eq!(soon(workspace.calls.recv()).await, Some(2), "the next call's");
    assert!(workspace.calls.try_recv().is_err());
}

use proxy::RefusalRecord;
use testbed::{Databricks, Idp};

use crate::harness::{Gateway, forwarded};

async fn behind(server: &str) -> (Gateway, Databricks, Idp) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server(server)
        .start()
        .await;
    (gateway, databricks, idp)
}

/// What the log says of the only request on a new connection, and what the client saw.
async fn refused(gateway: &Gateway, request: &str) -> (RefusalRecord, String) {
    let mut wire = gateway.wire().await;
    // It may be refused before it was said.
    let _ = wire.try_say(request).await;
    let seen = String::from_utf8(wire.rest().await).unwrap();
    (gateway.refusal().await, seen)
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_counted_and_logged_without_a_byte_of_it() {
    let (gateway, databricks, idp) = behind("max_header_size = 200000").await;
    let token = idp.mint("alice");
    let head = format!("GET /secret HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
    let long = "x".repeat(70_000);
    let cases = [
        (
            format!("{head}a: b\n\r\n"),
            400,
            "MALFORMED_REQUEST",
            Some("a field line"),
        ),
        (
            format!("{head}Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
            400,
            "MALFORMED_REQUEST",
            Some("a second framing field"),
        ),
        // The grammar leaves this one to the parser.
        (
            head.replace("HTTP/1.1", "HTTP/1.7") + "\r\n",
            400,
            "MALFORMED_REQUEST",
            None,
        ),
        (
            head.replace("/secret", &format!("/{long}")) + "\r\n",
            414,
            "TARGET_TOO_LONG",
            None,
        ),
        (
            format!("{head}a: {long}{long}{long}\r\n\r\n"),
            431,
            "HEAD_TOO_LARGE",
            None,
        ),
    ];
    for (request, status, failure, cause) in &cases {
        let (told, seen) = refused(&gateway, request).await;
        let of_request = (
            told.status.map(|status| status.as_u16()),
            told.failure,
            told.cause,
        );
        assert_eq!(of_request, (Some(*status), *failure, *cause));
        assert!(told.client.ip().is_loopback());
        assert!(
            seen.starts_with(&format!("HTTP/1.1 {status} ")) || seen.is_empty(),
            "{seen}"
        );
    }
    let (_, metrics) = gateway.admin("/metrics").await;
    for (failure, count) in [
        ("MALFORMED_REQUEST", 3),
        ("TARGET_TOO_LONG", 1),
        ("HEAD_TOO_LARGE", 1),
    ] {
        let line = format!("lakegate_gateway_failures_total{{reason=\"{failure}\"}} {count}\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
    assert_eq!((forwarded(&databricks).len(), databricks.token_calls()), (0, 0));
}

#[tokio::test]
async fn a_head_that_came_too_slowly_is_counted_and_logged() {
    let (gateway, _, _) = behind("header_timeout = \"200ms\"\nidle_timeout = \"500ms\"").await;
    let (told, seen) = refused(&gateway, "GET /secret HTTP/1.1\r\nHost: ").await;
    assert_eq!((told.status, told.failure), (None, "HEAD_TIMED_OUT"));
    assert_eq!(seen, "");

    // Whoever asks nothing is refused nothing.
    assert_eq!(gateway.wire().await.rest().await, b"");
    let counters = gateway.counters();
    assert_eq!(
        counters.failures.into_iter().collect::<Vec<_>>(),
        [("HEAD_TIMED_OUT", 1)]
    );
}

#[tokio::test]
async fn a_request_that_breaks_in_its_body_is_told_once_as_a_request() {
    let (gateway, _, idp) = behind("").await;
    let head = "PUT /testbed/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
    let mut wire = gateway.wire().await;
    let token = idp.mint("alice");
    wire.say(format!(
        "{head}Authorization: Bearer {token}\r\n\r\n2\nok\r\n0\r\n\r\n"
    ))
    .await;
    wire.rest().await;
    let record = gateway.record().await;
    assert_eq!(record.status, Some(400));
    let failures: Vec<_> = gateway.counters().failures.into_iter().collect();
    assert_eq!(failures, [(record.failure.unwrap(), 1)]);
}

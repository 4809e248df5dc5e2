use testbed::{Databricks, Idp};

use crate::harness::{Answer, Call, Gateway, ME, forwarded};

/// Two workspaces behind one gateway.
async fn two() -> (Gateway, [Databricks; 2], String) {
    let idp = Idp::start().await;
    let (east, west) = (Databricks::start(&idp).await, Databricks::start(&idp).await);
    let gateway = Gateway::in_front_of(&east, &idp)
        .workspace("name = \"east\"\nhosts = [\"east.example.com\", \"localhost:8443\"]")
        .and_workspace(&west)
        .workspace("name = \"west\"\nhosts = [\"west.example.com\"]")
        .start()
        .await;
    (gateway, [east, west], idp.mint("alice"))
}

/// The answer to this request, spoken by hand; the connection is closed after it.
async fn last_answer(gateway: &Gateway, request: String) -> Answer {
    let mut wire = gateway.wire().await;
    wire.say(request).await;
    let answer = wire.answer().await;
    assert_eq!(wire.rest().await, b"", "nothing follows");
    answer
}

#[tokio::test]
async fn the_host_decides_the_workspace_and_nothing_else_does() {
    let (gateway, [east, west], token) = two().await;
    let call = |host| Call::get(ME).bearer(&token).host(host);
    for host in [
        "east.example.com",
        "EAST.example.com",
        "east.example.com:8443",
        "localhost:8443",
    ] {
        let misled = call(host).field("x-forwarded-host", "west.example.com");
        assert_eq!(gateway.send(misled).await.user(), "alice");
        assert_eq!(gateway.record().await.workspace.as_deref(), Some("east"));
    }
    assert_eq!(gateway.send(call("west.example.com")).await.user(), "alice");
    assert_eq!((forwarded(&east).len(), forwarded(&west).len()), (4, 1));
}

#[tokio::test]
async fn a_host_that_is_not_configured_is_misdirected() {
    let (gateway, [east, west], token) = two().await;
    for host in [
        "north.example.com",
        "example.com",
        "east.example.com.",
        "localhost:1",
    ] {
        let answer = gateway.send(Call::get(ME).bearer(&token).host(host)).await;
        let message = answer.failure(421, "UNKNOWN_HOST");
        assert!(message.contains(host), "{message}");
    }
    assert_eq!((forwarded(&east).len(), forwarded(&west).len()), (0, 0));
}

#[tokio::test]
async fn a_request_names_exactly_one_host_and_a_good_one() {
    let (gateway, [east, west], token) = two().await;
    let hosts = [
        "",
        "Host: east.example.com\r\nHost: east.example.com\r\n",
        "Host: east.example.com\r\nHost: west.example.com\r\n",
        "Host:\r\n",
        "Host: alice@east.example.com\r\n",
        "Host: east.example.com,west.example.com\r\n",
        "Host: east.example.com/west\r\n",
        "Host: east.example.com%00\r\n",
    ];
    for host in hosts {
        let request = format!("GET {ME} HTTP/1.1\r\n{host}Authorization: Bearer {token}\r\n\r\n");
        let answer = last_answer(&gateway, request).await;
        answer.failure(400, "BAD_REQUEST");
        assert_eq!(answer.header("connection"), "close");
    }
    assert_eq!((forwarded(&east).len(), forwarded(&west).len()), (0, 0));
}

#[tokio::test]
async fn an_absolute_target_must_agree_with_the_host() {
    let (gateway, [east, west], token) = two().await;
    let request = |target: &str| {
        format!(
            "GET http://{target}{ME} HTTP/1.1\r\nHost: east.example.com\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
    };
    let mut wire = gateway.wire().await;
    wire.say(request("east.example.com")).await;
    assert_eq!(wire.answer().await.user(), "alice");
    assert_eq!(forwarded(&east).len(), 1, "and goes on in origin form");

    let answer = last_answer(&gateway, request("west.example.com")).await;
    answer.failure(400, "BAD_REQUEST");
    assert_eq!((forwarded(&east).len(), forwarded(&west).len()), (1, 0));
}

#[tokio::test]
async fn connect_and_trace_are_not_for_forwarding() {
    let (gateway, [east, _west], token) = two().await;
    for start in ["CONNECT east.example.com:443", "CONNECT 127.0.0.1:22", "TRACE /"] {
        let request =
            format!("{start} HTTP/1.1\r\nHost: east.example.com\r\nAuthorization: Bearer {token}\r\n\r\n");
        let answer = last_answer(&gateway, request).await;
        answer.failure(405, "METHOD_NOT_ALLOWED");
    }
    assert_eq!(forwarded(&east).len(), 0);
}

#[tokio::test]
async fn a_target_that_is_no_path_is_refused() {
    let (gateway, _workspaces, token) = two().await;
    let request =
        format!("OPTIONS * HTTP/1.1\r\nHost: east.example.com\r\nAuthorization: Bearer {token}\r\n\r\n");
    last_answer(&gateway, request).await.failure(400, "BAD_REQUEST");
}

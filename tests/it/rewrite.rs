use http::Method;
use testbed::{Databricks, Seen};

use crate::harness::{Call, ME, forwarded, trio};

/// The latest request that a caller made.
fn last(databricks: &Databricks) -> Seen {
    forwarded(databricks).pop().expect("a request")
}

#[tokio::test]
async fn paths_and_queries_arrive_byte_for_byte() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let targets = [
        "/",
        "/?",
        "/x?",
        "/api/2.0/fs/files/Volumes/main/default/a%2Fb%20c.txt",
        "//api//2.0///clusters//",
        "/a/../b/./c/..",
        "/%2e%2E/%2f/%5c/%00/%zz/%",
        "/a;v=1/b;w=%3B?c;d",
        "/~'!$()*,=:@&+",
        "/{braces}/\"quotes\"/|/^/",
        "/caf\u{e9}/\u{6771}?q=\u{4eac}",
        "/x?a=b&a=b&&c=%2B+%20;d=/?e?=%",
        "/?o=7405600000000001&next=https://east.example.com/x",
        "/testbed/echo?/../../oidc/v1/token",
    ];
    let mut wire = gateway.wire().await;
    for target in targets {
        wire.say(format!(
            "GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        ))
        .await;
        wire.answer().await;
        assert_eq!(last(&databricks).target, target);
    }
    let absolute = format!("GET http://x?y=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    wire.say(absolute).await;
    wire.answer().await;
    assert_eq!(
        last(&databricks).target,
        "/?y=1",
        "RFC 9112 section 3.2.1: an empty path is /"
    );
}

#[tokio::test]
async fn a_target_that_is_no_uri_is_refused_rather_than_mended() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    for target in ["/a b", "/`", "/<x>", "/\u{1}", "/a\tb"] {
        let mut wire = gateway.wire().await;
        wire.say(format!(
            "GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        ))
        .await;
        assert_eq!(wire.head().await.status(), 400, "{target:?}");
    }
    assert_eq!(forwarded(&databricks).len(), 0);
}

#[tokio::test]
async fn every_method_but_the_tunnels_goes_through() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    for method in [
        "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "X-OWN",
    ] {
        let call = Call::new(Method::from_bytes(method.as_bytes()).unwrap(), "/testbed/echo");
        let answer = gateway.send(call.bearer(&token).body("hello")).await;
        assert_eq!(answer.json()["method"], method);
        assert_eq!(answer.json()["body_bytes"], 5);
        assert_eq!(last(&databricks).method, method);
    }
}

#[tokio::test]
async fn a_request_gets_the_workspaces_host_and_token_and_nothing_more() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let mut wire = gateway.wire().await;
    wire.say(format!(
        "GET {ME} HTTP/1.1\r\nhost: gateway.example.com\r\nauthorization: bearer {token}\r\n\r\n"
    ))
    .await;
    assert_eq!(wire.answer().await.user(), "alice");
    let seen = last(&databricks);
    let mut names: Vec<_> = seen
        .headers
        .iter()
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect();
    names.sort();
    assert_eq!(names, ["authorization", "host"]);
    assert_eq!(
        seen.values("host"),
        [databricks.url().strip_prefix("http://").unwrap()]
    );
    assert!(seen.values("authorization")[0].starts_with("Bearer "));
    assert!(!seen.values("authorization")[0].contains(&token));
}

#[tokio::test]
async fn what_a_client_says_to_the_workspace_arrives_as_it_was_said() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let fields = [
        ("user-agent", "databricks-sdk-py/0.156.0 python/3.12 auth/pat"),
        ("accept", "*/*"),
        ("accept-encoding", "gzip, deflate"),
        ("range", "bytes=0-9"),
        ("if-unmodified-since", "Mon, 23 Nov 2026 00:00:00 GMT"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
        ("x-databricks-org-id", "7405600000000001"),
        ("x-repeated", "one"),
        ("x-repeated", "two, three"),
        ("x-empty", ""),
    ];
    let call = fields
        .iter()
        .fold(Call::get(ME).bearer(&token), |call, (name, value)| {
            call.field(name, value)
        });
    assert_eq!(gateway.send(call).await.user(), "alice");
    let seen = last(&databricks);
    for (name, value) in fields {
        assert!(
            seen.values(name).contains(&value),
            "{name}: {:?}",
            seen.values(name)
        );
    }
    assert_eq!(seen.values("x-repeated"), ["one", "two, three"]);
}

#[tokio::test]
async fn what_the_workspace_says_to_a_client_arrives_as_it_was_said() {
    let (gateway, _, idp) = trio().await;
    let token = idp.mint("alice");
    let answer = gateway.get(ME, &token).await;
    assert_eq!(answer.header("x-databricks-org-id"), "7405600000000001");
    assert_eq!(answer.header("server"), "databricks");
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(
        answer.header("x-request-id").len(),
        36,
        "the workspace's own, a UUID"
    );
}

#[tokio::test]
async fn hop_by_hop_fields_end_at_the_gateway_in_requests() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let hops = [
        ("connection", "x-one, keep-alive"),
        ("connection", " X-Two ,authorization,host,content-length"),
        ("x-one", "1"),
        ("x-two", "2"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("proxy-authorization", "Basic c2VjcmV0"),
        ("te", "gzip;q=0.5, chunked"),
        ("upgrade", "h2c"),
        ("http2-settings", "AAMAAABk"),
    ];
    let call = hops
        .iter()
        .fold(Call::get(ME).bearer(&token), |call, (name, value)| {
            call.field(name, value)
        });
    assert_eq!(gateway.send(call.field("x-end", "1")).await.user(), "alice");
    let seen = last(&databricks);
    for (name, _) in hops {
        assert_eq!(seen.values(name), [""; 0], "{name}");
    }
    assert_eq!(seen.values("x-end"), ["1"]);
    assert_eq!(
        (seen.values("host").len(), seen.values("authorization").len()),
        (1, 1)
    );
}

#[tokio::test]
async fn hop_by_hop_fields_end_at_the_gateway_in_answers() {
    let (gateway, _, idp) = trio().await;
    let token = idp.mint("alice");
    let answer = gateway.get("/testbed/hop-by-hop", &token).await;
    for name in [
        "connection",
        "x-private-hop",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
    ] {
        assert!(!answer.has(name), "{name} in {:?}", answer.headers);
    }
    assert_eq!(answer.header("x-end-to-end"), "1");
}

#[tokio::test]
async fn the_exchanged_token_never_comes_back() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let answer = gateway.get("/testbed/authorization", &token).await;
    assert_eq!(answer.status, 200);
    let swapped = last(&databricks).values("authorization")[0].to_owned();
    let swapped = swapped.strip_prefix("Bearer ").unwrap();
    assert!(!answer.has("authorization"));
    assert!(!format!("{answer:?}").contains(swapped));
}

#[tokio::test]
async fn cookies_cross_in_neither_direction() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let call = Call::get("/testbed/cookies").bearer(&token);
    let answer = gateway
        .send(call.field("cookie", "session=1").field("cookie", "b=2"))
        .await;
    assert_eq!(answer.status, 200);
    assert!(!answer.has("set-cookie"));
    assert_eq!(last(&databricks).values("cookie"), [""; 0]);
}

#[tokio::test]
async fn nobody_says_through_the_gateway_who_he_is() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let claims = [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-forwarded-user",
        "x-forwarded-email",
        "x-forwarded-preferred-username",
        "x-forwarded-access-token",
        "x-real-ip",
        "x-original-url",
        "x-auth-request-user",
        "x-envoy-original-path",
        "x_forwarded_user",
        "x-forwarded_access-token",
        "x-api-key",
        "x-goog-api-key",
        "x-databricks-azure-sp-management-token",
        "x-databricks-gcp-sa-access-token",
    ];
    let call = claims.iter().fold(Call::get(ME).bearer(&token), |call, name| {
        call.field(name, "mallory")
    });
    assert_eq!(gateway.send(call).await.user(), "alice");
    for name in claims {
        assert_eq!(last(&databricks).values(name), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn a_redirect_is_the_clients_affair() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    let answer = gateway.get("/testbed/redirect", &token).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "/login")
    );
    assert_eq!(forwarded(&databricks).len(), 1, "and not the gateway's");
}

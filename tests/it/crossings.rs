use http::Method;
use testbed::{Databricks, Idp};

use crate::harness::{Call, Gateway, Head, ME, Upstream, Wire, by_hand, forwarded};

/// A gateway with this line in its `[[workspace]]`, in front of the fake workspace.
async fn allowing(line: &str) -> (Gateway, Databricks, Idp) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .workspace(line)
        .start()
        .await;
    (gateway, databricks, idp)
}

/// What a client of `host` gets when the workspace answers with this head.
async fn answered(
    (upstream, wire, token): (&Upstream, &mut Wire, &str),
    head: impl FnOnce(&str) -> String,
) -> Head {
    wire.say(format!(
        "GET / HTTP/1.1\r\nHost: gateway.example.com:8443\r\nAuthorization: Bearer {token}\r\n\r\n"
    ))
    .await;
    let (_, mut workspace) = upstream.accept().await;
    workspace
        .say(format!(
            "HTTP/1.1 201 Created\r\n{}Content-Length: 0\r\nConnection: close\r\n\r\n",
            head(&upstream.url())
        ))
        .await;
    wire.head().await
}

#[tokio::test]
async fn who_asks_is_told_from_the_connection_if_configured() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server("forwarded = true")
        .start()
        .await;
    let call = Call::get(ME)
        .bearer(&idp.mint("alice"))
        .host("gateway.example.com:8443");
    let spoofed = call
        .field("forwarded", "for=192.0.2.66")
        .field("x-forwarded-for", "192.0.2.66")
        .field("X_Forwarded_For", "192.0.2.66")
        .field("x-forwarded-proto", "https")
        .field("connection", "forwarded, x-forwarded-for");
    assert_eq!(gateway.send(spoofed).await.user(), "alice");
    let seen = forwarded(&databricks).pop().unwrap();
    assert_eq!(
        seen.values("forwarded"),
        ["for=127.0.0.1;host=\"gateway.example.com:8443\";proto=http"]
    );
    assert_eq!(seen.values("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(seen.values("x-forwarded-host"), ["gateway.example.com:8443"]);
    assert_eq!(seen.values("x-forwarded-proto"), ["http"]);
    assert_eq!(seen.values("x_forwarded_for"), [""; 0]);
}

#[tokio::test]
async fn cookies_cross_in_both_directions_if_configured() {
    let (gateway, databricks, idp) = allowing("cookies = true").await;
    let call = Call::get("/testbed/cookies").bearer(&idp.mint("alice"));
    let answer = gateway.send(call.field("cookie", "session=1; b=2")).await;
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1; Path=/", "b=2; HttpOnly; Secure"]);
    assert_eq!(forwarded(&databricks)[0].values("cookie"), ["session=1; b=2"]);
}

#[tokio::test]
async fn a_redirect_to_the_workspace_comes_back_to_the_gateway() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    let head = answered((&upstream, &mut wire, &token), |workspace| {
        format!("Location: {workspace}/a%2Fb?c=d\r\nContent-Location: {workspace}/e\r\n")
    })
    .await;
    assert_eq!(
        head.values("location"),
        ["http://gateway.example.com:8443/a%2Fb?c=d"]
    );
    assert_eq!(
        head.values("content-location"),
        ["http://gateway.example.com:8443/e"]
    );
}

#[tokio::test]
async fn a_redirect_to_elsewhere_is_not_the_gateways_affair() {
    let (_gateway, upstream, mut wire, token) = by_hand().await;
    for elsewhere in [
        "https://storage.example.com/presigned?x=y",
        "/relative",
        "http://127.0.0.1.example.com/",
    ] {
        let head = answered((&upstream, &mut wire, &token), |_| {
            format!("Location: {elsewhere}\r\n")
        })
        .await;
        assert_eq!(head.values("location"), [elsewhere]);
    }
}

#[tokio::test]
async fn an_api_key_carries_the_jwt_below_the_ai_gateway_if_configured() {
    let (gateway, databricks, idp) = allowing("api_key_carriers = true").await;
    for (name, user) in [("x-api-key", "alice"), ("x-goog-api-key", "bob")] {
        let call = Call::new(Method::POST, "/ai-gateway/anthropic/v1/messages").field(name, &idp.mint(user));
        gateway.send(call).await;
        let seen = forwarded(&databricks).pop().unwrap();
        assert_eq!(seen.identity.as_deref(), Some(user));
        assert_eq!(seen.values(name), [""; 0], "the key never goes upstream");
    }
    let elsewhere = gateway
        .send(Call::get(ME).field("x-api-key", &idp.mint("alice")))
        .await;
    elsewhere.failure(401, "NO_CREDENTIAL");
}

#[tokio::test]
async fn an_api_key_is_judged_as_strictly_as_any_credential() {
    let (gateway, databricks, idp) = allowing("api_key_carriers = true").await;
    let call = |key: &str| Call::post("/ai-gateway/x").field("x-api-key", key);
    let expired = gateway
        .send(call(&idp.token("alice").expires_in(-60).sign()))
        .await;
    expired.failure(401, "JWT_EXPIRED");
    for key in ["sk-ant-1", ""] {
        gateway.send(call(key)).await.failure(401, "JWT_MALFORMED");
    }
    assert_eq!((forwarded(&databricks).len(), databricks.token_calls()), (0, 0));
}

#[tokio::test]
async fn a_second_carrier_is_no_choice_to_be_made() {
    let (gateway, databricks, idp) = allowing("api_key_carriers = true").await;
    let (alice, bob) = (idp.mint("alice"), idp.mint("bob"));
    let call = || Call::post("/ai-gateway/x").bearer(&alice);
    for call in [
        call().field("x-api-key", &bob),
        call().field("x-goog-api-key", &alice),
        Call::post("/ai-gateway/x")
            .field("x-api-key", &alice)
            .field("x-goog-api-key", &bob),
        Call::post("/ai-gateway/x")
            .field("x-api-key", &alice)
            .field("x-api-key", &alice),
    ] {
        gateway.send(call).await.failure(400, "TWO_CREDENTIALS");
    }
    assert_eq!((forwarded(&databricks).len(), databricks.token_calls()), (0, 0));
}

#[tokio::test]
async fn without_the_switch_an_api_key_is_no_credential_and_goes_nowhere() {
    let (gateway, databricks, idp) = allowing("").await;
    let call = || Call::post("/ai-gateway/x").field("x-api-key", &idp.mint("mallory"));
    gateway.send(call()).await.failure(401, "NO_CREDENTIAL");
    assert_eq!(forwarded(&databricks).len(), 0);
    gateway.send(call().bearer(&idp.mint("alice"))).await;
    let seen = forwarded(&databricks).pop().unwrap();
    assert_eq!(seen.identity.as_deref(), Some("alice"));
    assert_eq!(seen.values("x-api-key"), [""; 0]);
}

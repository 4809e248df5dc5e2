use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::test_client::raw;

#[tokio::test]
async fn a_jwt_anywhere_in_the_head_is_refused_and_counted() {
    let (idp, workspace) = both().await;
    let jwt = idp.mint("alice");
    let basic = format!("Basic {}", STANDARD.encode(format!("token:{jwt}")));
    let unsigned = jwt.rsplit_once('.').unwrap().0;
    let fields = [
        ("authorization", bearer(&jwt)),
        ("authorization", basic),
        ("x-forwarded-access-token", jwt.clone()),
        ("proxy-authorization", bearer(&jwt)),
        ("cookie", format!("a=b; session={jwt}; c=d")),
        ("x-debug", format!("{{\"jwt\":\"{unsigned}\"}}")),
        ("x-nested", format!("eyJub.eyJ {jwt}")),
    ];
    let mut leaks = 0;
    for (name, value) in &fields {
        let own = bearer(&workspace.issue_token("alice"));
        let mut headers = vec![(*name, value.as_str())];
        if *name != "authorization" {
            headers.push(("authorization", &own));
        }
        let refused = get(&format!("{}/testbed/cookies", workspace.url()), &headers).await;
        leaks += 1;
        assert_eq!(
            (refused.status.as_u16(), workspace.leaked_jwts()),
            (403, leaks),
            "{name}"
        );
    }
    for target in [format!("/testbed/echo?token={jwt}"), format!("/{jwt}/x")] {
        let refused = as_alice(&workspace, Method::GET, &target, &[], "").await;
        leaks += 1;
        assert_eq!(
            (refused.status.as_u16(), workspace.leaked_jwts()),
            (403, leaks),
            "{target}"
        );
    }
}

#[tokio::test]
async fn a_leak_is_counted_where_no_token_is_asked_for_and_where_a_fault_strikes() {
    let (idp, workspace) = both().await;
    let token = bearer(&idp.mint("alice"));
    let config = format!("{}/.well-known/databricks-config", workspace.url());
    workspace.faults().inject(
        "/.well-known/",
        crate::Fault::Answer(503, Vec::new(), String::new()),
        1,
    );
    for status in [503, 403] {
        assert_eq!(get(&config, &[("authorization", &token)]).await.status, status);
    }
    assert_eq!(workspace.leaked_jwts(), 2);
}

#[tokio::test]
async fn a_leak_is_counted_even_if_the_request_is_too_malformed_to_be_answered() {
    let (idp, workspace) = both().await;
    let jwt = idp.mint("alice");
    let malformed =
        format!("GET / HTTP/1.1\r\nHost: h\r\nX-A: {jwt}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
    let answer = raw(workspace.url(), &malformed).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400"));
    // The count follows the answer, since it was not hyper's to make.
    tokio::time::timeout(Duration::from_secs(10), async {
        while workspace.leaked_jwts() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!((workspace.leaked_jwts(), workspace.seen().len()), (1, 0));
}

#[tokio::test]
async fn the_token_of_any_other_issuer_is_a_leak_even_if_it_is_forged() {
    let (idp, workspace) = both().await;
    let forged = idp.token("alice").issuer("https://nobody.example").forge();
    as_alice(
        &workspace,
        Method::GET,
        "/testbed/cookies",
        &[("x-a", &forged)],
        "",
    )
    .await;
    assert_eq!(workspace.leaked_jwts(), 1);
}

#[tokio::test]
async fn a_token_of_the_workspace_itself_is_no_leak() {
    let (idp, workspace) = both().await;
    let token = access_token(&exchange(&workspace, &idp.mint("alice")).await);
    who_is(&workspace, &token).await;
    as_alice(
        &workspace,
        Method::GET,
        "/testbed/cookies",
        &[("x-a", "eyJ.eyJ.eyJ"), ("x-b", &token)],
        "",
    )
    .await;
    assert_eq!(workspace.leaked_jwts(), 0);
}

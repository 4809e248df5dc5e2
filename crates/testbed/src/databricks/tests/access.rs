use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;
use crate::test_client::raw;

const ME: &str = "/api/2.0/preview/scim/v2/Me";

async fn me(workspace: &Databricks, headers: &[(&str, &str)]) -> Reply {
    get(&format!("{}{ME}", workspace.url()), headers).await
}

#[tokio::test]
async fn a_token_opens_the_api_as_bearer_and_as_basic_password() {
    let (_idp, workspace) = both().await;
    let token = workspace.issue_token("alice");
    let basic = format!("Basic {}", STANDARD.encode(format!("token:{token}")));
    for credentials in [bearer(&token), format!("bearer {token}"), basic] {
        assert_eq!(
            me(&workspace, &[("authorization", &credentials)]).await.json()["userName"],
            "alice"
        );
    }
}

#[tokio::test]
async fn missing_and_unsupported_credentials_are_401() {
    let (_idp, workspace) = both().await;
    let token = workspace.issue_token("alice");
    let other_user = format!("Basic {}", STANDARD.encode(format!("Token:{token}")));
    for headers in [
        &[][..],
        &[("authorization", "Digest x")],
        &[("authorization", &other_user)],
    ] {
        let refused = me(&workspace, headers).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error_code"]),
            (401, &json!(401))
        );
        assert_eq!(
            refused.header("x-databricks-reason-phrase"),
            refused.json()["message"]
        );
    }
}

#[tokio::test]
async fn an_unknown_expired_or_revoked_token_is_403() {
    let (_idp, workspace) = both().await;
    let token = bearer(&workspace.issue_token("alice"));

    assert_eq!(
        me(&workspace, &[("authorization", "Bearer dapi123")])
            .await
            .status,
        403
    );
    workspace.skew_clock(3600);
    assert_eq!(me(&workspace, &[("authorization", &token)]).await.status, 403);
    workspace.skew_clock(0);
    assert_eq!(me(&workspace, &[("authorization", &token)]).await.status, 200);
    workspace.revoke_tokens();
    let refused = me(&workspace, &[("authorization", &token)]).await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.json(),
        json!({"error_code": 403, "message": "Invalid access token."})
    );
    let identities: Vec<_> = workspace.seen().into_iter().map(|seen| seen.identity).collect();
    assert_eq!(identities, [None, None, Some("alice".to_owned()), None]);
}

#[tokio::test]
async fn who_comes_with_nothing_or_with_what_is_over_is_counted() {
    let (_idp, workspace) = both().await;
    let token = bearer(&workspace.issue_token("alice"));
    let good = [("authorization", token.as_str())];
    let counted = || (workspace.strangers(), workspace.expired_tokens());

    get(&format!("{}/.well-known/databricks-config", workspace.url()), &[]).await;
    me(&workspace, &good).await;
    assert_eq!(counted(), (0, 0));
    me(&workspace, &[]).await;
    me(&workspace, &[good[0], good[0]]).await;
    me(&workspace, &[("authorization", "Bearer dapi123")]).await;
    assert_eq!(counted(), (3, 0));
    workspace.skew_clock(3600);
    me(&workspace, &good).await;
    assert_eq!(counted(), (3, 1));
    workspace.revoke_tokens();
    me(&workspace, &good).await;
    assert_eq!(counted(), (3, 1), "a revoked one was good once");
    assert_eq!(bearer(&workspace.issued_tokens()[0]), token);
}

#[tokio::test]
async fn two_authorization_fields_are_refused_even_if_both_are_good() {
    let (_idp, workspace) = both().await;
    let token = bearer(&workspace.issue_token("alice"));
    let twice = [
        ("authorization", token.as_str()),
        ("authorization", token.as_str()),
    ];
    assert_eq!(me(&workspace, &twice).await.status, 400);
    let config = format!("{}/.well-known/databricks-config", workspace.url());
    assert_eq!(get(&config, &twice).await.status, 400);
}

#[tokio::test]
async fn discovery_needs_no_token() {
    let (_idp, workspace) = both().await;
    let config = get(&format!("{}/.well-known/databricks-config", workspace.url()), &[]).await;
    let endpoint = config.json()["oidc_endpoint"].as_str().unwrap().to_owned();
    let server = get(&format!("{endpoint}/.well-known/oauth-authorization-server"), &[]).await;
    assert_eq!(
        server.json()["token_endpoint"],
        format!("{}/oidc/v1/token", workspace.url())
    );
}

#[tokio::test]
async fn every_answer_bears_databricks_stamp() {
    let (_idp, workspace) = both().await;
    let good = as_alice(&workspace, Method::GET, "/api/2.1/clusters/list", &[], "").await;
    let missing = as_alice(
        &workspace,
        Method::GET,
        "/api/2.0/connector-service/feature-flags/X/1",
        &[],
        "",
    )
    .await;
    let refused = me(&workspace, &[]).await;
    let token = exchange(&workspace, "a.b.c").await;

    assert_eq!(good.json()["clusters"][0]["state"], "RUNNING");
    assert_eq!(missing.status, 404);
    for answer in [&good, &missing, &refused, &token] {
        assert_eq!(answer.header("server"), "databricks");
        assert_eq!(answer.header("x-request-id").len(), 36);
        assert!(answer.headers.contains_key("x-databricks-org-id"));
        assert_eq!(
            answer.headers.contains_key("x-databricks-reason-phrase"),
            answer.status != 200
        );
    }
    assert_ne!(good.header("x-request-id"), missing.header("x-request-id"));
}

#[tokio::test]
async fn a_cluster_is_found_by_its_id() {
    let (_idp, workspace) = both().await;
    let list = as_alice(&workspace, Method::GET, "/api/2.1/clusters/list", &[], "").await;
    let id = list.json()["clusters"][0]["cluster_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = |id: &str| format!("/api/2.1/clusters/get?cluster_id={id}");
    let found = as_alice(&workspace, Method::GET, &path(&id), &[], "").await;
    assert_eq!(found.json()["cluster_id"], id);
    assert_eq!(
        as_alice(&workspace, Method::GET, &path("no"), &[], "")
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_request_is_seen_as_it_was_on_the_wire() {
    let (_idp, workspace) = both().await;
    let request = format!(
        "GET /api//2.0/%2e%2E/x?a=%2F&&b HTTP/1.1\r\nhOsT: h\r\nX-Dup: 1\r\naUTHORIZATION: Bearer {}\r\n\
         x-dup:  2 \r\nX-DUP: 3\r\nConnection: close\r\n\r\n",
        workspace.issue_token("alice")
    );

    raw(workspace.url(), &request).await.unwrap();

    let seen = &workspace.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("GET", "/api//2.0/%2e%2E/x?a=%2F&&b")
    );
    let names: Vec<_> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["hOsT", "X-Dup", "aUTHORIZATION", "x-dup", "X-DUP", "Connection"]
    );
    assert_eq!(seen.values("x-dup"), ["1", "2", "3"]);
    assert_eq!(seen.identity.as_deref(), Some("alice"));
}

#[tokio::test]
async fn every_request_of_a_connection_is_seen_in_order() {
    let (_idp, workspace) = both().await;
    let token = workspace.issue_token("alice");
    let head = |target: &str, more: &str| {
        format!("POST {target} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n{more}\r\n")
    };
    let pipelined = [
        head("/testbed/sink?1", "Content-Length: 18\r\n"),
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        head("/testbed/sink?2", "Transfer-Encoding: chunked\r\n"),
        "5;x=y\r\nGET /\r\na\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n".to_owned(),
        head("/testbed/sink?3", "Connection: close\r\n"),
    ];

    raw(workspace.url(), &pipelined.concat()).await.unwrap();

    let seen: Vec<_> = workspace
        .seen()
        .into_iter()
        .map(|seen| (seen.target, seen.body_bytes))
        .collect();
    let expected = [
        ("/testbed/sink?1", 18),
        ("/testbed/sink?2", 15),
        ("/testbed/sink?3", 0),
    ];
    assert_eq!(seen, expected.map(|(target, bytes)| (target.to_owned(), bytes)));
}

#[tokio::test]
async fn a_forgetful_workspace_keeps_no_records_but_counts_leaks() {
    let idp = Idp::start().await;
    let workspace = Databricks::builder().trust(&idp).forgetful().start().await;
    me(&workspace, &[("authorization", &bearer(&idp.mint("alice")))]).await;
    assert_eq!((workspace.seen().len(), workspace.leaked_jwts()), (0, 1));
}

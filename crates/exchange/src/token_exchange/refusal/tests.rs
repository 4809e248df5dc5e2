use serde_json::json;

use super::*;

const SECRET: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLWFsaWNl";

/// What is left of a 401 with this body: its code and its message.
fn said(body: impl AsRef<[u8]>) -> (String, String) {
    let Denial {
        status,
        code,
        message,
    } = read(StatusCode::UNAUTHORIZED, body.as_ref(), SECRET);
    assert_eq!(status, 401);
    (code, message)
}

fn both(code: &str, message: &str) -> (String, String) {
    (code.to_owned(), message.to_owned())
}

#[test]
fn the_words_of_oauth_are_understood() {
    let body = json!({"error": "invalid_grant", "error_description": "no policy"}).to_string();
    assert_eq!(said(body), both("invalid_grant", "no policy"));
    assert_eq!(said(r#"{"error":"invalid_client"}"#), both("invalid_client", ""));
}

#[test]
fn the_words_of_databricks_are_understood() {
    let body =
        json!({"error_code": "TOKEN_INVALID", "message": "Ensure a valid federation policy."}).to_string();
    assert_eq!(
        said(body),
        both("TOKEN_INVALID", "Ensure a valid federation policy.")
    );
    assert_eq!(
        said(r#"{"error_code":403,"message":"Invalid."}"#),
        both("403", "Invalid.")
    );
}

#[test]
fn text_is_a_message_and_a_page_is_not() {
    assert_eq!(
        said("Invalid credentials."),
        both("401 Unauthorized", "Invalid credentials.")
    );
    let page = both("401 Unauthorized", "an HTML page instead of a reason");
    assert_eq!(said("\n <!DOCTYPE html><title>Sign in</title>"), page);
}

#[test]
fn what_says_nothing_leaves_the_status() {
    for body in [
        "",
        " ",
        "{}",
        "[]",
        "null",
        "7",
        r#"{"error":{"a":1}}"#,
        r#"{"error":null,"message":[]}"#,
    ] {
        assert_eq!(said(body), both("401 Unauthorized", ""), "{body}");
    }
    assert_eq!(said(b"\xff\xfe").1, "\u{fffd}\u{fffd}");
}

#[test]
fn a_token_that_is_repeated_does_not_come_through() {
    for body in [
        json!({"error": SECRET, "error_description": format!("bad token '{SECRET}'")}).to_string(),
        json!({"error_code": format!("X-{SECRET}"), "message": format!("dapi0123456789abcdef {SECRET}")})
            .to_string(),
        format!("cannot parse {SECRET} (nor dapi0123456789abcdef)"),
    ] {
        let denial = read(StatusCode::UNAUTHORIZED, body.as_bytes(), SECRET);
        let shown = format!("{denial} {denial:?}");
        for secret in SECRET.split('.').chain(["dapi"]) {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert!(shown.contains("[redacted]"), "{shown}");
    }
}

#[test]
fn words_that_ask_an_sdk_to_retry_are_dropped() {
    let body =
        json!({"error": "invalid_grant", "error_description": "context deadline exceeded"}).to_string();
    assert_eq!(said(body), both("invalid_grant", ""));
    let body = json!({"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow down"}).to_string();
    assert_eq!(said(body), both("401 Unauthorized", "slow down"));
    let body = json!({"error": "worker env 7", "error_description": "not found"}).to_string();
    assert_eq!(said(body), both("worker env 7", ""));
}

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::testing::Callers;

/// Whole answers, judged as if the caller's JWT had an hour to live.
struct Judge {
    callers: Callers,
    identity: Identity,
}

// === impl Judge ===

impl Judge {
    async fn new() -> Self {
        let callers = Callers::new().await;
        Self {
            identity: callers.identity("alice").await,
            callers,
        }
    }

    fn outcome(&self, status: u16, retry_after: Option<u64>, body: &str) -> Result<AccessToken, Setback> {
        let status = StatusCode::from_u16(status).unwrap();
        let retry_after = retry_after.map(Duration::from_secs);
        let answer = Answer {
            status,
            retry_after,
            body: body.as_bytes().to_vec(),
            fault: None,
        };
        answer.judge(&self.identity, UnixTime::from_seconds(self.callers.now))
    }

    fn failure(&self, status: u16, body: &str) -> Setback {
        self.outcome(status, None, body).expect_err(body)
    }

    /// How many seconds the token of this response lives, counted from now.
    fn life(&self, response: &Value) -> u64 {
        let token = self.outcome(200, None, &response.to_string());
        let token = token.unwrap_or_else(|setback| panic!("{response}: {setback:?}"));
        token.expiry().0.seconds().saturating_sub(self.callers.now)
    }

    fn jwt(&self) -> String {
        String::from_utf8(self.identity.token().expose().to_vec()).unwrap()
    }
}

fn jwt_with(claims: &str) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
}

#[tokio::test]
async fn the_real_response_gives_a_token() {
    let response = json!({
        "access_token": "opaque-token", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "scope": "all-apis", "token_type": "Bearer", "expires_in": 3599,
    });
    let judge = Judge::new().await;
    let token = judge.outcome(200, None, &response.to_string()).unwrap();
    assert_eq!(token.header().to_str().unwrap(), "Bearer opaque-token");
    assert_eq!(token.expiry().0.seconds(), judge.callers.now + 3599);
}

#[tokio::test]
async fn the_life_may_be_written_in_any_way() {
    let judge = Judge::new().await;
    for (expires_in, life) in [
        (json!(60), 60),
        (json!("60"), 60),
        (json!(" 60 "), 60),
        (json!(60.9), 60),
        (json!("60.9"), 60),
        (json!(6e1), 60),
        (json!(0), 0),
        (json!(-1), 0),
        (json!("-1"), 0),
        (json!(-0.5), 0),
        (json!(i64::MIN), 0),
        (json!(null), 3600),
        (json!(3601), 3600),
        (json!(i64::MAX), 3600),
        (json!(u64::MAX), 3600),
        (json!(1e300), 3600),
        (json!("99999999999999999999999999"), 3600),
    ] {
        assert_eq!(
            judge.life(&json!({"access_token": "t", "expires_in": expires_in})),
            life,
            "{expires_in}"
        );
    }
    assert_eq!(judge.life(&json!({"access_token": "t"})), 3600);
}

#[tokio::test]
async fn a_life_that_is_no_number_is_refused() {
    let judge = Judge::new().await;
    for expires_in in [
        json!(true),
        json!([60]),
        json!({}),
        json!(""),
        json!("soon"),
        json!("inf"),
        json!("NaN"),
    ] {
        let setback = judge.failure(
            200,
            &json!({"access_token": "t", "expires_in": expires_in}).to_string(),
        );
        assert!(
            setback
                .error
                .to_string()
                .ends_with("expires_in is not a number of seconds"),
            "{expires_in}"
        );
        assert_eq!(setback.pause, None);
    }
}

#[tokio::test]
async fn a_token_that_is_a_jwt_can_shorten_its_life_and_only_that() {
    let judge = Judge::new().await;
    let now = judge.callers.now;
    for (claims, life) in [
        (json!({"exp": now + 60}).to_string(), 60),
        (json!({"exp": u128::from(now) + 60}).to_string(), 60),
        (format!(r#"{{"exp":{}.5}}"#, now + 60), 60),
        (json!({"exp": now - 60}).to_string(), 0),
        (json!({"exp": -5}).to_string(), 0),
        (json!({"exp": now + 9_999}).to_string(), 1_800),
        (json!({"exp": (now + 60).to_string()}).to_string(), 1_800),
        (json!({"sub": "x"}).to_string(), 1_800),
        ("not json".to_owned(), 1_800),
    ] {
        let response = json!({"access_token": jwt_with(&claims), "expires_in": 1_800});
        assert_eq!(judge.life(&response), life, "{claims}");
    }
    assert_eq!(
        judge.life(&json!({"access_token": "a.*.c", "expires_in": 1_800})),
        1_800
    );
}

#[tokio::test]
async fn the_type_must_be_bearer_if_it_is_named() {
    let judge = Judge::new().await;
    for token_type in [json!("Bearer"), json!("bearer"), json!("BEARER"), json!(null)] {
        judge.life(&json!({"access_token": "t", "token_type": token_type}));
    }
    for token_type in [
        json!("mac"),
        json!("DPoP"),
        json!(""),
        json!(" Bearer"),
        json!(1),
        json!(["Bearer"]),
    ] {
        let setback = judge.failure(
            200,
            &json!({"access_token": "t", "token_type": token_type}).to_string(),
        );
        assert!(
            setback
                .error
                .to_string()
                .ends_with("the token_type is not Bearer"),
            "{token_type}"
        );
    }
}

#[tokio::test]
async fn what_is_no_token_response_is_malformed_and_final() {
    let judge = Judge::new().await;
    for (body, what) in [
        ("", "not a JSON object"),
        ("garbage", "not a JSON object"),
        ("null", "not a JSON object"),
        ("7", "not a JSON object"),
        (r#"{"access_token":"t""#, "not a JSON object"),
        (r#"{"access_token":"t"}{}"#, "not a JSON object"),
        (r#"{"access_token":"t","access_token":"u"}"#, "not a JSON object"),
        (r#"["t","Bearer",60]"#, "not a JSON object"),
        ("<html>sign in</html>", "HTML"),
        ("{}", "no access_token in it"),
        (r#"{"access_token":null}"#, "no access_token in it"),
        (r#"{"access_token":7}"#, "no access_token in it"),
        (r#"{"access_token":["t"]}"#, "no access_token in it"),
        (
            r#"{"access_token":""}"#,
            "the access_token cannot stand in a header",
        ),
        (
            r#"{"access_token":"a b"}"#,
            "the access_token cannot stand in a header",
        ),
        (
            r#"{"access_token":"a\r\nx-evil: 1"}"#,
            "the access_token cannot stand in a header",
        ),
        (
            r#"{"access_token":"a\u0000"}"#,
            "the access_token cannot stand in a header",
        ),
        (
            r#"{"access_token":"tök"}"#,
            "the access_token cannot stand in a header",
        ),
    ] {
        let Setback { error, pause } = judge.failure(200, body);
        let expected = format!(
            "the Databricks token endpoint gave an answer that is not a token response: 200 OK, {what}"
        );
        assert_eq!(
            (error.to_string(), error.code(), pause),
            (expected, "EXCHANGE_MALFORMED", None),
            "{body}"
        );
    }
}

#[tokio::test]
async fn nesting_without_end_is_no_overflow_of_the_stack() {
    let judge = Judge::new().await;
    judge.failure(200, &format!(r#"{{"access_token":{}"#, "[".repeat(60_000)));
    judge.failure(401, &"[".repeat(60_000));
}

#[tokio::test]
async fn a_token_too_long_for_any_head_is_refused() {
    let judge = Judge::new().await;
    judge.life(&json!({"access_token": "t".repeat(16 * 1024)}));
    judge.failure(
        200,
        &json!({"access_token": "t".repeat(16 * 1024 + 1)}).to_string(),
    );
}

#[tokio::test]
async fn the_jwt_that_was_sent_is_not_taken_for_a_token() {
    let judge = Judge::new().await;
    let setback = judge.failure(
        200,
        &json!({"access_token": judge.jwt(), "token_type": "Bearer"}).to_string(),
    );
    assert!(
        setback
            .error
            .to_string()
            .ends_with("the access_token is the very JWT that was sent")
    );
}

#[tokio::test]
async fn a_refusal_is_final() {
    let judge = Judge::new().await;
    for status in [400, 401, 403] {
        let Setback { error, pause } = judge.failure(status, r#"{"error":"invalid_grant"}"#);
        let ExchangeError::Denied(denial) = error else {
            panic!("{error}")
        };
        assert_eq!(
            (denial.status, denial.code.as_str(), pause),
            (status, "invalid_grant", None)
        );
    }
}

#[tokio::test]
async fn an_outage_may_pass() {
    let judge = Judge::new().await;
    for (status, what) in [
        (429, "429 Too Many Requests"),
        (500, "500 Internal Server Error"),
        (502, "502 Bad Gateway"),
        (503, "503 Service Unavailable"),
        (504, "504 Gateway Timeout"),
    ] {
        for (given, pause, told) in [
            (None, 0, 1),
            (Some(0), 0, 1),
            (Some(7), 7, 7),
            (Some(300), 300, 300),
        ] {
            let setback = judge.outcome(status, given, "busy").unwrap_err();
            assert_eq!(setback.pause, Some(Duration::from_secs(pause)));
            let ExchangeError::Unavailable(outage) = setback.error else {
                panic!("{}", setback.error)
            };
            assert_eq!((outage.what.as_str(), outage.throttled), (what, status == 429));
            assert_eq!(outage.retry_after, Duration::from_secs(told));
        }
    }
}

#[tokio::test]
async fn any_other_status_is_malformed_and_named() {
    let judge = Judge::new().await;
    for (status, body, what) in [
        (302, "<html>", "302 Found, a redirect, which is never followed"),
        (303, "", "303 See Other, a redirect, which is never followed"),
        (404, "", "404 Not Found"),
        (404, "no such thing", "404 Not Found, no such thing"),
        (404, "<html>", "404 Not Found, an HTML page instead of a reason"),
        (
            405,
            r#"{"error":"invalid_request"}"#,
            "405 Method Not Allowed, invalid_request",
        ),
        (
            405,
            r#"{"error_code":"X","message":"y"}"#,
            "405 Method Not Allowed, X: y",
        ),
        (418, "", "418 I'm a teapot"),
        (501, "", "501 Not Implemented"),
        (599, "", "599 <unknown status code>"),
    ] {
        let Setback { error, pause } = judge.failure(status, body);
        let ExchangeError::Malformed(said) = error else {
            panic!("{error}")
        };
        assert_eq!((&*said, pause), (what, None));
    }
}

#[tokio::test]
async fn a_success_counts_only_if_its_body_is_whole_and_a_refusal_always() {
    let judge = Judge::new().await;
    for (status, code) in [
        (200, "EXCHANGE_UNAVAILABLE"),
        (401, "EXCHANGE_DENIED"),
        (404, "EXCHANGE_MALFORMED"),
    ] {
        let fault = Some(Setback::passing(ExchangeError::unavailable(
            "the connection broke",
        )));
        let (status, body) = (
            StatusCode::from_u16(status).unwrap(),
            br#"{"access_token":"t"}"#.to_vec(),
        );
        let answer = Answer {
            status,
            retry_after: None,
            body,
            fault,
        };
        let setback = answer
            .judge(&judge.identity, UnixTime::from_seconds(judge.callers.now))
            .unwrap_err();
        assert_eq!(setback.error.code(), code);
    }
}

#[tokio::test]
async fn no_error_repeats_a_token_whatever_the_server_says() {
    let judge = Judge::new().await;
    let jwt = judge.jwt();
    let issued = jwt_with(r#"{"sub":"alice","padding":"so long that nobody takes it for a word"}"#);
    let bodies = [
        json!({"access_token": [&jwt, &issued], "token_type": &jwt, "expires_in": &jwt}).to_string(),
        json!({"access_token": &issued, "token_type": &jwt}).to_string(),
        json!({"access_token": &issued, "expires_in": &jwt}).to_string(),
        json!({"access_token": format!("{issued}\n{jwt}")}).to_string(),
        json!({"error": &jwt, "error_description": &issued, "error_code": &jwt, "message": &jwt}).to_string(),
        format!("{jwt} {issued}"),
        format!("{{\"access_token\": \"{issued}\", {jwt}"),
    ];
    let mut shown = String::new();
    for status in [200, 302, 400, 401, 403, 404, 429, 500, 503] {
        for body in &bodies {
            let Setback { error, .. } = judge.failure(status, body);
            write!(shown, "{error} {error:?} ").unwrap();
        }
    }
    for secret in jwt
        .split('.')
        .chain(issued.split('.').filter(|segment| segment.len() > 8))
    {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

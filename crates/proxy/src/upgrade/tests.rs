use http::{HeaderMap, HeaderName, HeaderValue};

use super::names_websocket;

fn named(fields: &[(&'static str, &'static str)]) -> bool {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    names_websocket(&headers)
}

#[test]
fn websocket_is_named_alone_and_nominated() {
    for (connection, upgrade) in [
        ("upgrade", "websocket"),
        ("Upgrade", "WebSocket"),
        ("keep-alive, Upgrade", "websocket"),
        (" ,upgrade,", ", websocket ,"),
    ] {
        assert!(
            named(&[("connection", connection), ("upgrade", upgrade)]),
            "{upgrade}"
        );
    }
    assert!(named(&[
        ("connection", "x"),
        ("connection", "upgrade"),
        ("upgrade", "websocket")
    ]));
}

#[test]
fn anything_else_is_no_wish_for_websocket() {
    for upgrade in [
        "h2c",
        "websocket, h2c",
        "h2c, websocket",
        "websocket/13",
        "websockets",
        "web socket",
        "",
        "tls/1.2",
    ] {
        assert!(
            !named(&[("connection", "upgrade"), ("upgrade", upgrade)]),
            "{upgrade}"
        );
    }
    assert!(!named(&[("upgrade", "websocket")]), "without being nominated");
    assert!(!named(&[
        ("connection", "keep-alive, x-upgrade"),
        ("upgrade", "websocket")
    ]));
    assert!(
        !named(&[
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("upgrade", "websocket")
        ]),
        "twice"
    );
    assert!(
        !named(&[
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("upgrade", "h2c")
        ]),
        "on two lines"
    );
}

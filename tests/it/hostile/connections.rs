use super::attack::{Attack, SMUGGLED, post, run};

#[tokio::test]
async fn nothing_is_read_behind_a_refused_request() {
    let firsts: [(&str, String); 8] = [
        ("no host", "GET /a HTTP/1.1\r\n\r\n".to_owned()),
        ("a bare LF", "GET /a HTTP/1.1\nHost: x\r\n\r\n".to_owned()),
        (
            "two credentials",
            refused("Authorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\n"),
        ),
        (
            "two lengths",
            refused("Content-Length: 0\r\nContent-Length: 1\r\n"),
        ),
        (
            "TE in HTTP/1.0",
            refused("Transfer-Encoding: chunked\r\n").replace("1.1", "1.0"),
        ),
        (
            "CONNECT",
            refused("Authorization: Bearer {token}\r\n").replace("GET /a", "CONNECT x:443"),
        ),
        (
            "TRACE",
            refused("Authorization: Bearer {token}\r\n").replace("GET", "TRACE"),
        ),
        (
            "a bad chunk",
            refused("Authorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n")
                + "5\nhello\r\n0\r\n\r\n",
        ),
    ];
    run(firsts.map(|(name, first)| {
        let attack = Attack::new(name, first + SMUGGLED);
        if name == "a bad chunk" {
            attack.breaks_off()
        } else {
            attack
        }
    }))
    .await;
}

#[tokio::test]
async fn the_body_of_a_request_that_is_denied_is_not_a_request() {
    let length = "Content-Length: {length}\r\n";
    let chunk = format!("{{hex}}\r\n{SMUGGLED}\r\n0\r\n\r\n");
    let expect = "Expect: 100-continue\r\n";
    let denied = |name: &str, fields: &str, body: &str| {
        let bytes = format!("POST /a HTTP/1.1\r\nHost: x\r\n{fields}\r\n{body}");
        Attack::new(name, bytes).denied(401)
    };
    run([
        denied("CL", length, SMUGGLED),
        denied("TE", "Transfer-Encoding: chunked\r\n", &chunk),
        denied("CL, expecting", &format!("{length}{expect}"), SMUGGLED),
        denied(
            "TE, expecting",
            &format!("Transfer-Encoding: chunked\r\n{expect}"),
            &chunk,
        ),
        Attack::new(
            "CL, upgrading",
            format!("GET /a HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n{length}\r\n{SMUGGLED}"),
        ),
        denied("a body that is never sent", "Content-Length: 1000\r\n", ""),
        denied(
            "a chunk that is never sent",
            "Transfer-Encoding: chunked\r\n",
            "3e8\r\n",
        ),
        denied(
            "a bad chunk",
            "Transfer-Encoding: chunked\r\n",
            &format!("x\r\n{SMUGGLED}"),
        ),
    ])
    .await;
}

#[tokio::test]
async fn expecting_an_answer_moves_no_boundary() {
    let values = [
        "100-continue",
        "100-Continue",
        "100-continue, 100-continue",
        "x 100-continue",
        "100-continue;q=1",
        "y",
        "",
        "\r\n 100-continue",
    ];
    let attacks = values.into_iter().flat_map(|value| {
        let fields = format!("Expect: {value}\r\nContent-Length: {{length}}\r\n");
        let chunks = format!("Expect: {value}\r\nTransfer-Encoding: chunked\r\n");
        let chunk = format!("{{hex}}\r\n{SMUGGLED}\r\n0\r\n\r\n");
        [
            (format!("CL, {value:?}"), post(&fields, SMUGGLED)),
            (format!("TE, {value:?}"), post(&chunks, chunk)),
        ]
        .map(|(name, bytes)| {
            let attack = Attack::new(name, bytes);
            if value.starts_with('\r') {
                attack
            } else {
                attack.is("POST /a HTTP/1.1", SMUGGLED)
            }
        })
    });
    run(attacks).await;
}

#[tokio::test]
async fn requests_in_one_packet_are_each_their_own() {
    let good = post("Content-Length: 5\r\n", "hello");
    let denied = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
    run([
        Attack::new(
            "a good one and a bad one",
            [&good[..], b"GET /b HTTP/1.1\r\n\r\n"].concat(),
        )
        .is("POST /a HTTP/1.1", "hello")
        .and_more(),
        Attack::new(
            "a good one and a bare LF",
            [&good[..], b"GET /b HTTP/1.1\n\n"].concat(),
        )
        .is("POST /a HTTP/1.1", "hello")
        .and_more(),
        Attack::new(
            "a good one and one without a credential",
            [&good[..], denied.as_bytes()].concat(),
        )
        .is("POST /a HTTP/1.1", "hello")
        .and_more(),
        Attack::new("two good ones", [&good[..], SMUGGLED.as_bytes()].concat())
            .is("POST /a HTTP/1.1", "hello")
            .is("GET /smuggled HTTP/1.1", ""),
        Attack::new(
            "more than its length",
            post("Content-Length: 4\r\n", "helloGET / HTTP/1.1\r\n\r\n"),
        )
        .is("POST /a HTTP/1.1", "hell")
        .and_more(),
    ])
    .await;
}

fn refused(fields: &str) -> String {
    format!("GET /a HTTP/1.1\r\nHost: x\r\n{fields}\r\n")
}

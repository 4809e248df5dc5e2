use super::attack::{Attack, POST, SMUGGLED, post, run};

#[tokio::test]
async fn a_line_ends_with_cr_and_lf() {
    let ends: [&[u8]; 7] = [b"\n", b"\r", b"\n\r", b"\r\r\n", b"\0\r\n", b"\x0b", b"\x0c"];
    let request = |places: [&[u8]; 4]| {
        let [a, b, c, d] = places;
        [
            b"GET /a HTTP/1.1".as_slice(),
            a,
            b"Host: x",
            b,
            b"Authorization: Bearer {token}",
            c,
            b"X: y",
            d,
        ]
        .concat()
    };
    let crlf = b"\r\n".as_slice();
    let attacks = ends.into_iter().flat_map(|end| {
        let name = end.escape_ascii().to_string();
        let twice = [end, end, b"X: y\r\n\r\n"].concat();
        let mixed = [crlf, end, b"X: y\r\n\r\n"].concat();
        [
            (
                format!("{name} after the request line"),
                request([end, crlf, crlf, b"\r\n\r\n"]),
            ),
            (
                format!("{name} after the host"),
                request([crlf, end, crlf, b"\r\n\r\n"]),
            ),
            (
                format!("{name} after the credential"),
                request([crlf, crlf, end, b"\r\n\r\n"]),
            ),
            (
                format!("{name} twice at the end"),
                request([crlf, crlf, crlf, &twice]),
            ),
            (
                format!("{name} after the last line"),
                request([crlf, crlf, crlf, &mixed]),
            ),
            (format!("{name} everywhere"), request([end, end, end, &twice])),
        ]
    });
    run(attacks.map(|(name, bytes)| Attack::new(name, bytes))).await;
}

#[tokio::test]
async fn a_line_end_in_a_value_makes_no_second_field() {
    let ends = ["\n", "\r", "\0\n", "\n\r"];
    let seconds = [
        "Authorization: Bearer evil",
        "Host: evil",
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "Connection: authorization",
        "X-Forwarded-For: 10.0.0.1",
    ];
    let attacks = ends.into_iter().flat_map(|end| {
        seconds.map(|second| {
            let field = format!("X: a{end}{second}\r\n");
            Attack::new(field.escape_debug().to_string(), post(&field, ""))
        })
    });
    run(attacks).await;
}

#[tokio::test]
async fn lines_are_not_folded() {
    let fields = [
        "X: a\r\n b\r\n",
        "X: a\r\n\tb\r\n",
        "X:\r\n a\r\n",
        "X: a\r\n \r\n",
        "X: a\r\n Authorization: Bearer evil\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "Content-Length:\r\n 5\r\n",
        "Transfer-Encoding: chunked\r\n , identity\r\n",
    ];
    run(fields.map(|field| Attack::new(field.escape_debug().to_string(), post(field, SMUGGLED)))).await;
}

#[tokio::test]
async fn a_name_is_a_token_up_to_its_colon() {
    let lines: [&[u8]; 22] = [
        b"X : a",
        b"X\t: a",
        b": a",
        b":",
        b"X",
        b"X a",
        b" X: a",
        b"\tX: a",
        b"X\0: a",
        b"X\x0b: a",
        b"X\x7f: a",
        b"X\xff: a",
        b"X\xc3\xa9: a",
        b"X(y): a",
        b"X/y: a",
        b"X,y: a",
        b"\"X\": a",
        b"X@y: a",
        b"[X]: a",
        b"X;y: a",
        b"GET / HTTP/1.1",
        b"\0: a",
    ];
    let attacks = lines.into_iter().map(|line| {
        let bytes = [POST.as_bytes(), line, b"\r\n\r\n"].concat();
        Attack::new(line.escape_ascii().to_string(), bytes)
    });
    run(attacks).await;
}

#[tokio::test]
async fn a_value_holds_no_control_character() {
    let controls = (0..=0x1f_u8).filter(|byte| *byte != b'\t').chain([0x7f]);
    let attacks = controls.flat_map(|byte| {
        let at = |value: &[u8]| [POST.as_bytes(), b"X: ", value, b"\r\n\r\n"].concat();
        [
            ("in", at(&[b'a', byte, b'b'])),
            ("before", at(&[byte, b'a'])),
            ("after", at(&[b'a', byte])),
        ]
        .map(|(place, bytes)| Attack::new(format!("{byte:#04x} {place}"), bytes))
    });
    run(attacks).await;
}

#[tokio::test]
async fn the_first_line_is_the_request() {
    let get = "GET /a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n";
    run([
        Attack::new("a space before", format!(" {get}")),
        Attack::new("a tab before", format!("\t{get}")),
        Attack::new("a bare LF before", format!("\n{get}")),
        Attack::new("a bare CR before", format!("\r{get}")),
        Attack::new("NUL before", format!("\0{get}")),
        Attack::new("three empty lines before", format!("\r\n\r\n\r\n{get}")),
        Attack::new("a field before", format!("X: y\r\n{get}")),
        Attack::new("a folded first field", get.replacen("Host", " Host", 1)),
        Attack::new("a byte order mark", format!("\u{feff}{get}")),
        Attack::new("garbage", "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03"),
        Attack::new("one empty line before", format!("\r\n{get}")).is("GET /a HTTP/1.1", ""),
        Attack::new(
            "an empty line after a body",
            [
                post("Content-Length: 5\r\n", "hello"),
                format!("\r\n{get}").into(),
            ]
            .concat(),
        )
        .is("POST /a HTTP/1.1", "hello")
        .is("GET /a HTTP/1.1", ""),
    ])
    .await;
}

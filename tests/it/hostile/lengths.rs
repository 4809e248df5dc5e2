use super::attack::{Attack, SMUGGLED, post, run};

#[tokio::test]
async fn two_lengths_are_never_a_choice() {
    let te = "Transfer-Encoding: chunked\r\n";
    let cl = |length: usize| format!("Content-Length: {length}\r\n");
    let (behind, within) = (behind_chunks(), within_a_chunk());
    run([
        Attack::new(
            "CL.TE",
            post(&("Content-Length: {length}\r\n".to_owned() + te), &behind),
        ),
        Attack::new("TE.CL", post(&(te.to_owned() + &cl(4)), &within)),
        Attack::new("CL and TE that agree", post(&(cl(5) + te), "0\r\n\r\n")),
        Attack::new("CL.0 and TE", post(&(cl(0) + te), &behind)),
        Attack::new("TE and CL.0", post(&(te.to_owned() + &cl(0)), &behind)),
        Attack::new(
            "TE and a bad CL",
            post("Transfer-Encoding: chunked\r\nContent-Length: x\r\n", &behind),
        ),
        Attack::new(
            "CL between two TE",
            post(&(te.to_owned() + &cl(5) + te), "0\r\n\r\n"),
        ),
        Attack::new("two CL that differ", post(&(cl(0) + &cl(5)), "hello")),
        Attack::new("two CL that agree", post(&(cl(5) + &cl(5)), "hello")),
        Attack::new(
            "the second CL in capitals",
            post("Content-Length: 5\r\nCONTENT-LENGTH: 6\r\n", "hello!"),
        ),
        Attack::new("two TE", post(&(te.to_owned() + te), &behind)),
        Attack::new(
            "TE.TE",
            post(
                "Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n",
                &behind,
            ),
        ),
        Attack::new(
            "TE.TE reversed",
            post(
                "Transfer-Encoding: cow\r\nTransfer-encoding: chunked\r\n",
                &behind,
            ),
        ),
        Attack::new(
            "TE and identity",
            post(
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                &behind,
            ),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_content_length_is_digits_and_nothing_else() {
    let values: [&[u8]; 24] = [
        b"+5",
        b"-5",
        b"-0",
        b"0x5",
        b"5,5",
        b"5, 5",
        b"5, 6",
        b"5,",
        b",5",
        b"5 5",
        b"5;",
        b"5.0",
        b"5e0",
        b"0b101",
        b"\"5\"",
        b"five",
        b"",
        b" ",
        b"\x0b5",
        b"5\x0c",
        b"5\0",
        b"\xd9\xa5",
        b"99999999999999999999",
        b"18446744073709551621",
    ];
    let attack = |value: &[u8]| {
        let field = [b"Content-Length: ".as_slice(), value, b"\r\n"].concat();
        Attack::new(
            format!("CL {}", value.escape_ascii()),
            with_bytes(&field, "hello"),
        )
    };
    run(values.into_iter().map(attack)).await;
}

#[tokio::test]
async fn the_only_coding_is_chunked() {
    let values: [&[u8]; 31] = [
        b"xchunked",
        b"chunkedx",
        b"chunk",
        b"cow",
        b"identity",
        b"gzip",
        b"",
        b" ",
        b"chunked, identity",
        b"identity, chunked",
        b"gzip, chunked",
        b"chunked, chunked",
        b"chunked,chunked",
        b"chunked,",
        b",chunked",
        b"chunked, cow",
        b"chunked;q=1",
        b"chunked;",
        b"\"chunked\"",
        b"'chunked'",
        b"chunked\x0b",
        b"\x0bchunked",
        b"\x0cchunked",
        b"chunked\0",
        b"chunked chunked",
        b"chunked 0",
        b"c hunked",
        b"chun\rked",
        b"chunked\xa0",
        b"\xef\xbb\xbfchunked",
        b"[chunked]",
    ];
    let attack = |value: &[u8]| {
        let field = [b"Transfer-Encoding: ".as_slice(), value, b"\r\n"].concat();
        Attack::new(
            format!("TE {}", value.escape_ascii()),
            with_bytes(&field, &behind_chunks()),
        )
    };
    run(values.into_iter().map(attack)).await;
}

#[tokio::test]
async fn no_byte_hides_a_coding() {
    let around = |byte: u8| -> [Vec<u8>; 4] {
        [
            [b"Transfer-Encoding:".as_slice(), &[byte], b"chunked\r\n"].concat(),
            [b"Transfer-Encoding: chunked".as_slice(), &[byte], b"\r\n"].concat(),
            [b"Transfer-Encoding".as_slice(), &[byte], b": chunked\r\n"].concat(),
            [&[byte], b"Transfer-Encoding: chunked\r\n".as_slice()].concat(),
        ]
    };
    let attack = |field: Vec<u8>| {
        let fields = [b"Content-Length: 5\r\n".as_slice(), &field].concat();
        Attack::new(field.escape_ascii().to_string(), with_bytes(&fields, "0\r\n\r\n"))
    };
    let bytes = (0..=b' ').chain(0x7f..=0xff);
    run(bytes.flat_map(around).map(attack)).await;
}

#[tokio::test]
async fn no_name_hides_a_length() {
    let names = [
        "Content-Length ",
        "Content-Length\t",
        " Content-Length",
        "\tContent-Length",
        "Content_Length",
        "content_length",
        "Content\0-Length",
        "Content-Length\x0b",
        "Content-Length:",
        "X: y\nContent-Length",
        "X: y\rContent-Length",
        "X: y\r\n Content-Length",
        "Content Length",
        "Transfer_Encoding",
    ];
    let attack = |name: &str| {
        let field = format!("{name}: {{length}}\r\n");
        Attack::new(name.escape_debug().to_string(), post(&field, SMUGGLED))
    };
    run(names.into_iter().map(attack)).await;
}

#[tokio::test]
async fn one_clear_length_is_one_request() {
    let cases = [
        ("a plain length", "Content-Length: 5\r\n", "hello", "hello"),
        ("zeros before it", "Content-Length: 0005\r\n", "hello", "hello"),
        (
            "spaces around it",
            "Content-Length: \t 5\t \r\n",
            "hello",
            "hello",
        ),
        ("no space before it", "content-length:5\r\n", "hello", "hello"),
        ("no body", "Content-Length: 0\r\n", "", ""),
        (
            "chunks",
            "Transfer-Encoding: chunked\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        (
            "chunks in capitals",
            "TRANSFER-ENCODING:CHUNKED\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
        ("no chunks", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", ""),
        (
            "a nominated length",
            "Connection: Content-Length\r\nContent-Length: 5\r\n",
            "hello",
            "hello",
        ),
        (
            "a nominated coding",
            "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
            "hello",
        ),
    ];
    run(cases.map(|(name, fields, body, read)| Attack::new(name, post(fields, body)).is(START, read))).await;
}

#[tokio::test]
async fn a_body_is_a_body_under_every_method() {
    let attack = |method: &str| {
        let with = |fields: &str, body: &str| {
            format!(
                "{method} /a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {{token}}\r\n{fields}\r\n{body}"
            )
        };
        let start = format!("{method} /a HTTP/1.1");
        [
            Attack::new(
                format!("{method}, CL"),
                with("Content-Length: {length}\r\n", SMUGGLED),
            )
            .is(&start, SMUGGLED),
            Attack::new(
                format!("{method}, TE"),
                with("Transfer-Encoding: chunked\r\n", &within_a_chunk()),
            )
            .is(&start, SMUGGLED),
        ]
    };
    run(["GET", "DELETE", "OPTIONS", "PATCH", "get", "FOO"]
        .into_iter()
        .flat_map(attack))
    .await;
}

#[tokio::test]
async fn http_1_0_knows_no_chunks() {
    let old = |fields: &str, body: &str| {
        format!("POST /a HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {{token}}\r\n{fields}\r\n{body}")
    };
    let te = "Transfer-Encoding: chunked\r\n";
    run([
        Attack::new("TE", old(te, &behind_chunks())),
        Attack::new(
            "TE, kept alive",
            old(&format!("Connection: keep-alive\r\n{te}"), &behind_chunks()),
        ),
        Attack::new(
            "CL and TE",
            old(&format!("Content-Length: 5\r\n{te}"), "0\r\n\r\n"),
        ),
        Attack::new("CL", old("Content-Length: 5\r\n", "hello")).is(START, "hello"),
        Attack::new(
            "CL, kept alive",
            old("Connection: keep-alive\r\nContent-Length: 5\r\n", "hello"),
        )
        .is(START, "hello"),
    ])
    .await;
}

/// For a reader of chunks, the end of the body and another request; for a reader of lengths, all body.
fn behind_chunks() -> String {
    format!("0\r\n\r\n{SMUGGLED}")
}

/// The other way round.
fn within_a_chunk() -> String {
    format!("{{hex}}\r\n{SMUGGLED}\r\n0\r\n\r\n")
}

fn with_bytes(fields: &[u8], body: &str) -> Vec<u8> {
    [super::attack::POST.as_bytes(), fields, b"\r\n", body.as_bytes()].concat()
}

/// What `POST /a` becomes.
const START: &str = "POST /a HTTP/1.1";

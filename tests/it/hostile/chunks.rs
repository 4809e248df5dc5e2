use super::attack::{Attack, SMUGGLED, post, run};

#[tokio::test]
async fn a_chunk_is_read_in_one_way_or_not_at_all() {
    let sizes: [&[u8]; 41] = [
        b"\r\n",
        b" 5\r\n",
        b"\t5\r\n",
        b"5 \r\n",
        b"5\t\r\n",
        b"+5\r\n",
        b"-5\r\n",
        b"0x5\r\n",
        b"0X5\r\n",
        b"5h\r\n",
        b"x\r\n",
        b"5,5\r\n",
        b"5_0\r\n",
        b"5\n",
        b"5\r",
        b"5\r\r\n",
        b"5\0\r\n",
        b"\x0b5\r\n",
        b"5\x0b\r\n",
        b"5\xa0\r\n",
        b"10000000000000005\r\n",
        b"fffffffffffffffff\r\n",
        b"00000000000000000000000000000005\r\n",
        b"5;\n",
        b"5;a\nb\r\n",
        b"5;a\rb\r\n",
        b"5;a=\"\n\"\r\n",
        b"5;a=\"\r\n\"\r\n",
        b"5;\0\r\n",
        b"5;\x7f\r\n",
        b"5;\x80\r\n",
        b"5 ;a\r\n",
        b"5;\r\n",
        b"5; \r\n",
        b"5;a;\r\n",
        b"5;=a\r\n",
        b"5\r;a\n",
        b"'5'\r\n",
        b"\xef\xbc\x95\r\n",
        b"5\r\n\n",
        b"5.0\r\n",
    ];
    let attack = |size: &[u8]| {
        let body = [size, b"hello\r\n0\r\n\r\n".as_slice(), SMUGGLED.as_bytes()].concat();
        Attack::new(format!("size {}", size.escape_ascii()), post(CHUNKED, body)).breaks_off()
    };
    run(sizes.into_iter().map(attack)).await;
}

#[tokio::test]
async fn a_chunk_ends_where_its_size_says() {
    let bodies: [&[u8]; 13] = [
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello\r0\r\n\r\n",
        b"5\r\nhello!\r\n0\r\n\r\n",
        b"5\r\nhellXX0\r\n\r\n",
        b"5\r\nhello\r\n0\n\n",
        b"5\r\nhello\r\n0\r\n\n",
        b"5\r\nhello\r\n0\r\n\r\r\n",
        b"5\r\nhello\n\r0\r\n\r\n",
        b"5\r\nhello\r\n\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\rX",
        b"5\r\nhello  0\r\n\r\n",
        b"5\r\nhello\r\n0\r\r\n\r\n",
    ];
    let attack = |body: &[u8]| {
        let name = body.escape_ascii().to_string();
        let body = [body, SMUGGLED.as_bytes()].concat();
        Attack::new(name, post(CHUNKED, body)).breaks_off()
    };
    run(bodies.into_iter().map(attack)).await;
}

#[tokio::test]
async fn trailers_are_fields_and_frame_nothing() {
    let trailers: [&[u8]; 14] = [
        b"Content-Length: 5",
        b"Transfer-Encoding: chunked",
        b"Content_Length: 5",
        b" X: y",
        b"X : y",
        b": y",
        b"no field",
        b"X: y\nY: z",
        b"X: y\rY: z",
        b"X: \0",
        b"X: y\r\n folded",
        b"X: y\n",
        b"X: y\r\nContent-Length: 9",
        b"\n",
    ];
    let attack = |trailer: &[u8]| {
        let body = [
            b"5\r\nhello\r\n0\r\n".as_slice(),
            trailer,
            b"\r\n\r\n",
            SMUGGLED.as_bytes(),
        ]
        .concat();
        Attack::new(trailer.escape_ascii().to_string(), post(CHUNKED, body)).breaks_off()
    };
    run(trailers.into_iter().map(attack)).await;
}

#[tokio::test]
async fn what_is_allowed_in_chunks_is_one_request() {
    let bodies: [&str; 9] = [
        "5\r\nhello\r\n0\r\n\r\n",
        "05\r\nhello\r\n00\r\n\r\n",
        "0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n",
        "1\r\nh\r\n4\r\nello\r\n0\r\n\r\n",
        "5;a\r\nhello\r\n0\r\n\r\n",
        "5;a=b;c=\"d e\"\r\nhello\r\n0;last\r\n\r\n",
        "5\r\nhello\r\n0\r\nX-Trailer: y\r\n\r\n",
        "5\r\nhello\r\n0\r\nAuthorization: Bearer evil\r\nHost: evil\r\n\r\n",
        "2\r\n\r\n\r\n3\r\n0\r\n\r\n0\r\n\r\n",
    ];
    let attack = |body: &'static str| {
        let read = if body.starts_with('2') {
            "\r\n0\r\n"
        } else {
            "hello"
        };
        Attack::new(body.escape_debug().to_string(), post(CHUNKED, body)).is("POST /a HTTP/1.1", read)
    };
    run(bodies.into_iter().map(attack)).await;
}

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

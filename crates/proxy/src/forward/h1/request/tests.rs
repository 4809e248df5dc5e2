use http::Request;

use super::*;

fn text(request: http::request::Builder, delimited: Delimited) -> String {
    let (head, ()) = request.body(()).expect("a request").into_parts();
    String::from_utf8(super::head(&head, delimited)).expect("text")
}

#[test]
fn fields_keep_their_order_and_their_number() {
    let request = Request::get("/a%2Fb//c?d=e&f")
        .header("x-b", "1")
        .header("x-a", "2")
        .header("x-b", "3");
    assert_eq!(
        text(request, Delimited::AsNone),
        "GET /a%2Fb//c?d=e&f HTTP/1.1\r\nx-b: 1\r\nx-b: 3\r\nx-a: 2\r\n\r\n"
    );
}

#[test]
fn an_empty_path_is_written_as_one() {
    for (target, written) in [
        ("/", "/"),
        ("/?a", "/?a"),
        ("http://x", "/"),
        ("http://x?a=b", "/?a=b"),
        ("*", "*"),
    ] {
        let text = text(Request::options(target), Delimited::AsNone);
        assert_eq!(text, format!("OPTIONS {written} HTTP/1.1\r\n\r\n"));
    }
}

#[test]
fn how_a_body_ends_is_what_the_body_says_and_not_what_the_head_does() {
    let lies = || {
        Request::post("/")
            .header("content-length", "5")
            .header("content-length", "6")
            .header("transfer-encoding", "gzip")
    };
    for (delimited, line) in [
        (Delimited::AsNone, "content-length: 0"),
        (Delimited::ByLength(7), "content-length: 7"),
        (Delimited::ByChunks, "transfer-encoding: chunked"),
    ] {
        assert_eq!(
            text(lies(), delimited),
            format!("POST / HTTP/1.1\r\n{line}\r\n\r\n")
        );
    }
    assert_eq!(
        text(Request::post("/"), Delimited::AsNone),
        "POST / HTTP/1.1\r\n\r\n"
    );
}

#[test]
fn trailers_are_written_where_they_were_announced() {
    let mut headers = HeaderMap::new();
    headers.append(header::TRAILER, "X-Sum , x-b".parse().expect("a value"));
    headers.append(header::TRAILER, "x-c".parse().expect("a value"));
    let announced = announced(&headers);
    let mut trailers = HeaderMap::new();
    for name in ["x-sum", "x-d", "x-c"] {
        trailers.insert(name, "1".parse().expect("a value"));
    }
    let mut text = Vec::new();
    last_chunk(&mut text, &trailers, &announced);
    let mut text = String::from_utf8(text)
        .expect("text")
        .split("\r\n")
        .map(str::to_owned)
        .collect::<Vec<_>>();
    text[1..3].sort();
    assert_eq!(text, ["0", "x-c: 1", "x-sum: 1", "", ""]);
}

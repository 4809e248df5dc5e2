use std::time::Duration;

use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::Head;
use super::framing::Framing;
use crate::test_client::{get, raw, try_open};
use crate::{Databricks, Fault, Idp};

const REQUEST: &str = "GET /jwks HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

async fn faulty(fault: Fault) -> Idp {
    let idp = Idp::start().await;
    idp.faults().inject("/jwks", fault, 1);
    idp
}

fn heads(pieces: &[&[u8]]) -> Vec<Head> {
    let mut framing = Framing::Head(Vec::new());
    let mut heads = Vec::new();
    for piece in pieces {
        framing.feed(piece, |head| heads.push(head));
    }
    heads
}

#[test]
fn heads_are_found_however_the_bytes_are_cut() {
    let bytes = b"POST /a HTTP/1.1\r\ncontent-length: 5\r\n\r\nGET /PUT /b?c HTTP/1.1\r\n\
        Transfer-Encoding: gzip, Chunked\r\n\r\nA\r\nGET / HTTP\r\n00;x\r\nT: 1\r\n\r\nGET /c HTTP/1.1\r\n\r\n";
    let whole = heads(&[bytes]);
    let targets: Vec<_> = whole.iter().map(|head| head.target.as_str()).collect();
    assert_eq!(targets, ["/a", "/b?c", "/c"]);
    for at in 0..bytes.len() {
        let (before, after) = bytes.split_at(at);
        assert_eq!(heads(&[before, after]), whole, "cut at {at}");
    }
    assert_eq!(heads(&bytes.chunks(1).collect::<Vec<_>>()), whole);
}

#[test]
fn what_is_not_http_has_no_heads() {
    assert!(heads(&[b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"]).is_empty());
    assert_eq!(
        heads(&[b"GET / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nGET / HTTP/1.1\r\n\r\n"]).len(),
        1
    );
}

#[test]
fn a_path_is_what_stands_between_authority_and_query() {
    let head = |target: &str| Head {
        method: "GET".to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
    };
    let cases = [
        ("/a//b?c=/d", "/a//b"),
        ("http://h:1/a?b", "/a"),
        ("http://h", "/"),
        ("*", "*"),
        ("/a://b", "/a://b"),
    ];
    for (target, path) in cases {
        assert_eq!(head(target).path(), path);
    }
    assert_eq!(head("/a?b=c%2Fd&b=e").query("b").as_deref(), Some("c/d"));
}

#[tokio::test]
async fn a_fault_strikes_its_prefix_so_many_times_and_the_first_match_wins() {
    let idp = Idp::start().await;
    let teapot = |status| {
        Fault::Answer(
            status,
            vec![("X-A".to_owned(), "b".to_owned())],
            "body".to_owned(),
        )
    };
    idp.faults().inject("/jw", teapot(418), 2);
    idp.faults().inject("/", teapot(503), 1);
    let url = format!("{}/jwks", idp.issuer());
    for status in [418, 418, 503, 200] {
        assert_eq!(get(&url, &[]).await.status, status);
    }
    assert_eq!(idp.jwks_fetches(), 4, "what goes wrong is counted too");

    idp.faults().inject("/.well-known", teapot(418), 9);
    assert_eq!(get(&url, &[]).await.status, 200);
    let struck = get(&format!("{}/.well-known/x", idp.issuer()), &[]).await;
    assert_eq!(
        (struck.status.as_u16(), struck.header("x-a"), struck.text()),
        (418, "b", "body")
    );
    idp.faults().clear();
    assert_eq!(
        get(&format!("{}/.well-known/x", idp.issuer()), &[]).await.status,
        404
    );
}

#[tokio::test]
async fn a_reset_is_a_tcp_reset_without_a_byte() {
    let idp = faulty(Fault::Reset).await;
    let error = raw(idp.issuer(), REQUEST).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn half_a_head_is_cut_off_within_a_field() {
    let idp = faulty(Fault::HalfHead).await;
    assert_eq!(
        raw(idp.issuer(), REQUEST).await.unwrap(),
        b"HTTP/1.1 200 OK\r\nContent-Ty"
    );
}

#[tokio::test]
async fn half_a_body_is_less_than_was_promised() {
    let idp = faulty(Fault::HalfBody).await;
    let answer = String::from_utf8(raw(idp.issuer(), REQUEST).await.unwrap()).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.ends_with("Content-Length: 32"));
    assert_eq!(body.len(), 16);
}

#[tokio::test]
async fn a_hanging_server_keeps_the_connection_open_and_is_silent() {
    let idp = faulty(Fault::Hang).await;
    let mut hung = TcpStream::connect(idp.issuer().strip_prefix("http://").unwrap())
        .await
        .unwrap();
    hung.write_all(REQUEST.as_bytes()).await.unwrap();
    let url = format!("{}/jwks", idp.issuer());
    while idp.jwks_fetches() == 0 {
        tokio::task::yield_now().await;
    }
    // Others are served meanwhile, many times over what the hung request would have taken.
    for _ in 0..10 {
        assert_eq!(get(&url, &[]).await.status, 200);
    }
    let mut nothing = [0];
    let read = hung.try_read(&mut nothing);
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    idp.stop().await;
    assert_eq!(
        hung.read(&mut nothing).await.unwrap_or(0),
        0,
        "stopping the server ends the wait"
    );
}

#[tokio::test(start_paused = true)]
async fn a_delayed_answer_is_the_proper_one() {
    let idp = faulty(Fault::Delay(Duration::from_secs(600))).await;
    let start = Instant::now();
    assert_eq!(
        get(&format!("{}/jwks", idp.issuer()), &[]).await.text(),
        idp.jwks()
    );
    assert!(start.elapsed() >= Duration::from_secs(600));
}

#[tokio::test(start_paused = true)]
async fn a_dripping_answer_is_the_proper_one_byte_by_byte_and_the_next_is_quick() {
    let idp = faulty(Fault::Drip(Duration::from_secs(1))).await;
    let two = format!("{}{REQUEST}", REQUEST.replace("close", "keep-alive"));

    let start = Instant::now();
    let answers = String::from_utf8(raw(idp.issuer(), &two).await.unwrap()).unwrap();

    let jwks = idp.jwks();
    assert_eq!(answers.matches(jwks.as_str()).count(), 2);
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap();
    assert!(
        (jwks.len()..answers.len()).contains(&seconds),
        "{seconds} s for {} bytes",
        answers.len()
    );
}

#[tokio::test]
async fn a_client_of_hyper_tells_these_faults_from_answers() {
    for fault in [Fault::Reset, Fault::HalfHead] {
        let idp = faulty(fault).await;
        assert!(
            try_open(Method::GET, &format!("{}/jwks", idp.issuer()), &[], "")
                .await
                .is_err()
        );
    }
}

#[tokio::test]
async fn who_is_hung_up_on_may_call_again() {
    let idp = Idp::start().await;
    let workspace = Databricks::start(&idp).await;
    let address = workspace.url().strip_prefix("http://").unwrap().to_owned();
    let mut kept = TcpStream::connect(&address).await.unwrap();
    kept.write_all(b"GET /.well-known/databricks-config HTTP/1.1\r\nHost: h\r\n\r\n")
        .await
        .unwrap();
    let mut answer = vec![0; 15];
    kept.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 200 OK");

    workspace.hang_up();
    kept.read_to_end(&mut answer).await.unwrap();
    let config = format!("{}/.well-known/databricks-config", workspace.url());
    assert_eq!(get(&config, &[]).await.status, 200);
}

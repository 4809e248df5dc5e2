use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::read;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    near.set_nodelay(true).unwrap();
    (near, listener.accept().await.unwrap().0)
}

/// What is read of `header`, which comes in pieces and is followed by the client's own bytes.
async fn told(header: &[u8], piece: usize) -> io::Result<Option<SocketAddr>> {
    let (mut near, mut far) = pair().await;
    let bytes = [header, b"GET / HTTP/1.1\r\n"].concat();
    let saying = async {
        for part in bytes.chunks(piece) {
            near.write_all(part).await?;
            tokio::task::yield_now().await;
        }
        near.shutdown().await
    };
    let (said, told) = tokio::join!(saying, read(&mut far));
    let told = told?;
    said?;
    let mut rest = Vec::new();
    far.read_to_end(&mut rest).await?;
    assert_eq!(rest, b"GET / HTTP/1.1\r\n", "what follows is not the header's");
    Ok(told)
}

fn v2(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, payload].concat()
}

/// 192.0.2.7:50000 to 198.51.100.1:443.
const V4: &[u8] = &[192, 0, 2, 7, 198, 51, 100, 1, 0xC3, 0x50, 0x01, 0xBB];

#[tokio::test]
async fn both_versions_tell_the_clients_address_in_whatever_pieces_they_come() {
    let v6 = [
        &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7][..],
        &[0; 16],
        &[0xC3, 0x50, 1, 0xBB],
    ]
    .concat();
    let with_extensions = [V4, &[0x04, 0, 3, 1, 2, 3]].concat();
    for (header, client) in [
        (
            b"PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\n".to_vec(),
            "192.0.2.7:50000",
        ),
        (
            b"PROXY TCP6 2001:db8::7 2001:db8::1 50000 443\r\n".to_vec(),
            "[2001:db8::7]:50000",
        ),
        (v2(0x21, 0x11, V4), "192.0.2.7:50000"),
        (v2(0x21, 0x21, &v6), "[2001:db8::7]:50000"),
        (v2(0x21, 0x11, &with_extensions), "192.0.2.7:50000"),
    ] {
        for piece in [1, 7, 1000] {
            assert_eq!(told(&header, piece).await.unwrap(), Some(client.parse().unwrap()));
        }
    }
}

#[tokio::test]
async fn who_speaks_for_itself_or_for_no_address_tells_none() {
    for header in [
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n".to_vec(),
        v2(0x20, 0x00, &[]),
        v2(0x20, 0x11, V4),
        v2(0x21, 0x00, &[1, 2, 3]),
        v2(0x21, 0x31, &[0; 216]),
    ] {
        assert_eq!(told(&header, 1000).await.unwrap(), None);
    }
}

#[tokio::test]
async fn whatever_else_comes_first_is_refused() {
    for header in [
        b"GET / HTTP/1.1\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00".to_vec(),
        b"\r\n\r\n\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7 198.51.100.1 50000\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\n".to_vec(),
        b"PROXY TCP4 2001:db8::7 198.51.100.1 50000 443\r\n".to_vec(),
        b"PROXY TCP4 192.0.2.7 198.51.100.1 50000 99999\r\n".to_vec(),
        b"PROXY UDP4 192.0.2.7 198.51.100.1 50000 443\r\n".to_vec(),
        format!("PROXY UNKNOWN {}\r\n", "x".repeat(200)).into_bytes(),
        v2(0x31, 0x11, V4),
        v2(0x22, 0x11, V4),
        v2(0x21, 0x12, V4),
        v2(0x21, 0x11, &V4[..8]),
        v2(0x21, 0x11, &[0; 2000]),
    ] {
        let refused = told(&header, 1000).await;
        let text = String::from_utf8_lossy(&header).into_owned();
        assert_eq!(
            refused.expect_err(&text).kind(),
            io::ErrorKind::InvalidData,
            "{text}"
        );
    }
}

#[tokio::test]
async fn half_a_header_is_none() {
    for header in [&b"PROXY TCP4 192.0."[..], &v2(0x21, 0x11, V4)[..20], b"PRO", b""] {
        let (mut near, mut far) = pair().await;
        near.write_all(header).await.unwrap();
        drop(near);
        let refused = read(&mut far).await.expect_err("half a header");
        assert_eq!(refused.kind(), io::ErrorKind::UnexpectedEof);
    }
}

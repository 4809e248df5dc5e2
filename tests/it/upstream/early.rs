use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{by_hand, soon};

/// An upload of more than all buffers on its way hold together.
const LARGE: usize = 64 * 1024 * 1024;

/// A workspace that answers before the upload has ended, and closes with a part of it unread, which is a reset.
#[tokio::test]
async fn an_answer_reaches_the_client_though_the_workspace_has_closed_in_the_middle_of_the_upload() {
    let (gateway, upstream, _, token) = by_hand().await;
    for _ in 0..40 {
        let mut wire = gateway.wire().await;
        wire.say(format!(
            "PUT /a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: {LARGE}\r\n\r\n"
        ))
        .await;
        let (_, mut workspace) = upstream.accept().await;
        let (mut answer, mut upload) = wire.split();
        let uploading = tokio::spawn(async move {
            // Until the gateway has had enough of it.
            for _ in 0..LARGE / 16_384 {
                if upload.write_all(&[b'x'; 16_384]).await.is_err() || upload.flush().await.is_err() {
                    break;
                }
            }
        });
        workspace.exactly(100_000).await;
        workspace
            .say("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
            .await;
        drop(workspace);
        let mut beginning = [0; 12];
        soon(answer.read_exact(&mut beginning)).await.expect("an answer");
        assert_eq!(&beginning, b"HTTP/1.1 403");
        uploading.abort();
    }
}

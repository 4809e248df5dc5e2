use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::answer::{Answer, Answers};
use crate::request::{Parsed, Request};
use crate::seen::Seen;

/// Serves requests one after the other until the client leaves or says what cannot be read.
pub(crate) async fn serve<S>(mut stream: S, answers: &Answers) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buffer = Vec::with_capacity(HEAD_SIZE);
    loop {
        let request = match Parsed::read(&buffer) {
            Parsed::Whole(request) => request,
            Parsed::Unreadable => return Ok(()),
            Parsed::Partly => {
                if stream.read_buf(&mut buffer).await? == 0 {
                    return Ok(());
                }
                continue;
            }
        };
        sink(&mut stream, &mut buffer, &request, answers.seen()).await?;
        send(&mut stream, answers.to(&request), answers.seen()).await?;
    }
}

/// Takes the request out of the buffer, and its body off the stream.
async fn sink<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
    request: &Request,
    seen: &Seen,
) -> io::Result<()> {
    let body = usize::try_from(request.content_length).unwrap_or(usize::MAX);
    let here = body.min(buffer.len() - request.head);
    buffer.drain(..request.head + here);
    let mut missing = (body - here) as u64;
    if missing == 0 {
        return Ok(());
    }
    let mut sunk = Vec::with_capacity(CHUNK_SIZE);
    while missing > 0 {
        sunk.clear();
        match stream.take(missing).read_buf(&mut sunk).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                seen.moved(read as u64);
                missing -= read as u64;
            }
        }
    }
    Ok(())
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, answer: Answer, seen: &Seen) -> io::Result<()> {
    stream.write_all(&answer.bytes).await?;
    let mut missing = answer.zeros;
    while missing > 0 {
        let size = missing.min(ZEROS.len() as u64);
        let chunk = ZEROS
            .get(..usize::try_from(size).unwrap_or(0))
            .unwrap_or_default();
        stream.write_all(chunk).await?;
        seen.moved(size);
        missing -= size;
    }
    stream.flush().await
}

const HEAD_SIZE: usize = 16 * 1024;
const CHUNK_SIZE: usize = 256 * 1024;
static ZEROS: [u8; CHUNK_SIZE] = [0; CHUNK_SIZE];

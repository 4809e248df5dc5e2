use reqwest::Response;

/// What was read of an answer's body, and why no more of it.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: End,
}

/// How reading a body ended.
pub(crate) enum End {
    /// All of it is there.
    Complete,
    /// It goes on beyond [`LIMIT`]; the rest was not read.
    TooLong,
    /// The connection broke, or time was up.
    Broken(reqwest::Error),
}

/// Reads the body, but never holds more than [`LIMIT`] of it: the size is checked chunk by chunk, not
/// believed from `Content-Length`.
pub(crate) async fn read(mut response: Response) -> Body {
    let mut bytes = Vec::new();
    let end = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = LIMIT.saturating_sub(bytes.len());
                bytes.extend(chunk.iter().take(room));
                if chunk.len() > room {
                    break End::TooLong;
                }
            }
            Ok(None) => break End::Complete,
            Err(error) => break End::Broken(error.without_url()),
        }
    };
    Body { bytes, end }
}

/// A token response is 1 or 2 KiB, a metadata document less.
const LIMIT: usize = 64 * 1024;

use bytes::{Buf as _, BytesMut};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http_body::Frame;
use memchr::{memchr, memchr_iter, memmem};

use super::fault::Fault;
use super::framing::{Taken, data};

/// Where in a body of chunks the next byte stands (RFC 9112 section 7.1).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Chunks {
    /// At the line that says how long a chunk is.
    #[default]
    Size,
    /// Before so many bytes of a chunk, at least one.
    Data(u64),
    /// At the line end behind a chunk.
    DataEnd,
    /// Behind the last chunk.
    Trailers,
    /// Behind everything.
    End,
}

impl Chunks {
    pub(super) fn take(&mut self, unread: &mut BytesMut) -> Result<Taken, Fault> {
        loop {
            *self = match self {
                Self::Size => match take_line(unread)? {
                    None => return Ok(Taken::Nothing),
                    Some(line) => match size(&line).ok_or(Fault::Malformed("invalid chunk size"))? {
                        0 => Self::Trailers,
                        size => Self::Data(size),
                    },
                },
                Self::Data(left) => {
                    let taken = data(unread, left);
                    if *left == 0 {
                        *self = Self::DataEnd;
                    }
                    return Ok(taken);
                }
                Self::DataEnd => match take_line(unread)? {
                    None => return Ok(Taken::Nothing),
                    Some(line) if line.is_empty() => Self::Size,
                    Some(_) => return Err(Fault::Malformed("a chunk is longer than was said")),
                },
                Self::Trailers => match take_trailers(unread)? {
                    None => return Ok(Taken::Nothing),
                    Some(trailers) => {
                        *self = Self::End;
                        return Ok(if trailers.is_empty() {
                            Taken::End
                        } else {
                            Taken::Frame(Frame::trailers(trailers))
                        });
                    }
                },
                Self::End => return Ok(Taken::End),
            }
        }
    }
}

/// A line without its end, which is CR and LF and nothing less.
fn take_line(unread: &mut BytesMut) -> Result<Option<BytesMut>, Fault> {
    let Some(end) = memchr(b'\n', unread) else {
        return match unread.len() {
            ..=MOST_LINE => Ok(None),
            _ => Err(Fault::Malformed("a chunk's line is too long")),
        };
    };
    let mut line = unread.split_to(end);
    unread.advance(1);
    match line.split_off(line.len().saturating_sub(1)).as_ref() {
        b"\r" if line.len() <= MOST_LINE => Ok(Some(line)),
        _ => Err(Fault::Malformed("invalid line end")),
    }
}

/// Hexadecimal digits, and behind a semicolon what nobody reads.
fn size(line: &[u8]) -> Option<u64> {
    let mut parts = line.splitn(2, |&byte| byte == b';');
    let mut digits = parts.next()?;
    while let [shorter @ .., b' ' | b'\t'] = digits {
        digits = shorter;
    }
    let extension = parts.next().unwrap_or_default();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    if !is_number
        || extension
            .iter()
            .any(|&byte| byte.is_ascii_control() && byte != b'\t')
    {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn take_trailers(unread: &mut BytesMut) -> Result<Option<HeaderMap>, Fault> {
    if unread.starts_with(b"\r\n") {
        unread.advance(2);
        return Ok(Some(HeaderMap::new()));
    }
    let end = memmem::find(unread, b"\r\n\r\n").map(|end| end + 4);
    let come = unread.get(..end.unwrap_or(unread.len())).unwrap_or_default();
    if come.len() > MOST_TRAILER_BYTES {
        return Err(Fault::Malformed("too many trailers"));
    }
    if memchr_iter(b'\n', come).any(|at| at.checked_sub(1).and_then(|at| come.get(at)) != Some(&b'\r')) {
        return Err(Fault::Malformed("invalid line end"));
    }
    let Some(end) = end else {
        return Ok(None);
    };
    let trailers = trailers(come)?;
    unread.advance(end);
    Ok(Some(trailers))
}

fn trailers(text: &[u8]) -> Result<HeaderMap, Fault> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_TRAILERS];
    let Ok(httparse::Status::Complete((_, fields))) = httparse::parse_headers(text, &mut fields) else {
        return Err(Fault::Malformed("invalid trailers"));
    };
    let mut trailers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        match (name, HeaderValue::from_bytes(field.value)) {
            (Ok(name), Ok(value)) => trailers.append(name, value),
            _ => return Err(Fault::Malformed("invalid trailers")),
        };
    }
    Ok(trailers)
}

/// Sixteen digits and some extension.
const MOST_LINE: usize = 1024;
const MOST_TRAILERS: usize = 64;
const MOST_TRAILER_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::Told;

/// What a strict reader finds in a connection's bytes.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The requests that have come to their end.
    pub(super) complete: Vec<Told>,
    /// What is wrong behind them, if anything; what is only cut off is not.
    pub(super) malformed: Option<&'static str>,
}

/// Why there is no next request.
enum End {
    CutOff,
    Malformed(&'static str),
}

/// Reads RFC 9112 as narrowly as it can be read.
pub(super) fn requests(mut bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    loop {
        match request(&mut bytes) {
            Ok(request) => reading.complete.push(request),
            Err(End::CutOff) => return reading,
            Err(End::Malformed(fault)) => {
                reading.malformed = Some(fault);
                return reading;
            }
        }
    }
}

fn request(bytes: &mut &[u8]) -> Result<Told, End> {
    // RFC 9112 section 2.2.
    if let Some(rest) = bytes.strip_prefix(b"\r\n") {
        *bytes = rest;
    }
    let line = line(bytes)?;
    let [method, target, version] = parts(line, b' ').ok_or(End::Malformed("not three parts"))?;
    let headers = fields(bytes)?;
    // No request to anybody; hyper says so, and reads nothing behind it.
    if !matches!(version, b"HTTP/1.0" | b"HTTP/1.1") {
        return Err(End::CutOff);
    }
    let (body, trailers) = body(&headers, version, bytes)?;
    let path = text(target)?;
    Ok(Told {
        method: text(method)?,
        path: path.starts_with(['/', '*']).then_some(path),
        headers,
        body,
        trailers,
    })
}

/// RFC 9112 section 6.3, in the one case that leaves no choice.
fn body(headers: &HeaderMap, version: &[u8], bytes: &mut &[u8]) -> Result<(Vec<u8>, HeaderMap), End> {
    let lengths: Vec<_> = headers.get_all("content-length").iter().collect();
    let codings: Vec<_> = headers.get_all("transfer-encoding").iter().collect();
    match (&lengths[..], &codings[..]) {
        ([], []) => Ok((Vec::new(), HeaderMap::new())),
        ([length], []) => {
            let digits = length.as_bytes().iter().all(u8::is_ascii_digit);
            let length = length.to_str().ok().filter(|_| digits);
            let length = length.and_then(|length| length.parse().ok());
            let length = length.ok_or(End::Malformed("a length that is none"))?;
            Ok((take(bytes, length)?.to_vec(), HeaderMap::new()))
        }
        ([], [coding]) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") && version == b"HTTP/1.1" => {
            chunks(bytes)
        }
        _ => Err(End::Malformed("more than one way to find the end")),
    }
}

/// RFC 9112 section 7.1.
fn chunks(bytes: &mut &[u8]) -> Result<(Vec<u8>, HeaderMap), End> {
    let mut body = Vec::new();
    loop {
        let line = line(bytes)?;
        let digits = line.split(|&byte| byte == b';').next().unwrap_or_default();
        let hexadecimal = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
        let size = u64::from_str_radix(&text(digits)?, 16)
            .ok()
            .filter(|_| hexadecimal);
        match size.ok_or(End::Malformed("a size that is none"))? {
            0 => return Ok((body, fields(bytes)?)),
            size => body.extend_from_slice(take(bytes, size)?),
        }
        match take(bytes, 2)? {
            b"\r\n" => {}
            _ => return Err(End::Malformed("a chunk that is longer than its size")),
        }
    }
}

/// Field lines up to an empty one.
fn fields(bytes: &mut &[u8]) -> Result<HeaderMap, End> {
    let mut fields = HeaderMap::new();
    loop {
        let line = line(bytes)?;
        if line.is_empty() {
            return Ok(fields);
        }
        let colon = line.iter().position(|&byte| byte == b':');
        let (name, value) = line.split_at(colon.ok_or(End::Malformed("a line without a colon"))?);
        let name = HeaderName::from_bytes(name).map_err(|_| End::Malformed("a name that is no token"))?;
        let value = HeaderValue::from_bytes(value[1..].trim_ascii());
        fields.append(
            name,
            value.map_err(|_| End::Malformed("a value with a control character"))?,
        );
    }
}

/// Up to CRLF, without it. No CR or LF stands alone.
fn line<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], End> {
    let end = bytes.iter().position(|&byte| byte == b'\n').ok_or(End::CutOff)?;
    let (line, rest) = bytes.split_at(end + 1);
    *bytes = rest;
    let line = line.strip_suffix(b"\r\n").ok_or(End::Malformed("a bare LF"))?;
    if line.contains(&b'\r') {
        return Err(End::Malformed("a bare CR"));
    }
    Ok(line)
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> Result<&'a [u8], End> {
    let length = usize::try_from(length).map_err(|_| End::CutOff)?;
    let (taken, rest) = bytes.split_at_checked(length).ok_or(End::CutOff)?;
    *bytes = rest;
    Ok(taken)
}

fn parts(line: &[u8], by: u8) -> Option<[&[u8]; 3]> {
    let parts: Vec<_> = line.split(|&byte| byte == by).collect();
    parts.try_into().ok()
}

fn text(bytes: &[u8]) -> Result<String, End> {
    // hyper takes UTF-8 in targets, and nothing else beyond ASCII.
    String::from_utf8(bytes.to_vec()).map_err(|_| End::CutOff)
}

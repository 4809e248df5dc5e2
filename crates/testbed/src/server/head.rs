use std::fmt::Write as _;

/// The head of a request as it was on the wire (RFC 9112 section 2.1): nothing lower-cased, merged or put in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// The target's path (RFC 9112 section 3.2), byte for byte.
    pub(crate) fn path(&self) -> &str {
        let target = self
            .target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path);
        match target.split_once("://") {
            // absolute-form: the path begins behind the authority
            Some((_, rest)) if !target.starts_with('/') => {
                rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
            }
            _ => target,
        }
    }

    /// The value of this query parameter, decoded.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        form_urlencoded::parse(query.as_bytes())
            .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    }

    /// Every value of this header field, in order.
    pub(crate) fn values<'head>(&'head self, name: &'head str) -> impl Iterator<Item = &'head str> {
        self.headers
            .iter()
            .filter(move |(written, _)| written.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The first value of this header field.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find_map(|(written, value)| written.eq_ignore_ascii_case(name).then_some(value.as_str()))
    }

    /// Reads a head off the front of `bytes`: the head and its length, `None` while it is not whole.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, httparse::Error> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(length) = request.parse(bytes)? else {
            return Ok(None);
        };
        let headers = request
            .headers
            .iter()
            .map(|field| (field.name.to_owned(), text(field.value)));
        let head = Self {
            method: request.method.unwrap_or_default().to_owned(),
            target: request.path.unwrap_or_default().to_owned(),
            headers: headers.collect(),
        };
        Ok(Some((head, length)))
    }
}

/// A field value may hold any byte from 0x80 (obs-text, RFC 9110 section 5.5); what is not UTF-8 is shown escaped.
fn text(value: &[u8]) -> String {
    value.utf8_chunks().fold(String::new(), |mut text, chunk| {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
        text
    })
}

pub(super) const MAX_HEADERS: usize = 256;

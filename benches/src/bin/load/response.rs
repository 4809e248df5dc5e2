use std::io;
use std::str;

/// A head that has wholly arrived.
pub(crate) struct Head {
    /// With its empty line.
    pub(crate) size: usize,
    pub(crate) content_length: usize,
}

impl Head {
    /// `None` until it is whole.
    ///
    /// # Errors
    /// Whatever is not a 200 with a length: nobody wants to have measured the cost of an error.
    pub(crate) fn read(bytes: &[u8]) -> io::Result<Option<Self>> {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut fields);
        let size = match response.parse(bytes).map_err(io::Error::other)? {
            httparse::Status::Partial => return Ok(None),
            httparse::Status::Complete(size) => size,
        };
        if response.code != Some(200) {
            return Err(io::Error::other(format!(
                "the answer is {:?}, not 200",
                response.code
            )));
        }
        let length = response
            .headers
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case("content-length"))
            .and_then(|field| str::from_utf8(field.value).ok()?.parse().ok());
        let content_length = length.ok_or_else(|| io::Error::other("the answer has no length"))?;
        Ok(Some(Self { size, content_length }))
    }

    /// How long the whole answer is.
    pub(crate) fn total(&self) -> usize {
        self.size + self.content_length
    }
}

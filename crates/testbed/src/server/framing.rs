use super::Head;

/// Tells the heads from the bodies in the bytes that a client sends on one connection (RFC 9112 section 6).
///
/// hyper has an opinion of its own on where a request ends and refuses what is ambiguous; this one only has to agree
/// with it on what it accepts.
#[derive(Debug)]
pub(super) enum Framing {
    /// The head so far.
    Head(Vec<u8>),
    /// So many body bytes to come.
    Sized(u64),
    /// The line with a chunk's size, so far.
    ChunkSize(Vec<u8>),
    /// So many bytes of chunk data to come, its line end included.
    ChunkData(u64),
    /// A trailer line so far; an empty one ends the body.
    Trailer(Vec<u8>),
    /// Not HTTP/1, or no longer.
    Lost,
}

impl Framing {
    /// Takes what was read and hands out every head that is whole by now.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut found: impl FnMut(Head)) {
        while !bytes.is_empty() {
            bytes = match self {
                Self::Head(_) => self.head(bytes, &mut found),
                Self::Sized(_) | Self::ChunkData(_) => self.data(bytes),
                Self::ChunkSize(_) | Self::Trailer(_) => self.line(bytes),
                Self::Lost => return,
            };
        }
    }

    fn head<'b>(&mut self, bytes: &'b [u8], found: &mut impl FnMut(Head)) -> &'b [u8] {
        let Self::Head(so_far) = self else { return bytes };
        let before = so_far.len();
        so_far.extend_from_slice(bytes);
        match Head::parse(so_far) {
            Ok(None) => &[],
            Ok(Some((head, length))) => {
                *self = Self::body_of(&head);
                found(head);
                bytes.get(length.saturating_sub(before)..).unwrap_or_default()
            }
            Err(_) => {
                *self = Self::Lost;
                &[]
            }
        }
    }

    fn data<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let (Self::Sized(left) | Self::ChunkData(left)) = self else {
            return bytes;
        };
        let taken = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
        *left -= taken as u64;
        if *left == 0 {
            *self = match self {
                Self::ChunkData(_) => Self::ChunkSize(Vec::new()),
                _ => Self::Head(Vec::new()),
            };
        }
        bytes.get(taken..).unwrap_or_default()
    }

    fn line<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let (Self::ChunkSize(line) | Self::Trailer(line)) = self else {
            return bytes;
        };
        let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
            line.extend_from_slice(bytes);
            return &[];
        };
        let (rest_of_line, rest) = bytes.split_at(end + 1);
        line.extend_from_slice(rest_of_line);
        *self = match self {
            Self::ChunkSize(line) => Self::chunk(line),
            Self::Trailer(line) if line.trim_ascii().is_empty() => Self::Head(Vec::new()),
            _ => Self::Trailer(Vec::new()),
        };
        rest
    }

    fn body_of(head: &Head) -> Self {
        if head
            .values("transfer-encoding")
            .any(|coding| coding.to_ascii_lowercase().contains("chunked"))
        {
            return Self::ChunkSize(Vec::new());
        }
        match head
            .value("content-length")
            .and_then(|length| length.trim().parse().ok())
        {
            None | Some(0) => Self::Head(Vec::new()),
            Some(length) => Self::Sized(length),
        }
    }

    fn chunk(line: &[u8]) -> Self {
        let size = String::from_utf8_lossy(line);
        let size = size.split(';').next().unwrap_or_default().trim();
        match u64::from_str_radix(size, 16) {
            Ok(0) => Self::Trailer(Vec::new()),
            Ok(size) => Self::ChunkData(size.saturating_add(2)),
            Err(_) => Self::Lost,
        }
    }
}

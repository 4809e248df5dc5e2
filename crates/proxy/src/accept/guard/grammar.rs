use super::word::Word;

/// Reads the stream of a connection's requests, across any split, and finds the first byte that two servers might take for
/// different things.
///
/// It is narrower than RFC 9112 wherever that leaves a choice: every line ends with CRLF, a body has one length from one
/// field, and the only coding is `chunked`. What it lets through and hyper refuses is hyper's to refuse.
#[derive(Debug, Default)]
pub(super) struct Grammar {
    place: Place,
    word: Word,
    field: Field,
    framing: Framing,
    /// HTTP/1.0 knows no `Transfer-Encoding`.
    chunks_allowed: bool,
    in_trailers: bool,
}

/// The first byte that is refused, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) at: usize,
    pub(super) fault: &'static str,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// RFC 9112 section 2.2: some clients send an empty line after a body, and a server should skip one.
    #[default]
    Between,
    BetweenLf,
    Start,
    Method,
    /// The first byte of a target, which says of what form it is (RFC 9112 section 3.2).
    Form,
    /// The asterisk form, of which there is no more.
    Asterisk,
    Target,
    Version,
    /// The first byte of a field line, or of the empty line after the last.
    Line,
    Name,
    Value,
    LineLf,
    HeadLf,
    /// So many bytes of a body of known length.
    Content(u64),
    /// A chunk's size, after so many digits.
    Size(u64, u8),
    /// Behind a semicolon: an extension's name is still to come.
    Unnamed(u64),
    Extension(u64),
    SizeLf(u64),
    /// So many bytes of a chunk.
    Chunk(u64),
    ChunkCr,
    ChunkLf,
}

/// The fields that say where a message ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Field {
    #[default]
    Other,
    ContentLength,
    TransferEncoding,
}

/// How a body is delimited: RFC 9112 section 6.3, without the ways in which two fields could disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Framing {
    #[default]
    None,
    Length(u64),
    Chunked,
}

// === impl Grammar ===

impl Grammar {
    /// Goes on with `bytes`.
    ///
    /// # Errors
    /// At the first byte that is refused; what comes after a refusal has no meaning.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let mut at = 0;
        loop {
            at += self.skip(bytes.get(at..).unwrap_or_default());
            let Some(&byte) = bytes.get(at) else {
                return Ok(());
            };
            // A body's end may be the end of what was skipped: its next byte belongs to what follows.
            self.place = self.step(byte).map_err(|fault| Refusal { at, fault })?;
            at += 1;
        }
    }

    /// Whether all that was read were whole requests.
    pub(super) fn is_between(&self) -> bool {
        self.place == Place::Between
    }

    /// How many of the next bytes change nothing about what the one behind them means: most of what is ever read.
    fn skip(&mut self, rest: &[u8]) -> usize {
        match &mut self.place {
            Place::Content(left) | Place::Chunk(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                *left -= here as u64;
                let over = *left == 0;
                match self.place {
                    Place::Content(_) if over => self.place = Place::Between,
                    Place::Chunk(_) if over => self.place = Place::ChunkCr,
                    _ => {}
                }
                here
            }
            Place::Method => word_of(rest, is_token),
            Place::Target => self.target(rest),
            Place::Version => self.learn(rest, |byte| byte.is_ascii_graphic()),
            Place::Line => lines_of(rest),
            Place::Name => self.learn(rest, is_token),
            Place::Value if self.field == Field::Other => value_of(rest),
            _ => 0,
        }
    }

    /// A target; and where it ends the line as in nearly every request, what is here of the field lines behind it.
    fn target(&mut self, rest: &[u8]) -> usize {
        let target = run_of(rest, is_of_a_target);
        let behind = rest.get(target..).unwrap_or_default();
        let Some(lines) = behind.strip_prefix(USUAL_END) else {
            return target;
        };
        self.chunks_allowed = true;
        self.place = Place::Line;
        target + USUAL_END.len() + lines_of(lines)
    }

    /// Skips what is to be known later.
    fn learn(&mut self, rest: &[u8], is_of_it: impl Fn(u8) -> bool) -> usize {
        let length = word_of(rest, is_of_it);
        self.word.extend(rest.get(..length).unwrap_or_default());
        length
    }

    /// What a byte means that cannot be skipped.
    fn step(&mut self, byte: u8) -> Result<Place, &'static str> {
        match self.place {
            Place::Between
            | Place::BetweenLf
            | Place::Start
            | Place::Method
            | Place::Form
            | Place::Asterisk
            | Place::Target
            | Place::Version => self.request_line(byte),
            Place::Line | Place::Name | Place::Value | Place::LineLf | Place::HeadLf => self.field_line(byte),
            // `skip` has dealt with these.
            Place::Content(_) => Ok(Place::Between),
            Place::Chunk(_) => Ok(Place::ChunkCr),
            _ => self.chunk(byte),
        }
    }

    /// RFC 9112 section 3: single spaces, and nothing in a target that some servers cut off or convert.
    fn request_line(&mut self, byte: u8) -> Result<Place, &'static str> {
        match (self.place, byte) {
            (Place::Between, b'\r') => Ok(Place::BetweenLf),
            (Place::BetweenLf, b'\n') => Ok(Place::Start),
            (Place::Between | Place::Start, _) if is_token(byte) => {
                *self = Self {
                    place: Place::Method,
                    ..Self::default()
                };
                Ok(Place::Method)
            }
            (Place::Method, b' ') => Ok(Place::Form),
            (Place::Form, b'*') => Ok(Place::Asterisk),
            (Place::Form, _) if is_of_a_target(byte) => Ok(Place::Target),
            (Place::Asterisk | Place::Target, b' ') => {
                self.word.clear();
                Ok(Place::Version)
            }
            (Place::Version, b'\r') => {
                self.chunks_allowed = self.word.read() == Some(b"http/1.1");
                Ok(Place::LineLf)
            }
            _ => Err("the request line"),
        }
    }

    /// RFC 9112 section 5: no space before the colon, no folding, no line end but CRLF, no control characters.
    fn field_line(&mut self, byte: u8) -> Result<Place, &'static str> {
        match (self.place, byte) {
            (Place::Line, b'\r') => Ok(Place::HeadLf),
            (Place::HeadLf, b'\n') => Ok(self.body()),
            (Place::Line, _) if is_token(byte) => {
                self.word.clear();
                self.word.push(byte);
                Ok(Place::Name)
            }
            (Place::Name, b':') => {
                self.field = self.named()?;
                self.word.clear();
                Ok(Place::Value)
            }
            (Place::Value, b'\r') => Ok(Place::LineLf),
            (Place::Value, _) if is_of_a_value(byte) => {
                self.word.push(byte);
                Ok(Place::Value)
            }
            (Place::LineLf, b'\n') => {
                self.frame()?;
                Ok(Place::Line)
            }
            _ => Err("a field line"),
        }
    }

    /// RFC 9112 section 7.1. An extension is skipped, as it must be, if it has a name and is made of visible characters. A
    /// semicolon with nothing behind it is a line that some servers end elsewhere.
    fn chunk(&mut self, byte: u8) -> Result<Place, &'static str> {
        match (self.place, byte) {
            (Place::Size(size, digits), _) if byte.is_ascii_hexdigit() && digits < MAX_SIZE_DIGITS => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                Ok(Place::Size(size << 4 | u64::from(digit), digits + 1))
            }
            (Place::Size(_, 0), _) => Err("a chunk without a size"),
            (Place::Size(size, _) | Place::Extension(size), b'\r') => Ok(Place::SizeLf(size)),
            (Place::Size(size, _) | Place::Extension(size), b';') => Ok(Place::Unnamed(size)),
            (Place::Unnamed(_), b'\t' | b' ') => Ok(self.place),
            (Place::Unnamed(size), _) if is_token(byte) => Ok(Place::Extension(size)),
            (Place::Extension(_), b'\t' | b' '..=b'~') => Ok(self.place),
            (Place::SizeLf(0), b'\n') => {
                self.in_trailers = true;
                Ok(Place::Line)
            }
            (Place::SizeLf(size), b'\n') => Ok(Place::Chunk(size)),
            (Place::ChunkCr, b'\r') => Ok(Place::ChunkLf),
            (Place::ChunkLf, b'\n') => Ok(Place::Size(0, 0)),
            _ => Err("a chunk"),
        }
    }

    /// What the field whose name was read means for the message's end. CGI and its heirs take `_` for `-`.
    fn named(&self) -> Result<Field, &'static str> {
        let field = match self.word.read() {
            Some(b"content-length") => Field::ContentLength,
            Some(b"transfer-encoding") => Field::TransferEncoding,
            Some(b"content_length" | b"transfer_encoding") => return Err("a disguised framing field"),
            _ => Field::Other,
        };
        if self.in_trailers && field != Field::Other {
            return Err("a framing field among the trailers");
        }
        Ok(field)
    }

    /// The field that was read whole decides how the body is delimited; if another has, they need not agree.
    fn frame(&mut self) -> Result<(), &'static str> {
        let framing = match std::mem::take(&mut self.field) {
            Field::Other => return Ok(()),
            Field::ContentLength => self.word.decimal().map(Framing::Length),
            Field::TransferEncoding => {
                let chunked = self.word.read() == Some(b"chunked") && self.chunks_allowed;
                chunked.then_some(Framing::Chunked)
            }
        };
        if self.framing != Framing::None {
            return Err("a second framing field");
        }
        self.framing = framing.ok_or("a framing field without a clear meaning")?;
        Ok(())
    }

    fn body(&mut self) -> Place {
        if std::mem::take(&mut self.in_trailers) {
            return Place::Between;
        }
        match self.framing {
            Framing::None | Framing::Length(0) => Place::Between,
            Framing::Length(length) => Place::Content(length),
            Framing::Chunked => Place::Size(0, 0),
        }
    }
}

/// How many bytes there are of field lines that are here whole and frame nothing, one after the other: nearly all of a head,
/// and nothing in it is to be remembered.
fn lines_of(bytes: &[u8]) -> usize {
    let mut length = 0;
    while let Some(line) = bytes.get(length..).and_then(line_of) {
        length += line;
    }
    length
}

/// One of them. Its name's length tells that it frames nothing; one that might is left to be read byte by byte, as is one that
/// is to be refused.
fn line_of(bytes: &[u8]) -> Option<usize> {
    let name = word_of(bytes, is_token);
    if matches!(name, 0 | CONTENT_LENGTH | TRANSFER_ENCODING) {
        return None;
    }
    let value = bytes.get(name..)?.strip_prefix(b":")?;
    let length = value_of(value);
    let end = value.get(length..)?;
    end.starts_with(b"\r\n").then_some(name + 1 + length + 2)
}

/// How many bytes there are of a value. A long one is nearly always printable ASCII, which takes a single comparison to tell.
fn value_of(bytes: &[u8]) -> usize {
    let printable = blocks_of::<64>(bytes, |byte| byte.wrapping_sub(b' ') < DELETE - b' ');
    let rest = bytes.get(printable..).unwrap_or_default();
    printable + run_of(rest, is_of_a_value)
}

/// How many bytes there are of one kind before the first of another. Whole blocks are judged without a branch for each
/// byte, which is what lets the compiler take them at once: a JWT has a thousand.
fn run_of(bytes: &[u8], is_of_it: impl Fn(u8) -> bool) -> usize {
    let blocks = blocks_of::<16>(bytes, &is_of_it);
    let rest = bytes.get(blocks..).unwrap_or_default();
    blocks + word_of(rest, is_of_it)
}

fn blocks_of<const BLOCK: usize>(bytes: &[u8], is_of_it: impl Fn(u8) -> bool) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let is_whole = |block: &&[u8; BLOCK]| block.iter().fold(true, |all, &byte| all & is_of_it(byte));
    blocks.iter().take_while(is_whole).count() * BLOCK
}

/// The same where a run is a word, too short for blocks.
fn word_of(bytes: &[u8], is_of_it: impl Fn(u8) -> bool) -> usize {
    let end = bytes.iter().position(|&byte| !is_of_it(byte));
    end.unwrap_or(bytes.len())
}

fn is_token(byte: u8) -> bool {
    TCHARS.get(usize::from(byte)) == Some(&true)
}

/// For every byte there is: a look-up without a branch.
#[expect(
    clippy::indexing_slicing,
    reason = "while the program is built, and with as many places as bytes"
)]
static TCHARS: [bool; 256] = {
    let (mut set, mut byte) = ([false; 256], 0);
    while byte < 128_u8 {
        set[byte as usize] = is_tchar(byte);
        byte += 1;
    }
    set
};

/// RFC 9110 section 5.6.2.
const fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// RFC 9110 section 5.5: visible characters, spaces, and the bytes beyond ASCII that it calls obsolete.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "a branch for each byte is what `run_of` does without"
)]
fn is_of_a_value(byte: u8) -> bool {
    ((byte >= b' ') | (byte == b'\t')) & (byte != DELETE)
}

/// Without a fragment, which never is part of a request, and without `\`, which some servers read as `/`. Other
/// characters that RFC 3986 wants to be encoded (`{`, `"`, UTF-8) do occur, and mean nothing but themselves.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "a branch for each byte is what `run_of` does without"
)]
fn is_of_a_target(byte: u8) -> bool {
    (byte > b' ') & (byte != DELETE) & (byte != b'#') & (byte != b'\\')
}

const DELETE: u8 = 0x7f;

/// Of a request line, behind its target.
const USUAL_END: &[u8] = b" HTTP/1.1\r\n";

const CONTENT_LENGTH: usize = b"content-length".len();
const TRANSFER_ENCODING: usize = b"transfer-encoding".len();

/// As many as a `u64` has.
const MAX_SIZE_DIGITS: u8 = 16;

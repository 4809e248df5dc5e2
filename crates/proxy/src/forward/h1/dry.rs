use bytes::BytesMut;
use http::{HeaderMap, response};

use super::fault::Fault;
use super::framing::{Framing, Taken};
use super::response::take_head;

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    /// The final head.
    pub head: response::Parts,
    /// How many heads came before it.
    pub interim: usize,
    /// What follows it.
    pub body: Vec<u8>,
    /// What follows that.
    pub trailers: HeaderMap,
    /// What nobody asked for: with any of it, the connection serves no other request.
    pub left: Vec<u8>,
}

/// Reads an answer as the gateway does, but without a connection: from these bytes, which come one piece after the other, and
/// then an end. Public so that anybody can try it on any bytes; the fuzz target `answer` does.
///
/// `None`: they are no answer, or not the whole of one.
pub fn read_answer<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    to_a_head_request: bool,
) -> Option<Answer> {
    let mut pieces = pieces.into_iter();
    let answer = Dry {
        unread: BytesMut::new(),
        more: || pieces.next(),
    }
    .answer(to_a_head_request);
    let mut answer = answer.ok().flatten()?;
    pieces.for_each(|piece| answer.left.extend_from_slice(piece));
    Some(answer)
}

struct Dry<M> {
    unread: BytesMut,
    more: M,
}

impl<'a, M: FnMut() -> Option<&'a [u8]>> Dry<M> {
    fn answer(mut self, to_a_head_request: bool) -> Result<Option<Answer>, Fault> {
        let mut interim = 0;
        let head = loop {
            match take_head(&mut self.unread)? {
                Some(head) if head.is_interim() => interim += 1,
                Some(head) => break head,
                None if self.has_more() => {}
                None => return Ok(None),
            }
        };
        let mut framing = Framing::of(&head.parts, to_a_head_request)?;
        let (mut body, mut trailers) = (Vec::new(), HeaderMap::new());
        loop {
            match framing.take(&mut self.unread)? {
                Taken::End => break,
                Taken::Frame(frame) => match frame.into_data() {
                    Ok(data) => body.extend_from_slice(&data),
                    Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
                },
                Taken::Nothing if self.has_more() => {}
                Taken::Nothing if matches!(framing, Framing::UntilClose) => break,
                Taken::Nothing => return Ok(None),
            }
        }
        Ok(Some(Answer {
            head: head.parts,
            interim,
            body,
            trailers,
            left: self.unread.to_vec(),
        }))
    }

    fn has_more(&mut self) -> bool {
        let more = (self.more)();
        self.unread.extend_from_slice(more.unwrap_or_default());
        more.is_some()
    }
}

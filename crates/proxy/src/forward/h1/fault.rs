use std::io;

/// Why there is no answer on a connection, or no end of one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The connection ended, and not a byte of an answer had come.
    #[error("it ended without a word")]
    Silent(#[source] io::Error),
    /// The connection ended in the midst of an answer.
    #[error("it ended in the midst of an answer")]
    BrokeOff(#[source] io::Error),
    /// What came is not what RFC 9112 calls an answer, or might be read in two ways.
    #[error("the answer is malformed: {0}")]
    Malformed(&'static str),
    /// More of a head came than anybody needs.
    #[error("the answer's head is too large")]
    HeadTooLarge,
    /// The request's body was not as long as its head had said; what was sent of it is recognisably a part.
    #[error("the request's body is not as long as it was said to be")]
    Misdelimited,
}

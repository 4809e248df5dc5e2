use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use crate::socket::Socket;

/// What carries the bytes: TCP, or TLS over it. A session is more than a KiB, and would be moved with its connection.
pub(in crate::forward) type Wire = Either<Socket, Box<TlsStream<Socket>>>;

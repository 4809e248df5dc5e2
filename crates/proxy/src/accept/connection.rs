mod h1;
mod h2;
mod preface;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::{Request, Response, Version};
use hyper::body::Incoming;
use identity::LastToken;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsAcceptor;

use super::interim::{Interim, Prompter};
use super::paced::Pace;
use super::parting::FIRST_WORD;
use super::sequel::{AfterHttp, Sequel};
use super::{Accepted, Arrival, Crowd, proxy_protocol};
use crate::drain::{Drain, Tasks};
use crate::observe::{Observed, Unread};
use crate::settings::Settings;
use crate::socket::Socket;
use h2::{Stream, Turn};
use preface::Opening;

/// What a worker does with requests.
pub(crate) trait Serve: Clone + 'static {
    /// The limits of a connection that begins now.
    fn settings(&self) -> Arc<Settings>;

    /// Answers one request; an answer there always is.
    fn serve(&self, request: Request<Incoming>, from: Peer) -> impl Future<Output = Response<Observed>>;

    /// A connection was accepted; the guard lives as long as it does.
    fn admit(&self) -> impl Sized + 'static;

    /// Who else is here: the same for all workers.
    fn crowd(&self) -> &Crowd;

    /// A connection was closed before it was served, as its client had too many.
    fn turned_away(&self);

    /// A request of this client's was refused before its head was read.
    fn refused(&self, client: SocketAddr, why: Unread);

    /// Called now and then, for housekeeping.
    fn sweep(&self);
}

/// What a worker gives to each of its connections: the work, the limits, an owner for what is spawned, and the wish to end.
#[derive(Clone)]
pub(super) struct Shift<J> {
    pub(super) journey: J,
    pub(super) settings: Arc<Settings>,
    pub(super) tasks: Tasks,
    pub(super) drain: Drain,
}

/// The other end of a client's connection, as one request sees it.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Of the client itself, where a load balancer has told it.
    pub(crate) address: SocketAddr,
    /// Whether it speaks TLS to us.
    pub(crate) secure: bool,
    presence: Presence,
}

/// How a connection learns that a request on it is over.
#[derive(Clone, Debug)]
enum Presence {
    /// HTTP/1.1: one request at a time; the next byte begins another, or is no longer HTTP.
    Alone(Rc<Company>),
    /// HTTP/2: one of many. The last clone tells.
    Among {
        _stream: Stream,
        turn: Turn,
        last_token: Rc<LastToken>,
    },
}

/// What a connection of HTTP/1.1 and its requests share; the same for all of them, so that each takes one handle and not three.
#[derive(Debug)]
struct Company {
    pace: Pace,
    sequel: Sequel,
    prompter: Prompter,
    last_token: LastToken,
}

/// Who is at the other end, before there is a request.
#[derive(Clone, Copy, Debug)]
struct Origin {
    address: SocketAddr,
    secure: bool,
}

/// One connection, from its first byte to its last.
///
/// A task has room for the largest of all states that it can be in, for as long as it lives; and most connections rest most of the
/// time. So what passes is in boxes of its own: the handshake, a load balancer's word, the protocol that was not chosen, and each
/// request's journey.
pub(super) async fn serve<J: Serve>(arrival: Arrival, shift: Shift<J>) -> io::Result<()> {
    let Arrival {
        socket,
        peer,
        tls,
        permit: _permit,
    } = arrival;
    let _guard = shift.journey.admit();
    match socket {
        Accepted::Tcp(socket) => by_tcp(TcpStream::from_std(socket)?, peer, tls, shift).await,
        Accepted::Unix(socket) => {
            let origin = Origin {
                address: peer,
                secure: false,
            };
            in_the_clear(UnixStream::from_std(socket)?, origin, shift).await
        }
    }
}

async fn by_tcp<J: Serve>(
    mut tcp: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    shift: Shift<J>,
) -> io::Result<()> {
    let settings = Arc::clone(&shift.settings);
    let address = client(&mut tcp, peer, &settings).await?;
    let most = settings.max_connections_per_client;
    let Some(_guest) = shift.journey.crowd().admit(address.ip(), most) else {
        shift.journey.turned_away();
        return Ok(());
    };
    let tcp = Socket::to_client(tcp)?;
    match tls {
        None => {
            let origin = Origin {
                address,
                secure: false,
            };
            in_the_clear(tcp, origin, shift).await
        }
        Some(config) => {
            let handshake = Box::pin(TlsAcceptor::from(config).accept(tcp));
            let tls = tokio::time::timeout(settings.tls_handshake_timeout, handshake).await??;
            // A session is more than a KiB, and would be moved from layer to layer, each with room of its own for it.
            let tls = Box::new(tls);
            let origin = Origin {
                address,
                secure: true,
            };
            match tls.get_ref().1.alpn_protocol() {
                Some(b"h2") => Box::pin(by_preface(tls, origin, shift)).await,
                _ => Box::pin(h1::serve(tls, origin, shift)).await,
            }
        }
    }
}

async fn in_the_clear<J, IO>(io: IO, origin: Origin, shift: Shift<J>) -> io::Result<()>
where
    J: Serve,
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    if shift.settings.h2c {
        Box::pin(by_preface(io, origin, shift)).await
    } else {
        Box::pin(h1::serve(io, origin, shift)).await
    }
}

/// For whom `peer` speaks: for itself, unless it is one of those that begin with a PROXY protocol header; they must.
async fn client(tcp: &mut TcpStream, peer: SocketAddr, settings: &Settings) -> io::Result<SocketAddr> {
    let trusted = &settings.proxy_protocol;
    if !trusted.iter().any(|network| network.contains(&peer.ip())) {
        return Ok(peer);
    }
    let header = Box::pin(proxy_protocol::read(tcp));
    let told = tokio::time::timeout(settings.header_timeout, header).await??;
    Ok(told.map_or(peer, |client| {
        SocketAddr::new(client.ip().to_canonical(), client.port())
    }))
}

/// HTTP/2 where the client says its preface, whether ALPN or prior knowledge (RFC 9113 section 3.3) led it here.
///
/// Read here, as hyper waits for it without a limit. A client that agreed to HTTP/2 and then says something else is cut.
async fn by_preface<J, IO>(io: IO, origin: Origin, shift: Shift<J>) -> io::Result<()>
where
    J: Serve,
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let preface = Box::pin(preface::read(io, &shift.settings));
    let opening = tokio::select! {
        opening = preface => opening?,
        // Nothing was said, and nothing is lost.
        () = shift.drain.started_for(FIRST_WORD) => return Ok(()),
    };
    match opening {
        Opening::Http2(io) => Box::pin(h2::serve(io, origin, shift)).await,
        Opening::Other(_) if origin.secure => Err(io::ErrorKind::InvalidData.into()),
        Opening::Other(io) => Box::pin(h1::serve(io, origin, shift)).await,
    }
}

// === impl Company ===

impl Company {
    fn of(pace: Pace) -> Self {
        Self {
            pace,
            sequel: Sequel::default(),
            prompter: Prompter::default(),
            last_token: LastToken::default(),
        }
    }
}

// === impl Peer ===

impl Peer {
    /// The whole answer has been handed over.
    pub(crate) fn rests(&self) {
        if let Presence::Alone(company) = &self.presence {
            company.pace.request_ended();
        }
    }

    /// What may be said to this request before its final answer: nothing in HTTP/1.0, which would take it for that, and
    /// nothing in HTTP/2, as hyper's server has no way to.
    pub(crate) fn interim(&self, version: Version) -> Interim {
        match &self.presence {
            Presence::Alone(company) if version == Version::HTTP_11 => company.prompter.cue(),
            Presence::Alone(_) | Presence::Among { .. } => Interim::none(),
        }
    }

    /// The token that was presented last on this connection.
    pub(crate) fn last_token(&self) -> &LastToken {
        match &self.presence {
            Presence::Alone(company) => &company.last_token,
            Presence::Among { last_token, .. } => last_token,
        }
    }

    /// How much of an answer the connection is given at a time, at most. In HTTP/2, a client's window decides when it can
    /// take more: small parts show that it does, however slowly, and what waits for it is little.
    pub(crate) fn takes_at_most(&self) -> usize {
        match self.presence {
            Presence::Alone(_) => usize::MAX,
            Presence::Among { .. } => h2::PART,
        }
    }

    /// The connection asks for the next part of the answer: until it comes, the workspace is waited for.
    pub(crate) fn asks(&self) {
        if let Presence::Among { turn, .. } = &self.presence {
            turn.pass_to_workspace();
        }
    }

    /// The connection was given a part of the answer: until it asks for the next one, the client is waited for.
    pub(crate) fn is_given(&self) {
        if let Presence::Among { turn, .. } = &self.presence {
            turn.pass_to_client();
        }
    }

    /// `sequel` takes place on this connection once the answer's head is out, in the connection's own task: it holds the
    /// connection's place among all others, and the drain waits for it.
    pub(crate) fn leaves_http<F>(&self, sequel: impl FnOnce(AfterHttp) -> F + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        // HTTP/2 knows no upgrade (RFC 9113 section 8.6), so nobody asks for one there.
        if let Presence::Alone(company) = &self.presence {
            company.sequel.set(sequel);
        }
    }
}

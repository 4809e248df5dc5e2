//! What makes a gateway an agent: requests of one machine's own programs, under that machine's own JWT, whatever
//! credential they bring.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use identity::{BearerToken, UnixTime};

use crate::Failure;
use crate::authenticate;
use crate::route::{Allowances, Host};

/// Whose JWT requests travel under.
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    /// The callers' own, out of their requests.
    #[default]
    Callers,
    /// This machine's, for its own programs alone.
    Machine(Arc<Machine>),
}

/// A machine whose programs send requests without a credential of their own that would count.
pub struct Machine {
    /// Its JWT.
    pub source: Box<dyn TokenSource>,
    /// What becomes of the JWT.
    pub next_hop: NextHop,
    /// What programs have to present; `None`: nothing, whoever can connect may use the JWT.
    pub local_token: Option<LocalToken>,
}

/// Where the machine's requests go, which decides what is made of its JWT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHop {
    /// To Databricks: the JWT is verified and swapped here, as a caller's would be.
    Workspace,
    /// To a gateway, which will verify and swap it: it is shown as it is.
    Gateway,
}

/// Gives this machine's JWT, the one of the moment, for each request anew.
pub trait TokenSource: Send + Sync + 'static {
    /// Waits for one that can still be used, within bounds of its own. Called on the data plane: it must not block.
    ///
    /// # Errors
    /// When there is none.
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<BearerToken, NoToken>> + Send + '_>>;
}

/// This machine has no JWT that could be used now; another one may come.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this machine has no usable JWT at present: {why}")]
pub struct NoToken {
    /// For a person; holds no token.
    pub why: String,
    /// When it is worth asking again.
    pub retry_after: Duration,
}

/// What programs of this machine present, so that others on it cannot use the JWT. A secret: `Debug` does not show it.
#[derive(Clone)]
pub struct LocalToken(Bytes);

/// A request's credential, before anything was made of it.
#[derive(Debug)]
pub(crate) enum Credential<'a> {
    Presented(BearerToken),
    Of(&'a Machine),
}

// === impl Credentials ===

impl Credentials {
    /// No web page may use the machine's JWT, whichever way it makes a browser send a request: by a name of its own that
    /// it lets resolve to a loopback address (DNS rebinding), from a script, which says its `Origin`
    /// (RFC 6454 section 7), or by a mere link or image, of which browsers say in `Sec-Fetch-Site` where it stands.
    pub(crate) fn admit(&self, headers: &HeaderMap, host: &Host, scheme: &str) -> Result<(), Failure> {
        match self {
            Self::Callers => Ok(()),
            Self::Machine(_) if !host.is_loopback() => Err(Failure::ForeignHost(host.to_string())),
            Self::Machine(_) if !is_of(headers, host, scheme) => Err(Failure::ForeignOrigin),
            Self::Machine(_) => Ok(()),
        }
    }

    /// The credential of this request: its own, or the machine's, if it may be used.
    pub(crate) fn of<B>(
        &self,
        request: &Request<B>,
        allowances: Allowances,
    ) -> Result<Credential<'_>, Failure> {
        match self {
            Self::Callers => authenticate::credential(request, allowances).map(Credential::Presented),
            Self::Machine(machine) => machine.lend_to(request).map(|()| Credential::Of(machine)),
        }
    }

    /// The machine's JWT is given to nobody, and what a program holds instead is worth nothing elsewhere. On a 400 its
    /// driver goes on with what it has.
    pub(crate) fn may_be_asked_for(&self) -> Result<(), Failure> {
        match self {
            Self::Callers => Ok(()),
            Self::Machine(_) => Err(Failure::TokenRequest {
                error: "invalid_request",
                description:
                    "there is nothing to exchange here: this agent adds the machine's own JWT to every \
                    request, so use any static token"
                        .to_owned(),
            }),
        }
    }
}

/// Whether a page, if one is behind this request at all, came from this very host.
fn is_of(headers: &HeaderMap, host: &Host, scheme: &str) -> bool {
    let own = format!("{scheme}://{}", host.as_str());
    let same = |origin: &HeaderValue| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes());
    let near = |site: &HeaderValue| matches!(site.as_bytes(), b"same-origin" | b"none");
    headers.get_all(header::ORIGIN).iter().all(same) && headers.get_all(FETCH_SITE).iter().all(near)
}

/// Fetch Metadata, section 2.4.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

// === impl Machine ===

impl Machine {
    fn lend_to<B>(&self, request: &Request<B>) -> Result<(), Failure> {
        let Some(local) = &self.local_token else {
            return Ok(());
        };
        match authenticate::credential(request, Allowances::default()) {
            Ok(presented) if local.is(&presented) => Ok(()),
            _ => Err(Failure::NotALocalToken),
        }
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("next_hop", &self.next_hop)
            .field("local_token", &self.local_token)
            .finish_non_exhaustive()
    }
}

// === impl NoToken ===

impl NoToken {
    /// `failure`, unless it is that time was up for `token` on its way: then it was good when it was taken, and the
    /// next one will do.
    pub(crate) fn or(failure: Failure, token: &BearerToken, now: UnixTime) -> Failure {
        let spent = token
            .stated_expiry()
            .is_ok_and(|expiry| !expiry.is_usable_at(now));
        match failure {
            Failure::Rejected(_) | Failure::Exchange(_) if spent => Self {
                why: "the last one expired on its way".to_owned(),
                retry_after: Duration::from_secs(1),
            }
            .into(),
            failure => failure,
        }
    }
}

/// `Bearer …`, for a gateway.
pub(crate) fn bearer(token: &BearerToken) -> Result<HeaderValue, Failure> {
    let text = [b"Bearer ", token.expose()].concat();
    let mut header = HeaderValue::from_maybe_shared(Bytes::from(text)).map_err(|_| Failure::Internal)?;
    header.set_sensitive(true);
    Ok(header)
}

// === impl LocalToken ===

impl LocalToken {
    /// The fewest bytes that one should have: shorter ones are guessed.
    pub const LEAST: usize = 16;

    /// What is to be presented, as `Bearer`, or as the password of the user `token`.
    ///
    /// # Errors
    /// `None` when it has fewer than [`Self::LEAST`] bytes, or some that no header can carry.
    pub fn new(secret: &[u8]) -> Option<Self> {
        let fits = secret.len() >= Self::LEAST && secret.iter().all(u8::is_ascii_graphic);
        fits.then(|| Self(Bytes::copy_from_slice(secret)))
    }

    /// In a time that tells nothing of where they differ.
    fn is(&self, presented: &BearerToken) -> bool {
        verify_slices_are_equal(&self.0, presented.expose()).is_ok()
    }
}

impl fmt::Debug for LocalToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalToken([redacted])")
    }
}

#[cfg(test)]
mod tests;

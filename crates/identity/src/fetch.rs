use std::fmt;
use std::time::Duration;

use reqwest::header::{ACCEPT, CACHE_CONTROL, HeaderMap};
use url::Url;

use crate::key_set::{KeySet, MAX_DOCUMENT_BYTES};
use crate::members::Members;

/// How long one whole fetch may take, discovery included.
pub(crate) const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a key set comes from.
pub(crate) trait FetchKeys: Send + Sync + 'static {
    /// One attempt.
    fn fetch(&self) -> impl Future<Output = Result<Fetched, FetchError>> + Send;
}

/// A key set, and for how long the server says it may be used.
pub(crate) struct Fetched {
    pub(crate) keys: KeySet,
    pub(crate) max_age: Option<Duration>,
}

/// Why keys were not fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{place} cannot be reached")]
    Unreachable { place: Place, source: reqwest::Error },
    #[error("{place} answered {status}{}", redirect_hint(*status))]
    Status {
        place: Place,
        status: reqwest::StatusCode,
    },
    #[error("{place} is larger than {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge { place: Place },
    #[error("the discovery document is of no use: {0}")]
    Discovery(String),
    #[error("{0}")]
    Keys(String),
    #[error("no answer within {} s", FETCH_TIMEOUT.as_secs())]
    Timeout,
}

/// Keys over HTTP.
pub(crate) struct HttpKeys {
    pub(crate) http: reqwest::Client,
    pub(crate) location: Location,
}

/// Where over HTTP.
pub(crate) enum Location {
    /// OpenID Connect Discovery 1.0, from this issuer.
    Discovery { issuer: String },
    /// This JWKS document.
    Jwks(Url),
}

/// What was asked for, and where; without credentials and query, which may be secret.
#[derive(Debug)]
pub(crate) struct Place {
    what: &'static str,
    url: Url,
}

struct Document {
    body: Vec<u8>,
    max_age: Option<Duration>,
}

// === impl HttpKeys ===

impl FetchKeys for HttpKeys {
    /// Discovery is asked anew each time: it is rare, and the `jwks_uri` may have moved.
    async fn fetch(&self) -> Result<Fetched, FetchError> {
        let jwks_uri = match &self.location {
            Location::Discovery { issuer } => self.discover(issuer).await?,
            Location::Jwks(url) => url.clone(),
        };
        let document = self.get("the JWKS", jwks_uri).await?;
        let keys = KeySet::parse(&document.body).map_err(FetchError::Keys)?;
        Ok(Fetched {
            keys,
            max_age: document.max_age,
        })
    }
}

impl HttpKeys {
    /// OpenID Connect Discovery 1.0 section 4: the `jwks_uri` of `issuer`.
    async fn discover(&self, issuer: &str) -> Result<Url, FetchError> {
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let url = Url::parse(&format!("{base}/.well-known/openid-configuration")).map_err(|_| {
            FetchError::Discovery("the issuer is not a URL; configure where its keys are".to_owned())
        })?;
        let plain_http = url.scheme() == "http";
        let document = self.get("the discovery document", url).await?;
        jwks_uri(&document.body, issuer, plain_http).map_err(FetchError::Discovery)
    }

    /// Reads no more than [`MAX_DOCUMENT_BYTES`], whatever the server announces. The client given does not
    /// follow redirects, so one is an error here.
    async fn get(&self, what: &'static str, url: Url) -> Result<Document, FetchError> {
        let place = || Place::new(what, url.clone());
        let unreachable = |source: reqwest::Error| FetchError::Unreachable {
            place: place(),
            source: source.without_url(),
        };
        let request = self.http.get(url.clone()).header(ACCEPT, "application/json");
        let mut response = request.send().await.map_err(unreachable)?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status {
                place: place(),
                status: response.status(),
            });
        }
        let max_age = max_age(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_DOCUMENT_BYTES {
                return Err(FetchError::TooLarge { place: place() });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Document { body, max_age })
    }
}

/// OpenID Connect Discovery 1.0 section 4.3: `issuer` must be the very one that was asked for, or anybody's
/// document would do. Keys come over https, unless the issuer itself was allowed to be plain http.
fn jwks_uri(document: &[u8], issuer: &str, plain_http: bool) -> Result<Url, String> {
    let document = Members::parse(document).ok_or("it is not a JSON object, or repeats a member")?;
    let stated = document
        .string("issuer")
        .ok()
        .flatten()
        .ok_or("it has no issuer")?;
    if stated != issuer {
        let stated = crate::rejection::Quoted::new(&stated);
        return Err(format!(
            "its issuer is {stated}, but {issuer} is configured, and they must be the same byte for byte"
        ));
    }
    let uri = document
        .string("jwks_uri")
        .ok()
        .flatten()
        .ok_or("it has no jwks_uri")?;
    let uri = Url::parse(&uri).map_err(|_| "its jwks_uri is not a URL")?;
    match uri.scheme() {
        "https" => Ok(uri),
        "http" if plain_http => Ok(uri),
        _ => Err("its jwks_uri is not https".to_owned()),
    }
}

/// RFC 9111 section 5.2.2.1. Quoted and repeated values do not occur where keys are served; the first counts.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers
        .get_all(CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(',')).map(str::trim);
    directives.find_map(|directive| {
        let (name, seconds) = directive.split_once('=')?;
        let seconds = seconds.trim().parse().ok()?;
        name.trim()
            .eq_ignore_ascii_case("max-age")
            .then_some(Duration::from_secs(seconds))
    })
}

fn redirect_hint(status: reqwest::StatusCode) -> &'static str {
    if status.is_redirection() {
        "; redirects are not followed, configure where it leads"
    } else {
        ""
    }
}

// === impl Place ===

impl Place {
    fn new(what: &'static str, mut url: Url) -> Self {
        // Refused only for URLs that cannot hold credentials.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        Self { what, url }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.what, self.url)
    }
}

// === impl FetchError ===

impl FetchError {
    /// This error and everything that caused it, in one line.
    pub(crate) fn chain(&self) -> String {
        let causes = std::iter::successors(Some(self as &dyn std::error::Error), |error| error.source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}

#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::sync::Arc;

use exchange::{AccessToken, ExchangeError, ExchangeRequest};
use http::{Request, Response};
use identity::{BearerToken, Clock, Identity, LastToken, Verifier};
use tower::{Service, ServiceExt as _};

use crate::accept::Interim;
use crate::authenticate::PassedToken;
use crate::body::RequestBody;
use crate::bootstrap::{self, Base, Question, TokenRequest};
use crate::forward::UpstreamBody;
use crate::machine::{self, Credential, Machine, NextHop, NoToken};
use crate::observe::Trail;
use crate::replay::Again;
use crate::rewrite::{Authority, Visit};
use crate::route::{Destination, OwnRoutes, Workspace};
use crate::share::Shares;
use crate::upgrade::Upgrade;
use crate::{Body, Credentials, Failure, Forward, ForwardError, Swap, head, relay, replay, rewrite};

/// The way of every request. `S` swaps an identity for a token, `U` is the workspaces: the two seams.
#[derive(Debug)]
pub(crate) struct Journey<S, U> {
    rules: Rules,
    swap: S,
    upstream: U,
}

/// What decides over requests; the same for all workers, but for `R`, which leads each to its own copies of the workspaces.
#[derive(Debug)]
pub(crate) struct Rules<R = OwnRoutes> {
    pub(crate) routes: R,
    pub(crate) verifier: Verifier,
    pub(crate) clock: Clock,
    pub(crate) audiences: Vec<String>,
    /// Whether workspaces are told who asks.
    pub(crate) forwarded: bool,
    pub(crate) max_headers: usize,
    pub(crate) credentials: Credentials,
    /// What each subject has left, where there is a limit.
    pub(crate) shares: Option<Arc<Shares>>,
}

impl<S, U> Journey<S, U> {
    pub(crate) fn new(rules: Rules, swap: S, upstream: U) -> Self {
        Self {
            rules,
            swap,
            upstream,
        }
    }
}

impl<S, U> Journey<S, U>
where
    S: Swap,
    U: Service<Forward, Response = Response<UpstreamBody>, Error = ForwardError> + Clone,
{
    /// route -> authenticate -> swap -> rewrite -> forward -> relay.
    ///
    /// The order decides which fault is named when there are several: where to, then who, then whether Databricks agrees.
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` has room for its arguments twice, and moves them from one to the other"
    )]
    pub(crate) fn travel(
        &self,
        request: Box<Request<RequestBody>>,
        interim: &Interim,
        last: &LastToken,
        trail: &mut Trail,
    ) -> impl Future<Output = Result<Response<Body>, Failure>> {
        async move {
            head::check(&request, self.rules.max_headers)?;
            let Destination { workspace, host } = self.rules.routes.find(&request)?;
            trail.routed(workspace);
            let visit = trail.visit(host);
            let credentials = &self.rules.credentials;
            credentials.admit(request.headers(), &visit.host, visit.scheme)?;
            if let Some(question) = Question::asked(request.uri().path()) {
                // Boxed: it is rare, and every request would have room for it.
                return Box::pin(self.answer(question, workspace, &visit, *request, trail)).await;
            }

            let upgrade = Upgrade::asked(&request)?;
            let (authority, given) = match credentials.of(&request, workspace.allowances)? {
                Credential::Presented(token) => self.authority(token, last, workspace, trail).await?,
                // Boxed: only an agent's requests come this way, and every request would have room for it.
                Credential::Of(machine) => {
                    Box::pin(self.authority_of(machine, last, workspace, trail)).await?
                }
            };

            // A block: what is taken apart in it needs no room while the workspace is waited for.
            let forward = {
                let (mut head, body) = request.into_parts();
                rewrite::request(&mut head, workspace, authority);
                if upgrade.is_some() {
                    rewrite::upgrade(&mut head.headers);
                }
                if self.rules.forwarded {
                    rewrite::forwarded(&mut head.headers, &visit);
                }
                Forward {
                    workspace: Rc::clone(workspace),
                    head: Rc::new(head),
                    body,
                    interim: interim.clone(),
                    afresh: false,
                }
            };
            let again = given.zip(trail.identity()).map(|(given, identity)| Again {
                identity,
                grant: &workspace.grant,
                given,
            });
            let seams = (self.upstream.clone(), &self.swap);
            let response = replay::forward(seams, forward, workspace, again).await?;

            relay::response(response, upgrade, workspace, &visit)
        }
    }

    /// The machine's: its token made into the workspace's, or shown to the gateway that is next. And the workspace's, if it is that.
    async fn authority_of(
        &self,
        machine: &Machine,
        last: &LastToken,
        workspace: &Workspace,
        trail: &mut Trail,
    ) -> Result<(Authority, Option<AccessToken>), Failure> {
        let token = machine.source.token().await?;
        match machine.next_hop {
            NextHop::Gateway => Ok((Authority::shown(machine::bearer(&token)?), None)),
            NextHop::Workspace => {
                let swapped = self.authority(token.clone(), last, workspace, trail).await;
                swapped.map_err(|failure| NoToken::or(failure, &token, self.rules.clock.now()))
            }
        }
    }

    /// Who, then whether it is within their share, and then whether Databricks agrees; and the token that it gave, should the
    /// workspace refuse that. A token that Databricks alone can judge goes to it unjudged and uncounted, where that is
    /// allowed, and there is no other than it.
    #[expect(clippy::manual_async_fn, reason = "as above")]
    fn authority(
        &self,
        credential: BearerToken,
        last: &LastToken,
        workspace: &Workspace,
        trail: &mut Trail,
    ) -> impl Future<Output = Result<(Authority, Option<AccessToken>), Failure>> {
        async move {
            let candidate = PassedToken::candidate(&credential, workspace);
            let identity = match self.rules.verifier.verify_next(credential, last).await {
                Ok(identity) => identity,
                Err(rejection) => {
                    let passed = PassedToken::instead_of(rejection, candidate, workspace)?;
                    trail.passed_through();
                    return Ok((Authority::passed(passed), None));
                }
            };
            let identity = trail.authenticated(identity);
            // Before the swap: what is refused costs no exchange either.
            if let Some(shares) = &self.rules.shares {
                shares.take(identity, workspace)?;
            }
            let token = match self.swap.at_hand(identity, &workspace.grant) {
                Some(token) => token,
                // Boxed: it is rare, and every request would have room for it.
                None => Box::pin(self.swapped(identity.clone(), workspace)).await?,
            };
            trail.swapped();
            Ok((Authority::exchanged(token.clone()), Some(token)))
        }
    }

    /// The token that has to be waited for, or the reason why there is none.
    async fn swapped(&self, identity: Identity, workspace: &Workspace) -> Result<AccessToken, ExchangeError> {
        let request = ExchangeRequest::new(identity, workspace.grant.clone());
        let mut swap = self.swap.clone();
        swap.ready().await?.call(request).await
    }

    /// The questions that clients ask before they have a token.
    async fn answer(
        &self,
        question: Question,
        workspace: &Workspace,
        visit: &Visit,
        request: Request<RequestBody>,
        trail: &mut Trail,
    ) -> Result<Response<Body>, Failure> {
        question.check_method(request.method())?;
        let base = Base(format!("{}://{}", visit.scheme, visit.host));
        match question {
            Question::HostMetadata => bootstrap::databricks_config(&base, workspace, &self.rules.audiences),
            Question::AuthorizationServer => bootstrap::authorization_server(&base, request.uri().path()),
            Question::Token => {
                self.rules.credentials.may_be_asked_for()?;
                let (head, body) = request.into_parts();
                let form = bootstrap::read_form(&head.headers, body).await?;
                let request = TokenRequest::parse(&form)?;
                let verified = self.rules.verifier.verify(request.subject_token()).await;
                let identity = verified.map_err(|rejection| TokenRequest::refuse(&rejection))?;
                let identity = trail.authenticated(identity);
                request.grant(identity, self.rules.clock.now())
            }
        }
    }
}

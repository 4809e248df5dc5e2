//! Verifies one JWT and exchanges it once: RFC 8693 token exchange against Databricks, without a proxy.
//!
//! Without arguments it runs against fakes in this process:
//!
//! ```sh
//! cargo run -p exchange --example exchange_once
//! cargo run -p exchange --example exchange_once -- --issuer https://login.example.com --audience databricks-gateway \
//!     --workspace https://dbc-a1b2c3d4-e5f6.cloud.databricks.com --token-file jwt.txt
//! ```

use std::error::Error;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use exchange::{AccessToken, ClientId, Exchange, FederationPolicy, Grant, Scope, TokenEndpoint};
use identity::{Audience, BearerToken, Clock, Identity, Issuer, KeySource, Verifier};
use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;
use url::Url;

/// Verifies one JWT and exchanges it for a Databricks token.
#[derive(Parser)]
struct Arguments {
    /// Run against a fake identity provider and a fake workspace; so it does without any arguments, too.
    #[arg(long, conflicts_with_all = ["issuer", "workspace"])]
    demo: bool,
    /// The `iss` of the JWT, byte for byte; its keys are found by OpenID Connect discovery.
    #[arg(long, required_unless_present = "demo")]
    issuer: Option<String>,
    /// The workspace.
    #[arg(long, required_unless_present = "demo")]
    workspace: Option<Url>,
    /// What the JWT's `aud` must name.
    #[arg(long, default_value = "databricks-gateway")]
    audience: String,
    /// The application id of a service principal, for its own federation policy instead of the account's.
    #[arg(long, value_parser = |id: &str| ClientId::new(id))]
    client_id: Option<ClientId>,
    /// What to ask for.
    #[arg(long, default_value = "all-apis", value_parser = |scope: &str| Scope::new(scope))]
    scope: Scope,
    /// The file that holds the JWT; `-` is standard input.
    #[arg(long, default_value = "-")]
    token_file: PathBuf,
    /// Print the Databricks token as well. It is a secret.
    #[arg(long)]
    print_token: bool,
}

/// Whose JWT it is, and where it is exchanged.
struct Call {
    issuer: String,
    workspace: Url,
    jwt: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let alone = std::env::args_os().len() == 1;
    let arguments = if alone {
        Arguments::parse_from(["exchange_once", "--demo"])
    } else {
        Arguments::parse()
    };
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(error.as_ref()),
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    if let (Some(issuer), Some(workspace)) = (&arguments.issuer, &arguments.workspace) {
        let (issuer, workspace, jwt) = (issuer.clone(), workspace.clone(), read(&arguments)?);
        return make(
            &arguments,
            Call {
                issuer,
                workspace,
                jwt,
            },
        )
        .await;
    }
    let idp = testbed::Idp::start().await;
    let databricks = testbed::Databricks::start(&idp).await;
    let (issuer, workspace) = (idp.issuer().to_owned(), databricks.url().parse()?);
    make(
        &arguments,
        Call {
            issuer,
            workspace,
            jwt: idp.mint("alice@example.com"),
        },
    )
    .await
}

async fn make(arguments: &Arguments, call: Call) -> Result<(), Box<dyn Error>> {
    let http = http_client()?;
    let grant = grant(arguments, &call.workspace);
    let identity = verify(&arguments.audience, call, http.clone()).await?;
    let token = Exchange::builder(http)
        .build()
        .access_token(&identity, &grant)
        .await?;
    report(arguments, &identity, &token)
}

fn read(arguments: &Arguments) -> Result<String, std::io::Error> {
    let mut jwt = String::new();
    if arguments.token_file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut jwt)?;
    } else {
        jwt = std::fs::read_to_string(&arguments.token_file)?;
    }
    Ok(jwt.trim().to_owned())
}

/// Follows no redirect, as that would give the JWT away, and finds its trust anchors where the system keeps them.
#[expect(
    clippy::disallowed_methods,
    reason = "an example has no gateway to get a client from"
)]
fn http_client() -> Result<reqwest::Client, Box<dyn Error>> {
    // Whoever installed one before us may keep it.
    let _ = CryptoProvider::install_default(aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls);
    Ok(client.redirect(reqwest::redirect::Policy::none()).build()?)
}

fn grant(arguments: &Arguments, workspace: &Url) -> Grant {
    let policy = arguments
        .client_id
        .clone()
        .map_or(FederationPolicy::AccountWide, FederationPolicy::ServicePrincipal);
    Grant::new(
        TokenEndpoint::workspace(workspace),
        policy,
        arguments.scope.clone(),
    )
}

async fn verify(audience: &str, call: Call, http: reqwest::Client) -> Result<Identity, Box<dyn Error>> {
    let issuer = Issuer {
        url: call.issuer,
        audiences: vec![Audience(audience.to_owned())],
        keys: KeySource::Discovery,
        identity_claims: None,
    };
    let (verifier, refresh) = Verifier::builder(vec![issuer], http).build();
    // The keys are fetched meanwhile; the verification waits for them.
    tokio::select! {
        identity = verifier.verify(BearerToken::new(call.jwt)) => Ok(identity?),
        () = refresh.run() => Err("the keys of the issuer are no longer fetched".into()),
    }
}

#[expect(clippy::print_stdout, reason = "this is what the example is for")]
fn report(arguments: &Arguments, identity: &Identity, token: &AccessToken) -> Result<(), Box<dyn Error>> {
    let left = token.expiry().0.since(Clock::system().now());
    println!("subject: {}", identity.subject().as_str());
    println!("the Databricks token is good for {} s", left.as_secs());
    if arguments.print_token {
        println!("{}", token.header().to_str()?);
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "an example has no log")]
fn complain(error: &dyn Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}

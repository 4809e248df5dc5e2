//! The fakes alone, for programs in other languages: `fakes FOLDER NAME…`.
//!
//! Writes `ca.pem`, and `tls.crt` and `tls.key` for a gateway that is called by any of the names, into the folder; prints
//! one line of JSON that says where the fakes are; and stays until its standard input ends. Then it prints another that
//! says what they have seen.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "standard output is how it tells, and who starts it reads why it ended"
)]

use std::path::Path;
use std::{env, fs, io};

use serde_json::json;
use testbed::{Authority, Databricks, Fault, Idp};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (folder, names) = arguments.split_first().expect("usage: fakes FOLDER NAME…");
    let authority = Authority::new();
    write_certificates(&authority, Path::new(folder), names);

    let idp = Idp::builder().mint_endpoint().start().await;
    let workspace = workspace(&authority, &idp).await;
    let throttled = workspace_that_throttles(&authority, &idp).await;
    println!(
        "{}",
        json!({"issuer": idp.issuer(), "workspace": workspace.url(), "throttled": throttled.url()})
    );
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink()))
        .await
        .expect("reading does not panic")
        .expect("standard input can be read to its end");
    let leaked = workspace.leaked_jwts() + throttled.leaked_jwts();
    println!("{}", json!({"leaked_jwts": leaked}));
}

fn write_certificates(authority: &Authority, folder: &Path, names: &[String]) {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (chain, key) = authority.server_pem(&names);
    for (name, content) in [
        ("ca.pem", authority.ca_pem()),
        ("tls.crt", chain),
        ("tls.key", key),
    ] {
        fs::write(folder.join(name), content).expect("the folder can be written to");
    }
}

async fn workspace(authority: &Authority, idp: &Idp) -> Databricks {
    Databricks::builder().trust(idp).tls(authority).start().await
}

/// Its token endpoint has had enough, for as long as it lives.
async fn workspace_that_throttles(authority: &Authority, idp: &Idp) -> Databricks {
    let databricks = workspace(authority, idp).await;
    let retry_after = vec![("retry-after".to_owned(), "2".to_owned())];
    let answer = r#"{"error_code":"RESOURCE_EXHAUSTED","message":"Too many token requests."}"#;
    let fault = Fault::Answer(429, retry_after, answer.to_owned());
    databricks.faults().inject("/oidc/", fault, usize::MAX);
    databricks
}

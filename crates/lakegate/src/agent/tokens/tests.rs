use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use identity::{Clock, ManualClock, UnixTime};
use proxy::TokenSource as _;
use tempfile::TempDir;
use testbed::Idp;
use tokio::runtime::Handle;

use super::Tokens;
use crate::agent::{Command, JwtFile, MachineToken};

/// When the tests begin, by a clock that only they move.
const START: u64 = 1_795_468_000;

struct Machine {
    tokens: Tokens,
    hand: ManualClock,
    idp: Idp,
    folder: TempDir,
}

impl Machine {
    async fn new(source: impl FnOnce(PathBuf) -> MachineToken) -> Self {
        let folder = TempDir::new().expect("a folder");
        let (clock, hand) = Clock::manual(UnixTime::from_seconds(START));
        let source = source(folder.path().join("jwt"));
        Self {
            tokens: Tokens::new(source, Duration::ZERO, clock, Handle::current()),
            hand,
            idp: Idp::start().await,
            folder,
        }
    }

    async fn with_file() -> Self {
        Self::new(|path| MachineToken::File(JwtFile::new(path))).await
    }

    /// One that says each of its runs in another file.
    async fn with_command(margin: u64) -> Self {
        let command = |path: PathBuf| {
            let path = path.display();
            Command {
                words: vec![
                    "/bin/sh".to_owned(),
                    "-c".to_owned(),
                    format!("cat {path} && echo >> {path}.runs"),
                ],
                timeout: Duration::from_secs(20),
                margin: Duration::from_secs(margin),
            }
        };
        Self::new(|path| MachineToken::Command(command(path))).await
    }

    /// Puts a JWT into the file that lives for so long.
    fn write(&self, seconds: u64) -> String {
        let jwt = self.idp.token("job").expires_at(START + seconds).sign();
        fs::write(self.folder.path().join("jwt"), &jwt).expect("a file");
        jwt
    }

    /// The JWT of the moment.
    async fn token(&self) -> Result<String, String> {
        let token = self.tokens.token().await.map_err(|lack| lack.why)?;
        Ok(String::from_utf8(token.expose().to_vec()).expect("a JWT"))
    }

    fn runs(&self) -> usize {
        fs::read(self.folder.path().join("jwt.runs"))
            .unwrap_or_default()
            .len()
    }

    fn at(&self, seconds: u64) {
        self.hand.set(UnixTime::from_seconds(START + seconds));
    }
}

#[tokio::test]
async fn a_jwt_serves_until_seconds_before_its_end_and_not_after() {
    let machine = Machine::with_file().await;
    let jwt = machine.write(60);
    assert_eq!(machine.token().await, Ok(jwt.clone()));
    machine.at(52);
    assert_eq!(machine.token().await, Ok(jwt));
    machine.at(53);
    let why = machine.token().await.expect_err("its time is up");
    assert!(why.ends_with("too soon to be used"), "{why}");
}

#[tokio::test]
async fn an_older_jwt_in_the_file_does_not_replace_one_that_is_good() {
    let machine = Machine::with_file().await;
    let good = machine.write(600);
    machine.at(100);
    assert_eq!(machine.token().await, Ok(good.clone()));
    machine.write(90);
    assert_eq!(machine.token().await, Ok(good));
}

#[tokio::test]
async fn a_command_is_run_again_when_its_jwt_nears_its_end_and_nobody_waits_for_it() {
    let machine = Machine::with_command(60).await;
    let first = machine.write(600);
    assert_eq!(machine.token().await, Ok(first.clone()));
    machine.at(539);
    assert_eq!(machine.token().await, Ok(first.clone()));
    assert_eq!(machine.runs(), 1);
    machine.at(540);
    let second = machine.write(1200);
    assert_eq!(machine.token().await, Ok(first), "at once, and still good");
    while machine.token().await != Ok(second.clone()) {
        tokio::task::yield_now().await;
    }
    assert_eq!(machine.runs(), 2);
}

#[tokio::test]
async fn a_jwt_that_lives_for_less_than_the_margin_does_not_run_the_command_for_every_request() {
    let machine = Machine::with_command(3600).await;
    machine.write(100);
    for second in 0..50 {
        machine.at(second);
        machine.token().await.expect("a JWT");
    }
    assert_eq!(machine.runs(), 1);
}

#[tokio::test]
async fn what_holds_a_jwt_does_not_show_it() {
    let machine = Machine::with_file().await;
    let jwt = machine.write(60);
    machine.token().await.expect("a JWT");
    let held = machine.tokens.0.held().clone();
    assert!(!format!("{:?} {held:?}", machine.tokens).contains(&jwt));
}

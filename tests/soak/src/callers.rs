use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use testbed::{Algorithm, Idp};
use tokio::time::Instant;

use crate::dice::Dice;
use crate::secrets::Secrets;

/// Everybody who has a JWT.
pub(crate) struct Callers {
    idps: [Idp; 2],
    regulars: Vec<Regular>,
    crowd: AtomicU64,
    pub(crate) secrets: Secrets,
}

/// A subject that is there all the time, and whose JWT is renewed again and again.
struct Regular {
    name: String,
    idp: usize,
    jwts: Mutex<Vec<Jwt>>,
    minted: AtomicU64,
}

#[derive(Clone)]
struct Jwt {
    text: Arc<str>,
    made: Instant,
}

/// Who asks, and what they present.
pub(crate) struct Caller {
    pub(crate) name: String,
    /// A whole value of `Authorization`.
    pub(crate) credential: String,
}

pub(crate) const REGULARS: usize = 12;
fn one_of_the_crowd(number: u64) -> String {
    format!("crowd-{number}@soak.test")
}

const JWT_LIFETIME: i64 = 30;
/// A renewed one comes long before the end of the one before, as in life.
const RENEWED_AFTER: Duration = Duration::from_secs(10);
/// The one before is still presented, but never so late that it might end on the way.
const USED_FOR: Duration = Duration::from_secs(18);

// === impl Callers ===

impl Callers {
    pub(crate) fn new(idps: &[Idp; 2]) -> Self {
        let regulars = (0..REGULARS).map(|number| Regular {
            name: format!("regular-{number}@soak.test"),
            idp: number % 2,
            jwts: Mutex::default(),
            minted: AtomicU64::new(0),
        });
        Self {
            idps: idps.clone(),
            regulars: regulars.collect(),
            crowd: AtomicU64::new(0),
            secrets: Secrets::default(),
        }
    }

    /// One of those who are there all the time.
    pub(crate) fn regular(&self, dice: &mut Dice) -> Caller {
        let Some(regular) = dice.pick(&self.regulars) else {
            return self.stranger();
        };
        let jwt = regular.jwt(dice, |name, algorithm| self.mint(name, regular.idp, algorithm));
        Caller {
            name: regular.name.clone(),
            credential: self.credential(dice, &jwt),
        }
    }

    /// One who was never there before, and will not come again.
    pub(crate) fn stranger(&self) -> Caller {
        let number = self.crowd.fetch_add(1, Ordering::Relaxed);
        let name = one_of_the_crowd(number);
        let jwt = self.mint(&name, usize::from(number % 2 == 1), Algorithm::Es256);
        Caller {
            credential: format!("Bearer {jwt}"),
            name,
        }
    }

    /// A credential that no gateway may accept.
    pub(crate) fn impostor(&self, dice: &mut Dice) -> Option<String> {
        let [first, second] = &self.idps;
        let name = "regular-0@soak.test";
        let jwt = match dice.below(9) {
            0 => first.token(name).forge(),
            1 => first.token(name).expires_in(-1).sign(),
            2 => first.token(name).expires_in(3).sign(),
            3 => first.token(name).audience("another").sign(),
            4 => first.token(name).issuer("https://login.example.com").sign(),
            5 => second.token(name).header("kid", "unknown".into()).sign(),
            6 => format!("dapi{:032x}", dice.throw()),
            7 => format!("eyJ{:x}.eyJ{:x}.{:x}", dice.throw(), dice.throw(), dice.throw()),
            _ => return None,
        };
        self.secrets.add(&jwt);
        Some(format!("Bearer {jwt}"))
    }

    /// A good JWT, as it is.
    pub(crate) fn a_jwt(&self) -> String {
        self.mint("regular-0@soak.test", 0, Algorithm::Es256)
    }

    /// How many JWTs all regulars together have had.
    pub(crate) fn minted(&self) -> u64 {
        let minted = self.regulars.iter().map(|regular| &regular.minted);
        minted.map(|minted| minted.load(Ordering::Relaxed)).sum()
    }

    /// Everybody who came once.
    pub(crate) fn crowd(&self) -> impl Iterator<Item = String> {
        (0..self.crowd.load(Ordering::Relaxed)).map(one_of_the_crowd)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.regulars.iter().map(|regular| regular.name.as_str())
    }

    fn mint(&self, name: &str, idp: usize, algorithm: Algorithm) -> String {
        let [first, second] = &self.idps;
        let idp = if idp == 0 { first } else { second };
        let token = idp.token(name).algorithm(algorithm).expires_in(JWT_LIFETIME);
        let jwt = token.sign();
        self.secrets.add(&jwt);
        jwt
    }

    /// As most clients send it, or as some of Databricks' do.
    fn credential(&self, dice: &mut Dice, jwt: &str) -> String {
        if !dice.one_in(8) {
            return format!("Bearer {jwt}");
        }
        let basic = STANDARD.encode(format!("token:{jwt}"));
        self.secrets.add(&basic);
        format!("Basic {basic}")
    }
}

// === impl Regular ===

impl Regular {
    /// The newest JWT, which is made if it is time; now and then the one before.
    fn jwt(&self, dice: &mut Dice, mint: impl Fn(&str, Algorithm) -> String) -> Arc<str> {
        let mut jwts = self.jwts.lock().unwrap_or_else(PoisonError::into_inner);
        jwts.retain(|jwt| jwt.made.elapsed() < USED_FOR);
        if jwts.last().is_none_or(|jwt| jwt.made.elapsed() > RENEWED_AFTER) {
            let algorithm = if dice.one_in(2) {
                Algorithm::Rs256
            } else {
                Algorithm::Es256
            };
            self.minted.fetch_add(1, Ordering::Relaxed);
            jwts.push(Jwt {
                text: mint(&self.name, algorithm).into(),
                made: Instant::now(),
            });
        }
        let wanted = if dice.one_in(3) { jwts.first() } else { jwts.last() };
        wanted.map_or_else(|| "".into(), |jwt| Arc::clone(&jwt.text))
    }
}

//! Writes what the comparison needs of an identity provider into a folder: `issuer`, `jwks.json`, and files of tokens,
//! one JWT of about 1 KB in each line, every one of another subject.
//!
//! `tokens FOLDER rs256=20000 es256=100000` makes `FOLDER/rs256.tokens` and `FOLDER/es256.tokens`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Parser;
use testbed::{Algorithm, Idp};

/// An identity provider's tokens, made ahead.
#[derive(Parser)]
struct Arguments {
    /// Where the files go.
    folder: PathBuf,
    /// How many of which kind: `rs256=20000`.
    batches: Vec<Batch>,
    /// How many seconds they live.
    #[arg(long, default_value_t = 24 * 3600)]
    lifetime: i64,
}

/// So many tokens of one algorithm.
#[derive(Clone)]
struct Batch {
    algorithm: Algorithm,
    count: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let idp = Idp::start().await;
    fs::create_dir_all(&arguments.folder)?;
    fs::write(arguments.folder.join("issuer"), idp.issuer())?;
    fs::write(arguments.folder.join("jwks.json"), idp.jwks())?;
    for batch in &arguments.batches {
        batch.write(&idp, arguments.lifetime, &arguments.folder)?;
    }
    Ok(())
}

// === impl Batch ===

impl Batch {
    fn write(&self, idp: &Idp, lifetime: i64, folder: &Path) -> io::Result<()> {
        let name = self.algorithm.name().to_lowercase();
        let mut file = BufWriter::new(File::create(folder.join(name + ".tokens"))?);
        for serial in 0..self.count {
            let groups: Vec<_> = (0..6).map(|n| format!("group-{n}-{serial:016x}")).collect();
            let token = idp
                .token(&format!("user-{serial}@example.com"))
                .algorithm(self.algorithm)
                .claim("groups", groups.into())
                .expires_in(lifetime);
            writeln!(file, "{}", token.sign())?;
        }
        file.flush()
    }
}

impl FromStr for Batch {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let (name, count) = given.split_once('=').ok_or("not ALGORITHM=COUNT")?;
        let algorithm = match name {
            "rs256" => Algorithm::Rs256,
            "es256" => Algorithm::Es256,
            _ => return Err(format!("{name} is neither rs256 nor es256")),
        };
        let count = count.parse().map_err(|_| format!("{count} is not a number"))?;
        Ok(Self { algorithm, count })
    }
}

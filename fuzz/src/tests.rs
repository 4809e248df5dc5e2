//! Every seed, as the fuzzer would try it first: those that were written, and those that once were a finding.

use std::fs;
use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut replayed = 0;
    for seed in fs::read_dir(seeds).unwrap() {
        let seed = seed.unwrap().path();
        eprintln!("{}", seed.display());
        check(&fs::read(seed).unwrap());
        replayed += 1;
    }
    assert!(replayed > 0);
}

#[test]
fn the_seeds_of_answers_hold() {
    replay("answer", crate::answer::check);
}

#[test]
fn the_seeds_of_the_configuration_hold() {
    replay("config", crate::config::check);
}

#[test]
fn the_seeds_of_the_byte_grammar_hold() {
    replay("guard", crate::guard::check);
}

#[test]
fn the_seeds_of_key_sets_hold() {
    replay("jwks", crate::jwks::check);
}

#[test]
fn the_seeds_of_tokens_hold() {
    replay("jwt", crate::jwt::check);
}

#[test]
fn the_seeds_of_the_rewrite_hold() {
    replay("rewrite", crate::rewrite::check);
}

//! Hands `fuzz::jwks` to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::jwks::check(input));

//! Hands `fuzz::jwt` to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::jwt::check(input));

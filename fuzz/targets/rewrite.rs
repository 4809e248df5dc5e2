//! Hands `fuzz::rewrite` to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::rewrite::check(input));

//! Hands `fuzz::config` to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::config::check(input));

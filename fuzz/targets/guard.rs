//! Hands `fuzz::guard` to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::guard::check(input));

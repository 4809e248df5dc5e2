//! Hands `fuzz::answer` to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::answer::check(input));

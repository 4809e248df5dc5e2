//! lakegate

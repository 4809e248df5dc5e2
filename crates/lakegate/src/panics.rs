//! What is told of a panic: where it was, and never its own text, which may quote what a request held.

use std::fmt;
use std::panic::{self, Location, PanicHookInfo};
use std::thread;

use crate::commands::complain;

/// Where a panic was. The standard library's own hook would write its text to standard error as well.
struct Place<'a>(Option<&'a Location<'a>>);

/// Tells every panic of this process as an event from now on; on standard error, as long as nobody listens for events.
pub fn tell_places_alone() {
    panic::set_hook(Box::new(tell));
}

fn tell(panic: &PanicHookInfo<'_>) {
    let location = Place(panic.location());
    let current = thread::current();
    let thread = current.name().unwrap_or("unnamed");
    if tracing::dispatcher::has_been_set() {
        tracing::error!(thread, %location, "a panic, which is a fault of lakegate's own");
    } else {
        complain(&format!(
            "error: a panic in thread {thread} at {location}, which is a fault of lakegate's own"
        ));
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(location) => location.fmt(f),
            None => f.write_str("an unknown place"),
        }
    }
}

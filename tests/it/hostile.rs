//! Attacks, each as the bytes that an attacker with a good JWT would send. What counts is what the workspace saw.

mod attack;

// Two fields that say where a body ends, or one that says it badly.
mod lengths;
// Sizes, extensions and ends of chunks.
mod chunks;
// Where a line ends, and where a field's name does.
mod lines;
// What is asked for, of whom, and in which version.
mod requests;
// What a connection carries after a request that was refused.
mod connections;
// Workspaces that answer what no server should.
mod answers;
// Credentials that are none.
mod tokens;

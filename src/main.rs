//! The command-line front.

fn main() {}

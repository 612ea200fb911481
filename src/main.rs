//! The `airgap-bundle` command.

fn main() {}

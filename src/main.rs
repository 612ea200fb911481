//! The `airgap-bundle` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    airgap_bundle::cli::run(std::env::args_os())
}

//! `airgap-bundle version`.

use serde::Serialize;

use crate::commands::report::Report;
use crate::model::contents::FORMAT;

/// Print the version, and with `--json` the bundle formats that it reads and writes
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}

#[derive(Serialize)]
struct Version {
    schema: u32,
    command: &'static str,
    version: &'static str,
    /// Versions of the bundle format that are read and written.
    formats: [u32; 1],
    /// What it was built for, as Rust names it.
    os: &'static str,
    architecture: &'static str,
}

pub(super) fn run(_: &Arguments) -> Report {
    let version = Version {
        schema: 1,
        command: "version",
        version: env!("CARGO_PKG_VERSION"),
        formats: [FORMAT],
        os: std::env::consts::OS,
        architecture: std::env::consts::ARCH,
    };
    let mut json = serde_json::to_vec_pretty(&version).unwrap_or_default();
    json.push(b'\n');
    Report {
        command: "version",
        output: format!("airgap-bundle {}\n", version.version).into_bytes(),
        document: Some(json),
        ..Report::default()
    }
}

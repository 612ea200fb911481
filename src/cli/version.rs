//! `airgap-bundle version`.

use serde::Serialize;

use crate::commands::report::Report;
use crate::model::contents::FORMAT;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}

#[derive(Serialize)]
struct Version {
    schema: u32,
    version: &'static str,
    /// Versions of the bundle format that are read and written.
    formats: [u32; 1],
}

pub(super) fn run(_: &Arguments) -> Report {
    let version = Version { schema: 1, version: env!("CARGO_PKG_VERSION"), formats: [FORMAT] };
    let mut json = serde_json::to_vec(&version).unwrap_or_default();
    json.push(b'\n');
    Report {
        command: "version",
        output: format!("airgap-bundle {}\n", version.version).into_bytes(),
        document: Some(json),
        ..Report::default()
    }
}

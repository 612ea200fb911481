//! Whether the snaps and the assertions in a bundle are proven by keys that are trusted.

use std::fmt;
use std::sync::Arc;

use crate::commands::report::{Report, Status, counted, whole};
use crate::content::jobs;
use crate::kinds::{Expected, Prover, prove_assertions, warnings};
use crate::model::artifact::Kind;
use crate::model::contents::Artifact;
use crate::model::error::{Error, Result};
use crate::model::manifest::Manifest;
use crate::model::snap::SnapFacts;
use crate::stores::bundle::reader::Bundle;

/// How many snaps there are, and how many of them, and of the files of assertions, nothing proves.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    snaps: u64,
    unproven_snaps: u64,
    unproven_files: u64,
}

impl Proofs {
    /// Returns whether there is anything to tell.
    pub(super) fn is_any(&self) -> bool {
        self.snaps > 0 || self.unproven_files > 0
    }

    /// Returns whether something is not proven.
    pub(super) fn is_bad(&self) -> bool {
        self.unproven_snaps > 0 || self.unproven_files > 0
    }
}

/// Words such as `1 of 2 snaps proven by assertions`.
impl fmt::Display for Proofs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.snaps > 0 {
            let of = match self.unproven_snaps {
                0 => String::new(),
                unproven => format!("{} of ", self.snaps.saturating_sub(unproven)),
            };
            parts.push(format!("{of}{} proven by assertions", counted(self.snaps, "snap")));
        }
        if self.unproven_files > 0 {
            parts.push(format!("{} of assertions not proven", counted(self.unproven_files, "file")));
        }
        f.write_str(&parts.join(", "))
    }
}

/// Tells of every snap that its assertions do not prove, and of assertions that prove nothing. What is damaged has been
/// told.
pub(super) async fn check(bundle: &Bundle, prover: &Prover, report: &mut Report) -> Proofs {
    let mut proofs = Proofs::default();
    for (artifact, row) in bundle.contents().artifacts.iter().zip(&mut report.artifacts) {
        if !matches!(artifact.kind, Kind::Snap | Kind::Assert) || row.error.is_some() {
            continue;
        }
        let is_snap = artifact.kind == Kind::Snap;
        proofs.snaps += u64::from(is_snap);
        match prove(bundle, artifact, prover).await {
            Ok(mut warnings) => {
                warnings.retain(|warning| !report.warnings.contains(warning));
                report.warnings.append(&mut warnings);
            }
            Err(error) => {
                let what = if is_snap { "snap" } else { "file of assertions" };
                let unproven = if is_snap { &mut proofs.unproven_snaps } else { &mut proofs.unproven_files };
                *unproven += 1;
                let error = error.during(format!("{what} `{}` is not proven", artifact.reference));
                row.status = Some(Status::Failed);
                row.error.get_or_insert_with(|| whole(&error));
                report.failures.push(error);
            }
        }
    }
    proofs
}

async fn prove(bundle: &Bundle, artifact: &Artifact, prover: &Prover) -> Result<Vec<String>> {
    let raw = bundle.manifest(&artifact.digest)?;
    let manifest = Manifest::parse(&artifact.media_type, &raw)
        .map_err(|error| Error::Unsupported { message: error.to_string(), hint: None })?;
    if artifact.kind == Kind::Assert {
        return prove_assertions(&artifact.reference, &manifest, bundle, prover).await;
    }
    let proof = prover.prove_all(&artifact.reference, &manifest, bundle).await?;
    if let (Some(facts), Some(snap)) = (SnapFacts::of(&manifest), manifest.layers.first()) {
        let (said, window) = (Expected::new(snap.digest, &facts, &proof), bundle.window(&snap.digest));
        if let Some(window) = window {
            jobs::offload(move || said.check(Arc::new(window))).await??;
        }
    }
    Ok(warnings(&proof))
}

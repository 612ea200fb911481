//! Whether the snaps in a bundle are what their assertions say.

use std::fmt;

use crate::commands::report::{Report, Status, counted, whole};
use crate::kinds::{Prover, own_root};
use crate::model::artifact::Kind;
use crate::model::contents::Artifact;
use crate::model::error::{Error, Result};
use crate::model::manifest::Manifest;
use crate::stores::bundle::reader::Bundle;

/// How many snaps there are, and how many of them nothing proves.
pub(super) struct Snaps {
    pub(super) all: u64,
    pub(super) unproven: u64,
}

/// Words such as `1 of 2 snaps proven by assertions`.
impl fmt::Display for Snaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.unproven > 0 {
            write!(f, "{} of ", self.all.saturating_sub(self.unproven))?;
        }
        write!(f, "{} proven by assertions", counted(self.all, "snap"))
    }
}

/// Tells of every snap that its assertions do not prove, and how many there are. What is damaged has been told.
pub(super) async fn check(bundle: &Bundle, prover: &Prover, report: &mut Report) -> Snaps {
    let mut snaps = Snaps { all: 0, unproven: 0 };
    for (artifact, row) in bundle.contents().artifacts.iter().zip(&mut report.artifacts) {
        if artifact.kind != Kind::Snap || row.error.is_some() {
            continue;
        }
        snaps.all += 1;
        match prove(bundle, artifact, prover).await {
            Ok(warning) => report.warnings.extend(warning),
            Err(error) => {
                snaps.unproven += 1;
                let error = error.during(format!("snap `{}` is not proven", artifact.reference));
                row.status = Some(Status::Failed);
                row.error.get_or_insert_with(|| whole(&error));
                report.failures.push(error);
            }
        }
    }
    snaps
}

async fn prove(bundle: &Bundle, artifact: &Artifact, prover: &Prover) -> Result<Option<String>> {
    let raw = bundle.manifest(&artifact.digest)?;
    let manifest = Manifest::parse(&artifact.media_type, &raw)
        .map_err(|error| Error::Unsupported { message: error.to_string(), hint: None })?;
    Ok(own_root(&prover.prove_all(&artifact.reference, &manifest, bundle).await?))
}

//! Whether the snaps in a bundle are what their assertions say.

use crate::commands::report::{Report, Status, counted, whole};
use crate::kinds::{Prover, own_root};
use crate::model::artifact::Kind;
use crate::model::contents::Artifact;
use crate::model::error::{Error, Result};
use crate::model::manifest::Manifest;
use crate::stores::bundle::reader::Bundle;

/// Tells of every snap that its assertions do not prove. What is damaged has been told.
pub(super) async fn check(bundle: &Bundle, prover: &Prover, report: &mut Report) {
    let (mut good, mut all) = (0, 0);
    for (artifact, row) in bundle.contents().artifacts.iter().zip(&mut report.artifacts) {
        if artifact.kind != Kind::Snap || row.error.is_some() {
            continue;
        }
        all += 1;
        match prove(bundle, artifact, prover).await {
            Ok(warning) => {
                good += 1;
                report.warnings.extend(warning);
            }
            Err(error) => {
                let error = error.during(format!("snap `{}` is not proven", artifact.reference));
                row.status = Some(Status::Failed);
                row.error.get_or_insert_with(|| whole(&error));
                report.failures.push(error);
            }
        }
    }
    if all > 0 {
        let of = if good < all { format!("{good} of ") } else { String::new() };
        report.summary.push(format!("{of}{} proven by assertions", counted(all, "snap")));
    }
}

async fn prove(bundle: &Bundle, artifact: &Artifact, prover: &Prover) -> Result<Option<String>> {
    let raw = bundle.manifest(&artifact.digest)?;
    let manifest = Manifest::parse(&artifact.media_type, &raw)
        .map_err(|error| Error::Unsupported { message: error.to_string(), hint: None })?;
    Ok(own_root(&prover.prove_all(&artifact.reference, &manifest, bundle).await?))
}

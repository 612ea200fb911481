//! Whether everything in a bundle that came from registries is signed by somebody who is trusted.

use bytes::Bytes;

use super::super::report::{Report, Status, counted};
use super::super::together::idle;
use crate::model::artifact::Kind;
use crate::model::contents::Artifact;
use crate::model::descriptor::Descriptor;
use crate::model::error::{Error, Result};
use crate::model::manifest::Manifest;
use crate::model::selector::Selection;
use crate::model::signature::{MAX_SIGNATURES, PublicKey, is_signature, signatures};
use crate::stores::bundle::reader::Bundle;

/// Tells of every artifact that none of `keys` has signed, and of what no signature is about.
pub(super) async fn check(bundle: &Bundle, keys: &[PublicKey], selection: &Selection, report: &mut Report) {
    let (mut signed, mut all, mut files, mut others) = (0, 0, 0, 0);
    let idle = idle(selection, &bundle.contents().named(), "takes no artifact of this bundle");
    report.warnings.extend(idle);
    let named = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    for (artifact, row) in bundle.contents().artifacts.iter().zip(&mut report.artifacts) {
        if matches!(artifact.kind, Kind::File | Kind::Assert) {
            files += 1;
            continue;
        }
        if !selection.takes(artifact.kind, &artifact.reference) {
            others += 1;
            continue;
        }
        all += 1;
        let (is_signed, seen) = look(bundle, artifact, keys).await;
        if is_signed {
            signed += 1;
            continue;
        }
        let what = format!("`{}` ({})", artifact.reference, artifact.digest);
        let error = Error::Unsigned { what, key: named.clone(), seen, hint: None };
        row.status = Some(Status::Failed);
        row.error.get_or_insert_with(|| error.to_string());
        report.failures.push(error);
    }
    let of = if signed < all { format!("{signed} of ") } else { String::new() };
    report.summary.push(format!("{of}{} signed with {named}", counted(all, "artifact")));
    if others > 0 {
        report
            .summary
            .push(format!("{} not selected: of those no signature was asked", counted(others, "artifact")));
    }
    if files > 0 {
        let files = counted(files, "file");
        report.summary.push(format!(
            "{files} without signatures: nothing but `--expect sha256:…` proves who made them"
        ));
    }
}

/// Returns whether one of `keys` has signed an artifact, and how many signatures were looked at.
async fn look(bundle: &Bundle, artifact: &Artifact, keys: &[PublicKey]) -> (bool, usize) {
    let mut seen = 0;
    for referrer in artifact.referrers.iter().filter(|referrer| referrer.subject == artifact.digest) {
        // What is damaged is told by who proves the bytes, and signs nothing.
        let Ok(bytes) = bundle.manifest(&referrer.digest) else { continue };
        let Ok(manifest) = Manifest::parse(&referrer.media_type, &bytes) else { continue };
        for layer in signatures(&manifest) {
            if seen == MAX_SIGNATURES {
                return (false, seen);
            }
            seen += 1;
            let Ok(bytes) = read(bundle, layer).await else { continue };
            if keys.iter().any(|key| is_signature(layer, &bytes, key, &artifact.digest)) {
                return (true, seen);
            }
        }
    }
    (false, seen)
}

async fn read(bundle: &Bundle, layer: &Descriptor) -> Result<Bytes> {
    let slot = bundle.slot(&layer.digest)?;
    if slot.size != layer.size {
        return Err(Error::Mismatch {
            what: format!("blob {}", layer.digest),
            expected: format!("{} bytes", layer.size),
            got: format!("{} bytes", slot.size),
        });
    }
    bundle.blob(&layer.digest)?.bytes().await
}

//! Files of assertions. They are carried as they are, once they have been read and proven as far as they go.

use bytes::Bytes;
use camino::Utf8Path;

use super::{Origin, Prover, Resolved, file};
use crate::content::body::ProvenBody;
use crate::content::copy::{Source, Supply};
use crate::content::jobs;
use crate::model::artifact::Kind;
use crate::model::assertion::{Expired, MAX_STREAM, stream};
use crate::model::descriptor::Descriptor;
use crate::model::error::{Error, Result};
use crate::model::list::Entry;
use crate::model::manifest::Manifest;
use crate::model::media_type;
use crate::stores::file::{LocalFile, Measured};

/// Takes one file.
pub(super) async fn resolve(entry: &Entry, path: &Utf8Path, prover: &Prover) -> Result<Resolved> {
    let name = file::base_name(path, None)?;
    let local = LocalFile::new(path);
    let measured = file::measure(&local).await?;
    file::expect(entry, &name, &measured)?;
    let warnings = prove(&local, &name, &measured, prover).await?;
    let item = file::item(entry, Kind::Assert, Origin::File(local), &measured, &name)?;
    Ok(Resolved { items: vec![item], warnings, ..Resolved::default() })
}

/// Proves a file of assertions as far as the keys go that are in it or trusted, and returns what is to be said about the
/// rest. `name` is what messages call it.
///
/// Errors: [`Error::Unproven`] where it breaks the format, or says what its keys do not stand for.
pub(super) async fn prove(
    file: &LocalFile,
    name: &str,
    measured: &Measured,
    prover: &Prover,
) -> Result<Vec<String>> {
    refuse_long(name, measured.size)?;
    let blob = Descriptor::new(media_type::ASSERTION, measured.digest, measured.size);
    let bytes = ProvenBody::new(&blob, file.open(&blob, 0).await?, &file.place()).bytes().await?;
    examine(&bytes, name, prover).await
}

/// Proves a file of assertions that is in a bundle or in a registry, as it was proven when it was carried. `name` is
/// what messages call it.
///
/// Errors: [`Error::Unproven`]; [`Error::Unsupported`] where the manifest is not that of one file.
pub async fn prove_assertions(
    name: &str,
    manifest: &Manifest,
    source: &dyn Source,
    prover: &Prover,
) -> Result<Vec<String>> {
    let [layer] = manifest.layers.as_slice() else {
        let message = format!("{}: the manifest of `{name}` has other layers than one file", source.place());
        return Err(Error::Unsupported { message, hint: None });
    };
    refuse_long(name, layer.size)?;
    let bytes = Supply::new(layer, source).open().await?.bytes().await?;
    examine(&bytes, name, prover).await
}

fn unproven(items: Vec<String>) -> Error {
    Error::Unproven { items, hint: None }
}

fn refuse_long(name: &str, size: u64) -> Result<()> {
    if usize::try_from(size).is_ok_and(|size| size <= MAX_STREAM) {
        return Ok(());
    }
    Err(unproven(vec![format!("`{name}` has more than {MAX_STREAM} bytes, too many for assertions")]))
}

async fn examine(bytes: &Bytes, name: &str, prover: &Prover) -> Result<Vec<String>> {
    let (bytes, name, prover) = (bytes.clone(), name.to_owned(), prover.clone());
    let proving = move || {
        let assertions = stream(&bytes).map_err(|mistake| unproven(vec![format!("`{name}`: {mistake}")]))?;
        if assertions.is_empty() {
            return Err(unproven(vec![format!("`{name}` holds no assertion")]));
        }
        let findings = prover.trust.examine(&assertions);
        if !findings.wrong().is_empty() {
            return Err(unproven(findings.wrong().to_vec()));
        }
        let of_own = |root: &&str| {
            format!("`{name}` is proven with the root in `{root}`, not with that of the snap store")
        };
        let mut warnings: Vec<String> = findings.own_roots().iter().map(of_own).collect();
        let told = |expired: Expired| format!("`{name}`: {expired}, and {}", prover.now());
        warnings.extend(findings.expired(prover.at).into_iter().map(told));
        if let [why, more @ ..] = findings.missing() {
            let more = match more.len() {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            warnings.push(format!("not all of `{name}` can be proven here: {why}{more}"));
        }
        Ok(warnings)
    };
    jobs::offload(proving).await?
}

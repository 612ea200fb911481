//! Files of assertions. They are carried as they are, once they have been read and proven as far as they go.

use camino::Utf8Path;

use super::{Origin, Prover, Resolved, file};
use crate::content::body::ProvenBody;
use crate::content::copy::Source as _;
use crate::content::jobs;
use crate::model::artifact::Kind;
use crate::model::assertion::{Expired, MAX_STREAM, stream};
use crate::model::descriptor::Descriptor;
use crate::model::error::{Error, Result};
use crate::model::list::Entry;
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
    let unproven = |items: Vec<String>| Error::Unproven { items, hint: None };
    if usize::try_from(measured.size).is_ok_and(|size| size > MAX_STREAM) {
        return Err(unproven(vec![format!(
            "`{name}` has more than {MAX_STREAM} bytes, too many for assertions"
        )]));
    }
    let blob = Descriptor::new(media_type::ASSERTION, measured.digest, measured.size);
    let bytes = ProvenBody::new(&blob, file.open(&blob, 0).await?, &file.place()).bytes().await?;
    let (name, prover) = (name.to_owned(), prover.clone());
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
        let told = |expired: Expired| format!("`{name}`: {expired}, and the clock says {}", prover.at);
        warnings.extend(findings.expired(prover.at).into_iter().map(told));
        if let [why, more @ ..] = findings.missing() {
            let more = match more.len() {
                0 => String::new(),
                more => format!(" (and {more} more)"),
            };
            warnings
                .push(format!("`{name}` is carried, though not all of it can be proven here: {why}{more}"));
        }
        Ok(warnings)
    };
    jobs::offload(proving).await?
}

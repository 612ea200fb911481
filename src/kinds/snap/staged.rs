//! A snap that is fetched before its place is known, because there is no bundle for it to go into.

use std::io::Write as _;

use tempfile::NamedTempFile;

use super::item::Content;
use crate::content::copy::{Source as _, Supply};
use crate::kinds::{Origin, Staging};
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::model::media_type;
use crate::stores::file::LocalFile;

/// Fetches a snap into the staging folder, proven by its SHA3-384.
pub(super) async fn fetch(
    origin: &Origin,
    digest: &Digest,
    size: u64,
    staging: &Staging,
) -> Result<(Content, LocalFile)> {
    let folder = staging.folder()?;
    let path = folder.join(digest.hex());
    let doing = || format!("writing `{path}`");
    let blob = Descriptor::new(media_type::SQUASHFS, *digest, size);
    let mut body = Supply::new(&blob, origin).open().await?;
    let learned = body.learned();
    // Two lines may want one snap at once: neither sees what the other is writing.
    let mut file = NamedTempFile::new_in(folder).map_err(Error::io(doing()))?;
    while let Some(chunk) = body.next().await? {
        file.write_all(&chunk).map_err(Error::io(doing()))?;
    }
    file.persist(&path).map_err(|failed| Error::io(doing())(failed.error))?;
    let digest = learned.get().copied();
    let digest = digest
        .ok_or_else(|| Error::NotFound { what: format!("the sha256 of {}", origin.place()), hint: None })?;
    let file = LocalFile::new(path);
    Ok((Content { digest, size, origin: Origin::File(file.clone()) }, file))
}

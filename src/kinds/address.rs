//! Files behind an address.

use camino::Utf8Path;
use url::Url;

use super::{Places, Resolved, file};
use crate::model::artifact::Kind;
use crate::model::digest::Digest;
use crate::model::error::Result;
use crate::model::list::Entry;
use crate::stores::file::LocalFile;
use crate::stores::http::{download, shown};

/// What the list takes a file for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A plain file.
    File,
    /// A plain file, unless it turns out to be a chart.
    FileUnlessChart,
    /// A file of assertions.
    Assertions,
}

/// Fetches the file behind an address into the staging folder, since neither its size nor its digest is known before.
pub(super) async fn resolve(
    entry: &Entry,
    what: What,
    url: &Url,
    name: Option<&str>,
    places: &Places,
) -> Result<Resolved> {
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    let last = percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned();
    let name = file::base_name(Utf8Path::new(&last), name)?;
    let staged = places.staging.join(Digest::sha256(url.as_str().as_bytes()).hex());
    let local = LocalFile::new(staged.clone());
    // An interrupted run may have left it, and a digest says whether it is what is wanted.
    let left = match entry.sha256 {
        Some(expected) => file::measure(&local).await.ok().filter(|left| left.digest == expected),
        None => None,
    };
    let measured = if let Some(left) = left {
        left
    } else {
        download(&places.http, url, &staged).await?;
        file::measure(&local).await?
    };
    if let Err(wrong) = file::expect(entry, &name, &measured) {
        // It is of no use to a later run either; where it cannot be removed, that one overwrites it.
        let _ = std::fs::remove_file(&staged);
        return Err(wrong);
    }
    if what == What::FileUnlessChart {
        file::refuse_chart(&staged, &shown(url)).await?;
    }
    let kind = if what == What::Assertions { Kind::Assert } else { Kind::File };
    let mut resolved =
        Resolved { items: vec![file::item(entry, kind, &local, &measured, &name)?], ..Resolved::default() };
    if entry.sha256.is_none() {
        let (address, hex) = (shown(url), measured.digest.hex());
        resolved.warnings.push(format!("`{address}` is fetched unproven; add `sha256={hex}` to its line"));
    }
    Ok(resolved)
}

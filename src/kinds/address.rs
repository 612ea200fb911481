//! Files behind an address.

use camino::{Utf8Path, Utf8PathBuf};
use url::Url;

use super::{Origin, Places, Resolved, Staging, assertion, file};
use crate::model::artifact::Kind;
use crate::model::digest::Digest;
use crate::model::error::Result;
use crate::model::list::Entry;
use crate::model::source;
use crate::stores::file::{LocalFile, Measured};
use crate::stores::http::download::{self, Download, Trust};
use crate::stores::http::{HttpClient, shown};

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

/// What to do where a file does not fit into the staging folder.
const NO_ROOM: &str = "name a file on another file system with `--output`, or add `sha256=` to the line: what has a digest \
                       is fetched straight into the bundle";

/// Finds out what the file behind an address is. Where its digest is in the list and its size is known, it is fetched
/// when the bundle is written; otherwise now, into the staging folder.
pub(super) async fn resolve(
    entry: &Entry,
    what: What,
    url: &Url,
    name: Option<&str>,
    places: &Places,
) -> Result<Resolved> {
    let name = file::address_name(url, name)?;
    let kind = if what == What::Assertions { Kind::Assert } else { Kind::File };
    let staged = Staged::of(url, places);
    let mut resolved = Resolved::default();
    let (origin, measured) = if let Some(left) = staged.left(entry).await {
        (Origin::File(staged.file()?), left)
    } else if let Some(measured) = known(entry, what, url, places).await? {
        (Origin::Address(places.http.clone(), url.clone()), measured)
    } else {
        let measured = staged.fetch(entry, &name).await?;
        (Origin::File(staged.file()?), measured)
    };
    match (what, &origin) {
        (What::FileUnlessChart, _) => file::refuse_chart(&staged.path()?, &shown(url)).await?,
        (What::Assertions, Origin::File(file)) => {
            resolved.warnings.extend(assertion::prove(file, &name, &measured, &places.snaps.prover).await?);
        }
        (What::Assertions | What::File, _) => {}
    }
    let mut item = file::item(entry, kind, origin, &measured, &name)?;
    item.artifact.source = source::of(url);
    resolved.items.push(item);
    if entry.sha256.is_none() {
        let (address, hex) = (shown(url), measured.digest.hex());
        resolved.warnings.push(format!("`{address}` is fetched unproven; add `sha256={hex}` to its line"));
    }
    Ok(resolved)
}

/// Returns digest and size of a file where both are known without fetching it, and nobody has to look into it first.
async fn known(entry: &Entry, what: What, url: &Url, places: &Places) -> Result<Option<Measured>> {
    let Some(digest) = entry.sha256.filter(|_| what == What::File) else { return Ok(None) };
    let size = match places.earlier.size(&digest) {
        Some(size) => Some(size),
        None => download::length(&places.http, url).await?,
    };
    Ok(size.map(|size| Measured { digest, size, executable: false }))
}

/// A file in the staging folder, by its address.
struct Staged<'a> {
    url: &'a Url,
    staging: &'a Staging,
    http: &'a HttpClient,
}

impl<'a> Staged<'a> {
    fn of(url: &'a Url, places: &'a Places) -> Self {
        Self { url, staging: &places.staging, http: &places.http }
    }

    fn path(&self) -> Result<Utf8PathBuf> {
        Ok(self.staging.folder()?.join(Digest::sha256(self.url.as_str().as_bytes()).hex()))
    }

    fn file(&self) -> Result<LocalFile> {
        Ok(LocalFile::new(self.path()?))
    }

    /// Returns what an interrupted run may have left, where the list's digest says that it is what is wanted.
    async fn left(&self, entry: &Entry) -> Option<Measured> {
        self.staging.there()?;
        let path = self.path().ok()?;
        let expected = entry.sha256.filter(|_| path.exists())?;
        file::measure(&LocalFile::new(path)).await.ok().filter(|left| left.digest == expected)
    }

    async fn fetch(&self, entry: &Entry, name: &str) -> Result<Measured> {
        let path = self.path()?;
        let file = LocalFile::new(path.clone());
        let trust = if entry.sha256.is_some() { Trust::Digest } else { Trust::Version };
        let wanted = Download { url: self.url, path: &path, trust, hint: NO_ROOM };
        let begun = path.exists();
        download::download(self.http, wanted).await?;
        let mut measured = file::measure(&file).await?;
        let mut right = file::expect(entry, name, &measured);
        if right.is_err() && begun {
            // What was there may have been the beginning of something else.
            remove(&path);
            download::download(self.http, wanted).await?;
            measured = file::measure(&file).await?;
            right = file::expect(entry, name, &measured);
        }
        if right.is_err() {
            remove(&path);
        }
        right.map(|()| measured)
    }
}

/// Removes what is of no use to a later run either; where it cannot be removed, that one overwrites it.
fn remove(path: &Utf8Path) {
    let _ = std::fs::remove_file(path);
}

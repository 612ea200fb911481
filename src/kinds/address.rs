//! Files behind an address.

use camino::Utf8PathBuf;
use url::Url;

use super::{Origin, Places, Resolved, file};
use crate::model::artifact::Kind;
use crate::model::digest::Digest;
use crate::model::error::Result;
use crate::model::list::Entry;
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
    let (origin, measured) = match staged.left(entry).await {
        Some(left) => (Origin::File(staged.file()), left),
        None => match known(entry, what, url, places).await? {
            Some(measured) => (Origin::Address(places.http.clone(), url.clone()), measured),
            None => (Origin::File(staged.file()), staged.fetch(entry, &name).await?),
        },
    };
    if what == What::FileUnlessChart {
        file::refuse_chart(&staged.path, &shown(url)).await?;
    }
    resolved.items.push(file::item(entry, kind, origin, &measured, &name)?);
    if entry.sha256.is_none() {
        let (address, hex) = (shown(url), measured.digest.hex());
        resolved.warnings.push(format!("`{address}` is fetched unproven; add `sha256={hex}` to its line"));
    }
    Ok(resolved)
}

/// Returns digest and size of a file where both are known without fetching it, and nobody has to look into it first.
async fn known(entry: &Entry, what: What, url: &Url, places: &Places) -> Result<Option<Measured>> {
    let Some(digest) = entry.sha256.filter(|_| what != What::FileUnlessChart) else { return Ok(None) };
    let size = match places.earlier.size(&digest) {
        Some(size) => Some(size),
        None => download::length(&places.http, url).await?,
    };
    Ok(size.map(|size| Measured { digest, size, executable: false }))
}

/// A file in the staging folder, by its address.
struct Staged<'a> {
    url: &'a Url,
    path: Utf8PathBuf,
    http: &'a HttpClient,
}

impl<'a> Staged<'a> {
    fn of(url: &'a Url, places: &'a Places) -> Self {
        let path = places.staging.join(Digest::sha256(url.as_str().as_bytes()).hex());
        Self { url, path, http: &places.http }
    }

    fn file(&self) -> LocalFile {
        LocalFile::new(self.path.clone())
    }

    /// Returns what an interrupted run may have left, where the list's digest says that it is what is wanted.
    async fn left(&self, entry: &Entry) -> Option<Measured> {
        let expected = entry.sha256.filter(|_| self.path.exists())?;
        file::measure(&self.file()).await.ok().filter(|left| left.digest == expected)
    }

    async fn fetch(&self, entry: &Entry, name: &str) -> Result<Measured> {
        let trust = if entry.sha256.is_some() { Trust::Digest } else { Trust::Version };
        let wanted = Download { url: self.url, path: &self.path, trust, hint: NO_ROOM };
        let begun = self.path.exists();
        download::download(self.http, wanted).await?;
        let mut measured = file::measure(&self.file()).await?;
        let mut right = file::expect(entry, name, &measured);
        if right.is_err() && begun {
            // What was there may have been the beginning of something else.
            self.remove();
            download::download(self.http, wanted).await?;
            measured = file::measure(&self.file()).await?;
            right = file::expect(entry, name, &measured);
        }
        if right.is_err() {
            self.remove();
        }
        right.map(|()| measured)
    }

    /// Removes what is of no use to a later run either; where it cannot be removed, that one overwrites it.
    fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

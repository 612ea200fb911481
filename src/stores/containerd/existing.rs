//! A tar that is in the folder already: whose it is, and whether it is what would be written.

use std::fs::{self, File};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use super::image_tar::{ImageTar, Index, header};
use crate::content::body::ProvenBody;
use crate::content::read_at::{self, ReadAt};
use crate::model::contents::Blob;
use crate::model::descriptor::Descriptor;
use crate::model::digest::Digest;
use crate::model::error::{Error, Result};
use crate::stores::bundle::header::{BLOCK, END, entry_header, padding};
use crate::stores::bundle::slots::OCI_LAYOUT;

/// The longest `index.json` that is read: 1 MiB.
const MAX_INDEX: u64 = 1 << 20;

/// A file under a name that a tar would take.
#[derive(Debug)]
pub struct Existing {
    path: Utf8PathBuf,
    file: Option<Arc<File>>,
    size: u64,
    names: Option<Vec<(String, Digest)>>,
}

impl Existing {
    /// Opens what is at `path`; nothing there is `None`.
    pub(super) fn open(path: &Utf8Path) -> Result<Option<Self>> {
        let doing = || format!("reading `{path}`");
        let kind = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(Error::io(doing()))?,
        };
        if !kind.is_file() {
            return Ok(Some(Self { path: path.to_owned(), file: None, size: 0, names: None }));
        }
        let file = File::open(path).map_err(Error::io(doing()))?;
        let size = ReadAt::len(&file).map_err(Error::io(doing()))?;
        let names = names(&file);
        Ok(Some(Self { path: path.to_owned(), file: Some(Arc::new(file)), size, names }))
    }

    /// Returns where it is.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Returns its length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns its names and what they point at, where this program wrote it; `None` where it did not.
    pub fn names(&self) -> Option<&[(String, Digest)]> {
        self.names.as_deref()
    }

    /// Returns whether it has the size and the `index.json` of `tar`, which is all that is asked of one that containerd
    /// has imported.
    pub fn resembles(&self, tar: &ImageTar) -> bool {
        let Some(file) = &self.file else { return false };
        let mut head = vec![0; tar.head().len()];
        self.size == tar.length()
            && ReadAt::read_exact_at(file.as_ref(), &mut head, 0).is_ok()
            && head == tar.head()
    }

    /// Returns whether it is `tar`, byte for byte: every blob is hashed, because a size and a beginning say nothing of
    /// what a power cut or a bad disk left behind them.
    pub async fn is(&self, tar: &ImageTar) -> Result<bool> {
        let Some(file) = self.file.as_ref().filter(|_| self.resembles(tar)) else { return Ok(false) };
        let mut at = u64::try_from(tar.head().len()).unwrap_or(u64::MAX);
        for blob in tar.blobs() {
            let header = header(blob);
            let bytes_at = at.saturating_add(u64::try_from(header.len()).unwrap_or(u64::MAX));
            let after = bytes_at.saturating_add(blob.size);
            if !self.has(at, &header)?
                || !self.proves(file, blob, bytes_at).await?
                || !self.has(after, &zeros(padding(blob.size)))?
            {
                return Ok(false);
            }
            at = after.saturating_add(padding(blob.size));
        }
        self.has(at, &zeros(END))
    }

    fn has(&self, at: u64, expected: &[u8]) -> Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        let mut found = vec![0; expected.len()];
        ReadAt::read_exact_at(file.as_ref(), &mut found, at)
            .map_err(Error::io(format!("reading `{}`", self.path)))?;
        Ok(found == expected)
    }

    async fn proves(&self, file: &Arc<File>, blob: &Blob, at: u64) -> Result<bool> {
        let place = format!("`{}`", self.path);
        let file: Arc<dyn ReadAt> = Arc::<File>::clone(file);
        let raw = read_at::body(file, at, blob.size, &place);
        let mut body = ProvenBody::new(&Descriptor::new("", blob.digest, blob.size), raw, &place);
        loop {
            match body.next().await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(true),
                Err(Error::Mismatch { .. }) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }
}

fn zeros(count: u64) -> Vec<u8> {
    vec![0; usize::try_from(count).unwrap_or_default()]
}

/// Reads the names from a tar that begins exactly as this program writes them.
fn names(file: &File) -> Option<Vec<(String, Digest)>> {
    let mut layout = entry_header("oci-layout", u64::try_from(OCI_LAYOUT.len()).ok()?);
    layout.extend_from_slice(OCI_LAYOUT);
    layout.resize(layout.len().next_multiple_of(512), 0);
    let mut beginning = vec![0; layout.len().checked_add(512)?];
    ReadAt::read_exact_at(file, &mut beginning, 0).ok()?;
    let header = beginning.strip_prefix(layout.as_slice())?;
    let size = u64::from_str_radix(std::str::from_utf8(header.get(124..135)?).ok()?, 8).ok()?;
    if size > MAX_INDEX || entry_header("index.json", size) != header {
        return None;
    }
    let mut index = vec![0; usize::try_from(size).ok()?];
    let at = u64::try_from(layout.len()).ok()?.checked_add(BLOCK)?;
    ReadAt::read_exact_at(file, &mut index, at).ok()?;
    let index: Index = serde_json::from_slice(&index).ok()?;
    Some(index.manifests.into_iter().map(|entry| (entry.annotations.name, entry.digest)).collect())
}

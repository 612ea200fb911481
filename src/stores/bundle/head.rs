//! Reads what stands before the blobs of a bundle, entry by entry, and says what is wrong with it and where.

use serde::Deserialize;

use super::foreign;
use super::header::{BLOCK, Found, entry_header, explain, stated_size};
use super::rules::{self, printable};
use super::slots::{MAX_INDEX, OCI_LAYOUT, Slots};
use crate::content::read_at::ReadAt;
use crate::model::contents::{self, Contents, ID_ANNOTATION, IndexAnnotations, IndexHead};
use crate::model::digest::Digest;
use crate::model::error::{Error, FormatState, Result};
use crate::model::object::Object;

/// `bundle.json`, proven against the id that `index.json` states.
#[derive(Debug)]
pub(super) struct Head {
    /// The bytes.
    pub(super) raw: Vec<u8>,
    /// Their sha256.
    pub(super) id: Digest,
    /// What they say.
    pub(super) contents: Contents,
    /// `index.json`, which follows from them.
    pub(super) index: Vec<u8>,
}

/// The one field that every version of the format has.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

impl Head {
    /// Reads the head of the file that `path` names in errors.
    pub(super) fn read(file: &dyn ReadAt, path: &str) -> Result<Self> {
        Self::entries(&Reader { file, path }).map_err(|error| foreign::recognise(file, path, error))
    }

    fn entries(reader: &Reader<'_>) -> Result<Self> {
        let layout_limit = u64::try_from(OCI_LAYOUT.len()).unwrap_or(0);
        let (at, layout) = reader.entry(0, "oci-layout", layout_limit)?;
        if layout != OCI_LAYOUT {
            let message = "`oci-layout` has other content".to_owned();
            return Err(reader.format(FormatState::Damaged, at, message));
        }
        let (index_at, index) = reader.entry(next(at, &layout), "index.json", MAX_INDEX)?;
        let stated = reader.stated_id(index_at, &index)?;
        let (bundle_at, raw) = reader.entry(next(index_at, &index), "bundle.json", contents::MAX_SIZE)?;
        let id = Digest::sha256(&raw);
        if id != stated {
            let message = format!("`bundle.json`: expected {stated}, as `index.json` says, got {id}");
            return Err(reader.format(FormatState::Damaged, bundle_at, message));
        }
        let foreign = |message: String| {
            reader.format(FormatState::Foreign, bundle_at, format!("`bundle.json`: {message}"))
        };
        let contents = parse(&raw).map_err(foreign)?;
        rules::check(&contents).map_err(foreign)?;
        let expected = contents.index(&id);
        if index != expected {
            let differs = expected.iter().zip(&index).take_while(|(a, b)| a == b).count();
            let at = index_at.saturating_add(u64::try_from(differs).unwrap_or_default());
            let message = "`index.json` does not say what follows from `bundle.json`".to_owned();
            return Err(reader.format(FormatState::Damaged, at, message));
        }
        Ok(Self { raw, id, contents, index })
    }

    /// Computes where everything stands after it.
    pub(super) fn slots(&self) -> Result<Slots> {
        let [bundle, index] =
            [&self.raw, &self.index].map(|bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Slots::after_head(&self.contents, bundle, index)
    }
}

/// Parses `bundle.json`, its version first: another one may have any other shape.
///
/// Errors: a lower-case sentence that is safe to print.
pub fn parse(raw: &[u8]) -> Result<Contents, String> {
    let Object(Version { format }) = serde_json::from_slice(raw).map_err(|error| error.to_string())?;
    if format != contents::FORMAT {
        return Err(format!("format {format} is not one that this version reads ({})", contents::FORMAT));
    }
    serde_json::from_slice(raw).map(|Object(contents)| contents).map_err(|error| error.to_string())
}

/// Where the entry after one with `content` at `at` begins.
fn next(at: u64, content: &[u8]) -> u64 {
    at.saturating_add(u64::try_from(content.len()).unwrap_or(u64::MAX)).next_multiple_of(BLOCK)
}

struct Reader<'a> {
    file: &'a dyn ReadAt,
    path: &'a str,
}

impl Reader<'_> {
    fn format(&self, state: FormatState, offset: u64, message: String) -> Error {
        Error::Format { path: self.path.to_owned(), state, offset, message }
    }

    fn content(&self, at: u64, size: u64) -> Result<Vec<u8>> {
        let doing = || format!("reading bundle `{}` at byte {at}", self.path);
        // A size is believed only as far as the file goes, so that a lie costs no memory.
        let length = self.file.len().map_err(Error::io(doing()))?;
        if at.checked_add(size).is_none_or(|end| end > length) {
            return Err(self.format(FormatState::Incomplete, length, "the file ends in its head".to_owned()));
        }
        let mut content = vec![0; usize::try_from(size).unwrap_or_default()];
        self.file.read_exact_at(&mut content, at).map_err(Error::io(doing()))?;
        Ok(content)
    }

    /// Checks the header at `at` and returns where the content begins, and the content.
    fn entry(&self, at: u64, name: &str, limit: u64) -> Result<(u64, Vec<u8>)> {
        let block = self.content(at, BLOCK)?;
        match stated_size(&block).filter(|size| entry_header(name, *size) == block) {
            Some(size) if size <= limit => {
                let at = at.saturating_add(BLOCK);
                Ok((at, self.content(at, size)?))
            }
            Some(size) => {
                let message = format!("`{name}` has {size} bytes, more than {limit}");
                Err(self.format(FormatState::Foreign, at, message))
            }
            None => {
                let (found, message) = explain(name, None, &block);
                let state = match found {
                    Found::WrongBytes => FormatState::Damaged,
                    Found::SomethingElse => FormatState::Foreign,
                };
                Err(self.format(state, at, message))
            }
        }
    }

    /// Returns the id that `index.json` states, after what it requires has been understood.
    fn stated_id(&self, at: u64, index: &[u8]) -> Result<Digest> {
        let Object::<IndexHead>(parsed) = serde_json::from_slice(index)
            .map_err(|error| self.format(FormatState::Damaged, at, format!("`index.json`: {error}")))?;
        let IndexAnnotations { id, requires } = parsed.annotations;
        if let Some(word) = requires.split(',').map(str::trim).find(|word| !word.is_empty()) {
            let message = format!("it requires `{}`, which this version does not know", printable(word));
            return Err(self.format(FormatState::Foreign, at, message));
        }
        if let Ok(id @ Digest::Sha256(_)) = id.parse() {
            return Ok(id);
        }
        let message = format!("`index.json` has no bundle id in annotation `{ID_ANNOTATION}`");
        Err(self.format(FormatState::Foreign, at, message))
    }
}

//! The keys that artifacts of a list must be signed with: `--verify-key`, and `verify-key=` on a line.

use std::collections::HashMap;
use std::io::{ErrorKind, Read};
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};

use crate::model::error::{Error, Result};
use crate::model::list::{Entry, Mistake, Subject};
use crate::model::referrer::Referrers;
use crate::model::signature::PublicKey;

/// The longest key file, in bytes.
const MAX_KEY: u64 = 64 << 10;

/// Keys, read.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    default: Option<Arc<PublicKey>>,
    of_lines: Arc<HashMap<Utf8PathBuf, Arc<PublicKey>>>,
}

impl Keys {
    /// Reads the key of the command line, which is for every line that names none of its own, and those of the lines.
    ///
    /// Errors: [`Error::Usage`] and [`Error::List`], all of them; also where nobody looks for `referrers`, which
    /// signatures are.
    pub fn read(
        default: Option<&Utf8Path>,
        entries: &[Entry],
        referrers: Referrers,
    ) -> Result<Self, Vec<Error>> {
        let mut wrong = Vec::new();
        let mut mistakes = Vec::new();
        let mut keys = Self::default();
        let mut of_lines = HashMap::new();
        if let Some(path) = default {
            match read_key(path, path.as_str()) {
                Ok(key) => keys.default = Some(Arc::new(key)),
                Err(error) => wrong.push(error),
            }
        }
        for entry in entries {
            for path in &entry.verify_keys {
                let at = path.resolve();
                if of_lines.contains_key(&at) {
                    continue;
                }
                match read_key(&at, path.written().as_str()) {
                    Ok(key) => drop(of_lines.insert(at, Arc::new(key))),
                    Err(error) => {
                        mistakes
                            .push(Mistake { position: entry.position.clone(), message: error.to_string() });
                    }
                }
            }
        }
        if referrers == Referrers::None && (default.is_some() || !of_lines.is_empty()) {
            let message =
                "`--verify-key` and `verify-key=` need the signatures, which `--referrers none` leaves out";
            wrong.push(Error::usage(message, Some("leave out `--referrers none`")));
        }
        if !mistakes.is_empty() {
            wrong.push(Error::from(mistakes));
        }
        keys.of_lines = Arc::new(of_lines);
        if wrong.is_empty() { Ok(keys) } else { Err(wrong) }
    }

    /// Returns the keys each of which must have signed what an entry names.
    pub(super) fn of(&self, entry: &Entry) -> Vec<&PublicKey> {
        if !matches!(entry.subject, Subject::Registry(_)) {
            return vec![];
        }
        if entry.verify_keys.is_empty() {
            return self.default.iter().map(AsRef::as_ref).collect();
        }
        let own = entry.verify_keys.iter().filter_map(|path| self.of_lines.get(&path.resolve()));
        own.map(AsRef::as_ref).collect()
    }
}

/// Reads the file of a key, which messages call `shown`.
///
/// Errors: [`Error::Usage`].
pub fn read_key(path: &Utf8Path, shown: &str) -> Result<PublicKey> {
    let unreadable = |why: String| Error::usage(format!("key `{shown}`: {why}"), None);
    let mut pem = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(MAX_KEY).read_to_end(&mut pem)).map_err(|error| {
        match error.kind() {
            ErrorKind::NotFound => unreadable("it was not found".to_owned()),
            _ => unreadable(error.to_string()),
        }
    })?;
    PublicKey::parse(shown, &pem)
}

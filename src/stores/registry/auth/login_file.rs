//! A credential file that is changed: one entry, and everything else stays as it was.

use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};

use camino::{Utf8Path, Utf8PathBuf};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::file::AuthFile;
use super::key::Key;
use crate::model::error::{Error, Result};

/// The members of an object, in their order, their values as they were written.
#[derive(Debug, Default)]
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

impl Serialize for Members {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, Anew { value, depth: 8 })))
    }
}

/// A value that is written with the indentation of what is around it, down to a depth.
struct Anew<'a> {
    value: &'a RawValue,
    depth: u8,
}

impl Serialize for Anew<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let text = self.value.get();
        let Some(depth) = self.depth.checked_sub(1) else { return self.value.serialize(serializer) };
        if let Ok(Members(members)) = serde_json::from_str(text) {
            return serializer.collect_map(members.iter().map(|(name, value)| (name, Anew { value, depth })));
        }
        match serde_json::from_str::<Vec<Box<RawValue>>>(text) {
            Ok(items) => serializer.collect_seq(items.iter().map(|value| Anew { value, depth })),
            Err(_) => self.value.serialize(serializer),
        }
    }
}

/// A credential file that is changed.
#[derive(Debug)]
pub(super) struct LoginFile {
    path: Utf8PathBuf,
    rules: AuthFile,
    top: Members,
    auths: Members,
    /// Keeps other writers out until this one is dropped.
    _alone: Option<File>,
}

impl LoginFile {
    /// Makes the folder of a file.
    pub(super) fn make_folder(path: &Utf8Path) -> Result<()> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder(path));
        made.map_err(Error::io(format!("writing `{path}`")))
    }

    /// Reads a file, which need not be there, and keeps other writers waiting.
    ///
    /// Errors: a file that is no credential file is not touched.
    pub(super) fn open(path: &Utf8Path) -> Result<Self> {
        // Where the file is a link, what it leads to is replaced and not the link.
        let path = match path.canonicalize_utf8() {
            Ok(real) => real,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(Error::io(format!("opening `{path}`"))(error)),
        };
        let alone = alone(&path);
        let bytes = AuthFile::bytes(&path, None)?.unwrap_or_else(|| b"{}".to_vec());
        let rules = AuthFile::parse(&path, &bytes, None)?;
        // It was read once already.
        let lost = |error: serde_json::Error| Error::io(format!("reading `{path}`"))(error.into());
        let mut top: Members = serde_json::from_slice(&bytes).map_err(lost)?;
        let auths = top.0.iter().position(|(name, _)| name == "auths").map(|at| top.0.remove(at).1);
        let auths: Option<Option<Members>> =
            auths.map(|auths| serde_json::from_str(auths.get())).transpose().map_err(lost)?;
        Ok(Self { rules, top, auths: auths.flatten().unwrap_or_default(), path, _alone: alone })
    }

    /// Returns what the file says.
    pub(super) fn rules(&self) -> &AuthFile {
        &self.rules
    }

    /// Removes every entry that is for exactly this; false where there is none.
    pub(super) fn remove(&mut self, key: &Key) -> bool {
        let before = self.auths.0.len();
        self.auths.0.retain(|(text, _)| Key::parse(text) != *key);
        self.auths.0.len() < before
    }

    /// Puts an entry in the place of those that are for the same.
    pub(super) fn put(&mut self, key: &Key, entry: &impl Serialize) -> Result<()> {
        self.remove(key);
        self.auths.0.push((key.to_string(), self.raw(entry)?));
        Ok(())
    }

    fn raw(&self, value: &impl Serialize) -> Result<Box<RawValue>> {
        to_raw_value(value).map_err(|error| Error::io(format!("writing `{}`", self.path))(error.into()))
    }

    /// Writes the file anew, readable by its owner alone, and puts it in place at once.
    pub(super) fn save(mut self) -> Result<()> {
        let auths = self.raw(&self.auths)?;
        self.top.0.insert(0, ("auths".to_owned(), auths));
        let failed = |error| Error::io(format!("writing `{}`", self.path))(error);
        let mut text = Vec::new();
        let indented = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        let mut serializer = serde_json::Serializer::with_formatter(&mut text, indented);
        self.top.serialize(&mut serializer).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        let mut file = tempfile::NamedTempFile::new_in(folder(&self.path)).map_err(failed)?;
        file.write_all(&text).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        // Root may have written the file of somebody else, who should be able to read it afterwards, too.
        if let Ok(before) = std::fs::metadata(&self.path) {
            let _ = std::os::unix::fs::chown(file.path(), Some(before.uid()), Some(before.gid()));
        }
        file.persist(&self.path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

fn folder(path: &Utf8Path) -> &Utf8Path {
    path.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."))
}

/// Waits until nobody else changes a file. The lock is on its folder: the file itself is replaced, and nothing is left
/// behind. A file system without locks is no reason not to log in.
fn alone(path: &Utf8Path) -> Option<File> {
    let folder = File::open(folder(path)).ok()?;
    folder.lock().is_ok().then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_writers_at_once_lose_nothing() {
        let place = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(place.path().join("new/auth.json")).unwrap();
        let hosts: Vec<String> = (0..16).map(|number| format!("h{number}.example")).collect();
        std::thread::scope(|scope| {
            for host in &hosts {
                scope.spawn(|| {
                    LoginFile::make_folder(&path).unwrap();
                    let mut file = LoginFile::open(&path).unwrap();
                    file.put(&Key::parse(host), &serde_json::json!({"auth": "dTpw"})).unwrap();
                    file.save().unwrap();
                });
            }
        });
        let text = std::fs::read_to_string(&path).unwrap();
        for host in &hosts {
            assert!(text.contains(host), "{host}: {text}");
        }
    }
}

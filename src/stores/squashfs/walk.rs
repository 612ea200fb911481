//! From a path to what it names.

use std::collections::VecDeque;

use super::folder::{Entry, EntryKind};
use super::inode::{FolderInode, Inode};
use super::{MAX_FILE, Squashfs};
use crate::model::error::{Error, Result};
use crate::model::printable::printable;

/// So many folders are looked into.
const MAX_FOLDERS: usize = 256;
/// So often something is looked for in a folder, while one image is open: far more than any snap asks for.
const MAX_STEPS: u32 = 4096;
/// So many links are followed on the way: as many as Linux follows.
const MAX_LINKS: u32 = 40;

impl Squashfs {
    /// Reads a file of at most `limit` bytes (and [`MAX_FILE`]) by its path; `None` where there is none. Links are followed
    /// as long as they stay inside.
    ///
    /// Errors: [`Error::Unsupported`] where it is longer, is no file, or a link leads out of the image or nowhere.
    pub fn read(&mut self, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let limit = limit.min(MAX_FILE);
        match self.walk(path)? {
            None => Ok(None),
            Some(Inode::File(file)) if file.size <= limit => self.content(&file).map(Some),
            Some(Inode::File(file)) => {
                Err(self.refused(path, &format!("has {} bytes, and at most {limit} are read", file.size)))
            }
            Some(_) => Err(self.refused(path, "is not a file")),
        }
    }

    /// Lists a folder by its path, sorted; `None` where there is none. What is not named in UTF-8 is passed over.
    pub fn list(&mut self, path: &str) -> Result<Option<Vec<Entry>>> {
        let folder = match self.walk(path)? {
            None => return Ok(None),
            Some(Inode::Folder(folder)) => folder,
            Some(_) => return Err(self.refused(path, "is not a folder")),
        };
        let listing = self.listing(folder)?;
        let named = self.names(folder, &listing)?.into_iter();
        let entry = |name: &[u8], kind| Some(Entry { name: String::from_utf8(name.to_vec()).ok()?, kind });
        let mut entries: Vec<Entry> = named.filter_map(|named| entry(named.name, named.kind)).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Some(entries))
    }

    /// Returns the paths of files with this name in the root folder and in the folders there, sorted: `images.txt` and
    /// `*/images.txt`.
    ///
    /// Errors: [`Error::Unsupported`] where there are more folders than in any snap.
    pub fn named(&mut self, name: &str) -> Result<Vec<String>> {
        let entries = self.list("")?.unwrap_or_default();
        let folders = || entries.iter().filter(|entry| entry.kind == EntryKind::Folder);
        if folders().count() > MAX_FOLDERS {
            return Err(self.refused("/", &format!("has more than {MAX_FOLDERS} folders")));
        }
        let below = folders().map(|folder| format!("{}/{name}", folder.name));
        let mut found = Vec::new();
        for path in below.chain([name.to_owned()]) {
            if matches!(self.walk(&path)?, Some(Inode::File(_))) {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }

    /// Finds what a path names, seen from the root.
    fn walk(&mut self, path: &str) -> Result<Option<Inode>> {
        let mut ahead: VecDeque<Vec<u8>> = parts(path.as_bytes()).collect();
        let Inode::Folder(root) = self.inode(self.superblock.root)? else {
            return Err(self.damaged(self.superblock.inodes, "its root is not a folder"));
        };
        let mut above: Vec<FolderInode> = Vec::new();
        let mut here = root;
        let mut links = 0_u32;
        while let Some(part) = ahead.pop_front() {
            if part == b".." {
                here = above.pop().ok_or_else(|| self.refused(path, "leads out of the image"))?;
                continue;
            }
            let found = self.find(here, &part)?;
            if self.steps > MAX_STEPS {
                return Err(self.refused(path, &format!("is behind more than {MAX_STEPS} folders")));
            }
            let Some(reference) = found else { return Ok(None) };
            match self.inode(reference)? {
                Inode::Folder(folder) => above.push(std::mem::replace(&mut here, folder)),
                Inode::Link(target) => {
                    links = links.saturating_add(1);
                    if links > MAX_LINKS {
                        return Err(self.refused(path, &format!("is a chain of more than {MAX_LINKS} links")));
                    }
                    if target.starts_with(b"/") {
                        return Err(self.refused(path, "leads out of the image"));
                    }
                    for part in parts(&target).rev() {
                        ahead.push_front(part);
                    }
                }
                other if ahead.is_empty() => return Ok(Some(other)),
                _ => return Ok(None),
            }
        }
        Ok(Some(Inode::Folder(here)))
    }

    fn find(&mut self, folder: FolderInode, name: &[u8]) -> Result<Option<u64>> {
        let listing = self.listing(folder)?;
        let names = self.names(folder, &listing)?;
        // A folder of many names counts as several.
        let steps = u32::try_from(names.len() / 256).unwrap_or(u32::MAX).saturating_add(1);
        self.steps = self.steps.saturating_add(steps);
        Ok(names.iter().find(|named| named.name == name).map(|named| named.inode))
    }

    fn refused(&self, path: &str, why: &str) -> Error {
        let message = format!("`{}` in `{}` {why}", printable(path), self.name);
        Error::Unsupported { message, hint: None }
    }
}

/// Splits a path; what says nothing is left out.
fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).map(<[u8]>::to_vec)
}

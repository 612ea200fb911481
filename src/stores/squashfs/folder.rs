//! Listings of folders.

use super::Squashfs;
use super::fields::Fields;
use super::inode::FolderInode;
use crate::model::error::{Error, Result};

/// The longest listing, in bytes: some 40,000 names.
const MAX_LISTING: u32 = 1 << 20;
/// So many entries stand behind one header.
const MAX_RUN: u32 = 256;

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// What a name in a folder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A file.
    File,
    /// A symbolic link.
    Link,
    /// A device, a pipe or a socket.
    Other,
}

/// A name, and the reference of what it stands for.
pub(super) struct Named<'a> {
    pub(super) name: &'a [u8],
    pub(super) kind: EntryKind,
    pub(super) inode: u64,
}

/// A listing as it came.
pub(super) struct Listing(Vec<u8>);

impl Squashfs {
    /// Reads the listing of a folder.
    pub(super) fn listing(&mut self, folder: FolderInode) -> Result<Listing> {
        let mut at = folder.listing;
        if folder.length > MAX_LISTING {
            let message = format!("`{}` has a folder with more names than are read", self.name);
            return Err(Error::Unsupported { message, hint: None });
        }
        let length = usize::try_from(folder.length).unwrap_or(usize::MAX);
        Ok(Listing(self.take(&mut at, length)?))
    }

    /// Returns the names of a listing, in their order.
    pub(super) fn names<'a>(&self, folder: FolderInode, listing: &'a Listing) -> Result<Vec<Named<'a>>> {
        names(&listing.0)
            .ok_or_else(|| self.damaged(folder.listing.block, "the listing of a folder makes no sense"))
    }
}

/// Takes a listing apart: headers of a count (one less than it is), the offset of a block of inodes and a number that is
/// not needed; behind each its entries, of an offset in that block, another number, a type, and a name with its length
/// (one less than it is).
fn names(mut rest: &[u8]) -> Option<Vec<Named<'_>>> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let header = Fields(rest);
        let (count, block) = (header.u32(0)?, u64::from(header.u32(4)?));
        rest = rest.get(12..)?;
        if count >= MAX_RUN {
            return None;
        }
        for _ in 0..=count {
            let entry = Fields(rest);
            let (offset, kind, length) =
                (entry.u16(0)?, entry.u16(4)?, usize::from(entry.u16(6)?).checked_add(1)?);
            let end = length.checked_add(8)?;
            let name = rest.get(8..end)?;
            rest = rest.get(end..)?;
            let kind = match kind {
                1 | 8 => EntryKind::Folder,
                2 | 9 => EntryKind::File,
                3 | 10 => EntryKind::Link,
                _ => EntryKind::Other,
            };
            found.push(Named { name, kind, inode: block << 16 | u64::from(offset) });
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(count: u32, entries: &[(&[u8], u16)]) -> Vec<u8> {
        let mut bytes = [count.to_le_bytes(), 5_u32.to_le_bytes(), [0; 4]].concat();
        for (name, kind) in entries {
            let length = u16::try_from(name.len()).unwrap() - 1;
            for number in [7, 0, *kind, length] {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(*name);
        }
        bytes
    }

    #[test]
    fn names_are_read() {
        let bytes = [listing(1, &[(b"a", 1), (b"bc", 2)]), listing(0, &[(b"\xff", 3)])].concat();
        let found = names(&bytes).unwrap();
        let kinds = [EntryKind::Folder, EntryKind::File, EntryKind::Link];
        assert_eq!(found.iter().map(|one| one.name).collect::<Vec<_>>(), [&b"a"[..], b"bc", b"\xff"]);
        assert!(found.iter().zip(kinds).all(|(one, kind)| one.kind == kind && one.inode == 5 << 16 | 7));
        assert!(names(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_listing_that_makes_no_sense_is_refused() {
        let good = listing(1, &[(b"a", 1), (b"bc", 2)]);
        for end in 1..good.len() {
            assert!(names(&good[..end]).is_none(), "{end}");
        }
        assert!(names(&listing(256, &[(b"a", 1)])).is_none());
        assert!(names(&listing(u32::MAX, &[(b"a", 1)])).is_none());
    }
}

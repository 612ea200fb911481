//! Inodes: what a name in a folder stands for.

use super::Squashfs;
use super::fields::Fields;
use super::metadata::Position;
use crate::model::error::Result;

/// The longest target of a link: what Linux takes for a path.
const MAX_TARGET: u32 = 4096;
/// Stands for no fragment.
const NO_FRAGMENT: u32 = u32::MAX;

/// What an inode is.
#[derive(Clone, Debug)]
pub(super) enum Inode {
    Folder(FolderInode),
    File(FileInode),
    /// A symbolic link, with its target.
    Link(Vec<u8>),
    /// A device, a pipe or a socket.
    Other,
}

/// A folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct FolderInode {
    /// Where its listing is.
    pub(super) listing: Position,
    /// The length of its listing in bytes.
    pub(super) length: u32,
}

/// A file.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileInode {
    /// Where its blocks begin in the image.
    pub(super) start: u64,
    /// Its length in bytes.
    pub(super) size: u64,
    /// Where its end is among the fragments: which of them, and the offset in it.
    pub(super) fragment: Option<(u32, u32)>,
    /// Where the lengths of its blocks are, four bytes each.
    pub(super) lengths: Position,
}

impl Squashfs {
    /// Reads the inode of a reference: the offset of its block among the inodes, and 16 bits of offset in it.
    pub(super) fn inode(&mut self, reference: u64) -> Result<Inode> {
        let block = self.superblock.inodes.saturating_add(reference >> 16);
        let offset = usize::try_from(reference & 0xffff).unwrap_or(usize::MAX);
        if block >= self.superblock.folders {
            return Err(self.damaged(block, "an inode should be here, which is beyond the last of them"));
        }
        let mut at = Position { block, offset };
        let header = self.take(&mut at, 16)?;
        let inode = match Fields(&header).u16(0).unwrap_or_default() {
            1 | 8 => self.folder_inode(&header, &mut at)?,
            2 | 9 => self.file_inode(&header, &mut at)?,
            3 | 10 => self.link_inode(&mut at)?,
            4..=7 | 11..=14 => Some(Inode::Other),
            _ => None,
        };
        inode.ok_or_else(|| self.damaged(block, "an inode makes no sense"))
    }

    fn folder_inode(&mut self, header: &[u8], at: &mut Position) -> Result<Option<Inode>> {
        let is_basic = Fields(header).u16(0) == Some(1);
        let bytes = self.take(at, if is_basic { 16 } else { 24 })?;
        let fields = Fields(&bytes);
        let parts = if is_basic {
            (fields.u32(0), fields.u16(10), fields.u16(8).map(u32::from))
        } else {
            (fields.u32(8), fields.u16(18), fields.u32(4))
        };
        let (Some(start), Some(offset), Some(length)) = parts else { return Ok(None) };
        let block = self.superblock.folders.saturating_add(start.into());
        let listing = Position { block, offset: offset.into() };
        // Three bytes more than there are, for `.` and `..`, which are not there.
        Ok(Some(Inode::Folder(FolderInode { listing, length: length.saturating_sub(3) })))
    }

    fn file_inode(&mut self, header: &[u8], at: &mut Position) -> Result<Option<Inode>> {
        let is_basic = Fields(header).u16(0) == Some(2);
        let bytes = self.take(at, if is_basic { 16 } else { 40 })?;
        let fields = Fields(&bytes);
        let parts = if is_basic {
            (fields.u32(0).map(u64::from), fields.u32(12).map(u64::from), fields.u32(4), fields.u32(8))
        } else {
            (fields.u64(0), fields.u64(8), fields.u32(28), fields.u32(32))
        };
        let (Some(start), Some(size), Some(fragment), Some(offset)) = parts else { return Ok(None) };
        let fragment = (fragment != NO_FRAGMENT).then_some((fragment, offset));
        Ok(Some(Inode::File(FileInode { start, size, fragment, lengths: *at })))
    }

    fn link_inode(&mut self, at: &mut Position) -> Result<Option<Inode>> {
        let bytes = self.take(at, 8)?;
        let length = Fields(&bytes).u32(4).filter(|length| (1..=MAX_TARGET).contains(length));
        let length = length.and_then(|length| usize::try_from(length).ok());
        Ok(match length {
            Some(length) => Some(Inode::Link(self.take(at, length)?)),
            None => None,
        })
    }
}

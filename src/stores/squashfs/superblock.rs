//! The first 96 bytes of an image.

use super::compression::Compression;
use super::fields::Fields;
use super::{damaged, failed};
use crate::content::read_at::ReadAt;
use crate::model::error::{Error, FormatState, Result};

/// Its length.
const LENGTH: usize = 96;
/// How every image begins.
const MAGIC: &[u8] = b"hsqs";
/// What stands where there is no such table.
const NO_TABLE: u64 = u64::MAX;

/// What an image says of itself.
#[derive(Clone, Debug)]
pub(super) struct Superblock {
    pub(super) compression: Compression,
    /// The length of a block of content, a power of two from 4 KiB to 1 MiB.
    pub(super) block_size: u32,
    /// The reference of the inode of the root folder.
    pub(super) root: u64,
    /// The length of the image.
    pub(super) bytes_used: u64,
    /// Where the inodes begin.
    pub(super) inodes: u64,
    /// Where the listings of folders begin.
    pub(super) folders: u64,
    /// Where the places of fragments are, and how many there are.
    pub(super) fragments: Option<(u64, u32)>,
}

impl Superblock {
    /// Reads and checks it. `size` is the length of the file.
    pub(super) fn read(image: &dyn ReadAt, size: u64, name: &str) -> Result<Self> {
        let mut bytes = [0; LENGTH];
        let there = usize::try_from(size).unwrap_or(usize::MAX).min(LENGTH);
        let beginning = bytes.get_mut(..there).unwrap_or_default();
        image.read_exact_at(beginning, 0).map_err(|error| failed(name, error, 0))?;
        if !bytes.starts_with(MAGIC) {
            let message = format!("`{name}` is no squashfs image, which every snap is");
            return Err(Error::Unsupported { message, hint: None });
        }
        let read = Self::parse(Fields(&bytes), name);
        let superblock = read.ok_or_else(|| damaged(name, 0, "its first 96 bytes make no sense"))??;
        if superblock.bytes_used > size {
            let (path, offset) = (name.to_owned(), size);
            let message = format!("expected {} bytes, got {size}", superblock.bytes_used);
            return Err(Error::Format { path, state: FormatState::Incomplete, offset, message });
        }
        Ok(superblock)
    }

    fn parse(fields: Fields<'_>, name: &str) -> Option<Result<Self>> {
        let version = (fields.u16(28)?, fields.u16(30)?);
        if version != (4, 0) {
            let message =
                format!("`{name}` is an image of squashfs {}.{}; snaps are of 4.0", version.0, version.1);
            return Some(Err(Error::Unsupported { message, hint: None }));
        }
        let compression = match Compression::of(fields.u16(20)?) {
            Ok(compression) => compression,
            Err(number) => {
                let message = format!(
                    "`{name}` is compressed by method {number} of squashfs; snaps are by gzip, lzo, xz or zstd"
                );
                return Some(Err(Error::Unsupported { message, hint: None }));
            }
        };
        let block_size = fields.u32(12)?;
        let is_size = block_size.is_power_of_two() && (0x1000..=0x10_0000).contains(&block_size);
        let (bytes_used, inodes, folders) = (fields.u64(40)?, fields.u64(64)?, fields.u64(72)?);
        let (count, table) = (fields.u32(16)?, fields.u64(80)?);
        let fragments = (count > 0 && table != NO_TABLE).then_some((table, count));
        let good = is_size
            && block_size.trailing_zeros() == u32::from(fields.u16(22)?)
            && inodes < folders
            && folders < bytes_used
            && fragments.is_none_or(|(table, _)| table < bytes_used);
        let root = fields.u64(32)?;
        good.then_some(Ok(Self { compression, block_size, root, bytes_used, inodes, folders, fragments }))
    }
}

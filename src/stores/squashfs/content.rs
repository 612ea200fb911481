//! The content of a file: blocks, and what is left over among the fragments of others.

use super::Squashfs;
use super::fields::Fields;
use super::inode::FileInode;
use super::metadata::Position;
use crate::model::error::Result;

/// Says in the length of a block that it is not packed.
const NOT_PACKED: u32 = 1 << 24;
/// So many fragments are told of in a block of metadata, each in 16 bytes.
const FRAGMENTS_A_BLOCK: u32 = 512;

impl Squashfs {
    /// Reads a file of which the caller knows that it is not too long.
    pub(super) fn content(&mut self, file: &FileInode) -> Result<Vec<u8>> {
        let block_size = u64::from(self.superblock.block_size);
        let whole = file.size / block_size;
        let rest = file.size % block_size;
        let blocks = if file.fragment.is_none() && rest > 0 { whole.saturating_add(1) } else { whole };
        let blocks = usize::try_from(blocks).unwrap_or(usize::MAX);
        let mut at = file.lengths;
        let lengths = self.take(&mut at, blocks.saturating_mul(4))?;
        let (mut content, mut start) = (Vec::new(), file.start);
        for number in 0..blocks {
            let length = Fields(&lengths).u32(number.saturating_mul(4)).unwrap_or_default();
            let left = file.size.saturating_sub(u64::try_from(content.len()).unwrap_or(u64::MAX));
            let expected = usize::try_from(left.min(block_size)).unwrap_or(usize::MAX);
            if length == 0 {
                content.resize(content.len().saturating_add(expected), 0);
                continue;
            }
            let block = self.data_block(start, length)?;
            if block.len() != expected {
                let message =
                    format!("a block of content should hold {expected} bytes, and holds {}", block.len());
                return Err(self.damaged(start, message));
            }
            content.extend_from_slice(&block);
            start = start.saturating_add(u64::from(length & !NOT_PACKED));
        }
        if let Some((number, offset)) = file.fragment.filter(|_| rest > 0) {
            let block = self.fragment(number)?;
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            let end = offset.saturating_add(usize::try_from(rest).unwrap_or(usize::MAX));
            let tail = block.get(offset..end);
            let tail =
                tail.ok_or_else(|| self.damaged(file.start, "a file ends beyond the end of its fragment"))?;
            content.extend_from_slice(tail);
        }
        Ok(content)
    }

    /// Reads the block that holds the fragment of this number.
    fn fragment(&mut self, number: u32) -> Result<Vec<u8>> {
        let table = self.superblock.fragments.filter(|(_, count)| number < *count);
        let Some((table, _)) = table else {
            return Err(self.damaged(0, format!("there is no fragment {number}, in which a file ends")));
        };
        let mut pointer = [0; 8];
        let (block, entry) = (number / FRAGMENTS_A_BLOCK, number % FRAGMENTS_A_BLOCK);
        self.read_at(&mut pointer, table.saturating_add(u64::from(block).saturating_mul(8)))?;
        let offset = usize::try_from(entry).unwrap_or(usize::MAX).saturating_mul(16);
        let mut at = Position { block: u64::from_le_bytes(pointer), offset };
        let bytes = self.take(&mut at, 16)?;
        let fields = Fields(&bytes);
        match (fields.u64(0), fields.u32(8)) {
            (Some(start), Some(length)) => self.data_block(start, length),
            _ => Err(self.damaged(table, "the place of a fragment makes no sense")),
        }
    }

    /// Reads and unpacks a block of content; 24 bits of `length` are its length in the image.
    fn data_block(&self, start: u64, length: u32) -> Result<Vec<u8>> {
        let most = self.superblock.block_size;
        let stored = length & !NOT_PACKED;
        if !(1..=most).contains(&stored) {
            return Err(
                self.damaged(start, format!("a block of content has 1 to {most} bytes, and not {stored}"))
            );
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut bytes = vec![0; usize::try_from(stored).unwrap_or(usize::MAX).min(most)];
        self.read_at(&mut bytes, start)?;
        if length & NOT_PACKED != 0 {
            return Ok(bytes);
        }
        self.superblock.compression.unpack(&bytes, most).map_err(|why| self.damaged(start, why))
    }
}

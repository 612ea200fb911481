//! Metadata: blocks of at most 8 KiB, one behind the other, in which inodes and listings lie across the seams.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Squashfs;
use super::fields::Fields;
use crate::model::error::Result;

/// The longest block, packed and unpacked.
const MAX_BLOCK: usize = 8192;
/// So many blocks are kept: 1 MiB.
const MAX_KEPT: usize = 128;
/// Says in the length of a block that it is not packed.
const NOT_PACKED: u16 = 0x8000;

/// A place in metadata: the offset of a block in the image, and one in what that block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) block: u64,
    pub(super) offset: usize,
}

/// Blocks that were unpacked, by their offsets.
#[derive(Default)]
pub(super) struct Decoded(BTreeMap<u64, Block>);

#[derive(Clone)]
struct Block {
    bytes: Arc<[u8]>,
    /// Where the next one is.
    next: u64,
}

impl Squashfs {
    /// Returns `length` bytes from a position on, and moves it behind them.
    pub(super) fn take(&mut self, position: &mut Position, length: usize) -> Result<Vec<u8>> {
        let mut taken = Vec::new();
        while taken.len() < length {
            let block = self.block(position.block)?;
            let left = length.saturating_sub(taken.len());
            let Some(rest) = block.bytes.get(position.offset..) else {
                return Err(self.damaged(
                    position.block,
                    "something should be here that is beyond the end of its block",
                ));
            };
            if let Some(rest) = rest.get(..left) {
                taken.extend_from_slice(rest);
                position.offset = position.offset.saturating_add(left);
            } else {
                taken.extend_from_slice(rest);
                *position = Position { block: block.next, offset: 0 };
            }
        }
        Ok(taken)
    }

    /// Reads and unpacks a block.
    fn block(&mut self, at: u64) -> Result<Block> {
        if let Some(block) = self.decoded.0.get(&at) {
            return Ok(block.clone());
        }
        let mut header = [0; 2];
        self.read_at(&mut header, at)?;
        let header = Fields(&header).u16(0).unwrap_or_default();
        let length = usize::from(header & !NOT_PACKED);
        if !(1..=MAX_BLOCK).contains(&length) {
            return Err(
                self.damaged(at, format!("a block of metadata has 1 to {MAX_BLOCK} bytes, and not {length}"))
            );
        }
        let (begin, mut bytes) = (at.saturating_add(2), vec![0; length]);
        self.read_at(&mut bytes, begin)?;
        if header & NOT_PACKED == 0 {
            bytes =
                self.superblock.compression.unpack(&bytes, MAX_BLOCK).map_err(|why| self.damaged(at, why))?;
        }
        if bytes.is_empty() {
            return Err(self.damaged(at, "a block of metadata holds nothing"));
        }
        let next = begin.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        let block = Block { bytes: bytes.into(), next };
        if self.decoded.0.len() >= MAX_KEPT {
            self.decoded.0.clear();
        }
        self.decoded.0.insert(at, block.clone());
        Ok(block)
    }
}

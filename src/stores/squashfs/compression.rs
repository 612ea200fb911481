//! The four ways in which snaps are compressed.

use std::io::Read;

use flate2::read::ZlibDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;

/// The memory that xz may take, in KiB: 64 MiB. mksquashfs makes it need that of a block, 1 MiB at most, unless it is told
/// otherwise.
const MAX_XZ: u32 = 64 << 10;
/// The longest stretch that zstd may look back, in bytes: 64 MiB, for the same reason.
const MAX_ZSTD: u64 = 64 << 20;

/// How the blocks of an image are compressed, each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Lzo,
    Xz,
    Zstd,
}

impl Compression {
    /// Returns what a superblock names by number; otherwise the number.
    pub(super) const fn of(number: u16) -> Result<Self, u16> {
        Ok(match number {
            1 => Self::Gzip,
            3 => Self::Lzo,
            4 => Self::Xz,
            6 => Self::Zstd,
            other => return Err(other),
        })
    }

    /// Unpacks a block that is not longer than `most` bytes; says what is wrong otherwise.
    pub(super) fn unpack(self, block: &[u8], most: usize) -> Result<Vec<u8>, String> {
        match self {
            Self::Gzip => bounded(ZlibDecoder::new(block), most),
            Self::Xz => bounded(XzReader::new_mem_limit(block, false, MAX_XZ), most),
            Self::Zstd => {
                let decoder = StreamingDecoder::new_with_max_window_size(block, MAX_ZSTD);
                bounded(decoder.map_err(|error| error.to_string())?, most)
            }
            Self::Lzo => {
                let mut unpacked = vec![0; most];
                let length = lzo::decompress_into(block, &mut unpacked).map_err(|error| error.to_string())?;
                unpacked.truncate(length);
                Ok(unpacked)
            }
        }
    }
}

fn bounded(reader: impl Read, most: usize) -> Result<Vec<u8>, String> {
    let mut unpacked = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(limit).read_to_end(&mut unpacked).map_err(|error| error.to_string())?;
    if unpacked.len() > most {
        return Err(format!("it holds more than {most} bytes"));
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junk_is_an_error_in_every_way_of_packing() {
        let junk: Vec<u8> = (0..4096_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        for number in [1, 3, 4, 6] {
            let compression = Compression::of(number).unwrap();
            for length in [0, 1, 2, 13, 64, 4096] {
                assert!(compression.unpack(&junk[..length], 8192).is_err(), "{compression:?} {length}");
            }
        }
        for number in [0, 2, 5, 7] {
            assert_eq!(Compression::of(number), Err(number));
        }
    }

    #[test]
    fn what_is_too_long_is_an_error() {
        let mut packed = Vec::new();
        flate2::read::ZlibEncoder::new(&[0; 9000][..], flate2::Compression::best())
            .read_to_end(&mut packed)
            .unwrap();
        assert_eq!(Compression::Gzip.unpack(&packed, 9000).unwrap(), [0; 9000]);
        assert_eq!(Compression::Gzip.unpack(&packed, 8999).unwrap_err(), "it holds more than 8999 bytes");
    }
}

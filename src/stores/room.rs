//! How much room there is on a file system, asked before the first byte is written.

use camino::Utf8Path;

use crate::model::error::{Error, Result};

/// The longest file on FAT: 4 GiB − 1.
const MAX_FAT: u64 = u32::MAX as u64;
/// `MSDOS_SUPER_MAGIC` of statfs(2).
const FAT: u64 = 0x4d44;

/// What is known of the file system of a folder.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes in all.
    pub total: u64,
    /// Bytes that may be written.
    pub free: u64,
    /// Whether it is FAT, which holds files of up to 4 GiB − 1.
    pub is_fat: bool,
}

impl Room {
    /// Asks the file system of `folder`, or of its nearest ancestor that is there.
    pub fn of(folder: &Utf8Path) -> Result<Self> {
        let there = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(".".into());
        let io = |error: rustix::io::Errno| Error::Io {
            doing: format!("asking how much room is in `{folder}`"),
            source: error.into(),
        };
        let room = rustix::fs::statvfs(there.as_std_path()).map_err(io)?;
        let kind = rustix::fs::statfs(there.as_std_path()).map_err(io)?;
        Ok(Self {
            total: room.f_blocks.saturating_mul(room.f_frsize),
            free: room.f_bavail.saturating_mul(room.f_frsize),
            is_fat: u64::try_from(kind.f_type) == Ok(FAT),
        })
    }

    /// Checks that files of these sizes fit into `folder`. `hint` says what to do where they do not.
    ///
    /// Errors: [`Error::NoSpace`], [`Error::Unsupported`] where the file system holds no file so large.
    pub fn fits(&self, folder: &Utf8Path, sizes: &[u64], hint: &str) -> Result<()> {
        let need = sizes.iter().fold(0, |sum: u64, size| sum.saturating_add(*size));
        if let Some(size) = sizes.iter().find(|size| self.is_fat && **size > MAX_FAT) {
            return Err(Error::Unsupported {
                message: format!(
                    "`{folder}` is on FAT, which holds files of up to {MAX_FAT} bytes: one has {size} bytes"
                ),
                hint: Some("name a folder on another file system".to_owned()),
            });
        }
        if need > self.free {
            return Err(Error::NoSpace {
                place: format!("`{folder}`"),
                need,
                have: self.free,
                hint: Some(hint.to_owned()),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_told_with_both_numbers() {
        let room = Room { total: 1000, free: 500, is_fat: false };
        assert!(room.fits("/x".into(), &[250, 250], "").is_ok());
        let error = room.fits("/x".into(), &[400, 101], "less").unwrap_err();
        assert_eq!(error.to_string(), "`/x` has not enough room: 501 B needed, 500 B free");
        assert_eq!(error.hint(), Some("less"));
        let fat = Room { total: 1 << 40, free: 1 << 40, is_fat: true };
        assert!(fat.fits("/x".into(), &[MAX_FAT, MAX_FAT], "").is_ok());
        assert!(fat.fits("/x".into(), &[MAX_FAT + 1], "").is_err());
    }

    #[test]
    fn a_folder_to_come_is_measured_where_it_will_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = camino::Utf8PathBuf::try_from(folder.path().join("a/b")).unwrap();
        assert!(Room::of(&path).unwrap().total > 0);
    }
}

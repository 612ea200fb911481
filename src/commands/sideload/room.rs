//! Whether there is room, said before the first byte.

use camino::Utf8Path;

use crate::model::error::{Error, Result};

/// How full a file system may be before the kubelet deletes images: 85 % (`imageGCHighThresholdPercent`).
const HIGH: u64 = 85;
/// The tar, its content in containerd's store, and the layers unpacked.
const TIMES: u64 = 3;
/// The longest file on FAT: 4 GiB − 1.
const MAX_FAT: u64 = u32::MAX as u64;
/// `MSDOS_SUPER_MAGIC` of statfs(2).
const FAT: u64 = 0x4d44;

/// What is known of a file system.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    total: u64,
    free: u64,
    fat: bool,
}

impl Room {
    /// Asks the file system of `folder`, or of its nearest ancestor that is there.
    pub(super) fn of(folder: &Utf8Path) -> Result<Self> {
        let there = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(".".into());
        let doing = || format!("asking how much room is in `{folder}`");
        let io = |error: rustix::io::Errno| Error::Io { doing: doing(), source: error.into() };
        let room = rustix::fs::statvfs(there.as_std_path()).map_err(io)?;
        let kind = rustix::fs::statfs(there.as_std_path()).map_err(io)?;
        Ok(Self {
            total: room.f_blocks.saturating_mul(room.f_frsize),
            free: room.f_bavail.saturating_mul(room.f_frsize),
            fat: u64::try_from(kind.f_type) == Ok(FAT),
        })
    }

    /// Checks that tars of these sizes fit, and returns a warning where what becomes of them may not.
    ///
    /// Errors: [`Error::NoSpace`], [`Error::Unsupported`] where the file system holds no file so large.
    pub(super) fn check(&self, folder: &Utf8Path, sizes: &[u64]) -> Result<Option<String>> {
        let need = sizes.iter().fold(0, |sum: u64, size| sum.saturating_add(*size));
        if let Some(size) = sizes.iter().find(|size| self.fat && **size > MAX_FAT) {
            return Err(Error::Unsupported {
                message: format!(
                    "`{folder}` is on FAT, which holds files of up to {MAX_FAT} bytes: one tar has {size} bytes"
                ),
                hint: Some("name a folder on another file system with `--containerd-dir`".to_owned()),
            });
        }
        if need > self.free {
            return Err(Error::NoSpace {
                place: format!("`{folder}`"),
                need,
                have: self.free,
                hint: Some(
                    "side-load less with `--only`, or free what was imported with `--purge-loaded`"
                        .to_owned(),
                ),
            });
        }
        let used = self.total.saturating_sub(self.free).saturating_add(need.saturating_mul(TIMES));
        let percent = used.saturating_mul(100).checked_div(self.total).unwrap_or_default();
        Ok((need > 0 && percent > HIGH).then(|| {
            format!(
                "the tars, their content and the unpacked layers take about {} of the {} free in `{folder}`, which makes its file system {percent} % full: past {HIGH} % the kubelet deletes images",
                bytesize::ByteSize(need.saturating_mul(TIMES)),
                bytesize::ByteSize(self.free),
            )
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_counted_three_times() {
        let room = Room { total: 1000, free: 500, fat: false };
        assert!(room.check("/x".into(), &[]).unwrap().is_none());
        assert!(room.check("/x".into(), &[60, 50]).unwrap().is_none());
        assert!(room.check("/x".into(), &[120]).unwrap().unwrap().contains("86 % full"));
        let error = room.check("/x".into(), &[400, 101]).unwrap_err();
        assert_eq!(error.to_string(), "`/x` has not enough room: 501 bytes needed, 500 bytes free");
        let fat = Room { total: 1 << 40, free: 1 << 40, fat: true };
        assert!(fat.check("/x".into(), &[MAX_FAT]).unwrap().is_none());
        assert!(fat.check("/x".into(), &[MAX_FAT + 1]).is_err());
    }

    #[test]
    fn a_folder_to_come_is_measured_where_it_will_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = camino::Utf8PathBuf::try_from(folder.path().join("a/b")).unwrap();
        assert!(Room::of(&path).unwrap().total > 0);
    }
}

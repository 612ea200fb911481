//! Whether there is room for the tars, and for what becomes of them.

use bytesize::ByteSize;
use camino::Utf8Path;

use crate::model::error::{Error, Result};
use crate::stores::room::Room;

/// How full a file system may be before the kubelet deletes images: 85 % (`imageGCHighThresholdPercent`).
const HIGH: u64 = 85;
/// The tar, its content in containerd's store, and the layers unpacked.
const TIMES: u64 = 3;

/// Checks that tars of these sizes fit, and returns a warning where what becomes of them may not.
/// `is_loaded` says whether there are tars that containerd has imported.
///
/// Errors: those of [`Room::fits`].
pub(super) fn check(
    room: &Room,
    folder: &Utf8Path,
    sizes: &[u64],
    is_loaded: impl FnOnce() -> bool,
) -> Result<Option<String>> {
    if let Err(error) = room.fits(folder, sizes, "side-load less with `--only`, or free some room") {
        return Err(match error {
            Error::NoSpace { place, need, have, .. } if is_loaded() => {
                let hint = "free what was imported with `--purge-loaded`, or side-load less with `--only`";
                Error::NoSpace { place, need, have, hint: Some(hint.to_owned()) }
            }
            other => other,
        });
    }
    let need = sizes.iter().fold(0, |sum: u64, size| sum.saturating_add(*size)).saturating_mul(TIMES);
    let used = room.total.saturating_sub(room.free).saturating_add(need);
    let percent = used.saturating_mul(100).checked_div(room.total).unwrap_or_default();
    Ok((need > 0 && percent > HIGH).then(|| {
        format!(
            "the tars, their content and the unpacked layers take about {} of the {} free in `{folder}`, which makes \
             its file system {percent} % full: past {HIGH} % the kubelet deletes images",
            ByteSize(need),
            ByteSize(room.free),
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_counted_three_times() {
        let room = Room { total: 1000, free: 500, is_fat: false };
        assert!(check(&room, "/x".into(), &[], || true).unwrap().is_none());
        assert!(check(&room, "/x".into(), &[60, 50], || true).unwrap().is_none());
        assert!(check(&room, "/x".into(), &[120], || true).unwrap().unwrap().contains("86 % full"));
        let hint = |loaded| {
            let error = check(&room, "/x".into(), &[501], || loaded).unwrap_err();
            error.hint().unwrap().contains("--purge-loaded")
        };
        assert_eq!((hint(true), hint(false)), (true, false));
    }
}

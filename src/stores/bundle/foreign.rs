//! Says what a file is that does not begin as a bundle does.

use super::head::Head;
use super::header::{BLOCK, Found, explain, is_intact};
use super::unfinished::{Begun, first_block};
use crate::content::read_at::ReadAt;
use crate::model::error::{Error, FormatState};

/// So many entries of another tar are looked at.
const LOOKED_AT: usize = 10_000;
/// What to do with images that another tool has packed.
const FROM_A_REGISTRY: &str = "copy what is in it to a registry (`skopeo copy` does), name it in a list, and make a bundle with `airgap-bundle export`";

/// Returns the error for a file whose head was refused with `refused`, once more is known of it.
pub(super) fn recognise(file: &dyn ReadAt, path: &str, refused: Error) -> Error {
    let Error::Format { state, offset, message, .. } = &refused else { return refused };
    let format = |state, offset, message| Error::Format { path: path.to_owned(), state, offset, message };
    let length = file.len().unwrap_or_default();
    let mut block = vec![0; usize::try_from(BLOCK.min(length)).unwrap_or_default()];
    if *state == FormatState::Damaged || file.read_exact_at(&mut block, 0).is_err() {
        return refused;
    }
    if length < BLOCK {
        if first_block().starts_with(&block) {
            return refused;
        }
        block.resize(first_block().len(), 0);
        let (found, message) = explain("oci-layout", None, &block);
        let damaged = found == Found::WrongBytes;
        return format(if damaged { FormatState::Damaged } else { FormatState::Foreign }, 0, message);
    }
    if *state != FormatState::Foreign {
        return refused;
    }
    if block.iter().all(|byte| *byte == 0) && Head::read(&Begun(file), path).is_ok() {
        let message = "it is an unfinished export: its first block, which is written last, is empty";
        return format(FormatState::Incomplete, 0, message.to_owned())
            .with_hint("run the same `airgap-bundle export` again: it goes on where it was");
    }
    match packed_images(file, length) {
        Some(what) => {
            let message = format!("{message}: it is {what}, and was not made by airgap-bundle");
            format(*state, *offset, message).with_hint(FROM_A_REGISTRY)
        }
        None => refused,
    }
}

/// Says what other tools name a tar of images with these entries, if it is one.
fn packed_images(file: &dyn ReadAt, length: u64) -> Option<&'static str> {
    let (mut layout, mut index, mut archive) = (false, false, false);
    let mut at = 0_u64;
    for _ in 0..LOOKED_AT {
        let mut block = vec![0; usize::try_from(BLOCK).unwrap_or_default()];
        if at >= length || file.read_exact_at(&mut block, at).is_err() || !is_intact(&block) {
            break;
        }
        let header = tar::Header::from_byte_slice(&block);
        match header.path_bytes().strip_prefix(b"./").unwrap_or(&header.path_bytes()) {
            b"oci-layout" => layout = true,
            b"index.json" => index = true,
            b"manifest.json" => archive = true,
            _ => {}
        }
        let Ok(size) = header.entry_size() else { break };
        let next = at.checked_add(BLOCK).and_then(|at| at.checked_add(size)?.checked_next_multiple_of(BLOCK));
        let Some(next) = next else { break };
        at = next;
    }
    match (layout && index, archive) {
        (_, true) => Some("an archive of `docker save`"),
        (true, false) => Some("an OCI image layout in a tar"),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::bundle::header::entry_header;

    fn tar(names: &[&str]) -> Vec<u8> {
        let mut tar = Vec::new();
        for name in names {
            tar.extend(entry_header(name, 2));
            tar.extend(b"{}");
            tar.resize(tar.len().next_multiple_of(512), 0);
        }
        tar.resize(tar.len() + 1024, 0);
        tar
    }

    #[test]
    fn tars_of_images_are_known_by_their_entries() {
        for (names, expected) in [
            (&["blobs/sha256/0", "index.json", "oci-layout"] as &[_], Some("an OCI image layout in a tar")),
            (&["./oci-layout", "./index.json"], Some("an OCI image layout in a tar")),
            (&["0.json", "manifest.json", "repositories"], Some("an archive of `docker save`")),
            (&["oci-layout", "index.json", "manifest.json"], Some("an archive of `docker save`")),
            (&["index.json"], None),
            (&[], None),
        ] {
            let tar = tar(names);
            assert_eq!(packed_images(&tar, ReadAt::len(&tar).unwrap()), expected, "{names:?}");
        }
    }
}

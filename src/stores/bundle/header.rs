//! Tar headers of a bundle: each follows from the name and the size alone (`bundle-format.md`, "Headers").

use tar::{EntryType, Header};

use super::rules::printable;
use crate::model::digest::Digest;

/// A tar block: 512 bytes.
pub const BLOCK: u64 = 512;
/// The end of the archive: two blocks of zeros.
pub const END: u64 = 2 * BLOCK;
/// The largest size that the 11 octal digits of a plain header hold: 8 GiB − 1.
const MAX_OCTAL: u64 = 0o777_7777_7777;
/// The longest name of a plain header.
const MAX_NAME: usize = 100;

/// Returns the name of a blob's entry: `blobs/sha256/<hex>`.
pub fn blob_name(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().name(), digest.hex())
}

/// Returns how many zeros follow `size` bytes up to the next block.
pub fn padding(size: u64) -> u64 {
    (BLOCK - size % BLOCK) % BLOCK
}

/// Returns what stands before the content of an entry: one block, or three where a PAX record is needed.
pub fn entry_header(name: &str, size: u64) -> Vec<u8> {
    let mut records = Vec::new();
    if name.len() > MAX_NAME {
        records.extend(pax_record("path", name));
    }
    if size > MAX_OCTAL {
        records.extend(pax_record("size", &size.to_string()));
    }
    let mut out = Vec::new();
    if !records.is_empty() {
        let length = u64::try_from(records.len()).unwrap_or_default();
        let pax_name = format!("PaxHeaders/{}", name.chars().take(80).collect::<String>().replace('/', "-"));
        out.extend_from_slice(plain(&pax_name, length, EntryType::XHeader).as_bytes());
        out.extend_from_slice(&records);
        out.resize(out.len().saturating_add(usize::try_from(padding(length)).unwrap_or_default()), 0);
    }
    let short: String = name.chars().take(MAX_NAME).collect();
    let plain_size = if size > MAX_OCTAL { 0 } else { size };
    out.extend_from_slice(plain(&short, plain_size, EntryType::Regular).as_bytes());
    out
}

/// Returns the length of [`entry_header`] in bytes.
pub fn header_length(name_length: usize, size: u64) -> u64 {
    // A PAX body is at most `NNN path=` and 141 bytes and `NN size=` and 20 bytes: always one block.
    if name_length > MAX_NAME || size > MAX_OCTAL { 3 * BLOCK } else { BLOCK }
}

/// Reads the size field of a plain header: 11 octal digits.
pub(super) fn stated_size(block: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(block.get(124..135)?).ok()?;
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    u64::from_str_radix(digits, 8).ok()
}

/// Returns the name and the size that a header states: one block, or three with PAX records. They count only if
/// [`entry_header`] makes the same bytes of them.
pub(super) fn stated(header: &[u8]) -> (&str, u64) {
    let start = usize::try_from(BLOCK).unwrap_or_default();
    let (mut name, mut size, mut plain) = (None, None, header);
    if header.get(156) == Some(&b'x') {
        let records = header.get(start..start.saturating_mul(2)).unwrap_or_default();
        for record in records.split(|byte| *byte == b'\n') {
            let key_and_value = record.splitn(2, |byte| *byte == b' ').nth(1).unwrap_or_default();
            name = name.or(key_and_value.strip_prefix(b"path="));
            size = size.or(key_and_value.strip_prefix(b"size="));
        }
        plain = header.get(start.saturating_mul(2)..).unwrap_or_default();
    }
    let name = name.or_else(|| plain.get(..MAX_NAME).and_then(|name| name.split(|byte| *byte == 0).next()));
    let size = match size {
        Some(digits) => std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()),
        None => stated_size(plain),
    };
    (name.and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default(), size.unwrap_or_default())
}

/// How a block differs from the header that should stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is that header with some bytes changed.
    WrongBytes,
    /// It is another entry, or no header at all.
    SomethingElse,
}

/// Says what stands in `block` instead of the header of `name` with `size`, or with any size.
pub(super) fn explain(name: &str, size: Option<u64>, block: &[u8]) -> (Found, String) {
    let expected = entry_header(name, size.or_else(|| stated_size(block)).unwrap_or_default());
    let wrong = expected.iter().zip(block).filter(|(a, b)| a != b).count();
    let intact = is_intact(block);
    if wrong <= 16 && !intact {
        return (Found::WrongBytes, format!("the header of `{name}` has wrong bytes"));
    }
    let found = match block {
        [0x1f, 0x8b, ..] => "a file compressed with gzip: decompress it first".to_owned(),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "a file compressed with zstd: decompress it first".to_owned(),
        _ if block.iter().all(|byte| *byte == 0) => "zeros".to_owned(),
        _ if intact => describe(block),
        _ => "no tar header".to_owned(),
    };
    let wanted = size.map(|size| format!(" of {size} bytes")).unwrap_or_default();
    (Found::SomethingElse, format!("expected entry `{name}`{wanted}, got {found}"))
}

/// Returns whether the block is a tar header whose checksum is right.
pub(super) fn is_intact(block: &[u8]) -> bool {
    let Some(block) = block.get(..512).filter(|block| block.get(257..262) == Some(b"ustar")) else {
        return false;
    };
    let header = Header::from_byte_slice(block);
    let sum = block.iter().enumerate().fold(0_u32, |sum, (at, byte)| {
        sum.wrapping_add(u32::from(if (148..156).contains(&at) { b' ' } else { *byte }))
    });
    header.cksum().is_ok_and(|stated| stated == sum)
}

/// Says what a header that is intact stands for.
pub(super) fn describe(block: &[u8]) -> String {
    let text = |from: usize, to: usize| {
        let bytes = block.get(from..to).unwrap_or_default();
        let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        printable(&String::from_utf8_lossy(bytes))
    };
    let name = match text(345, 500) {
        prefix if prefix.is_empty() => text(0, 100),
        prefix => format!("{prefix}/{}", text(0, 100)),
    };
    let kind = match block.get(156).copied().unwrap_or_default() {
        0 | b'0' => {
            let size = stated_size(block).map(|size| format!(" of {size} bytes")).unwrap_or_default();
            return format!("entry `{name}`{size}");
        }
        b'1' => return format!("hard link `{name}` to `{}`", text(157, 257)),
        b'2' => return format!("symbolic link `{name}` to `{}`", text(157, 257)),
        b'3' | b'4' => "device",
        b'5' => "folder",
        b'6' => "FIFO",
        b'S' => "GNU sparse file",
        b'L' | b'K' => "GNU long name",
        b'x' => "PAX header",
        b'g' => "global PAX header",
        other => return format!("entry `{name}` of type {other:#04x}"),
    };
    format!("{kind} `{name}`")
}

fn plain(name: &str, size: u64, entry_type: EntryType) -> Header {
    let mut header = Header::new_ustar();
    // The name is ASCII, relative and at most 100 bytes, which is all that `set_path` can refuse.
    let _ = header.set_path(name);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_entry_type(entry_type);
    let _ = header.set_device_major(0);
    let _ = header.set_device_minor(0);
    header.set_cksum();
    header
}

/// `LENGTH KEY=VALUE\n`, where LENGTH counts itself (POSIX pax, "pax Extended Header").
fn pax_record(key: &str, value: &str) -> Vec<u8> {
    let rest = key.len().saturating_add(value.len()).saturating_add(3);
    let mut length = rest.saturating_add(1);
    while length != rest.saturating_add(length.to_string().len()) {
        length = rest.saturating_add(length.to_string().len());
    }
    format!("{length} {key}={value}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn lengths_are_those_of_the_bytes() {
        let sha512 = format!("blobs/sha512/{}", "a".repeat(128));
        for (name, size) in
            [("oci-layout", 3), (sha512.as_str(), 1 << 33), (&sha512, 7), ("x", 1 << 33), ("x", MAX_OCTAL)]
        {
            let header = entry_header(name, size);
            assert_eq!(u64::try_from(header.len()), Ok(header_length(name.len(), size)), "{name} {size}");
        }
        assert_eq!((padding(0), padding(1), padding(512), padding(513)), (0, 511, 0, 511));
    }

    #[test]
    fn tar_reads_what_is_written() {
        let sha512 = format!("blobs/sha512/{}", "a".repeat(128));
        let mut archive = Vec::new();
        for (name, content) in [("oci-layout", "abc"), (sha512.as_str(), "defg")] {
            archive.extend(entry_header(name, content.len().try_into().unwrap()));
            archive.extend(content.as_bytes());
            archive.resize(archive.len().next_multiple_of(512), 0);
        }
        archive.extend([0; 1024]);
        let mut read = Vec::new();
        for entry in tar::Archive::new(&archive[..]).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            read.push((entry.path().unwrap().to_string_lossy().into_owned(), content));
        }
        assert_eq!(read, [("oci-layout".to_owned(), "abc".to_owned()), (sha512, "defg".to_owned())]);
    }

    #[test]
    fn what_a_header_states_is_what_it_was_made_of() {
        let sha512 = format!("blobs/sha512/{}", "a".repeat(128));
        for (name, size) in [("oci-layout", 31), (&sha512, 7), ("x", 1 << 33), (&sha512, 1 << 40)] {
            assert_eq!(stated(&entry_header(name, size)), (name, size));
        }
        assert_eq!(stated(&[]), ("", 0));
        assert_eq!(stated(&[b'y'; 512]), ("y".repeat(100).as_str(), 0));
    }

    #[test]
    fn pax_records_count_themselves() {
        assert_eq!(pax_record("size", "8589934592"), b"19 size=8589934592\n");
        let path = pax_record("path", &"a".repeat(91));
        assert!(path.starts_with(b"101 path="), "{path:?}");
        assert_eq!(path.len(), 101);
    }
}

//! Tars that others may have made, with or without bad intent.

use airgap_bundle::model::error::FormatState::{self, Damaged, Foreign, Incomplete};
use airgap_bundle::stores::bundle::header::entry_header;
use airgap_bundle::stores::bundle::slots::Slots;
use tar::{EntryType, Header};

use super::format::varied;
use super::judge::{refuses, wrong};
use crate::fixture;
use crate::fixture::{Pack, put};
use crate::python::refused_by_python;

fn small() -> Pack {
    Pack::new().file("a", b"x")
}

/// Where the first blob's header stands, and where the end begins.
fn places(pack: &Pack) -> (usize, usize) {
    let contents = pack.contents();
    let slots = Slots::new(&contents).unwrap();
    let at = |offset: u64| usize::try_from(offset).unwrap();
    (at(slots.head()), at(slots.length()) - 1024)
}

/// Returns a header that is whole in itself.
fn header(kind: EntryType, name: &str, link: &str, size: u64) -> Vec<u8> {
    let mut header = Header::new_gnu();
    let field = &mut header.as_old_mut().name;
    field[..name.len()].copy_from_slice(name.as_bytes());
    header.set_link_name_literal(link).unwrap();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// Returns the bundle with other bytes in the place of what stands at `at`.
fn with(tar: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut changed = tar.to_vec();
    changed[at..at + bytes.len()].copy_from_slice(bytes);
    changed
}

/// Returns the bundle with bytes put in before `at`.
fn before(tar: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    [&tar[..at], bytes, &tar[at..]].concat()
}

#[test]
fn other_entries_are_no_entries_of_a_bundle() {
    let pack = small();
    let (tar, (first, end)) = (pack.tar(), places(&pack));
    let name = "blobs/sha256/".to_owned() + &pack.contents().manifests[0].digest.hex();
    let mut pax = header(EntryType::XHeader, "PaxHeaders/x", "", 20);
    pax.extend_from_slice(b"20 size=00000000001\n");
    pax.resize(1024, 0);
    let mut listed_twice = Vec::new();
    put(&mut listed_twice, &name, b"{}");
    let mut unlisted = Vec::new();
    put(&mut unlisted, "unlisted", b"x");
    let link = |kind, name: &str| header(kind, name, "/etc/shadow", 0);
    for (case, tar, at, message) in [
        (
            "symbolic link",
            with(&tar, first, &link(EntryType::Symlink, &name)),
            first,
            "got symbolic link `blobs/sha256/",
        ),
        ("hard link", with(&tar, first, &link(EntryType::Link, &name)), first, "to `/etc/shadow`"),
        ("device", with(&tar, first, &link(EntryType::Char, &name)), first, "got device"),
        ("folder", with(&tar, first, &link(EntryType::Directory, "blobs/")), first, "got folder `blobs/`"),
        (
            "name that leads out",
            with(&tar, first, &link(EntryType::Regular, "../../etc/passwd")),
            first,
            "got entry `../../etc/passwd`",
        ),
        (
            "absolute name",
            with(&tar, first, &link(EntryType::Regular, "/etc/passwd")),
            first,
            "got entry `/etc/passwd`",
        ),
        (
            "escape in a name",
            with(&tar, first, &link(EntryType::Regular, "\u{1b}[2J")),
            first,
            "got entry `\\u{1b}[2J`",
        ),
        (
            "GNU sparse file",
            with(&tar, first, &link(EntryType::GNUSparse, &name)),
            first,
            "got GNU sparse file",
        ),
        (
            "GNU long name",
            before(&tar, first, &header(EntryType::GNULongName, "././@LongLink", "", 0)),
            first,
            "got GNU long name `././@LongLink`",
        ),
        ("PAX record of another size", before(&tar, first, &pax), first, "got PAX header `PaxHeaders/x`"),
        (
            "global PAX header",
            before(&tar, first, &header(EntryType::XGlobalHeader, "g", "", 0)),
            first,
            "got global PAX header `g`",
        ),
        (
            "entry that is not listed",
            before(&tar, end, &unlisted),
            end,
            "expected the end of the archive, got entry `unlisted` of 1 bytes",
        ),
        ("entry that is there twice", before(&tar, end, &listed_twice), end, "got entry `blobs/sha256/"),
        (
            "link after the blobs",
            before(&tar, end, &link(EntryType::Symlink, "signatures/a")),
            end,
            "got symbolic link `signatures/a`",
        ),
        ("zeros", with(&tar, first, &[0; 512]), first, "got zeros"),
        ("bytes after the end", [&tar[..], b"x"].concat(), end + 1024, "1 bytes follow the end"),
        ("zeros after the end", [&tar[..], &[0; 9216]].concat(), end + 1024, "9216 bytes follow the end"),
    ] {
        let differs = wrong(&tar).first().map_or(0, |(_, at, _)| *at);
        let at = u64::try_from(at).unwrap();
        assert!(differs >= at && differs < at + 512, "{case}: {differs}, expected {at}");
        refuses(case, &tar, Damaged, differs, message);
        refused_by_python(case, &tar);
    }
}

#[test]
fn reserved_entries_keep_to_their_rules() {
    let (tar, (_, end)) = (small().tar(), places(&small()));
    let tail = |names: &[&str]| {
        let mut entries = Vec::new();
        for name in names {
            put(&mut entries, name, b"content");
        }
        before(&tar, end, &entries)
    };
    assert!(wrong(&tail(&["parity/a", "signatures/a/b", "trees/A-1._"])).is_empty());
    for names in [
        &["signatures/a", "signatures/a"] as &[_],
        &["trees/a", "parity/a"],
        &["signatures/../a"],
        &["signatures/"],
        &["signatures/.a"],
        &["signatures"],
        &["stored/a"],
        &["blobs/sha256/a"],
        &["signatures/a b"],
    ] {
        assert_eq!(wrong(&tail(names)).len(), 1, "{names:?}");
        refused_by_python(&format!("{names:?}"), &tail(names));
    }
    let mut cut = tail(&["signatures/a"]);
    cut.truncate(end + 515);
    refuses("a cut tail", &cut, Incomplete, u64::try_from(cut.len()).unwrap(), "the file ends");
    refused_by_python("a cut tail", &cut);
}

#[test]
fn a_file_that_ends_too_early_is_incomplete_wherever_it_ends() {
    let tar = varied().tar();
    for cut in (0..tar.len()).step_by(512).chain([1, 511, tar.len() - 1]) {
        refuses(&cut.to_string(), &tar[..cut], Incomplete, cut.try_into().unwrap(), "the file ends");
    }
    for cut in (0..tar.len()).step_by(3072) {
        refused_by_python(&cut.to_string(), &tar[..cut]);
    }
}

#[test]
fn a_short_file_is_compared_with_how_a_bundle_begins() {
    let tar = small().tar();
    let mut wrong = tar[..500].to_vec();
    wrong[3] ^= 1;
    for (bytes, state, message) in [
        (&tar[..300], Incomplete, "the file ends in its head"),
        (&wrong, Damaged, "the header of `oci-layout` has wrong bytes"),
        (b"abc", Foreign, "expected entry `oci-layout`, got no tar header"),
        (&[0x1f, 0x8b, 8], Foreign, "a file compressed with gzip: decompress it first"),
        (&[0; 300], Foreign, "got zeros"),
    ] {
        let offset = if state == Incomplete { bytes.len().try_into().unwrap() } else { 0 };
        refuses(message, bytes, state, offset, message);
        refused_by_python(message, bytes);
    }
}

#[test]
fn a_size_is_not_believed_before_it_is_looked_at() {
    let mut tar = Vec::new();
    put(&mut tar, "oci-layout", b"{\"imageLayoutVersion\":\"1.0.0\"}\n");
    let start = u64::try_from(tar.len()).unwrap();
    for (size, state, at, message) in [
        (1 << 30, Foreign, start, "`index.json` has 1073741824 bytes, more than 67108864"),
        (1 << 20, Incomplete, start + 1024, "the file ends in its head"),
    ] {
        let mut tar = tar.clone();
        tar.extend(entry_header("index.json", size));
        tar.extend([0; 512]);
        refuses("a large index.json", &tar, state, at, message);
        refused_by_python("a large index.json", &tar);
    }
}

#[test]
fn what_is_no_bundle_is_told_from_a_damaged_one() {
    let mut other = Vec::new();
    put(&mut other, "manifest.json", b"[]");
    for (bytes, message) in [
        (vec![0x1f, 0x8b, 8, 0], "compressed with gzip"),
        (vec![0x28, 0xb5, 0x2f, 0xfd], "compressed with zstd"),
        (b"<html>".to_vec(), "no tar header"),
        (vec![], "zeros"),
        (other, "got entry `manifest.json` of 2 bytes"),
    ] {
        let mut bytes = bytes;
        bytes.resize(bytes.len().max(512), 0);
        refuses(message, &bytes, Foreign, 0, message);
        refused_by_python(message, &bytes);
    }
    let mut damaged = small().tar();
    damaged[3] ^= 0x20;
    refuses("one wrong byte", &damaged, Damaged, 3, "the header of `oci-layout` has wrong bytes");
}

/// Returns a bundle whose head says these bytes, with an id that is right.
fn saying(index: &[u8], bundle: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    put(&mut tar, "oci-layout", b"{\"imageLayoutVersion\":\"1.0.0\"}\n");
    put(&mut tar, "index.json", index);
    put(&mut tar, "bundle.json", bundle);
    tar.resize(tar.len() + 1024, 0);
    tar
}

fn index(id: &str, more: &str) -> Vec<u8> {
    format!("{{\"annotations\":{{\"dev.airgap-bundle.id\":\"{id}\"{more}}}}}").into_bytes()
}

#[test]
fn bundle_json_may_be_anything() {
    use airgap_bundle::model::digest::Digest;
    let fields = r#""artifacts":[],"manifests":[],"configs":[],"blobs":[],"missing":[]"#;
    let deep = format!(r#"{{"format":1,{fields},"labels":{}"#, "[".repeat(1 << 20));
    let blob = format!("\"sha256:{}\"", "0".repeat(64));
    let texts: [(&str, FormatState, &str); 10] = [
        ("", Foreign, "EOF"),
        ("[]", Foreign, "expected a JSON object"),
        ("[1,[],[],[],[],[],{}]", Foreign, "expected a JSON object"),
        ("{\"format\":2,\"volumes\":[]}", Foreign, "format 2 is not one that this version reads (1)"),
        ("{\"format\":1}", Foreign, "missing field `artifacts`"),
        (&deep, Foreign, "bundle.json"),
        (
            &format!(r#"{{"format":1,"format":1,{fields},"labels":{{}}}}"#),
            Foreign,
            "duplicate field `format`",
        ),
        (
            &format!(r#"{{"format":1,{fields},"labels":{{"a":"b","a":"b"}}}}"#),
            Foreign,
            "label `a` stands twice",
        ),
        (&format!(r#"{{"format":1,{fields},"labels":{{"a":"\u0007"}}}}"#), Foreign, "control characters"),
        (
            &format!(r#"{{"format":1,{fields},"labels":{{}}}}"#)
                .replace(r#""blobs":[]"#, &format!("\"blobs\":[[{blob},1]]")),
            Foreign,
            "expected a JSON object",
        ),
    ];
    for (text, state, message) in texts {
        let id = Digest::sha256(text.as_bytes()).to_string();
        let tar = saying(&index(&id, ""), text.as_bytes());
        let found = wrong(&tar);
        assert!(found[0].0 == state && found[0].2.contains(message), "{message}: {found:?}");
        refused_by_python(message, &tar);
    }
    let id = Digest::sha256(b"{}").to_string();
    for (index, state, message) in [
        (
            index(&id, r#","dev.airgap-bundle.requires":"stored, volumes""#),
            Foreign,
            "it requires `stored`, which this",
        ),
        (index("sha256:12", ""), Foreign, "no bundle id"),
        (b"{".to_vec(), Damaged, "`index.json`: EOF"),
        (index(&Digest::sha256(b"other").to_string(), ""), Damaged, "as `index.json` says, got sha256:"),
    ] {
        let tar = saying(&index, b"{}");
        let found = wrong(&tar);
        assert!(found[0].0 == state && found[0].2.contains(message), "{message}: {found:?}");
        refused_by_python(message, &tar);
    }
}

#[test]
fn a_head_with_many_wrong_bytes_is_an_answer_and_never_a_panic() {
    let good = varied().tar();
    let head = places(&varied()).0;
    let seeds = fixture::bytes(29, 8 * 600);
    for seed in seeds.chunks(8) {
        let number = |at: usize| usize::from(u16::from_le_bytes([seed[at], seed[at + 1]]));
        let mut tar = good.clone();
        let (at, length) = (number(0) % head, number(2) % 700);
        let end = (at + length + 1).min(head);
        match number(4) % 5 {
            0 => tar[at..end].fill(0),
            1 => tar[at..end].iter_mut().for_each(|byte| *byte ^= seed[6] | 1),
            2 => drop(tar.drain(at..end)),
            3 => tar.copy_within(at..end, number(6) % head),
            _ => tar.truncate(at),
        }
        assert!(tar == good || !wrong(&tar).is_empty(), "{seed:?}");
    }
}

#[test]
fn fields_of_later_versions_are_passed_over() {
    let pack = small();
    let contents = pack.contents();
    let text = String::from_utf8(contents.to_bytes()).unwrap();
    let later = text.replacen("{\"format\":1,", "{\"format\":1,\"later\":[{\"a\":null}],", 1);
    let id = airgap_bundle::model::digest::Digest::sha256(later.as_bytes());
    let head = saying(&contents.index(&id), later.as_bytes());
    let plain = pack.tar();
    let tar = [&head[..head.len() - 1024], &plain[places(&pack).0..]].concat();
    assert_eq!(wrong(&tar), []);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("b.tar"), &tar).unwrap();
    crate::python::prove_with_python(&folder.path().join("b.tar"));
}

#[test]
fn a_changed_bundle_json_is_an_answer_and_never_a_panic() {
    use airgap_bundle::model::contents::Contents;
    use airgap_bundle::model::digest::Digest;
    let good = varied().contents().to_bytes();
    let seeds = fixture::bytes(23, 6 * 2000);
    for seed in seeds.chunks(6) {
        let number = |at: usize| usize::from(u16::from_le_bytes([seed[at], seed[at + 1]]));
        let mut text = good.clone();
        let at = number(0) % text.len();
        match number(2) % 4 {
            0 => text[at] = b"0,:[]{}\"\\x"[number(4) % 10],
            1 => drop(text.drain(at..(at + number(4) % 40).min(good.len()))),
            2 => text.extend_from_within(at..),
            _ => text.insert(at, b"9,:[]{}\"-e"[number(4) % 10]),
        }
        let id = Digest::sha256(&text);
        let contents = serde_json::from_slice::<Contents>(&text);
        let index = contents.map_or_else(|_| index(&id.to_string(), ""), |contents| contents.index(&id));
        // It may still say the same in other words; what it names is not here in any case.
        assert_ne!(wrong(&saying(&index, &text)), []);
    }
}

//! Images of `mksquashfs`, read back.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Arc, Mutex};

use airgap_bundle::content::ranges::Ranges;
use airgap_bundle::content::read_at::ReadAt;
use airgap_bundle::model::error::{Error, Result};
use airgap_bundle::model::snap::{Confinement, SnapType};
use airgap_bundle::stores::squashfs::{Entry, EntryKind, Squashfs};
use bytes::Bytes;

use crate::fixture::bytes;
use crate::fixture::squashfs::{COMPRESSIONS, image_of, snap, write};

const YAML: &str = "name: k8s\nversion: 1.32.1\nbase: core20\nconfinement: classic\narchitectures: [amd64]\n";
const LIMIT: u64 = 4 << 20;

fn open(image: Vec<u8>) -> Result<Squashfs> {
    Squashfs::open(Arc::new(image) as Arc<dyn ReadAt>, "k8s.snap")
}

/// A folder with files of every length that matters for blocks of 4 KiB to 1 MiB.
fn folder() -> (tempfile::TempDir, Vec<(String, Vec<u8>)>) {
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec![("meta/snap.yaml".to_owned(), YAML.as_bytes().to_vec())];
    for (number, size) in
        [0, 1, 4095, 4096, 4097, 131_071, 131_072, 131_073, 262_144, 1_048_577].into_iter().enumerate()
    {
        files.push((format!("random/{size}"), bytes(number.try_into().unwrap(), size)));
        files.push((format!("text/{size}"), b"pause:3.10\n".iter().copied().cycle().take(size).collect()));
    }
    // Holes are not stored at all.
    files.push(("text/hole".to_owned(), vec![0; 300_000]));
    let given: Vec<(&str, &[u8])> =
        files.iter().map(|(path, content)| (path.as_str(), &content[..])).collect();
    write(folder.path(), &given);
    (folder, files)
}

fn assert_reads(image: Vec<u8>, files: &[(String, Vec<u8>)], how: &str) {
    let mut image = open(image).unwrap();
    for (path, content) in files {
        let read = image.read(path, LIMIT).unwrap();
        assert!(read.as_ref() == Some(content), "{how}: {path}: {:?}", read.map(|read| read.len()));
    }
}

#[test]
fn every_compression_of_snaps_is_read() {
    let (folder, files) = folder();
    for compression in COMPRESSIONS {
        assert_reads(image_of(folder.path(), compression, &[]), &files, compression);
    }
}

#[test]
fn every_way_to_store_files_is_read() {
    let (folder, files) = folder();
    for flags in [
        &["-no-fragments"][..],
        &["-always-use-fragments"],
        &["-noI", "-noD", "-noF"],
        &["-b", "4096"],
        &["-b", "1M"],
        &["-no-duplicates", "-exports"],
        &["-nopad", "-no-sparse"],
    ] {
        assert_reads(image_of(folder.path(), "gzip", flags), &files, &flags.join(" "));
    }
    for flags in [&["-Xbcj", "x86,arm"][..], &["-Xdict-size", "8192"], &["-Xdict-size", "100%"]] {
        assert_reads(image_of(folder.path(), "xz", flags), &files, &flags.join(" "));
    }
    assert_reads(image_of(folder.path(), "lzo", &["-Xalgorithm", "lzo1x_1_11"]), &files, "lzo1x_1_11");
    assert_reads(image_of(folder.path(), "zstd", &["-Xcompression-level", "22"]), &files, "zstd 22");
}

#[test]
fn a_snap_says_what_it_is() {
    let mut image = open(snap(YAML, &[])).unwrap();
    let snap = image.snap().unwrap();
    assert_eq!((snap.name.as_str(), snap.version.as_str()), ("k8s", "1.32.1"));
    assert_eq!((snap.kind, snap.confinement), (SnapType::App, Confinement::Classic));
    assert_eq!((snap.base.as_deref(), &snap.architectures[..]), (Some("core20"), &["amd64".to_owned()][..]));
}

#[test]
fn what_is_no_snap_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("a", b"a")]);
    for (image, expected) in [
        (image_of(folder.path(), "gzip", &[]), "`k8s.snap` is no snap: its `meta/snap.yaml` is missing"),
        (
            snap("name: K8s\n", &[]),
            "`k8s.snap` is no snap: its `meta/snap.yaml` has `name: K8s`, which cannot be",
        ),
    ] {
        assert_eq!(open(image).unwrap().snap().unwrap_err().to_string(), expected);
    }
    for (image, expected) in [
        (Vec::new(), "`k8s.snap` is no squashfs image, which every snap is"),
        (b"hsqs".to_vec(), "`k8s.snap` is an image of squashfs 0.0; snaps are of 4.0"),
        (
            image_of(folder.path(), "lz4", &[]),
            "`k8s.snap` is compressed by method 5 of squashfs; snaps are by gzip, lzo, xz or zstd",
        ),
    ] {
        let error = open(image).unwrap_err();
        assert_eq!((error.exit_code(), error.to_string().as_str()), (1, expected));
    }
}

/// Makes an image with links of all sorts.
fn linked() -> Squashfs {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[("k8s/images.txt", b"pause:3.10\n"), ("images/list/more.txt", b"more\n"), ("deep/a/b/c", b"c")],
    );
    for (target, link) in [
        ("k8s/images.txt", "images.txt"),
        ("../list", "images/self"),
        ("../images/list/../list/more.txt", "images/images.txt"),
        ("b/../../../deep/./a//b", "deep/a/way"),
        ("k8s", "folder"),
        ("nowhere", "broken"),
        ("loop", "loop"),
        ("pong", "ping"),
        ("ping", "pong"),
        ("/etc/passwd", "absolute"),
        ("../../etc/passwd", "deep/out"),
    ] {
        symlink(target, folder.path().join(link)).unwrap();
    }
    open(image_of(folder.path(), "xz", &[])).unwrap()
}

#[test]
fn links_are_followed_inside() {
    let mut image = linked();
    for (path, content) in [
        ("images.txt", "pause:3.10\n"),
        ("./k8s//images.txt", "pause:3.10\n"),
        ("/k8s/images.txt", "pause:3.10\n"),
        ("folder/images.txt", "pause:3.10\n"),
        ("folder/../images/images.txt", "more\n"),
        ("deep/a/way/c", "c"),
    ] {
        assert_eq!(image.read(path, LIMIT).unwrap().as_deref(), Some(content.as_bytes()), "{path}");
    }
    for path in ["none", "broken", "k8s/images.txt/x", "images/self", "none/../images.txt", "K8S/images.txt"]
    {
        assert_eq!(image.read(path, LIMIT).unwrap(), None, "{path}");
    }
    for (path, expected) in [
        ("loop", "`loop` in `k8s.snap` is a chain of more than 40 links"),
        ("ping", "is a chain of more than 40 links"),
        ("absolute", "leads out of the image"),
        ("deep/out", "leads out of the image"),
        ("../images.txt", "leads out of the image"),
        ("k8s", "`k8s` in `k8s.snap` is not a file"),
        ("folder", "is not a file"),
        ("", "is not a file"),
    ] {
        let error = image.read(path, LIMIT).unwrap_err();
        assert!(
            matches!(error, Error::Unsupported { .. }) && error.to_string().ends_with(expected),
            "{path}: {error}"
        );
    }
}

#[test]
fn ways_that_lead_round_and_round_have_an_end() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("d/end", b"end")]);
    let round = "d/../".repeat(800);
    for (link, next) in [("a", "b"), ("b", "c"), ("c", "d/end")] {
        symlink(format!("{round}{next}"), folder.path().join(link)).unwrap();
    }
    let mut image = open(image_of(folder.path(), "xz", &[])).unwrap();
    assert_eq!(image.read("a", LIMIT).unwrap().unwrap(), b"end");
    let error = image.read("a", LIMIT).unwrap_err().to_string();
    assert_eq!(error, "`a` in `k8s.snap` is behind more than 4096 folders");
}

#[test]
fn lists_of_images_are_found_at_the_top_and_one_below() {
    assert_eq!(linked().named("images.txt").unwrap(), ["images.txt", "images/images.txt", "k8s/images.txt"]);
    assert!(linked().named("none").unwrap().is_empty());
    let list = linked().list("deep").unwrap().unwrap();
    let entry = |name: &str, kind| Entry { name: name.to_owned(), kind };
    assert_eq!(list, [entry("a", EntryKind::Folder), entry("out", EntryKind::Link)]);
    assert_eq!(linked().list("none").unwrap(), None);
    assert!(linked().list("k8s/images.txt").is_err());
}

#[test]
fn a_file_that_is_too_long_is_not_read() {
    let mut image = open(snap(YAML, &[("long", &vec![1; 5 << 20]), ("short", b"12345")])).unwrap();
    let error = image.read("long", u64::MAX).unwrap_err().to_string();
    assert_eq!(error, "`long` in `k8s.snap` has 5242880 bytes, and at most 4194304 are read");
    assert!(image.read("short", 4).is_err());
    assert_eq!(image.read("short", 5).unwrap().unwrap(), b"12345");
}

#[test]
fn folders_of_many_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("many")).unwrap();
    for number in 0..3000 {
        fs::write(folder.path().join(format!("many/{number:04}")), number.to_string()).unwrap();
    }
    let mut image = open(image_of(folder.path(), "lzo", &[])).unwrap();
    assert_eq!(image.list("many").unwrap().unwrap().len(), 3000);
    for number in [0, 1499, 2999] {
        let content = image.read(&format!("many/{number:04}"), LIMIT).unwrap();
        assert_eq!(content.unwrap(), number.to_string().into_bytes());
    }
}

/// A snap of the size of a real one's parts: programs, some thousand small files, lists.
fn large(folder: &Path) -> Vec<u8> {
    write(
        folder,
        &[
            ("meta/snap.yaml", YAML.as_bytes()),
            ("images.txt", b"pause:3.10\n"),
            ("k8s/images.txt", b"cni:1\n"),
        ],
    );
    for number in 0..8 {
        write(folder, &[(&format!("bin/{number}"), &bytes(number, 1 << 20))]);
    }
    for number in 0..4000_u32 {
        write(folder, &[(&format!("lib/python/{}/{number}.py", number % 50), number.to_string().as_bytes())]);
    }
    image_of(folder, "xz", &["-no-fragments", "-noD"])
}

#[test]
fn a_snap_that_is_far_away_is_read_with_few_requests() {
    let folder = tempfile::tempdir().unwrap();
    let image = Bytes::from(large(folder.path()));
    assert!(image.len() > 8 << 20);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (noted, far) = (Arc::clone(&asked), image.clone());
    let ranges = Ranges::new(image.len().try_into().unwrap(), move |offset, length| {
        noted.lock().unwrap().push(length);
        let offset = usize::try_from(offset).unwrap();
        Ok(far.slice(offset..offset + length))
    });
    let mut image = Squashfs::open(Arc::new(ranges), "k8s.snap").unwrap();
    assert_eq!(image.snap().unwrap().name, "k8s");
    assert_eq!(image.named("images.txt").unwrap(), ["images.txt", "k8s/images.txt"]);
    assert_eq!(image.read("images.txt", LIMIT).unwrap().unwrap(), b"pause:3.10\n");
    assert_eq!(image.read("k8s/images.txt", LIMIT).unwrap().unwrap(), b"cni:1\n");
    let asked = asked.lock().unwrap();
    assert!(asked.len() <= 6, "{asked:?}");
    assert!(asked.iter().sum::<usize>() <= 2 << 20, "{asked:?}");
}

#[test]
fn an_error_of_whoever_fetches_stays_what_it_is() {
    let ranges = Ranges::new(4096, |_, _| {
        let error = Error::Remote {
            what: "GET https://h/k8s.snap".into(),
            status: 503,
            detail: String::new(),
            hint: None,
        };
        Err(std::io::Error::other(error))
    });
    let error = Squashfs::open(Arc::new(ranges), "k8s.snap").unwrap_err();
    assert!(matches!(error, Error::Remote { status: 503, .. }), "{error}");
}

/// Does all that can be done with an image; what comes of it matters to nobody, as long as it comes.
fn use_up(image: Vec<u8>) -> Result<()> {
    let mut image = open(image)?;
    image.snap()?;
    for path in image.named("images.txt")? {
        image.read(&path, LIMIT)?;
    }
    for entry in image.list("meta/gui")?.unwrap_or_default() {
        image.read(&format!("meta/gui/{}", entry.name), LIMIT)?;
    }
    image.read("link/images.txt", LIMIT).map(|_| ())
}

#[test]
fn no_flipped_bit_and_no_early_end_is_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        &[("meta/snap.yaml", YAML.as_bytes()), ("k8s/images.txt", &b"pause:3.10\n".repeat(1000))],
    );
    write(folder.path(), &[("images.txt", b"a"), ("meta/gui/icon.svg", &bytes(1, 600))]);
    symlink("k8s", folder.path().join("link")).unwrap();
    for compression in COMPRESSIONS {
        for flags in [&["-nopad", "-b", "4096"][..], &["-nopad", "-no-fragments", "-noI"]] {
            let image = image_of(folder.path(), compression, flags);
            use_up(image.clone()).unwrap();
            let mut refused = 0;
            for at in 0..image.len() {
                let mut broken = image.clone();
                broken[at] ^= 1 << (at % 8);
                refused += usize::from(use_up(broken).is_err());
            }
            assert!(refused > 100, "{compression}: {refused} of {}", image.len());
            for end in (0..image.len()).step_by(7) {
                let error = use_up(image[..end].to_vec()).unwrap_err();
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
}

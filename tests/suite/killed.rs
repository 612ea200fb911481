//! Imports and side-loads that are killed at points that follow from a seed: requests made, bytes moved.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::fixture::{Graph, Pack, bytes, image, index};
use crate::site::Site;
use crate::tools::{command, run};

/// When a process is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Point {
    /// After so many answered requests.
    Requests(usize),
    /// After so many bytes that it has read from files.
    Read(u64),
    /// After so many bytes that it has written to files.
    Written(u64),
}

/// How a process ended that was to be killed.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit status, where it was quicker than the kill.
    pub(crate) code: Option<i32>,
    /// The requests that were answered: `PUT http://…/v2/a/blobs/uploads/… 201`.
    pub(crate) requests: Vec<String>,
}

impl Ended {
    /// Returns how many blobs were taken in.
    pub(crate) fn uploaded(&self) -> usize {
        let is_upload =
            |line: &&String| line.starts_with("PUT ") && line.contains("/blobs/") && line.ends_with(" 201");
        self.requests.iter().filter(is_upload).count()
    }

    /// Returns how many requests were of a method for things of a kind.
    pub(crate) fn count(&self, method: &str, kind: &str) -> usize {
        self.requests.iter().filter(|line| line.starts_with(method) && line.contains(kind)).count()
    }
}

/// Runs a command line and kills it with `KILL` at a point, unless it ends before; `None` lets it run to its end.
pub(crate) fn kill_at(site: &Site, line: &str, point: Option<Point>) -> Ended {
    let mut child = site
        .command(&format!("{line} -v"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (count, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let reader = thread::spawn({
        let (count, requests) = (Arc::clone(&count), Arc::clone(&requests));
        move || {
            for line in lines.map_while(Result::ok).filter(|line| is_request(line)) {
                requests.lock().unwrap().push(line);
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let reached = |child: &Child| match point {
        None => false,
        Some(Point::Requests(limit)) => count.load(Ordering::SeqCst) >= limit,
        Some(Point::Read(limit)) => moved(child, "rchar") >= limit,
        Some(Point::Written(limit)) => moved(child, "wchar") >= limit,
    };
    if point.is_some() {
        while !reached(&child) && child.try_wait().unwrap().is_none() {
            thread::yield_now();
        }
        // It may have ended meanwhile.
        let _ = child.kill();
    }
    let code = child.wait().unwrap().code();
    reader.join().unwrap();
    let requests = std::mem::take(&mut *requests.lock().unwrap());
    Ended { code, requests }
}

fn is_request(line: &str) -> bool {
    ["GET ", "HEAD ", "POST ", "PUT ", "PATCH ", "DELETE "].iter().any(|method| line.starts_with(method))
}

/// Returns what the kernel has counted of a process (proc(5), `/proc/PID/io`); 0 once it has ended.
fn moved(child: &Child, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/io", child.id())).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(": ")?.parse().ok());
    value.unwrap_or_default()
}

/// A number from 0 to `below` − 1 out of a seed.
fn pick(seed: u64, turn: u64, below: u64) -> u64 {
    let bytes = bytes(seed.wrapping_mul(1_000_003).wrapping_add(turn), 8);
    u64::from_le_bytes(bytes.try_into().unwrap()) % below
}

/// Images, an index, a layer that two of them share, one that is named by digest alone.
fn content(seed: u64) -> (Vec<(String, Graph)>, Pack) {
    let mut graphs: Vec<(String, Graph)> = (0..5)
        .map(|number| {
            let size = 1000 + usize::try_from(pick(seed, number, 700_000)).unwrap();
            (format!("q.io/a/n{number}:1"), image(seed * 100 + number, 3, size))
        })
        .collect();
    graphs.push(("q.io/a/n1:again".to_owned(), graphs[0].1.clone()));
    let both = index(seed * 100 + 50, &["linux/amd64", "linux/arm64"], 2, 50_000);
    graphs.push(("q.io/a/both:1".to_owned(), both));
    let alone = image(seed * 100 + 60, 2, 100_000);
    graphs.push((format!("q.io/a/alone@{}", alone.digest()), alone));
    let pack = graphs.iter().fold(Pack::new(), |pack, (name, graph)| pack.graph(name, graph));
    (graphs, pack)
}

/// Kills imports into a registry at points that follow from the seed, and proves that no name is ever half there, that
/// nothing that was taken in is sent again, and that everything is there in the end.
pub(crate) fn imports(seed: u64, host: &str) {
    let (graphs, pack) = content(seed);
    let prefix = format!("s{seed}");
    let site = Site::new().named("TO", host).bytes("site.tar", &pack.tar());
    let flags = ["", "--no-receipt", "--no-digest-tags", "--no-digest-tags --no-receipt"];
    let flags = flags[usize::try_from(seed % 4).unwrap()];
    let line = format!("import site.tar --to http://TO/{prefix} --jobs 3 {flags}");
    let distinct: BTreeSet<_> =
        graphs.iter().flat_map(|(_, graph)| &graph.blobs).map(|blob| blob.digest).collect();
    // Three more are the receipt.
    let most = distinct.len() + 3;
    let total = graphs.iter().flat_map(|(_, graph)| &graph.blobs).map(|blob| blob.bytes.len()).sum::<usize>();
    let (mut uploaded, mut read) = (0, BTreeSet::new());
    for turn in 0..=pick(seed, 20, 4) {
        let at = 30 + turn * 10;
        let point = if pick(seed, at, 2) == 0 {
            Point::Requests(usize::try_from(pick(seed, at + 1, 90)).unwrap())
        } else {
            Point::Read(pick(seed, at + 1, u64::try_from(total).unwrap()))
        };
        uploaded += kill_at(&site, &line, Some(point)).uploaded();
        complete(&site, host, &prefix, &mut read);
    }
    let last = kill_at(&site, &line, None);
    uploaded += last.uploaded();
    assert_eq!(last.code, Some(0), "seed {seed}");
    assert!(uploaded <= most, "seed {seed}: {uploaded} blobs were taken in, of {most}");
    let names = complete(&site, host, &prefix, &mut read);
    let tagged =
        |names: &BTreeSet<String>, tag: &str| names.iter().filter(|name| name.ends_with(tag)).count();
    assert_eq!((tagged(&names, ":1"), tagged(&names, ":again")), (6, 1), "seed {seed}: {names:?}");
    let again = kill_at(&site, &line, None);
    assert_eq!((again.code, again.count("P", "")), (Some(0), 0), "seed {seed}: {:#?}", again.requests);
}

/// Returns the names that are there, once skopeo has read those that are not in `read` yet, with everything below them.
fn complete(site: &Site, host: &str, prefix: &str, read: &mut BTreeSet<String>) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let names = names(site, host, prefix);
    for name in &names {
        if read.insert(name.clone()) {
            // It checks every digest.
            let (from, to) = (format!("docker://{host}/{name}"), format!("dir:{}", folder.path().display()));
            let arguments = ["--insecure-policy", "copy", "--all", "--src-tls-verify=false", "--quiet"];
            run(command("skopeo", &site.path("home")).args(arguments).args([from, to]));
        }
    }
    names
}

/// Lists every tag of every repository: `s1/a/n0:1`.
fn names(site: &Site, host: &str, prefix: &str) -> BTreeSet<String> {
    let repositories = ["n0", "n1", "n2", "n3", "n4", "both", "alone"];
    let urls = repositories.map(|repository| format!("http://{host}/v2/{prefix}/a/{repository}/tags/list"));
    let listed = run(command("curl", &site.path("home")).args(["--silent", "--show-error"]).args(urls));
    let mut names = BTreeSet::new();
    for answer in serde_json::Deserializer::from_str(&listed).into_iter::<serde_json::Value>() {
        let answer = answer.unwrap();
        // A repository that is not there, or has blobs alone, has no tags to list.
        let tags = answer["tags"].as_array().into_iter().flatten();
        let name = answer["name"].as_str().unwrap_or_default();
        names.extend(tags.map(|tag| format!("{name}:{}", tag.as_str().unwrap())));
    }
    names
}

/// Kills side-loads at points that follow from the seed, and proves that what has a name is whole and is not written
/// again, and that everything is there in the end.
pub(crate) fn side_loads(seed: u64) {
    let (_, pack) = content(seed);
    let line = "sideload --containerd-dir=images --platform linux/amd64 site.tar";
    let whole = Site::new().bytes("site.tar", &pack.tar());
    whole.run(line).any_stderr().code(0);
    let tars = whole.files("images");
    let total: u64 = tars.iter().map(|tar| fs::metadata(whole.path(tar)).unwrap().len()).sum();
    let killed = Site::new().bytes("site.tar", &pack.tar());
    let mut written: BTreeMap<String, u64> = BTreeMap::new();
    let turns = 1 + pick(seed, 20, 4);
    for turn in 0..=turns {
        let point = (turn < turns).then(|| Point::Written(pick(seed, 30 + turn, total)));
        let ended = kill_at(&killed, line, point);
        let named = if killed.path("images").exists() { killed.files("images") } else { vec![] };
        for tar in named.iter().filter(|tar| !tar.ends_with(".airgap-bundle")) {
            assert!(killed.read(tar) == whole.read(tar), "seed {seed}: {tar}");
            let file = fs::metadata(killed.path(tar)).unwrap().ino();
            assert_eq!(
                *written.entry(tar.clone()).or_insert(file),
                file,
                "seed {seed}: {tar} was written again"
            );
        }
        assert!(point.is_some() || ended.code == Some(0), "seed {seed}: {:?}", ended.code);
    }
    assert_eq!(killed.files("images"), tars, "seed {seed}");
}

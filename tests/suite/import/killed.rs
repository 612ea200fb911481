//! Imports that end in the middle.

use std::collections::BTreeSet;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use airgap_bundle::stores::registry::server::{Fault, Faults, Options, RequestView, Server};

use crate::docker_registry::DockerRegistry;
use crate::fixture::Pack;
use crate::fixture::{Graph, image, index};
use crate::killed::{Point, imports, kill_at};
use crate::site::Site;

use super::place::packed;

const JOBS: usize = 4;

/// A registry that stops answering from a request on, and says so; until it is let go on.
struct Stopping {
    server: Server,
    at: Arc<AtomicUsize>,
    reached: Receiver<()>,
}

fn stopping(at: usize) -> Stopping {
    stopping_at(at, |_| true)
}

/// As [`stopping`], where only requests of one kind count.
fn stopping_at(at: usize, counts: impl Fn(&RequestView<'_>) -> bool + Send + Sync + 'static) -> Stopping {
    let (tell, reached) = channel();
    let (seen, at, tell) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(at)), Mutex::new(tell));
    let limit = Arc::clone(&at);
    let faults = Faults::new(move |request| {
        if !counts(request) || seen.fetch_add(1, Ordering::SeqCst) < limit.load(Ordering::SeqCst) {
            return Fault::None;
        }
        // Nobody may listen any more.
        let _ = tell.lock().unwrap().send(());
        Fault::Stall
    });
    let server = Server::start(Options { faults, ..Options::memory() }).unwrap();
    Stopping { server, at, reached }
}

impl Stopping {
    /// Starts an import, sends it a signal once the registry has stopped, and returns how it ended.
    fn end(&self, site: &Site, signal: &str) -> ExitStatus {
        self.end_with(site, signal, JOBS).status
    }

    /// As [`Stopping::end`], with what it has printed.
    fn end_with(&self, site: &Site, signal: &str, jobs: usize) -> Output {
        let process = Command::new(env!("CARGO_BIN_EXE_airgap-bundle"))
            .args(["import", "site.tar", "--json", "--jobs", &jobs.to_string(), "--to", &self.server.host()])
            .current_dir(site.root())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.reached.recv().unwrap();
        let sent = Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let output = process.wait_with_output().unwrap();
        self.at.store(usize::MAX, Ordering::SeqCst);
        output
    }
}

fn content() -> (Vec<Graph>, Pack) {
    let graphs = vec![
        image(1, 3, 1000),
        index(2, &["linux/amd64", "linux/arm64"], 2, 1000),
        image(1, 3, 1000),
        image(3, 1, 500_000),
    ];
    let pack = graphs
        .iter()
        .enumerate()
        .fold(Pack::new(), |pack, (number, graph)| pack.graph(&format!("q.io/a/n{number}:1"), graph));
    (graphs, pack)
}

/// Asserts that every name is complete, and returns how many there are.
fn names(server: &Server, graphs: &[Graph]) -> usize {
    let named = |(number, graph): (usize, &Graph)| {
        let repository = format!("a/n{number}");
        let is_named = !server.registry().tags(&repository).is_empty();
        if is_named {
            graph.assert_in(server.registry(), &repository, "1");
        }
        is_named
    };
    graphs.iter().enumerate().map(named).filter(|is_named| *is_named).count()
}

/// Returns how many blobs were taken in.
fn uploaded(server: &Server) -> usize {
    let requests = server.requests();
    let whole = |status: Option<u16>| status == Some(201);
    requests
        .iter()
        .filter(|request| {
            request.method == "PUT" && request.path.contains("/uploads/") && whole(request.status)
        })
        .count()
}

#[test]
fn a_killed_import_leaves_nothing_half_named_and_the_next_one_goes_on() {
    let (graphs, pack) = content();
    for at in [0, 3, 8, 15, 22, 30, 38, 44] {
        let stopping = stopping(at);
        let site = packed(&pack, &stopping.server.host());
        assert_eq!(stopping.end(&site, "-KILL").code(), None);
        names(&stopping.server, &graphs);
        let before = uploaded(&stopping.server);
        stopping.server.clear_requests();
        site.run("import site.tar --to TO").any_stderr().code(0);
        assert_eq!(names(&stopping.server, &graphs), graphs.len(), "after {at} requests");
        // 4 of the first and third, 6 of the second, 2 of the last, 3 of the receipt.
        let after = uploaded(&stopping.server);
        assert!(before + after <= 15 + JOBS, "after {at} requests: {before} blobs, then {after}");
    }
}

#[test]
fn signals_end_an_import_at_once() {
    let (graphs, pack) = content();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let stopping = stopping(20);
        let site = packed(&pack, &stopping.server.host());
        assert_eq!(stopping.end(&site, signal).code(), Some(code));
        assert_eq!(names(&stopping.server, &graphs), 0);
        site.run("import site.tar --to TO").any_stderr().code(0);
    }
}

#[test]
fn the_document_of_an_import_that_a_signal_ends_says_what_is_done() {
    let (graphs, pack) = content();
    let stopping =
        stopping_at(2, |request| request.method == "PUT" && request.path.ends_with("/manifests/1"));
    let site = packed(&pack, &stopping.server.host());
    let output = stopping.end_with(&site, "-TERM", 1);
    assert_eq!(output.status.code(), Some(143));
    assert_eq!(names(&stopping.server, &graphs), 2);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["artifacts"].as_array().unwrap();
    let statuses: Vec<_> = rows.iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["done", "done", "skipped", "skipped"]);
    assert_eq!(rows[3]["target"], format!("{}/a/n3:1", stopping.server.host()));
    assert_eq!((&report["status"], &report["totals"]["artifacts"]), (&"failed".into(), &4.into()));
    assert_eq!(report["errors"], serde_json::json!(["interrupted"]));
}

#[test]
fn imports_that_are_killed_anywhere_go_on() {
    let (ours, docker) = (Server::start(Options::memory()).unwrap(), DockerRegistry::start());
    for seed in 0..4 {
        imports(seed, &ours.host());
        imports(seed, docker.host());
    }
}

/// docker-registry denies to know a repository that has blobs and no tag.
#[test]
fn blobs_of_repositories_without_a_tag_are_found_again() {
    let (graphs, pack) = content();
    let to = DockerRegistry::start();
    let site = packed(&pack, to.host());
    let blobs: BTreeSet<_> = graphs.iter().flat_map(|graph| &graph.blobs).map(|blob| blob.digest).collect();
    // The first answer to a manifest comes when all blobs are there.
    let requests = 1 + 1 + 2 + 4 + 2 * blobs.len() + 4;
    let killed = kill_at(&site, "import site.tar --to TO --jobs 1", Some(Point::Requests(requests + 1)));
    assert_eq!((killed.code, killed.uploaded()), (None, blobs.len() + 1), "{:#?}", killed.requests);
    let rerun = kill_at(&site, "import site.tar --to TO --jobs 1", None);
    assert_eq!(rerun.code, Some(0));
    // What is left are config and names of the receipt.
    assert_eq!(rerun.uploaded(), 2, "{:#?}", rerun.requests);
}

#[test]
fn what_has_no_tag_at_all_is_found_again() {
    let one = image(1, 3, 1000);
    let pack = Pack::new().graph(&format!("q.io/a/b@{}", one.digest()), &one);
    let to = DockerRegistry::start();
    let site = packed(&pack, to.host());
    for flags in ["--no-digest-tags --no-receipt", "--no-digest-tags"] {
        let line = format!("import site.tar --to TO/{} {flags}", flags.len());
        site.run(&line).stderr_holds("1 imported").code(0);
        let again = kill_at(&site, &line, None);
        assert_eq!((again.code, again.count("P", "")), (Some(0), 0), "{:#?}", again.requests);
    }
}

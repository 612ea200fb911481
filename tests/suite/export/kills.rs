//! Exports that end in the middle, at a point that the upstream chooses.

use std::io::Read as _;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use airgap_bundle::stores::registry::server::{Fault, Faults, Options, RequestView, Server};

use crate::fixture::{Graph, bytes, image, index};
use crate::site::Site;

/// How many blobs may be in flight.
const JOBS: usize = 3;

/// What ends the wait for an export.
#[derive(Debug)]
pub(crate) enum Event {
    /// The request came.
    Sprung,
    /// The export has ended.
    Ended(Output),
}

/// Springs at a request: of its answer only the beginning is sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trap(Arc<Mutex<Option<Set>>>);

#[derive(Debug)]
struct Set {
    path: String,
    left: usize,
    after: u64,
    tell: Sender<Event>,
}

impl Trap {
    /// Starts a registry in memory that has the trap in it.
    pub(crate) fn server(&self) -> Server {
        let trap = self.clone();
        let faults = Faults::new(move |view| trap.choose(view));
        Server::start(Options { faults, ..Options::memory() }).unwrap()
    }

    fn choose(&self, view: &RequestView<'_>) -> Fault {
        let mut set = self.0.lock().unwrap();
        match set.as_mut() {
            Some(armed) if view.method == "GET" && view.path.contains(&armed.path) => {
                if armed.left > 0 {
                    armed.left -= 1;
                    return Fault::None;
                }
                let armed = set.take().unwrap();
                // Nobody listens any more where the export has ended meanwhile.
                let _ = armed.tell.send(Event::Sprung);
                Fault::StallBodyAfter(armed.after)
            }
            _ => Fault::None,
        }
    }

    /// Starts an export with the trap set at the request after `requests` others whose path holds `path`.
    pub(crate) fn start(&self, site: &Site, line: &str, path: &str, requests: usize, after: u64) -> Caught {
        let (tell, events) = channel();
        let set = Set { path: path.to_owned(), left: requests, after, tell: tell.clone() };
        *self.0.lock().unwrap() = Some(set);
        let mut child = site
            .command(line)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let process = child.id();
        thread::spawn(move || {
            let mut said = Vec::new();
            child.stderr.take().unwrap().read_to_end(&mut said).unwrap();
            let output = child.wait_with_output().unwrap();
            // The test may be over.
            let _ = tell.send(Event::Ended(Output { stderr: said, ..output }));
        });
        Caught { process, events, trap: self.clone() }
    }
}

/// An export that runs into a trap.
#[derive(Debug)]
pub(crate) struct Caught {
    process: u32,
    events: Receiver<Event>,
    trap: Trap,
}

impl Caught {
    /// Waits until it is caught, or has ended without.
    pub(crate) fn wait(&self) -> Event {
        self.events.recv().unwrap()
    }

    /// Sends a signal and returns how it ended.
    pub(crate) fn end(self, signal: &str) -> Output {
        // One that has ended meanwhile gets no signal.
        Command::new("kill").args([signal, &self.process.to_string()]).output().unwrap();
        self.trap.0.lock().unwrap().take();
        loop {
            if let Event::Ended(output) = self.wait() {
                return output;
            }
        }
    }

    /// Kills it where it is caught; returns whether it was.
    pub(crate) fn kill(self) -> bool {
        match self.wait() {
            Event::Sprung => {
                self.end("-KILL");
                true
            }
            Event::Ended(output) => {
                self.trap.0.lock().unwrap().take();
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{said}");
                false
            }
        }
    }
}

/// A number from 0 to `below` − 1 out of a seed.
fn pick(seed: u64, turn: u64, below: usize) -> usize {
    let bytes = bytes(seed.wrapping_mul(1_000_003).wrapping_add(turn), 8);
    let number = u64::from_le_bytes(bytes.try_into().unwrap());
    usize::try_from(number % u64::try_from(below.max(1)).unwrap()).unwrap()
}

/// Returns how often layers were asked for beyond the first time.
pub(crate) fn again(server: &Server, graphs: &[Graph]) -> usize {
    let requests = server.requests();
    let mut layers: Vec<_> = graphs
        .iter()
        .flat_map(|graph| &graph.blobs)
        .filter(|blob| blob.media_type.contains("layer"))
        .collect();
    layers.sort_by_key(|blob| blob.digest);
    layers.dedup_by_key(|blob| blob.digest);
    let count = |hex: &str| {
        requests.iter().filter(|request| request.method == "GET" && request.path.contains(hex)).count()
    };
    layers.iter().map(|blob| count(&blob.digest.hex()).saturating_sub(1)).sum()
}

/// Kills exports at points that follow from the seed, with the list mended and tags moved in between, and proves that
/// the last one makes the bundle that was never interrupted, with nothing fetched twice but what was in flight. Returns
/// the site with that bundle, and how many kills were in time.
pub(crate) fn kill_and_go_on(seed: u64) -> (Site, usize) {
    let trap = Trap::default();
    let server = trap.server();
    let mut graphs: Vec<Graph> = (0..4)
        .map(|n| image(seed * 100 + n, 3, 1000 + pick(seed, n, 400_000)))
        .chain([index(seed * 100 + 50, &["linux/amd64", "linux/arm64"], 2, 50_000)])
        .collect();
    for (number, graph) in graphs.iter().enumerate() {
        graph.put(server.registry(), &format!("r{number}"), Some("1"));
    }
    let lines = |from: usize| (from..5).map(|n| format!("REGISTRY/r{n}:1")).collect::<Vec<_>>().join("\n");
    let mut site =
        Site::new().named("REGISTRY", server.host()).file("list.txt", &lines(0)).file("file", &lines(0));
    let line = format!("export --list list.txt ./file --jobs {JOBS}");
    let (mut kills, mut all) = (0, 0);
    for turn in 0..=pick(seed, 20, 3) {
        let turn = u64::try_from(turn).unwrap() * 10 + 30;
        let (requests, after) = (pick(seed, turn, 34), pick(seed, turn + 1, 300_000));
        let caught = trap.start(&site, &line, "/v2/", requests, u64::try_from(after).unwrap());
        let killed = caught.kill();
        // An answer that is shorter than what the trap lets pass is whole, and the export may be quicker than the kill.
        if !killed || site.path("airgap-bundle.tar").exists() {
            std::fs::remove_file(site.path("airgap-bundle.tar")).unwrap();
            // What was finished and taken away is fetched again, and that is no fault.
            server.clear_requests();
            kills = 0;
            continue;
        }
        (kills, all) = (kills + 1, all + 1);
        match pick(seed, turn + 2, 4) {
            0 => site = site.file("list.txt", &lines(1)),
            1 => site = site.file("list.txt", &lines(0)),
            2 => {
                let moved = image(seed * 100 + turn, 2, 120_000);
                moved.put(server.registry(), "r2", Some("1"));
                graphs.push(moved);
            }
            _ => {}
        }
    }
    site.run(&line).any_stdout().any_stderr().code(0);
    let twice = again(&server, &graphs);
    assert!(twice <= kills * JOBS, "seed {seed}: {twice} layers were fetched twice after {kills} kills");
    site.run(&format!("{line} -o fresh.tar")).any_stdout().any_stderr().code(0);
    assert!(site.read("airgap-bundle.tar") == site.read("fresh.tar"), "seed {seed}");
    assert!(
        !site.files(".").iter().any(|name| name.contains("partial")),
        "seed {seed}: {:?}",
        site.files(".")
    );
    (site, all)
}

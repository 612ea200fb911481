//! A registry with faults, and commands that meet them with a clock that makes nobody wait.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use airgap_bundle::commands::export::{self, Action, Overwrite};
use airgap_bundle::commands::import::{self, DigestTags, MovedTags, Receipt};
use airgap_bundle::commands::open::{Choice, OnIncomplete};
use airgap_bundle::commands::report::{Report, whole};
use airgap_bundle::commands::seen::Seen;
use airgap_bundle::content::budget::Budget;
use airgap_bundle::content::jobs::OnFailure;
use airgap_bundle::kinds::{
    Clock, Earlier, Foreign, Keys, Lacking, Places, Prover, Snaps, Staging, TagLists, Unknown, Wanted,
};
use airgap_bundle::model::assertion::Trust;
use airgap_bundle::model::list::{self, Require};
use airgap_bundle::model::referrer::Referrers;
use airgap_bundle::model::selector::Selection;
use airgap_bundle::model::target::Layout;
use airgap_bundle::stores::bundle::reader::Bundle;
use airgap_bundle::stores::bundle::verify::verify;
use airgap_bundle::stores::http::HttpSettings;
use airgap_bundle::stores::registry::auth::{CredentialSources, ExplicitLogin, Secret};
use airgap_bundle::stores::registry::client::RegistrySettings;
use airgap_bundle::stores::registry::server::{Auth, Faults, Logged, Options, Server};
use airgap_bundle::stores::snap_store::{self, SnapStore};
use camino::Utf8PathBuf;
use tempfile::TempDir;

use crate::client::place::Place;
use crate::fixture::{Graph, Pack, image};

/// How long a layer of the scenes is, without its tar header.
pub(crate) const LAYER: usize = 300_000;

/// What is carried: three images of two layers, `r0:1`, `r1:1` and `r2:1`.
pub(crate) fn content() -> Vec<Graph> {
    (0..3).map(|seed| image(70 + seed, 2, LAYER)).collect()
}

/// Returns how many bytes everything has.
pub(crate) fn weight(graphs: &[Graph]) -> u64 {
    let blobs = graphs.iter().flat_map(|graph| graph.blobs.iter().chain(&graph.manifests));
    blobs.map(|blob| u64::try_from(blob.bytes.len()).unwrap()).sum()
}

/// Returns a bundle of graphs, the first as `q.io/r0:1`.
pub(crate) fn packed(graphs: &[Graph]) -> Pack {
    let numbered = graphs.iter().enumerate();
    numbered.fold(Pack::new(), |pack, (number, graph)| pack.graph(&format!("q.io/r{number}:1"), graph))
}

/// A registry, and a folder on this side.
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) place: Place,
    folder: TempDir,
    pub(crate) jobs: usize,
}

impl Scene {
    pub(crate) fn new(faults: Faults) -> Self {
        Self::with(Options { faults, ..Options::memory() }, &HttpSettings::default())
    }

    /// Starts the server; the client logs in with `user` and `secret` where that asks for it.
    pub(crate) fn with(options: Options, http: &HttpSettings) -> Self {
        let login = options.auth != Auth::None;
        let server = Server::start(options).unwrap();
        let explicit = login.then(|| ExplicitLogin {
            registry: server.host(),
            username: "user".to_owned(),
            password: Secret::new("secret"),
            source: "a test".to_owned(),
        });
        let credentials =
            CredentialSources { explicit: explicit.into_iter().collect(), ..Default::default() };
        let settings = RegistrySettings { credentials, ..Default::default() };
        let memory = std::path::Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("airgap-bundle-").tempdir_in(parent).unwrap();
        Self { server, place: Place::with(http, &settings).unwrap(), folder, jobs: 1 }
    }

    /// Puts graphs into the registry: `r0:1`, `r1:1`, …
    pub(crate) fn holding(self, graphs: &[Graph]) -> Self {
        for (number, graph) in graphs.iter().enumerate() {
            graph.put(self.server.registry(), &format!("r{number}"), Some("1"));
        }
        self
    }

    /// Returns a path in the folder.
    pub(crate) fn path(&self, name: &str) -> Utf8PathBuf {
        Utf8PathBuf::try_from(self.folder.path().join(name)).unwrap()
    }

    /// Asserts that the bundle holds graphs and is proven.
    pub(crate) async fn assert_bundle(&self, graphs: &[Graph], name: &str) {
        let bundle = Bundle::open(&self.path("site.tar")).unwrap();
        for blob in graphs.iter().flat_map(|graph| graph.blobs.iter().chain(&graph.manifests)) {
            assert!(bundle.slot(&blob.digest).is_ok(), "{name}: {}", blob.digest);
        }
        let verified = verify(&bundle, 2, Arc::clone(&self.place.heard) as _).await.unwrap();
        assert!(verified.problems.is_empty(), "{name}: {:?}", verified.problems);
    }

    /// Returns the bytes of the bundle, if there is one.
    pub(crate) fn bundle(&self) -> Option<Vec<u8>> {
        std::fs::read(self.path("site.tar")).ok()
    }

    /// Exports so many images.
    pub(crate) async fn export(&self, count: usize, on_failure: OnFailure) -> Report {
        let references = (0..count).map(|number| format!("{}/r{number}:1", self.server.host()));
        self.export_of(&references.collect::<Vec<_>>(), on_failure).await
    }

    pub(crate) async fn export_of(&self, references: &[String], on_failure: OnFailure) -> Report {
        let client = self.place.client.clone();
        // Nobody asks it.
        let settings = snap_store::Settings::new(snap_store::store_url("http://127.0.0.1:1").unwrap());
        let store = SnapStore::new(client.http().clone(), settings);
        let prover = Prover { trust: Trust::built_in().unwrap(), at: UNIX_EPOCH.into(), clock: Clock::Said };
        let snaps = Snaps::new(store, prover, "amd64", Unknown::Learn);
        let done = export::run(export::Options {
            asked: list::collect(&[], references, Require::default()).unwrap(),
            output: self.path("site.tar"),
            selection: Selection::default(),
            wanted: Wanted {
                platforms: Vec::new(),
                lacking: Lacking::Warn,
                foreign: Foreign::Include,
                require: Require::default(),
                keys: Keys::default(),
                jobs: self.jobs,
                referrers: Referrers::None,
            },
            places: Places {
                http: client.http().clone(),
                registry: client,
                staging: Staging::temporary(self.path("")),
                earlier: Earlier::default(),
                tag_lists: TagLists::default(),
                budget: Budget::default(),
                snaps,
            },
            action: Action::Do,
            overwrite: Overwrite::No,
            on_failure,
            reuse: Vec::new(),
            jobs: self.jobs,
            seen: Seen::default(),
            progress: Arc::clone(&self.place.heard) as _,
        });
        done.await.unwrap_or_else(|error| Report::failed("export", error))
    }

    /// Imports a bundle of graphs.
    pub(crate) async fn import(&self, graphs: &[Graph]) -> Report {
        std::fs::write(self.path("site.tar"), packed(graphs).tar()).unwrap();
        let choice = Choice {
            path: self.path("site.tar"),
            expect: None,
            on_incomplete: OnIncomplete::Tell,
            seen: Seen::default(),
        };
        let done = import::run(
            choice,
            import::Options {
                to: self.server.host().parse().unwrap(),
                layout: Layout::default(),
                max_components: None,
                selection: Selection::default(),
                action: Action::Do,
                moved: MovedTags::Refuse,
                digest_tags: DigestTags::Set,
                receipt: Receipt::Omit,
                on_failure: OnFailure::GoOn,
                client: self.place.client.for_push(),
                jobs: self.jobs,
                seen: Seen::default(),
                progress: Arc::clone(&self.place.heard) as _,
            },
        );
        done.await.unwrap_or_else(|error| Report::failed("import", error))
    }

    /// Returns the requests, in the order of their arrival, without the question whether loopback speaks TLS.
    pub(crate) fn requests(&self) -> Vec<Logged> {
        self.server.requests()
    }

    /// Returns how many bytes came from the registry.
    pub(crate) fn fetched(&self) -> u64 {
        self.requests()
            .iter()
            .filter(|request| request.path != "/token")
            .map(|request| request.bytes_out)
            .sum()
    }

    /// Returns how many bytes of blobs and manifests the registry was sent.
    pub(crate) fn sent(&self) -> u64 {
        self.requests().iter().map(|request| request.bytes_in).sum()
    }

    /// Moves the clock on by `time` now and then as long as what was asked is `stalled` and nobody has
    /// noticed, while `work` is done.
    pub(crate) async fn overtake<T>(
        &self,
        time: Duration,
        stalled: impl Fn(&[Logged]) -> bool,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = std::pin::pin!(work);
        let mut turns = 0;
        loop {
            if let std::task::Poll::Ready(done) = futures_util::poll!(&mut work) {
                return done;
            }
            turns += 1;
            // What was sent before is taken in first.
            let unnoticed = || self.place.heard.notes.lock().unwrap().is_empty();
            if turns % 1000 == 0 && unnoticed() && stalled(&self.requests()) {
                self.place.clock.advance(time);
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Returns all that a report says of failures.
pub(crate) fn told(report: &Report) -> String {
    report.failures.iter().map(whole).collect::<Vec<_>>().join("\n")
}

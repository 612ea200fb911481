//! Faults of a destination.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use airgap_bundle::stores::http::HttpSettings;
use airgap_bundle::stores::registry::server::{
    Auth, Bearer, Clock, Fault, Faults, Logged, Options, RequestView, Server,
};

use super::scene::{LAYER, Scene, content, told, weight};
use crate::fixture::Graph;

/// One fault: what happens, how often, and what an import makes of it.
struct Row {
    name: &'static str,
    faults: Faults,
    /// The exit status, and what is said where it is not 0.
    ends: (u8, &'static str),
    /// What is sent more than without a fault: `("PUT", 2)`.
    more: &'static [(&'static str, isize)],
    /// Bytes that may be moved again.
    again: u64,
    /// In milliseconds, with half of the jitter.
    waits: &'static [u128],
}

impl Row {
    fn new(name: &'static str, faults: Faults) -> Self {
        Self { name, faults, ends: (0, ""), more: &[], again: 0, waits: &[] }
    }

    fn waits(self, waits: &'static [u128]) -> Self {
        Self { waits, ..self }
    }

    fn more(self, more: &'static [(&'static str, isize)]) -> Self {
        Self { more, ..self }
    }

    fn again(self, again: u64) -> Self {
        Self { again, ..self }
    }

    fn fails(self, code: u8, says: &'static str) -> Self {
        Self { ends: (code, says), ..self }
    }
}

const ALWAYS: usize = 1000;
/// What is tried eight times: the repository, and each of three blobs.
const FOUR_TIMES_8: [u128; 28] = {
    let (once, mut all, mut at) = ([500, 1250, 3125, 7812, 19531, 48828, 60000], [0; 28], 0);
    while at < 28 {
        all[at] = once[at % 7];
        at += 1;
    }
    all
};
const SIZE: u64 = LAYER as u64 + 2048;

fn is_put(view: &RequestView<'_>) -> bool {
    view.method == "PUT" && view.path.contains("/r1/") && view.is_upload()
}

/// The first `count` bodies of blobs for the second image have a fault.
fn put(count: usize, fault: Fault) -> Faults {
    Faults::times(count, fault, is_put)
}

/// The first body of a layer that is cut.
fn cut(count: usize, after: u64) -> Faults {
    Faults::times(count, Fault::CutRequestAfter(after), |view| {
        let length = view.headers.get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
        is_put(view) && length.is_some_and(|length: u64| length > 100_000)
    })
}

/// The first `count` beginnings of an upload for the second image have a fault.
fn post(count: usize, fault: Fault) -> Faults {
    Faults::times(count, fault, |view| view.method == "POST" && view.path.contains("/r1/"))
}

/// The first `count` manifests of the second image have a fault.
fn manifest(count: usize, fault: Fault) -> Faults {
    Faults::times(count, fault, |view| view.method == "PUT" && view.path == "/v2/r1/manifests/1")
}

fn refusing(status: u16, code: &str) -> Fault {
    let body = format!(r#"{{"errors":[{{"code":"{code}","message":"no"}}]}}"#);
    Fault::Status { status, headers: Vec::new(), body }
}

/// An answer says that a session goes on somewhere.
fn located(location: &str) -> Fault {
    Fault::Headers(vec![("location".to_owned(), Some(location.to_owned()))])
}

fn scripted() -> Vec<Row> {
    let anew: &[_] = &[("POST", 1), ("PUT", 1)];
    vec![
        Row::new("429 in seconds on a body", put(1, Fault::retry_after("7")))
            .more(anew)
            .again(SIZE)
            .waits(&[7350]),
        Row::new("429 with a date", put(1, Fault::retry_after("Fri, 06 Nov 2026 10:01:00 GMT")))
            .more(anew)
            .again(SIZE)
            .waits(&[63_000]),
        Row::new("429 with junk", put(1, Fault::retry_after("soon"))).more(anew).again(SIZE).waits(&[500]),
        Row::new("429 for very long", put(1, Fault::retry_after("9999")))
            .more(anew)
            .again(SIZE)
            .waits(&[315_000]),
        Row::new("429 at the beginning", post(2, Fault::retry_after("3")))
            .more(&[("POST", 2)])
            .waits(&[3150, 3150]),
        Row::new("429 on a manifest", manifest(2, Fault::retry_after("3")))
            .more(&[("PUT", 2)])
            .again(2000)
            .waits(&[3150, 3150]),
        Row::new("cut off", cut(1, 100_000)).more(&[("PUT", 1)]).again(SIZE).waits(&[500]),
        Row::new("cut off nine times", cut(9, 20_000)).more(&[("PUT", 9)]).again(9 * SIZE).waits(&[500; 9]),
        Row::new("the answer is lost", put(1, Fault::LoseAnswer)).waits(&[500]),
        Row::new("the answer about a manifest is lost", manifest(1, Fault::LoseAnswer))
            .more(&[("PUT", 1)])
            .again(2000)
            .waits(&[500]),
        Row::new("reset", put(2, Fault::Disconnect)).more(&[("POST", 2), ("PUT", 2)]).waits(&[500, 1250]),
        Row::new("the session is lost", put(1, Fault::status(404))).more(anew).again(SIZE).waits(&[500]),
        Row::new("the session is elsewhere", put(1, Fault::status(416))).more(anew).again(SIZE).waits(&[500]),
        Row::new(
            "the registry is restarted while a body comes",
            cut(1, 100_000)
                .or(Faults::times(1, Fault::status(404), |view| view.method == "GET" && view.is_upload())),
        )
        .more(anew)
        .again(SIZE)
        .waits(&[500]),
        Row::new("bytes are spoilt on their way", put(1, refusing(400, "DIGEST_INVALID")))
            .more(anew)
            .again(SIZE)
            .waits(&[500]),
        Row::new("bytes are spoilt for ever", put(ALWAYS, refusing(400, "DIGEST_INVALID")))
            .more(&[("DELETE", 4)])
            .again(9 * SIZE)
            .waits(&[500, 1250, 3125, 500, 1250, 3125, 500, 1250, 3125])
            .fails(4, "DIGEST_INVALID"),
        Row::new("a page instead of an answer", put(ALWAYS, Fault::page("<title>Access denied</title>")))
            .more(&[("DELETE", 1)])
            .again(SIZE)
            .fails(4, "titled `Access denied`"),
        Row::new(
            "a page instead of an answer about a manifest",
            manifest(ALWAYS, Fault::page("<title>No</title>")),
        )
        .again(2000)
        .fails(4, "titled `No`"),
        Row::new("another push disturbs that of a manifest", manifest(2, refusing(400, "DIGEST_INVALID")))
            .more(&[("PUT", 2)])
            .again(4000)
            .waits(&[500, 1250]),
        Row::new("a manifest that is doubted for ever", manifest(ALWAYS, refusing(400, "DIGEST_INVALID")))
            .more(&[("PUT", 2)])
            .again(6000)
            .waits(&[500, 1250])
            .fails(4, "DIGEST_INVALID"),
        Row::new("a session at no URL", post(ALWAYS, located("ftp://x/")))
            .fails(4, "without a usable `Location`"),
        Row::new(
            "redirects without an end",
            put(ALWAYS, Fault::Redirect("/v2/r1/blobs/uploads/x".to_owned())),
        )
        .again(16 * SIZE)
        .more(&[("DELETE", 1)])
        .fails(4, "redirects the upload again and again"),
        Row::new("a server in trouble for ever", post(ALWAYS, Fault::status(503)))
            .waits(&FOUR_TIMES_8)
            .fails(4, "HTTP status 503"),
    ]
}

/// What passes, or stays as it is, by its status alone.
fn statuses() -> Vec<Row> {
    let mut rows = Vec::new();
    for status in [408, 500, 502, 503, 504] {
        rows.push(
            Row::new("a server in trouble", put(3, Fault::status(status)))
                .more(&[("POST", 3), ("PUT", 3)])
                .again(3 * SIZE)
                .waits(&[500, 1250, 3125]),
        );
        rows.push(
            Row::new("a server in trouble with manifests", manifest(2, Fault::status(status)))
                .more(&[("PUT", 2)])
                .again(4000)
                .waits(&[500, 1250]),
        );
    }
    for status in [400, 401, 403, 405, 501] {
        rows.push(
            Row::new("what will not change", put(ALWAYS, Fault::status(status)))
                .more(&[("DELETE", 1)])
                .again(SIZE)
                .fails(4, "sha256:"),
        );
        rows.push(Row::new("what will not begin", post(ALWAYS, Fault::status(status))).fails(4, "/r1`"));
        rows.push(Row::new("no manifest", manifest(ALWAYS, Fault::status(status))).fails(4, "manifest `1`"));
    }
    rows
}

fn count(requests: &[Logged], method: &str) -> isize {
    requests.iter().filter(|request| request.method == method).count().try_into().unwrap()
}

fn assert_there(server: &Server, graphs: &[Graph], but: Option<usize>) {
    for (number, graph) in graphs.iter().enumerate() {
        if Some(number) == but {
            assert!(server.registry().tags(&format!("r{number}")).is_empty());
        } else {
            graph.assert_in(server.registry(), &format!("r{number}"), "1");
        }
    }
}

#[tokio::test]
async fn every_fault_has_its_end() {
    let graphs = content();
    let calm = Scene::new(Faults::none());
    assert_eq!(told(&calm.import(&graphs).await), "");
    assert_eq!(calm.sent(), weight(&graphs));
    let calm = calm.requests();
    for Row { name, faults, ends: (code, says), more, again, waits } in
        scripted().into_iter().chain(statuses())
    {
        let scene = Scene::new(faults);
        let report = scene.import(&graphs).await;
        let (told, requests) = (told(&report), scene.requests());
        assert_eq!(report.exit_code(), code, "{name}: {told}");
        assert_eq!(scene.place.waits(), waits, "{name}: {told}");
        for method in ["POST", "PUT"].into_iter().filter(|_| code == 0) {
            let more = more.iter().find(|(name, _)| *name == method).map_or(0, |(_, more)| *more);
            assert_eq!(
                count(&requests, method) - count(&calm, method),
                more,
                "{name}: {method} {requests:#?}"
            );
        }
        if let Some((_, deletes)) = more.iter().find(|(name, _)| *name == "DELETE") {
            assert!(count(&requests, "DELETE") >= *deletes, "{name}: {requests:#?}");
        }
        assert!(scene.sent() <= weight(&graphs) + again, "{name}: {} of {}", scene.sent(), weight(&graphs));
        // Where the registry does not say where its session is, or that it is elsewhere, nobody can end it.
        let lost = says.contains("Location") || says.contains("redirects");
        assert!(lost || scene.server.uploads() == 0, "{name}: {} sessions are left", scene.server.uploads());
        assert_there(&scene.server, &graphs, (code != 0).then_some(1));
        if code != 0 {
            assert!(told.contains(says) && told.contains("writing to registry"), "{name}: {told}");
        }
    }
}

#[tokio::test]
async fn a_cut_upload_goes_on_at_the_byte_that_the_registry_has_got_to() {
    let scene = Scene::new(cut(9, 20_000));
    assert_eq!(told(&scene.import(&content()).await), "");
    let ranges = scene.requests().into_iter().filter_map(|request| request.content_range);
    let starts: Vec<u64> = ranges.map(|range| range.split('-').next().unwrap().parse().unwrap()).collect();
    assert_eq!(starts, (1..=9).map(|number| number * 20_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_will_not_change_is_not_asked_twice() {
    let graphs = content();
    for status in [400, 401, 403, 404, 405] {
        for (faults, path) in [
            (post(ALWAYS, Fault::status(status)), "/blobs/uploads"),
            (manifest(ALWAYS, Fault::status(status)), "/manifests/1"),
        ] {
            let scene = Scene::new(faults);
            assert_eq!(scene.import(&graphs).await.exit_code(), 4);
            let hit = |request: &&Logged| {
                request.status == Some(status) && request.path.contains("/r1/") && request.path.contains(path)
            };
            let tried: Vec<Logged> = scene.requests().iter().filter(hit).cloned().collect();
            let writes = tried.iter().filter(|request| request.method != "HEAD").count();
            // One for each of the three blobs, or one for the manifest.
            assert!(writes <= 3 && (writes == 1 || path != "/manifests/1"), "{status}: {tried:#?}");
            assert_eq!(scene.place.waits(), [], "{status}");
        }
    }
}

#[tokio::test]
async fn a_destination_that_stalls_is_ended_and_gone_on_with() {
    let graphs = content();
    let scene = Scene::new(put(1, Fault::Stall));
    let stalled = |asked: &[Logged]| {
        let hits = asked.iter().filter(|request| request.method == "PUT" && request.path.contains("/r1/"));
        matches!(hits.collect::<Vec<_>>()[..], [hit] if hit.status.is_none())
    };
    let work = Box::pin(scene.import(&graphs));
    let report = scene.overtake(Duration::from_secs(300), stalled, work).await;
    assert_eq!(told(&report), "");
    assert_there(&scene.server, &graphs, None);
    let notes = scene.place.heard.notes.lock().unwrap().join("\n");
    assert!(notes.contains("sent no answer within"), "{notes}");
}

#[tokio::test]
async fn a_token_that_ends_in_an_upload_is_renewed() {
    let graphs = content();
    for after in [None, Some(100_000)] {
        let (clock, hand) = Clock::manual();
        let left = AtomicUsize::new(1);
        let faults = Faults::new(move |view: &RequestView<'_>| {
            if is_put(view) && left.swap(0, Ordering::SeqCst) == 1 {
                hand.advance(Duration::from_secs(400));
                return after.map_or(Fault::None, Fault::CutRequestAfter);
            }
            Fault::None
        });
        let options =
            Options { auth: Auth::Bearer(Bearer::new("user", "secret")), clock, faults, ..Options::memory() };
        let scene = Scene::with(options, &HttpSettings::default());
        assert_eq!(told(&scene.import(&graphs).await), "");
        assert_there(&scene.server, &graphs, None);
        assert!(scene.sent() <= weight(&graphs) + 3 * SIZE, "{}", scene.sent());
        assert_eq!(scene.server.uploads(), 0);
    }
}

#[tokio::test]
async fn what_is_there_is_asked_for_blob_by_blob_and_not_sent() {
    let graphs = content();
    let scene = Scene::new(Faults::none());
    // The manifests are there, and a blob below one of them is not: an import that was cut short.
    let mut there = graphs.clone();
    let lost = there[1].blobs.pop().unwrap();
    for (number, graph) in there.iter().enumerate() {
        graph.put(scene.server.registry(), &format!("r{number}"), Some("1"));
    }
    assert_eq!(told(&scene.import(&graphs).await), "");
    assert_there(&scene.server, &graphs, None);
    assert_eq!(scene.sent(), u64::try_from(lost.bytes.len()).unwrap());
}

#[tokio::test]
async fn a_mount_that_is_refused_becomes_an_upload_in_its_session() {
    let graphs = vec![content().remove(0), content().remove(0)];
    for (fault, sent) in [(Fault::None, 1), (Fault::IgnoreQuery, 2), (Fault::status(405), 2)] {
        let scene = Scene::new(Faults::times(ALWAYS, fault.clone(), |view| view.query.contains("mount=")));
        assert_eq!(told(&scene.import(&graphs).await), "");
        assert_there(&scene.server, &graphs, None);
        let blobs: u64 = graphs[0].blobs.iter().map(|blob| u64::try_from(blob.bytes.len()).unwrap()).sum();
        assert!((blobs * sent..=blobs * sent + 3000).contains(&scene.sent()), "{fault:?}");
        assert_eq!(scene.server.uploads(), 0);
        let posts = count(&scene.requests(), "POST");
        assert_eq!(posts, if fault == Fault::status(405) { 9 } else { 7 }, "{fault:?}");
    }
}

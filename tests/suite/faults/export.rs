//! Faults of a source.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use airgap_bundle::content::jobs::OnFailure;
use airgap_bundle::model::digest::Digest;
use airgap_bundle::stores::http::HttpSettings;
use airgap_bundle::stores::registry::client::Repository;
use airgap_bundle::stores::registry::server::{
    Auth, Bearer, Clock, Fault, Faults, Logged, Options, RequestView, Server,
};

use super::scene::{LAYER, Scene, content, told, weight};

/// One fault: what happens, how often, and what an export makes of it.
struct Row {
    name: &'static str,
    faults: Faults,
    /// The exit status, and what is said where it is not 0.
    ends: (u8, &'static str),
    /// Requests more than without a fault.
    more: isize,
    /// Bytes that may be moved again.
    again: u64,
    /// In milliseconds, with half of the jitter.
    waits: Vec<u128>,
}

impl Row {
    fn new(name: &'static str, faults: Faults) -> Self {
        Self { name, faults, ends: (0, ""), more: 0, again: 0, waits: Vec::new() }
    }

    /// As many requests more, and waits, as there are waits.
    fn waits(self, waits: &[u128]) -> Self {
        Self { more: waits.len().try_into().unwrap(), waits: waits.to_vec(), ..self }
    }

    fn more(self, more: isize) -> Self {
        Self { more, ..self }
    }

    fn again(self, again: u64) -> Self {
        Self { again, ..self }
    }

    fn fails(self, code: u8, says: &'static str) -> Self {
        Self { ends: (code, says), ..self }
    }
}

/// The layer that is hit: the last one of the second image.
fn target() -> Digest {
    content()[1].blobs[2].digest
}

/// The first `count` requests for that layer have a fault.
fn layer(count: usize, fault: Fault) -> Faults {
    let end = format!("/blobs/{}", target());
    Faults::times(count, fault, move |view| view.gets_blob() && view.path.ends_with(&end))
}

/// The first `count` requests for the second image's manifest have a fault.
fn manifest(count: usize, fault: Fault) -> Faults {
    Faults::times(count, fault, |view| view.path == "/v2/r1/manifests/1")
}

const ALWAYS: usize = 1000;
/// Where a manifest is missing, its config and all the layers are not asked for.
const WITHOUT_PLAN: isize = 7;
const NO_MORE_AFTER_8: [u128; 7] = [500, 1250, 3125, 7812, 19531, 48828, 60000];

fn rows() -> Vec<Row> {
    let size = u64::try_from(LAYER).unwrap() + 2048;
    let mut rows = vec![
        Row::new("429 in seconds", layer(1, Fault::retry_after("7"))).waits(&[7350]),
        Row::new("429 with a date", layer(1, Fault::retry_after("Fri, 06 Nov 2026 10:01:00 GMT")))
            .waits(&[63_000]),
        Row::new("429 with a date gone by", layer(1, Fault::retry_after("Fri, 06 Nov 2026 09:00:00 GMT")))
            .waits(&[0]),
        Row::new("429 with junk", layer(1, Fault::retry_after("soon"))).waits(&[500]),
        Row::new("429 with nothing", layer(1, Fault::status(429))).waits(&[500]),
        Row::new("429 for very long", layer(1, Fault::retry_after("9999"))).waits(&[315_000]),
        Row::new("429 on a manifest", manifest(2, Fault::retry_after("3"))).waits(&[3150, 3150]),
        Row::new("cut", layer(1, Fault::CutBodyAfter(100_000))).waits(&[500]),
        Row::new("cut twenty times", layer(20, Fault::CutBodyAfter(15_000))).waits(&[500; 20]),
        Row::new("cut at the start, for ever", layer(ALWAYS, Fault::CutBodyAfter(0)))
            .waits(&NO_MORE_AFTER_8)
            .again(0)
            .fails(1, "broke off"),
        Row::new("a manifest that is cut", manifest(2, Fault::CutBodyAfter(20)))
            .waits(&[500, 1250])
            .again(40),
        Row::new(
            "cut, by a server without ranges",
            layer(1, Fault::CutBodyAfter(100_000)).or(layer(1, Fault::IgnoreRange)),
        )
        .waits(&[500])
        .again(100_000),
        Row::new("one byte more than stated", layer(1, Fault::ExtraBytes(1))).more(1).again(size + 1),
        Row::new("a body without an end", layer(ALWAYS, Fault::ExtraBytes(1 << 32)))
            .more(1)
            .again(32 << 20)
            .fails(3, "sha256:"),
        Row::new("fewer bytes than stated", layer(1, Fault::EndBodyAfter(1000))).more(1).again(1000),
        Row::new("a wrong byte", layer(1, Fault::FlipBit(9))).more(1).again(size),
        Row::new("a wrong byte, for ever", layer(ALWAYS, Fault::FlipBit(9)))
            .more(1)
            .again(size)
            .fails(3, "has other bytes: got sha256:"),
        Row::new("a manifest with a wrong byte", manifest(1, Fault::FlipBit(9))).more(1).again(2000),
        Row::new("a manifest with a wrong byte, for ever", manifest(ALWAYS, Fault::FlipBit(9)))
            .more(1 - WITHOUT_PLAN)
            .again(2000)
            .fails(3, "expected sha256:"),
        Row::new("an endless manifest", manifest(ALWAYS, Fault::ExtraBytes(1 << 32)))
            .more(-WITHOUT_PLAN)
            .again(32 << 20)
            .fails(1, "longer than the 8388608 bytes"),
        Row::new(
            "a page instead of a blob",
            layer(ALWAYS, Fault::page("<html><title>Access denied</title>")),
        )
        .again(100)
        .fails(1, "of type `text/html`, titled `Access denied`, instead of"),
        Row::new("a page instead of a manifest", manifest(ALWAYS, Fault::page("<title>Log in</title>")))
            .more(-WITHOUT_PLAN)
            .again(100)
            .fails(1, "`Log in`"),
        Row::new(
            "redirects without an end",
            layer(ALWAYS, Fault::Redirect(format!("/v2/r1/blobs/{}", target()))),
        )
        .more(10)
        .fails(1, "more than 10 redirects"),
        Row::new("401 that nobody can answer", layer(ALWAYS, Fault::status(401))).fails(1, "was denied"),
    ];
    for status in [408, 500, 502, 503, 504] {
        rows.push(Row::new("a server in trouble", layer(3, Fault::status(status))).waits(&[500, 1250, 3125]));
    }
    for fault in [Fault::Disconnect, Fault::LoseAnswer] {
        rows.push(Row::new("reset before the answer", layer(2, fault)).waits(&[500, 1250]).again(2 * size));
    }
    rows.push(
        Row::new("a server in trouble for ever", layer(ALWAYS, Fault::status(503)))
            .waits(&NO_MORE_AFTER_8)
            .fails(1, "HTTP status 503"),
    );
    for status in [400, 403, 404, 405, 501] {
        rows.push(Row::new("what will not change", layer(ALWAYS, Fault::status(status))).fails(1, "sha256:"));
    }
    rows
}

/// How many requests an export sends without a fault.
async fn calm() -> isize {
    let graphs = content();
    let scene = Scene::new(Faults::none()).holding(&graphs);
    assert_eq!(told(&scene.export(3, OnFailure::Stop).await), "");
    assert_eq!(scene.fetched(), weight(&graphs));
    scene.assert_bundle(&graphs, "no fault").await;
    scene.requests().len().try_into().unwrap()
}

#[tokio::test]
async fn every_fault_has_its_end() {
    let requests = calm().await;
    let graphs = content();
    for Row { name, faults, ends: (code, says), more, again, waits } in rows() {
        let scene = Scene::new(faults).holding(&graphs);
        let report = scene.export(3, OnFailure::Stop).await;
        let told = told(&report);
        assert_eq!(report.exit_code(), code, "{name}: {told}");
        let asked: isize = scene.requests().len().try_into().unwrap();
        assert_eq!(asked - requests, more, "{name}: {told}\n{:#?}", scene.requests());
        assert_eq!(scene.place.waits(), waits, "{name}");
        let limit = weight(&graphs) + again;
        assert!(scene.fetched() <= limit, "{name}: {} of {limit} bytes", scene.fetched());
        if code == 0 {
            scene.assert_bundle(&graphs, name).await;
        } else {
            assert!(told.contains(says) && told.contains("reading from"), "{name}: {told}");
            assert_eq!(scene.bundle(), None, "{name}");
        }
    }
}

#[tokio::test]
async fn what_fails_is_named_and_the_others_are_carried() {
    let graphs = content();
    let scene = Scene::new(layer(ALWAYS, Fault::FlipBit(9))).holding(&graphs);
    let report = scene.export(3, OnFailure::GoOn).await;
    assert_eq!(report.exit_code(), 4, "{}", told(&report));
    assert!(told(&report).contains(&format!("blob {} has other bytes", target())), "{}", told(&report));
    let held = scene.bundle().unwrap();
    let holds = |blob: &[u8]| held.windows(blob.len()).any(|window| window == blob);
    assert!(holds(&graphs[0].root().bytes) && holds(&graphs[2].root().bytes));
    assert!(!holds(&graphs[1].root().bytes));
}

#[tokio::test]
async fn a_stall_is_ended_and_gone_on_with() {
    let graphs = content();
    let scene = Scene::new(layer(1, Fault::StallBodyAfter(100_000))).holding(&graphs);
    let end = format!("/blobs/{}", target());
    let stalled = |asked: &[Logged]| {
        let hits: Vec<_> = asked.iter().filter(|request| request.path.ends_with(&end)).collect();
        matches!(hits[..], [hit] if hit.bytes_out == 100_000)
    };
    let work = scene.export(3, OnFailure::Stop);
    let report = scene.overtake(Duration::from_secs(60), stalled, work).await;
    assert_eq!(told(&report), "");
    assert_eq!(scene.fetched(), weight(&graphs), "nothing is moved again");
    let ranges: Vec<_> = scene.requests().into_iter().filter_map(|request| request.range).collect();
    assert_eq!(ranges, ["bytes=100000-"]);
}

#[tokio::test]
async fn first_bytes_may_be_held_back_for_minutes() {
    let graphs = content();
    let scene = Scene::new(layer(1, Fault::Stall)).holding(&graphs);
    let end = format!("/blobs/{}", target());
    let stalled = |asked: &[Logged]| {
        let hits: Vec<_> = asked.iter().filter(|request| request.path.ends_with(&end)).collect();
        matches!(hits[..], [hit] if hit.status.is_none())
    };
    let work = scene.export(3, OnFailure::Stop);
    let report = scene.overtake(Duration::from_secs(300), stalled, work).await;
    assert_eq!(told(&report), "");
    assert_eq!(scene.place.waits(), [500]);
    let notes = scene.place.heard.notes.lock().unwrap().join("\n");
    assert!(notes.contains("sent no answer within 300 seconds"), "{notes}");
}

/// A registry whose tokens end before the second image's last layer is sent, or after so many bytes of it.
fn forgetful(cut: u64) -> Options {
    let (clock, hand) = Clock::manual();
    let end = format!("/blobs/{}", target());
    let asked = AtomicUsize::new(0);
    let faults = Faults::new(move |view: &RequestView<'_>| {
        let hit = view.gets_blob() && view.path.ends_with(&end) && view.headers.contains_key("authorization");
        match (hit.then(|| asked.fetch_add(1, Ordering::SeqCst)), cut) {
            (Some(0), 1..) => return Fault::CutBodyAfter(cut),
            (Some(0), 0) | (Some(1), 1..) => hand.advance(Duration::from_secs(400)),
            _ => {}
        }
        Fault::None
    });
    Options { auth: Auth::Bearer(Bearer::new("user", "secret")), clock, faults, ..Options::memory() }
}

#[tokio::test]
async fn a_token_that_ends_is_renewed_and_the_transfer_goes_on() {
    let graphs = content();
    for (cut, range) in [(0, None), (100_000, Some("bytes=100000-"))] {
        let scene = Scene::with(forgetful(cut), &HttpSettings::default()).holding(&graphs);
        assert_eq!(told(&scene.export(3, OnFailure::Stop).await), "");
        scene.assert_bundle(&graphs, "a token that ends").await;
        let count =
            |is: &dyn Fn(&Logged) -> bool| scene.requests().iter().filter(|request| is(request)).count();
        assert_eq!(count(&|request| request.path == "/token"), 5, "three, and two after they have ended");
        assert_eq!(count(&|request| request.status == Some(401)), 3, "one to begin with, and two of those");
        let ranges: Vec<_> =
            scene.requests().into_iter().filter(|request| request.status == Some(206)).collect();
        assert_eq!(ranges.first().and_then(|request| request.range.as_deref()), range);
        assert!(scene.fetched() < weight(&graphs) + 3000, "nothing is moved again: {}", scene.fetched());
    }
}

#[tokio::test]
async fn what_a_renewed_token_does_not_open_is_not_asked_for_again() {
    let graphs = content();
    let challenge = Fault::Status {
        status: 401,
        headers: vec![("www-authenticate".to_owned(), "Bearer realm=\"/token\",service=\"x\"".to_owned())],
        body: String::new(),
    };
    let options = Options {
        auth: Auth::Bearer(Bearer::new("user", "secret")),
        faults: layer(ALWAYS, challenge),
        ..Options::memory()
    };
    let scene = Scene::with(options, &HttpSettings::default()).holding(&graphs);
    let report = scene.export(3, OnFailure::Stop).await;
    assert_eq!(report.exit_code(), 1);
    assert!(told(&report).contains("was denied"), "{}", told(&report));
    let end = format!("/blobs/{}", target());
    let asked = scene.requests().iter().filter(|request| request.path.ends_with(&end)).count();
    assert_eq!((asked, scene.place.waits().len()), (2, 0), "once, and once with a new token");
}

#[tokio::test]
async fn endless_tokens_are_refused() {
    let options = Options {
        auth: Auth::Bearer(Bearer::new("user", "secret")),
        faults: Faults::times(ALWAYS, Fault::ExtraBytes(1 << 32), |view| view.is_token()),
        ..Options::memory()
    };
    let scene = Scene::with(options, &HttpSettings::default()).holding(&content());
    let report = scene.export(1, OnFailure::Stop).await;
    assert!(told(&report).contains("longer than the 1048576 bytes"), "{}", told(&report));
}

#[tokio::test]
async fn endless_errors_are_read_no_further_than_they_say_something() {
    let mut graphs = content();
    graphs[1].blobs.pop();
    let scene = Scene::new(layer(ALWAYS, Fault::ExtraBytes(1 << 32))).holding(&graphs);
    let report = scene.export(3, OnFailure::Stop).await;
    assert_eq!(report.exit_code(), 1);
    assert!(scene.fetched() < weight(&content()) + (32 << 20), "{}", scene.fetched());
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_is_not_followed_there() {
    let elsewhere = Server::start(Options::memory()).unwrap();
    for link in [
        format!("<{}/v2/r0/tags/list?last=1>; rel=\"next\"", elsewhere.url()),
        "</admin?last=1>; rel=\"next\"".to_owned(),
    ] {
        let fault = Fault::Headers(vec![("link".to_owned(), Some(link))]);
        let scene =
            Scene::new(Faults::times(2, fault, |view| view.path.ends_with("/tags/list"))).holding(&content());
        let repository = Repository::new(&scene.server.host(), "r0").unwrap();
        assert_eq!(scene.place.client.first_tags(&repository).await.unwrap(), ["1"]);
        let _ = scene.place.client.tags(&repository, |_| true).await;
        assert!(scene.requests().iter().all(|request| request.path == "/v2/r0/tags/list"));
        assert!(elsewhere.requests().is_empty());
    }
}

//! Limits of others, and our own: pulls, bytes a second, warnings.

use airgap_bundle::content::jobs::OnFailure;
use airgap_bundle::stores::http::{HttpSettings, RetrySettings, UsedUp};
use airgap_bundle::stores::registry::server::{Fault, Faults, Options, RequestView, Server};

use super::scene::{Scene, content, told, weight};
use crate::fixture::image;
use crate::site::Site;

const ALWAYS: usize = 1000;

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// What Docker Hub answers where no pull is left.
fn used_up() -> Fault {
    let headers = headers(&[("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "0;w=21600")]);
    Fault::Status { status: 429, headers, body: String::new() }
}

fn last_manifest(view: &RequestView<'_>) -> bool {
    view.path == "/v2/r2/manifests/1"
}

fn patient(faults: Faults) -> Scene {
    let retry = RetrySettings { used_up: UsedUp::Wait, ..RetrySettings::default() };
    let http = HttpSettings { retry, ..HttpSettings::default() };
    Scene::with(Options { faults, ..Options::memory() }, &http)
}

#[tokio::test]
async fn a_plan_that_dies_at_a_limit_does_not_begin_again() {
    let graphs = content();
    let scene = Scene::new(Faults::times(1, used_up(), last_manifest)).holding(&graphs);
    let report = scene.export(3, OnFailure::Stop).await;
    assert_eq!(report.exit_code(), 1);
    assert!(told(&report).contains("HTTP status 429"), "{}", told(&report));
    let hint = report.failures[0].hint().unwrap();
    assert!(hint.contains("`--wait-for-quota`"), "{hint}");
    assert!(
        report.summary.iter().any(|line| line.contains("what was fetched is kept")),
        "{:?}",
        report.summary
    );
    assert_eq!(scene.place.waits(), [], "nothing says when it would be worth asking again");
    scene.server.clear_requests();
    assert_eq!(told(&scene.export(3, OnFailure::Stop).await), "");
    let asked: Vec<String> = scene
        .requests()
        .into_iter()
        .filter(|request| request.path.contains("/manifests/"))
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    assert_eq!(asked, ["HEAD /v2/r0/manifests/1", "HEAD /v2/r1/manifests/1", "GET /v2/r2/manifests/1"]);
    let configs = graphs[..2].iter().map(|graph| graph.blobs[0].digest.to_string());
    let again =
        configs.filter(|digest| scene.requests().iter().any(|request| request.path.ends_with(digest)));
    assert_eq!(again.count(), 0, "nor are the configs that tell the platforms");
    scene.assert_bundle(&graphs, "going on").await;
    assert!(!scene.path("site.tar.partial.d").exists());
}

#[tokio::test]
async fn a_tag_that_has_moved_meanwhile_is_fetched() {
    let (graphs, other) = (content(), image(99, 1, 500));
    let scene = Scene::new(Faults::times(1, used_up(), last_manifest)).holding(&graphs);
    assert_eq!(scene.export(3, OnFailure::Stop).await.exit_code(), 1);
    other.put(scene.server.registry(), "r0", Some("1"));
    assert_eq!(told(&scene.export(3, OnFailure::Stop).await), "");
    scene.assert_bundle(&[other, graphs[1].clone(), graphs[2].clone()], "a tag that moved").await;
}

#[tokio::test]
async fn pulls_are_waited_for_where_that_is_asked() {
    let graphs = content();
    for (fault, waits) in [(used_up(), [930_000; 3]), (Fault::retry_after("20000"), [20_030_000; 3])] {
        let scene = patient(Faults::times(3, fault, last_manifest)).holding(&graphs);
        assert_eq!(told(&scene.export(3, OnFailure::Stop).await), "");
        assert_eq!(scene.place.waits(), waits);
        let notes = scene.place.heard.notes.lock().unwrap().join("\n");
        assert!(notes.contains("allows no more pulls for now") && notes.contains(" min"), "{notes}");
    }
    // Not for ever.
    let scene = patient(Faults::times(ALWAYS, used_up(), last_manifest)).holding(&graphs);
    assert_eq!(scene.export(3, OnFailure::Stop).await.exit_code(), 1);
    let waited: u128 = scene.place.waits().iter().sum();
    assert!((86_400_000..88_000_000).contains(&waited), "{waited}");
}

#[tokio::test]
async fn a_host_that_wants_hours_is_waited_for_once() {
    let graphs = content();
    let faults = Faults::times(ALWAYS, Fault::retry_after("9999"), |view| view.gets_manifest());
    let scene = Scene::new(faults).holding(&graphs);
    let report = scene.export(3, OnFailure::Stop).await;
    assert_eq!(report.exit_code(), 1);
    assert_eq!(report.failures.len(), 3, "{}", told(&report));
    assert!(report.failures.iter().all(|error| error.hint().unwrap().contains("`--wait-for-quota`")));
    assert_eq!(scene.place.waits(), [315_000], "not for each of the three");
    assert_eq!(scene.requests().len(), 4);
}

#[tokio::test]
async fn few_pulls_are_told_before_they_run_out() {
    let graphs: Vec<_> = (0..8).map(|seed| image(seed, 1, 10)).collect();
    for (limit, left, said) in
        [("100", "10", true), ("100", "50", false), ("20", "6", true), ("20", "7", false)]
    {
        let told_with = vec![
            ("ratelimit-limit".to_owned(), Some(format!("{limit};w=21600"))),
            ("ratelimit-remaining".to_owned(), Some(format!("{left};w=21600"))),
        ];
        // With the first answer, after which seven are to come.
        let scene = Scene::new(Faults::times(1, Fault::Headers(told_with), |view| view.gets_manifest()));
        let scene = scene.holding(&graphs);
        assert_eq!(told(&scene.export(8, OnFailure::Stop).await), "");
        let notes = scene.place.heard.notes.lock().unwrap().join("\n");
        let text = format!("allows {left} of {limit} more pulls in 6 h");
        assert_eq!(notes.matches(&text).count(), usize::from(said), "{limit} {left}: {notes}");
    }
}

#[test]
fn warnings_are_shown_once_and_not_acted_on() {
    let warning = "299 - \"this registry \u{1b}[2J moves\"";
    let fault = Fault::Headers(vec![
        ("warning".to_owned(), Some(warning.to_owned())),
        ("ratelimit-limit".to_owned(), Some("100;w=21600".to_owned())),
        ("ratelimit-remaining".to_owned(), Some("3;w=21600".to_owned())),
    ]);
    // A header holds no control character but a tab, and servers send what they like.
    let plain =
        Fault::Headers(vec![("warning".to_owned(), Some("299 - \"this registry moves\"".to_owned()))]);
    let faults = Faults::times(1, fault, |_| true).or(Faults::times(ALWAYS, plain, |_| true));
    let server = Server::start(Options { faults, ..Options::memory() }).unwrap();
    for number in 0..2 {
        image(number, 1, 10).put(server.registry(), "a", Some(&number.to_string()));
    }
    let site = Site::new().named("REGISTRY", server.host());
    let stderr = site.run("export REGISTRY/a:0 REGISTRY/a:1 --jobs 1").any_stdout().stderr_of(0);
    assert_eq!(stderr.matches("warning: `REGISTRY` says: this registry moves\n").count(), 1, "{stderr}");
    let report = site.run("export REGISTRY/a:0 -o b.tar --json").json(0);
    assert_eq!(report["warnings"].as_array().unwrap().len(), 1, "{report}");
}

#[tokio::test]
async fn bytes_pass_at_the_rate_that_was_asked_for() {
    let graphs = content();
    let all = weight(&graphs);
    let http = HttpSettings { limit_rate: Some(100_000), ..HttpSettings::default() };
    let due = u128::from(all) / 100;
    for jobs in [1, 4] {
        let mut scene = Scene::with(Options::memory(), &http).holding(&graphs);
        scene.jobs = jobs;
        assert_eq!(told(&scene.export(3, OnFailure::Stop).await), "");
        let waited: u128 = scene.place.waits().iter().sum();
        assert!(waited + 600 > due, "export: {waited} ms of {due}");
        let mut scene = Scene::with(Options::memory(), &http);
        scene.jobs = jobs;
        assert_eq!(told(&scene.import(&graphs).await), "");
        let waited: u128 = scene.place.waits().iter().sum();
        assert!(waited + 600 > due, "import: {waited} ms of {due}");
    }
}

#[test]
fn flags_of_limits_say_what_they_expect() {
    let site = Site::new();
    for (flag, says) in [
        ("--limit-rate 1KB", "expected at least 4096 bytes a second"),
        ("--limit-rate fast", "expected a size such as"),
        ("--first-byte-timeout 0", "0 is not in 1..=86400"),
    ] {
        site.run(&format!("export {flag} x")).stderr_holds(says).code(2);
    }
    let server = Server::start(Options::memory()).unwrap();
    image(1, 1, 10).put(server.registry(), "a", Some("1"));
    let site = site.named("REGISTRY", server.host());
    site.run("export REGISTRY/a:1 --limit-rate 1.5MiB/s --first-byte-timeout 900 --wait-for-quota")
        .any_stdout()
        .any_stderr()
        .code(0);
}

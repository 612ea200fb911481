//! Where content comes from: the destination itself, another source, a disk; and who is shown which credentials.

use std::time::{Duration, Instant};

use airgap_bundle::stores::registry::server::{Auth, Fault, Faults, Hold, Options, Server};

use crate::fixture::image;

use super::place::{faulty, fill, gets, sent, server, site};

#[test]
fn within_one_registry_blobs_are_mounted() {
    let registry = server();
    let one = image(1, 3, 10_000);
    fill(&registry, &[("a/one:1", &one)]);
    let site = site(&registry, &registry, &["a/one:1"]);
    let report = site.run("mirror --list list.txt --to TO/mirror --json").json(0);
    one.assert_in(registry.registry(), "mirror/a/one", "1");
    let requests = registry.requests();
    let mounted: Vec<_> = requests.iter().filter(|request| request.query.contains("from=a%2Fone")).collect();
    assert_eq!(mounted.len(), 3, "{requests:#?}");
    // The config was read to learn the platform.
    assert_eq!(sent(&registry), u64::try_from(one.blobs[0].bytes.len()).unwrap(), "{requests:#?}");
    let small = u64::try_from(one.root().bytes.len() + one.blobs[0].bytes.len()).unwrap();
    assert_eq!(report["totals"]["transferred"], small, "{report}");
    site.run("mirror --list list.txt --to TO").stderr_holds("1 there already; 0 B sent").code(0);
}

#[test]
fn where_one_source_lacks_a_layer_another_gives_it() {
    let one = image(1, 2, 1000);
    let lost = one.blobs[1].digest.to_string();
    let from = faulty(Faults::new(
        move |request| if gets(request, &lost) { Fault::status(404) } else { Fault::None },
    ));
    let (other, to) = (server(), server());
    fill(&from, &[("a/one:1", &one)]);
    fill(&other, &[("b/one:1", &one)]);
    let site = site(&from, &to, &["a/one:1"]).named("OTHER", other.host());
    site.run("mirror --list list.txt OTHER/b/one:1 --to TO").stderr_holds("2 mirrored").code(0);
    one.assert_in(to.registry(), "a/one", "1");
    one.assert_in(to.registry(), "b/one", "1");
}

#[test]
fn what_is_shared_is_fetched_once() {
    let (from, to) = (server(), server());
    let one = image(1, 2, 50_000);
    fill(&from, &[("a/one:1", &one), ("b/one:1", &one), ("c/one:1", &one)]);
    let site = site(&from, &to, &["a/one:1", "b/one:1", "c/one:1"]);
    site.run("mirror --list list.txt --to TO").stderr_holds("3 mirrored").code(0);
    let whole: usize = one.blobs.iter().map(|blob| blob.bytes.len()).sum();
    let config = one.blobs[0].bytes.len();
    assert!(sent(&from) <= u64::try_from(whole + 2 * config).unwrap(), "{:#?}", from.requests());
}

#[test]
fn each_side_has_its_own_credentials() {
    let closed = |user, password| {
        Server::start(Options { auth: Auth::basic(user, password), ..Options::memory() }).unwrap()
    };
    let (from, to) = (closed("reader", "one"), closed("writer", "two"));
    let one = image(1, 1, 100);
    fill(&from, &[("a/one:1", &one)]);
    let site = site(&from, &to, &["a/one:1"]).file("two", "two\n");
    // "reader:one"
    let site = site.file("auth.json", r#"{"auths": {"SOURCE": {"auth": "cmVhZGVyOm9uZQ=="}}}"#);
    let site = site.env("REGISTRY_AUTH_FILE", "SITE/auth.json");
    site.run("mirror --list list.txt --to TO --username writer --password-file two")
        .stderr_holds("1 mirrored")
        .code(0);
    one.assert_in(to.registry(), "a/one", "1");
    site.run("mirror --list list.txt --to TO --username SOURCE=writer --password-file two")
        .stderr_holds("was denied: HTTP status 401")
        .code(1);
}

#[test]
fn the_lists_and_the_call_are_checked_together() {
    let (from, to) = (server(), server());
    let site = site(&from, &to, &["a:b:c"]);
    site.run("mirror --list list.txt --list - --password-stdin --username x --to TO")
        .stderr_holds("standard input can be read once only")
        .code(2);
    site.run("mirror --list list.txt --to ./folder")
        .stderr_holds("`--to`:")
        .stderr_holds("list.txt:1:")
        .code(2);
    site.run("mirror --to TO").stderr_holds("error: ").code(2);
    assert_eq!(to.requests(), []);
}

#[test]
fn one_slow_source_does_not_hold_up_another() {
    let slow_images: Vec<_> = (0..3).map(|seed| image(seed, 2, 10_000)).collect();
    let quick_images: Vec<_> = (10..16).map(|seed| image(seed, 2, 10_000)).collect();
    let layers = slow_images.iter().flat_map(|graph| &graph.blobs[1..]);
    let layers: Vec<String> = layers.map(|blob| blob.digest.to_string()).collect();
    let hold = Hold::new();
    let for_faults = hold.clone();
    let from = faulty(Faults::new(move |request| {
        if layers.iter().any(|layer| gets(request, layer)) {
            Fault::Hold(for_faults.clone())
        } else {
            Fault::None
        }
    }));
    let (quick, to) = (server(), server());
    for (number, graph) in slow_images.iter().enumerate() {
        graph.put(from.registry(), &format!("s{number}"), Some("1"));
    }
    for (number, graph) in quick_images.iter().enumerate() {
        graph.put(quick.registry(), &format!("q{number}"), Some("1"));
    }
    let slow = (0..3).map(|number| format!("SOURCE/s{number}:1"));
    let references: Vec<String> = slow.chain((0..6).map(|number| format!("QUICK/q{number}:1"))).collect();
    let site = site(&from, &to, &[]).named("QUICK", quick.host());
    let line = format!("mirror {} --to TO --jobs 2", references.join(" "));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let work = scope.spawn(|| site.run(&line).stderr_holds("9 mirrored").code(0));
        let arrived = || {
            let stored = |graph: &&crate::fixture::Graph| {
                graph.blobs[1..].iter().all(|blob| to.registry().content(&blob.digest).unwrap().is_some())
            };
            quick_images.iter().filter(stored).count()
        };
        // Whoever is slow goes on only after all of the other source has arrived.
        while arrived() < quick_images.len()
            && begun.elapsed() < Duration::from_secs(60)
            && !work.is_finished()
        {
            std::thread::yield_now();
        }
        let all = arrived();
        hold.release();
        work.join().unwrap();
        assert_eq!(all, quick_images.len());
    });
}

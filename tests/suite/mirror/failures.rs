//! What fails alone, and what it takes to mend it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use airgap_bundle::stores::registry::server::{Fault, Faults};

use crate::fixture::image;

use super::place::{faulty, fill, gets, sent, server, site};

#[test]
fn what_the_source_does_not_have_fails_alone() {
    let (one, two) = (image(1, 2, 1000), image(2, 2, 1000));
    let (from, to) = (server(), server());
    fill(&from, &[("a/one:1", &one)]);
    let site = site(&from, &to, &["a/one:1", "a/two:1"]);
    site.run("mirror --list list.txt --to TO")
        .stderr_holds("error: could not mirror `SOURCE/a/two:1` (list.txt:2:1)\n  cause: reading from registry `SOURCE`: ")
        .stderr_holds("2 artifacts for `TO`: 1 mirrored, 1 failed; ")
        .stderr_holds("next: mend what failed and run the same command again; only what is missing is moved")
        .code(4);
    one.assert_in(to.registry(), "a/one", "1");
    let report = site.run("mirror --list list.txt --to TO --json").json(4);
    assert_eq!(report["status"], "partial");
    let statuses: Vec<_> = report["artifacts"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["present", "failed"]);
    assert_eq!((&report["totals"]["transferred"], report.get("bundle")), (&0.into(), None));
    site.run("mirror --list list.txt --to TO --dry-run")
        .any_stdout()
        .stderr_holds("could not mirror")
        .code(4);
    // Once it is there, it alone moves.
    fill(&from, &[("a/two:1", &two)]);
    from.clear_requests();
    site.run("mirror --list list.txt --to TO").stderr_holds("1 mirrored, 1 there already").code(0);
    two.assert_in(to.registry(), "a/two", "1");
    let layers = |graph: &crate::fixture::Graph| -> usize {
        graph.blobs.iter().skip(1).map(|blob| blob.bytes.len()).sum()
    };
    let configs = one.blobs[0].bytes.len() + two.blobs[0].bytes.len();
    assert!(sent(&from) <= u64::try_from(layers(&two) + configs).unwrap(), "{:#?}", from.requests());
    assert_eq!(to.registry().tags("airgap-bundle").len(), 1, "all is there, and so is the receipt");
}

#[test]
fn nothing_is_pushed_after_a_failure_where_that_is_wanted() {
    let (from, to) = (server(), server());
    fill(&from, &[("a/one:1", &image(1, 2, 1000))]);
    let report = site(&from, &to, &["a/one:1", "a/two:1"])
        .run("mirror --list list.txt --to TO --fail-fast --json")
        .json(1);
    let statuses: Vec<_> = report["artifacts"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["skipped", "failed"]);
    assert_eq!(to.requests(), []);
}

#[test]
fn a_layer_that_the_source_has_lost_concerns_its_image_alone() {
    let (one, two) = (image(1, 2, 1000), image(2, 2, 1000));
    let lost = one.blobs[2].digest.to_string();
    let there = Arc::new(AtomicBool::new(false));
    let state = Arc::clone(&there);
    let faults = Faults::new(move |request| {
        let is_lost = gets(request, &lost) && !state.load(Ordering::SeqCst);
        if is_lost { Fault::status(404) } else { Fault::None }
    });
    let (from, to) = (faulty(faults), server());
    fill(&from, &[("a/one:1", &one), ("a/two:1", &two)]);
    let site = site(&from, &to, &["a/one:1", "a/two:1"]);
    site.run("mirror --list list.txt --to TO")
        .stderr_holds("error: could not mirror image `SOURCE/a/one:1`\n  cause: reading from registry `SOURCE`: blob sha256:")
        .stderr_holds("1 mirrored, 1 failed")
        .code(4);
    two.assert_in(to.registry(), "a/two", "1");
    assert!(to.registry().tags("a/one").is_empty());
    assert_eq!(to.uploads(), 0, "what was begun is given up");
    there.store(true, Ordering::SeqCst);
    from.clear_requests();
    site.run("mirror --list list.txt --to TO").stderr_holds("1 mirrored, 1 there already").code(0);
    one.assert_in(to.registry(), "a/one", "1");
    let moved = u64::try_from(one.blobs[2].bytes.len()).unwrap();
    let configs = u64::try_from(one.blobs[0].bytes.len() + two.blobs[0].bytes.len()).unwrap();
    assert!((moved..=moved + configs).contains(&sent(&from)), "{:#?}", from.requests());
}

#[test]
fn wrong_bytes_are_asked_for_once_more_and_never_end_at_the_destination() {
    let (one, two) = (image(1, 2, 100_000), image(2, 2, 1000));
    let layer = one.blobs[1].digest;
    for (times, code) in [(1, 0), (2, 3)] {
        let digest = layer.to_string();
        let faults = Faults::times(times, Fault::FlipBit(77), move |request| gets(request, &digest));
        let (from, to) = (faulty(faults), server());
        fill(&from, &[("a/one:1", &one), ("a/two:1", &two)]);
        let site = site(&from, &to, &["a/one:1", "a/two:1"]);
        let ended = site.run("mirror --list list.txt --to TO");
        if code == 0 {
            ended.stderr_holds("2 mirrored").code(0);
            one.assert_in(to.registry(), "a/one", "1");
        } else {
            ended
                .stderr_holds("error: could not mirror image `SOURCE/a/one:1`\n  cause: reading from registry `SOURCE`: ")
                .stderr_holds("has other bytes: got sha256:")
                .stderr_holds("1 mirrored, 1 failed")
                .code(3);
            assert!(!to.registry().has_blob("a/one", &layer));
            assert_eq!(to.uploads(), 0);
        }
        two.assert_in(to.registry(), "a/two", "1");
    }
}

/// A source that is gone is not taken for a destination that is.
#[test]
fn a_source_that_breaks_leaves_the_other_source_alone() {
    let good = server();
    let broken = faulty(Faults::new(|request| {
        if request.gets_blob() && request.path.contains("/broken/") {
            Fault::status(503)
        } else {
            Fault::None
        }
    }));
    let to = server();
    let whole = image(50, 2, 1000);
    fill(&good, &[("good/one:1", &whole)]);
    let mut names = Vec::new();
    for number in 0..5 {
        let name = format!("broken/n{number}:1");
        fill(&broken, &[(&name, &crate::fixture::index(number, &["linux/amd64", "linux/arm64"], 1, 2000))]);
        names.push(name);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let site = site(&broken, &to, &names).named("GOOD", good.host());
    site.run("mirror --list list.txt GOOD/good/one:1 --to TO --retries 1 --jobs 1")
        .stderr_holds("1 mirrored, 5 failed")
        .stderr_holds("reading from registry `SOURCE`")
        .code(4);
    whole.assert_in(to.registry(), "good/one", "1");
}

//! Transfers that break off in the middle, on either side: nothing is moved twice but what was on its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use airgap_bundle::stores::registry::server::{Fault, Faults};

use crate::fixture::{Graph, image};

use super::place::{faulty, fill, gets, sent, server, site};

const MIB: u64 = 1 << 20;

/// One layer of 12 MiB.
fn large() -> Graph {
    image(1, 1, 12 << 20)
}

#[test]
fn a_source_that_breaks_off_goes_on_at_the_byte() {
    let one = large();
    let digest = one.blobs[1].digest.to_string();
    let (from, to) = (
        faulty(Faults::times(1, Fault::CutBodyAfter(5 * MIB), move |request| gets(request, &digest))),
        server(),
    );
    fill(&from, &[("a/one:1", &one)]);
    let report = site(&from, &to, &["a/one:1"]).run("mirror --list list.txt --to TO --json").json(0);
    one.assert_in(to.registry(), "a/one", "1");
    let requests = from.requests();
    let ranges: Vec<_> = requests.iter().filter_map(|request| request.range.as_deref()).collect();
    assert_eq!(ranges, [format!("bytes={}-", 5 * MIB)]);
    let size = u64::try_from(one.blobs[1].bytes.len()).unwrap();
    assert!(sent(&from) <= size + 10_000, "{requests:#?}");
    let puts = to
        .requests()
        .iter()
        .filter(|request| request.method == "PUT" && request.path.contains("/a/one/blobs/"))
        .count();
    assert_eq!(puts, 2, "config and layer, each in one go");
    assert!(report["totals"]["transferred"].as_u64().unwrap() >= size);
}

#[test]
fn an_upload_that_breaks_off_goes_on_where_it_was_and_so_does_its_source() {
    let one = large();
    let size = u64::try_from(one.blobs[1].bytes.len()).unwrap();
    let cut = Faults::times(1, Fault::CutRequestAfter(7 * MIB), |request| {
        let length =
            request.headers.get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
        request.method == "PUT" && request.is_upload() && length > Some(MIB)
    });
    let (from, to) = (server(), faulty(cut));
    fill(&from, &[("a/one:1", &one)]);
    site(&from, &to, &["a/one:1"]).run("mirror --list list.txt --to TO").any_stderr().code(0);
    one.assert_in(to.registry(), "a/one", "1");
    let requests = from.requests();
    let begin = requests.iter().find_map(|request| {
        request.range.as_deref()?.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<u64>().ok()
    });
    let begin = begin.unwrap_or_else(|| panic!("no range was asked for: {requests:#?}"));
    // From the last mark before what the destination has: no more than a batch of the hasher and a mark away.
    assert!((6 * MIB..=7 * MIB).contains(&begin), "{begin}");
    let again = requests
        .iter()
        .filter(|request| request.range.is_some())
        .map(|request| request.bytes_out)
        .sum::<u64>();
    assert_eq!(again, size - begin, "{requests:#?}");
    let resumed: Vec<_> =
        to.requests().into_iter().filter(|request| request.content_range.is_some()).collect();
    let offset = |range: &str| range.split('-').next().unwrap().parse::<u64>().unwrap();
    let at = offset(resumed[0].content_range.as_deref().unwrap());
    assert!(at >= begin && at <= 7 * MIB, "{at}");
    assert_eq!(resumed[0].bytes_in, size - at);
}

/// What an upload has taken of a blob when a run is ended is sent again by the next: only whole blobs count.
#[test]
fn a_rerun_fetches_only_what_is_missing() {
    let (one, two) = (image(1, 2, 100_000), image(2, 2, 100_000));
    let (from, to) = (server(), server());
    fill(&from, &[("a/one:1", &one), ("a/two:1", &two)]);
    site(&from, &to, &["a/one:1"]).run("mirror --list list.txt --to TO").any_stderr().code(0);
    from.clear_requests();
    let site = site(&from, &to, &["a/one:1", "a/two:1"]);
    site.run("mirror --list list.txt --to TO").stderr_holds("1 mirrored, 1 there already").code(0);
    let whole: usize =
        two.blobs.iter().map(|blob| blob.bytes.len()).sum::<usize>() + one.blobs[0].bytes.len();
    assert!(sent(&from) <= u64::try_from(whole).unwrap(), "{:#?}", from.requests());
}

/// A run that has set no name yet, and a list that has changed when the next one comes: registries deny to know
/// repositories without a tag, and what is in them is found all the same.
#[test]
fn what_is_there_without_a_name_is_not_fetched_again_even_where_the_list_has_changed() {
    let (one, two) = (image(1, 2, 100_000), image(2, 2, 1000));
    let nameless = Arc::new(AtomicBool::new(true));
    let state = Arc::clone(&nameless);
    let faults = Faults::new(move |request| {
        if request.path.ends_with("/tags/list") {
            let body = r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#.to_owned();
            return Fault::Status { status: 404, headers: vec![], body };
        }
        let names = request.method == "PUT" && request.path.contains("/manifests/");
        if names && state.load(Ordering::SeqCst) { Fault::status(403) } else { Fault::None }
    });
    let (from, to) = (server(), faulty(faults));
    fill(&from, &[("a/one:1", &one), ("a/two:1", &two)]);
    site(&from, &to, &["a/one:1"]).run("mirror --list list.txt --to TO").any_stderr().code(1);
    nameless.store(false, Ordering::SeqCst);
    from.clear_requests();
    site(&from, &to, &["a/one:1", "a/two:1"]).run("mirror --list list.txt --to TO").any_stderr().code(0);
    one.assert_in(to.registry(), "a/one", "1");
    two.assert_in(to.registry(), "a/two", "1");
    assert!(sent(&from) < 10_000, "{:#?}", from.requests());
}

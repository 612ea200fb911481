//! After an interruption: the same bytes, and nothing fetched twice but what was in flight.

use std::fs;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use super::kills::{Event, Trap, again, kill_and_go_on};
use super::{ID, site};
use crate::fixture::{Graph, image};
use crate::site::Site;

#[test]
fn killed_exports_go_on() {
    let kills: usize = (1..=6).map(|seed| kill_and_go_on(seed).1).sum();
    assert!(kills >= 3, "only {kills} were killed in time");
}

/// Four images of two layers each; the fourth comes last.
fn content(trap: &Trap) -> (airgap_bundle::stores::registry::server::Server, Site, Vec<Graph>) {
    let server = trap.server();
    let graphs: Vec<Graph> = (0..4).map(|seed| image(40 + seed, 2, 300_000)).collect();
    for (number, graph) in graphs.iter().enumerate() {
        graph.put(server.registry(), &format!("r{number}"), Some("1"));
    }
    let site = site(&server).file("list.txt", "REGISTRY/r0:1\nREGISTRY/r1:1\nREGISTRY/r2:1\nREGISTRY/r3:1\n");
    (server, site, graphs)
}

const EXPORT: &str = "export --list list.txt --jobs 1";

#[test]
fn signals_end_an_export_at_once_and_say_how_to_go_on() {
    let trap = Trap::default();
    let (server, site, graphs) = content(&trap);
    // While the manifests are fetched, in the middle of a small blob, and of one that is streamed.
    for (signal, code, path, requests, bytes) in [
        ("-INT", 130, "/manifests/", 2, 100),
        ("-TERM", 143, "/blobs/", 2, 1000),
        ("-INT", 130, "/blobs/", 3, 1000),
    ] {
        let caught = trap.start(&site, EXPORT, path, requests, bytes);
        assert!(matches!(caught.wait(), Event::Sprung));
        let begun = Instant::now();
        let output = caught.end(signal);
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        site.outcome(EXPORT, output)
            .stderr(
                "error: interrupted\n\
                 what was fetched is kept beside the output: the same command goes on from there\n",
            )
            .code(code);
        assert!(!site.path("airgap-bundle.tar").exists());
    }
    site.run(EXPORT).stdout(ID).any_stderr().code(0);
    assert!(again(&server, &graphs) <= 3, "the layers that were in flight");
    site.run(&format!("{EXPORT} -o fresh.tar")).stdout(ID).any_stderr().code(0);
    assert_eq!(site.read("airgap-bundle.tar"), site.read("fresh.tar"));
    assert_eq!(site.files("."), ["airgap-bundle.tar", "fresh.tar", "list.txt"]);
}

#[test]
fn what_an_export_was_about_to_do_is_in_the_document_resolved_or_not() {
    let trap = Trap::default();
    let (server, site, _) = content(&trap);
    let line = format!("{EXPORT} --json");
    for (path, requests) in [("/manifests/", 0), ("/blobs/", 4)] {
        let caught = trap.start(&site, &line, path, requests, 100);
        assert!(matches!(caught.wait(), Event::Sprung));
        let report = site.outcome(&line, caught.end("-INT")).json(130);
        let rows = report["artifacts"].as_array().unwrap();
        let statuses: Vec<_> = rows.iter().map(|row| &row["status"]).collect();
        assert_eq!(statuses, ["skipped"; 4]);
        assert_eq!(rows[3]["reference"], format!("{}/r3:1", server.host()));
        assert_eq!(rows[3]["digest"].is_string(), requests > 0);
    }
}

#[test]
fn an_interrupted_dry_run_leaves_nothing() {
    let trap = Trap::default();
    let (_server, site, _) = content(&trap);
    let line = format!("{EXPORT} --dry-run");
    let caught = trap.start(&site, &line, "/manifests/", 1, 10);
    assert!(matches!(caught.wait(), Event::Sprung));
    let output = caught.end("-INT");
    site.outcome(&line, output).stderr("error: interrupted\n").code(130);
    assert_eq!(site.files("."), ["list.txt"]);
}

#[test]
fn what_a_power_cut_took_is_fetched_again() {
    let trap = Trap::default();
    let (server, site, graphs) = content(&trap);
    site.run(&format!("{EXPORT} -o fresh.tar")).stdout(ID).any_stderr().code(0);
    let fresh = site.read("fresh.tar");
    let partial = site.path("airgap-bundle.tar.partial");
    let beside = site.path("airgap-bundle.tar.partial.d");
    // What the disk holds afterwards, whatever the journal claims.
    let cuts: [(&str, &dyn Fn()); 6] = [
        ("nothing of the content", &|| {
            let length = fs::metadata(&partial).unwrap().len();
            fs::write(&partial, vec![0; usize::try_from(length).unwrap()]).unwrap();
        }),
        ("every other block", &|| {
            let mut content = fs::read(&partial).unwrap();
            content.chunks_mut(4096).step_by(2).for_each(|block| block.fill(0));
            fs::write(&partial, content).unwrap();
        }),
        ("half of the length", &|| {
            let file = fs::OpenOptions::new().write(true).open(&partial).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        }),
        ("half of a line of the journal", &|| {
            let journal = fs::read(beside.join("journal")).unwrap();
            fs::write(beside.join("journal"), &journal[..journal.len() - 2]).unwrap();
        }),
        ("no plan", &|| {
            let file = fs::OpenOptions::new().write(true).open(&partial).unwrap();
            file.write_all_at(&[0; 512], 1024).unwrap();
        }),
        ("no file", &|| fs::remove_file(&partial).unwrap()),
    ];
    for (what, cut) in cuts {
        assert!(trap.start(&site, EXPORT, "/blobs/", 9, 100_000).kill());
        cut();
        site.run(EXPORT).stdout(ID).any_stderr().code(0);
        assert!(site.read("airgap-bundle.tar") == fresh, "{what}");
        fs::remove_file(site.path("airgap-bundle.tar")).unwrap();
        assert_eq!(site.files("."), ["fresh.tar", "list.txt"], "{what}");
    }
    drop((server, graphs));
}

#[test]
fn a_long_blob_goes_on_in_its_middle() {
    let trap = Trap::default();
    let server = trap.server();
    let graph = image(1, 1, 40 << 20);
    graph.put(server.registry(), "long", Some("1"));
    let layer = graph.blobs[1].digest;
    let site = site(&server);
    let caught = trap.start(&site, "export REGISTRY/long:1", &layer.hex(), 0, 36 << 20);
    assert!(matches!(caught.wait(), Event::Sprung));
    let journal = site.path("airgap-bundle.tar.partial.d/journal");
    let noted = loop {
        let text = fs::read_to_string(&journal).unwrap_or_default();
        // Behind manifest and config.
        let line = text.lines().find_map(|line| line.strip_prefix("2 "));
        if let Some(noted) = line.filter(|_| text.ends_with('\n')) {
            break noted.parse::<u64>().unwrap();
        }
        std::thread::yield_now();
    };
    caught.end("-KILL");
    assert!((32 << 20..36 << 20).contains(&noted), "{noted}");
    server.clear_requests();
    site.run("export REGISTRY/long:1").stdout(ID).any_stderr().code(0);
    let requests = server.requests();
    let ranges: Vec<_> = requests.iter().filter(|request| request.path.contains(&layer.hex())).collect();
    assert_eq!(ranges.len(), 1, "{ranges:#?}");
    assert_eq!((ranges[0].range.clone(), ranges[0].status), (Some(format!("bytes={noted}-")), Some(206)));
    site.run("export REGISTRY/long:1 -o fresh.tar").stdout(ID).any_stderr().code(0);
    assert!(site.read("airgap-bundle.tar") == site.read("fresh.tar"));
}

#[test]
fn a_plan_that_changes_and_changes_back_keeps_everything() {
    let trap = Trap::default();
    let (server, mut site, graphs) = content(&trap);
    let whole = "REGISTRY/r0:1\nREGISTRY/r1:1\nREGISTRY/r2:1\nREGISTRY/r3:1\n";
    // Of eight layers, six are there; then a list without the first image, then the whole list again.
    for (list, requests) in [(whole, 4 + 6), ("REGISTRY/r2:1\nREGISTRY/r3:1\n", 2), (whole, 4)] {
        site = site.file("list.txt", list);
        assert!(trap.start(&site, EXPORT, "/blobs/", requests, 1000).kill());
    }
    site.run(EXPORT).stdout(ID).any_stderr().code(0);
    assert!(again(&server, &graphs) <= 3, "one for each kill, not {}", again(&server, &graphs));
    site.run(&format!("{EXPORT} -o fresh.tar")).stdout(ID).any_stderr().code(0);
    assert_eq!(site.read("airgap-bundle.tar"), site.read("fresh.tar"));
}

#[test]
fn two_exports_to_one_file_do_not_meet() {
    let trap = Trap::default();
    let (_server, site, _) = content(&trap);
    let first = trap.start(&site, EXPORT, "/blobs/", 5, 10);
    assert!(matches!(first.wait(), Event::Sprung));
    site.run(EXPORT)
        .stderr(
            "error: another export is writing `airgap-bundle.tar`\n\n\
             hint: wait for it to end, or name another file with `--output`\n",
        )
        .code(1);
    first.end("-KILL");
    site.run(EXPORT).stdout(ID).any_stderr().code(0);
}

//! A large snap, which nothing but its own hash slows down, and which takes no memory. The speed is measured with
//! `cargo test --release --test long snap -- --nocapture`.

use std::time::{Duration, Instant};

use airgap_bundle::model::sha3::Sha3_384;

use crate::fixture::SnapStore;
use crate::peak;
use crate::snaps::{Snap, TRUST, publish, site};

/// Only what is optimised can be measured; otherwise it is the memory that is looked at.
const SIZE: usize = if cfg!(debug_assertions) { 16 << 20 } else { 300 << 20 };
const MOST: u64 = 100 << 20;
/// A snap goes into a bundle at this part of the speed of its hash at least.
const PART: f64 = 0.8;

/// Returns the median of three runs.
fn median(mut run: impl FnMut() -> Duration) -> Duration {
    let mut times = [run(), run(), run()];
    times.sort();
    times[1]
}

#[test]
fn a_large_snap_goes_as_fast_as_it_is_hashed() {
    let store = SnapStore::start([]);
    let file =
        publish(&store, &Snap { base: None, kind: Some("base"), weight: SIZE, ..Snap::app("large", 1) }, &[]);
    let site = site(&store).file("list.txt", "snap large\n");
    let hash = median(|| {
        let began = Instant::now();
        std::hint::black_box(Sha3_384::of(&file));
        began.elapsed()
    });
    let export = "export --list list.txt --force";
    let (output, peak) = peak::run(&site, &format!("{export} {TRUST}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(peak <= MOST, "the export took {} MiB", peak >> 20);
    let export = median(|| {
        std::fs::remove_file(site.path("airgap-bundle.tar")).unwrap();
        let mut command = site.command(&format!("{export} {TRUST}"));
        let began = Instant::now();
        let output = command.output().unwrap();
        let took = began.elapsed();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        took
    });
    let part = hash.as_secs_f64() / export.as_secs_f64();
    eprintln!("{} MB: hashed in {hash:?}, exported in {export:?}: {part:.2} of its speed", SIZE / 1_000_000);
    assert!(
        part >= PART || cfg!(debug_assertions),
        "{part:.2} of the speed of the hash: {hash:?}, and {export:?}"
    );
}

//! What `inspect` says of snaps, out of the head alone.

use airgap_bundle::model::sha3::Sha3_384;

use super::place::{SOMEBODY, Snap, TRUST, publish, publish_as, site};
use crate::fixture::SnapStore;
use crate::site::Site;

fn exported() -> (Site, Vec<u8>) {
    let store = SnapStore::start([]);
    let k8s = Snap { confinement: "classic", weight: 2000, ..Snap::app("k8s", 1234) };
    let file = k8s.file();
    publish_as(&store, &k8s, &["1.32-classic/stable"], &file, SOMEBODY);
    publish(&store, &Snap { weight: 2000, ..Snap::base("core22", 1380) }, &[]);
    let site = site(&store).file("list.txt", "snap k8s channel=1.32-classic/stable\n");
    site.run(&format!("export --list list.txt {TRUST}")).any_stdout().any_stderr().code(0);
    (site, file)
}

#[test]
fn the_table_has_a_line_for_each_group_of_facts() {
    let (site, _) = exported();
    let text = String::from_utf8(site.run("inspect").any_stdout().code(0)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let row =
        |name: &str| lines.iter().position(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{text}"));
    let below = |name: &str, count: usize| {
        let at = row(name) + 1;
        lines[at..at + count].iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        below("snap  k8s:1234", 4),
        [
            "version 1.1234, amd64".to_owned(),
            "channel 1.32-classic/stable".to_owned(),
            "base core22, classic".to_owned(),
            format!("by {SOMEBODY} (verified)"),
        ]
    );
    assert_eq!(
        below("snap  core22:1380", 4),
        ["version 1.1380, amd64", "channel latest/stable", "strict", "by canonical (verified)"]
    );
}

#[test]
fn the_report_has_a_field_for_each_fact() {
    let (site, file) = exported();
    let report = site.run("inspect --json").json(0);
    let rows = report["artifacts"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let expected = serde_json::json!({
        "name": "k8s", "id": Snap::app("k8s", 1234).id(), "revision": 1234,
        "sha3-384": Sha3_384::of(&file).hex(),
        "version": "1.1234", "channel": "1.32-classic/stable", "base": "core22", "type": "app",
        "confinement": "classic", "architectures": ["amd64"],
        "publisher": SOMEBODY, "publisher-validation": "verified",
    });
    assert_eq!(rows[1]["snap"], expected);
    assert_eq!(rows[0]["snap"].get("base"), None);
    assert_eq!(
        (&rows[0]["snap"]["type"], &rows[0]["snap"]["publisher"]),
        (&"base".into(), &"canonical".into())
    );
}

//! What people see.

use airgap_bundle::stores::registry::server::Referrers;
use serde_json::json;

use super::places::{server, site, tag};
use crate::fixture::{artifact, cosign, image};

#[test]
fn referrers_stand_below_their_subject() {
    let root = image(1, 1, 10);
    let from = server(Referrers::On);
    root.put(from.registry(), "a/b", Some("1"));
    let statement = artifact(3, "application/vnd.in-toto+json", Some(&root));
    let of_statement = artifact(4, "application/vnd.seal", Some(&statement));
    for referrer in [&statement, &of_statement] {
        referrer.put(from.registry(), "a/b", None);
    }
    let signature = cosign(&root, &["me"]);
    signature.put(from.registry(), "a/b", Some(&format!("{}.sig", tag(&root))));
    let site = site(&from, &from);
    site.run("export -o site.tar FROM/a/b:1").any_stdout().any_stderr().code(0);
    let shown = String::from_utf8(site.run("inspect site.tar").any_stdout().code(0)).unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    let short = |digest: String| digest.chars().take(23).collect::<String>();
    let at = |text: &str| lines.iter().position(|line| line.contains(text)).unwrap();
    assert!(lines[1].starts_with("image"), "{shown}");
    let below = at("  application/vnd.in-toto+json");
    assert!(lines[below].contains(&short(statement.digest().to_string())), "{shown}");
    assert_eq!(at("    application/vnd.seal"), below + 1, "{shown}");
    assert!(lines[at("  cosign signature")].contains(&short(signature.digest().to_string())), "{shown}");
    assert!(shown.contains("1 artifact, 3 signatures and other referrers, "), "{shown}");

    let report = site.run("inspect site.tar --json").json(0);
    let rows = report["artifacts"][0]["referrers"].as_array().unwrap();
    assert_eq!((rows.len(), &report["totals"]["referrers"]), (3, &json!(3)));
    let row = rows.iter().find(|row| row["digest"] == json!(signature.digest())).unwrap();
    assert_eq!(row["subject"], json!(root.digest()));
    assert_eq!(row["tag"], json!(format!("{}.sig", tag(&root))));
    assert_eq!(row["artifact_type"], "application/vnd.oci.image.config.v1+json");

    let said = site.run("import site.tar --to FROM/x --dry-run").any_stderr().any_stdout().code(0);
    let said = String::from_utf8(said).unwrap();
    assert!(said.contains(&format!("/x/a/b@{}", statement.digest())), "{said}");
    assert!(said.contains(&format!("/x/a/b:{}.sig", tag(&root))), "{said}");
}

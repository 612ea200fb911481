//! `--only` and `--except`.

use super::{ID, contents, registry, site};
use crate::fixture::{artifact, image};

#[test]
fn what_is_not_selected_is_not_asked_for() {
    let server = registry();
    image(1, 1, 100).put(server.registry(), "app/one", Some("1"));
    image(2, 1, 100).put(server.registry(), "app/two", Some("1"));
    artifact(3, "application/vnd.example", None).put(server.registry(), "sbom", Some("1"));
    let site = site(&server)
        .file("a.txt", "REGISTRY/app/one:1\nREGISTRY/app/two:1\nREGISTRY/sbom:1\nfile ./x\n")
        .file("gone.txt", "REGISTRY/app/one:1\nREGISTRY/app/two:1\nfile ./gone\n");
    let site = site.file("x", "x");
    let names = |bundle: &str| -> Vec<String> {
        let contents = contents(&site, bundle);
        let names = contents["artifacts"].as_array().unwrap().iter();
        names.map(|row| row["reference"].as_str().unwrap().replace(&site.fill("REGISTRY"), "R")).collect()
    };
    site.run("export --list a.txt --only REGISTRY/app/* --except */two -o a.tar")
        .stdout(ID)
        .any_stderr()
        .code(0);
    assert_eq!(names("a.tar"), ["R/app/one:1"]);
    assert!(!server.requests().iter().any(|request| request.path.contains("two")));
    site.run("export --list a.txt --except file --except image -o b.tar").stdout(ID).any_stderr().code(0);
    assert_eq!(names("b.tar"), ["R/sbom:1"]);
    site.run("export --list gone.txt --only image -o c.tar").stdout(ID).any_stderr().code(0);
    assert_eq!(names("c.tar"), ["R/app/one:1", "R/app/two:1"]);
}

#[test]
fn a_selector_that_takes_nothing_is_worth_a_warning() {
    let server = registry();
    image(1, 1, 100).put(server.registry(), "app/one", Some("1"));
    image(2, 1, 100).put(server.registry(), "app/two", Some("1"));
    let site = site(&server).file("a.txt", "REGISTRY/app/one:1\nREGISTRY/app/two:1\n");
    site.run("export --list a.txt --only */one --only charts --except nginx")
        .stdout(ID)
        .stderr_holds("warning: `chart` takes nothing in the list\nwarning: `nginx` takes nothing in the list\n1 artifact, ")
        .code(0);
    site.run("export --list a.txt --only chart -o b.tar")
        .stderr(
            "warning: `chart` takes nothing in the list\n\
             error: `--only` and `--except` leave nothing of the list\n\n\
             hint: name less with them, or leave them out\n",
        )
        .code(2);
    assert_eq!(site.files("."), ["a.txt", "airgap-bundle.tar"]);
}

use super::*;
use crate::model::digest::Digest;

const FILE: &str = r#"
unqualified-search-registries = ["quay.io"]
short-name-mode = "enforcing"

[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "one.corp:5000/hub"
[[registry.mirror]]
location = "two.corp/hub"
pull-from-mirror = "digest-only"
[[registry.mirror]]
location = "three.corp"
pull-from-mirror = "tag-only"
insecure = true

[[registry]]
prefix = "docker.io/team"
location = "team.corp/all"

[[registry]]
prefix = "quay.io/evil"
blocked = true

[[registry]]
prefix = "*.example.com"
insecure = true

[[registry]]
prefix = "*.old.example"
location = "new.example/old"
mirror-by-digest-only = true
[[registry.mirror]]
location = "two.corp"
"#;

fn mirrors(flags: &[&str]) -> Mirrors {
    let mut mirrors = Mirrors::default();
    mirrors.add_file("registries.conf", FILE).unwrap();
    for flag in flags {
        mirrors.add(flag).unwrap();
    }
    mirrors
}

fn places(mirrors: &Mirrors, name: &str, by: By<'_>) -> Vec<String> {
    let (registry, path) = name.split_once('/').unwrap();
    let repository = Repository::new(registry, path).unwrap();
    mirrors.places(&repository, by).unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn mirrors_are_asked_in_order_and_then_the_registry() {
    let mirrors = mirrors(&[]);
    let digest = Digest::sha256(b"");
    for (name, by, expected) in [
        (
            "docker.io/library/nginx",
            By::Tag("1"),
            &["one.corp:5000/hub/library/nginx", "three.corp/library/nginx", "docker.io/library/nginx"][..],
        ),
        (
            "docker.io/library/nginx",
            By::Digest(&digest),
            &["one.corp:5000/hub/library/nginx", "two.corp/hub/library/nginx", "docker.io/library/nginx"],
        ),
        ("docker.io/team/a", By::Tag("1"), &["team.corp/all/a"]),
        ("registry-1.docker.io/team/a", By::Tag("1"), &["team.corp/all/a"]),
        (
            "docker.io/teams/a",
            By::Tag("1"),
            &["one.corp:5000/hub/teams/a", "three.corp/teams/a", "docker.io/teams/a"],
        ),
        ("a.example.com/b", By::Tag("1"), &["a.example.com/b"]),
        ("a.old.example:5000/b", By::Tag("1"), &["new.example/old/b"]),
        ("a.old.example/b", By::Digest(&digest), &["two.corp/b", "new.example/old/b"]),
        ("ghcr.io/a", By::Tag("1"), &["ghcr.io/a"]),
    ] {
        assert_eq!(places(&mirrors, name, by), expected, "{name}");
    }
    assert_eq!(mirrors.insecure(), ["*.example.com", "three.corp"]);
}

#[test]
fn a_named_mirror_comes_before_those_of_files() {
    let mirrors =
        mirrors(&["docker.io=named.corp/x", "docker.io=again.corp", "docker.io/team=own.corp:5000/y"]);
    let all = places(&mirrors, "docker.io/library/nginx", By::Tag("1"));
    assert_eq!(
        all[..3],
        ["named.corp/x/library/nginx", "again.corp/library/nginx", "one.corp:5000/hub/library/nginx"]
    );
    assert_eq!(places(&mirrors, "docker.io/team/a", By::Tag("1")), ["own.corp:5000/y/a", "team.corp/all/a"]);
    assert_eq!(
        mirrors.hosts().into_iter().collect::<Vec<_>>(),
        ["again.corp", "named.corp", "own.corp:5000"]
    );
}

#[test]
fn a_silent_mirror_is_asked_no_more_nor_one_that_refuses_for_what_it_refused() {
    let mirrors = mirrors(&["docker.io=named.corp"]);
    let (place, asked) = (Repository::new("named.corp", "a/b").unwrap(), "named.corp/a/b".to_owned());
    let silent = Error::Network { what: String::new(), why: String::new(), hint: None };
    let denied = Error::Denied { what: String::new(), why: String::new(), hint: None };
    assert!(mirrors.give_up(&place, &denied));
    assert!(!places(&mirrors, "docker.io/a/b", By::Tag("1")).contains(&asked));
    assert!(places(&mirrors, "docker.io/a/c", By::Tag("1")).contains(&"named.corp/a/c".to_owned()));
    assert!(!mirrors.give_up(&place, &silent), "told once");
    assert!(!places(&mirrors, "docker.io/a/c", By::Tag("1")).contains(&"named.corp/a/c".to_owned()));
}

#[test]
fn what_a_file_blocks_is_refused_with_file_and_line() {
    let repository = Repository::new("quay.io", "evil/a").unwrap();
    let error = mirrors(&[]).places(&repository, By::Tag("1")).unwrap_err();
    assert_eq!(error.to_string(), "`quay.io/evil/a` is blocked by `registries.conf:21`");
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn mistakes_of_a_file_are_named_with_their_line() {
    for (text, expected) in [
        ("\n[[registry]]\nblocked = true\n", "`f:2`: there is neither `prefix` nor `location`"),
        ("x = \n", "`f:1`: "),
        ("[[registry]]\nlocation = 1\n", "`f:2`: "),
        ("[[registry]]\nprefix = \"a.*.b\"\n", "`f:1`: `a.*.b` is not the name of a registry"),
        ("[[registry]]\nlocation = \"https://a.b\"\n", "`f:1`: `https://a.b` is not"),
        ("[[registry]]\nlocation=\"https://me:pw@a.b/x\"", "`f:1`: a registry is named without"),
        ("[[registry]]\nblocked=\"https://me:pw@a.b/x\"", "`f:2`: a value that cannot be"),
        ("[registries.search]\nregistries = []\n", "version 1 of the format"),
        (
            "[[registry]]\nlocation=\"a\"\n[[registry.mirror]]\nlocation=\"b\"\npull-from-mirror=\"no\"",
            "`pull-from-mirror` is `no`",
        ),
    ] {
        let error = Mirrors::default().add_file("f", text).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("me:pw"), "{error}");
    }
}

#[test]
fn a_later_file_wins() {
    let mut mirrors = mirrors(&[]);
    mirrors.add_file("later", "[[registry]]\nprefix = \"quay.io/evil\"\n").unwrap();
    assert_eq!(places(&mirrors, "quay.io/evil/a", By::Tag("1")), ["quay.io/evil/a"]);
}

#[test]
fn a_mirror_that_cannot_be_one_is_refused_without_its_password() {
    for bad in [
        "docker.io",
        "docker.io=",
        "=host",
        "docker.io=http://me:secret@host",
        "docker.io=me:secret@host/p",
        "http://me:secret@host",
        "me:secret@x=y",
        "docker.io=*.x",
    ] {
        let error = Mirrors::default().add(bad).unwrap_err().to_string();
        assert!(error.contains("--source-mirror") && !error.contains("secret"), "{error}");
    }
    let plain = Mirrors::default().add("docker.io=http://host:5000/x").unwrap();
    assert_eq!(plain.as_deref(), Some("host:5000"));
}

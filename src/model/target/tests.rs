use super::*;

fn root() -> Digest {
    Digest::sha256(b"")
}

fn of(prefix: &str, layout: Layout, origin: Origin<'_>, rename: Option<(&str, Option<&str>)>) -> String {
    let rename = rename
        .map(|(repository, tag)| Rename { repository: repository.to_owned(), tag: tag.map(str::to_owned) });
    Target::of(prefix, layout, origin, &root(), rename.as_ref()).unwrap().to_string()
}

#[test]
fn references_keep_path_and_tag() {
    let pinned = format!("quay.io/a/b@{}", root());
    let both = format!("quay.io/a/b:v1@{}", root());
    for (given, path, host_path, flat) in [
        ("nginx:1", "library/nginx:1", "docker.io/library/nginx:1", "nginx:1"),
        ("localhost:5000/a/b:1", "a/b:1", "localhost_5000/a/b:1", "b:1"),
        ("[::1]:5000/a:1", "a:1", "0-0-0-0-0-0-0-1_5000/a:1", "a:1"),
        ("[2001:db8::1]/a:1", "a:1", "2001-db8-0-0-0-0-0-1/a:1", "a:1"),
        (
            &pinned,
            "a/b:digest-e3b0c44298fc1c14",
            "quay.io/a/b:digest-e3b0c44298fc1c14",
            "b:digest-e3b0c44298fc1c14",
        ),
        (&both, "a/b:v1", "quay.io/a/b:v1", "b:v1"),
    ] {
        let reference: Reference = given.parse().unwrap();
        for (layout, expected) in [(Layout::Path, path), (Layout::HostPath, host_path), (Layout::Flat, flat)]
        {
            assert_eq!(of("", layout, Origin::Registry(&reference), None), expected, "{given} {layout}");
            let below = format!("mirror/x/{expected}");
            assert_eq!(of("mirror/x", layout, Origin::Registry(&reference), None), below);
        }
    }
}

#[test]
fn what_comes_from_no_registry_has_a_folder_of_its_kind() {
    for (origin, path, flat) in [
        (
            Origin::Chart { name: "cert-manager", version: "v1.2.3+build.4" },
            "charts/cert-manager:v1.2.3_build.4",
            "cert-manager:v1.2.3_build.4",
        ),
        (Origin::Snap { name: "k8s", revision: "1234" }, "snaps/k8s:1234", "k8s:1234"),
        (
            Origin::File { name: "My setup.sh" },
            "files/my-setup.sh:digest-e3b0c44298fc1c14",
            "my-setup.sh:digest-e3b0c44298fc1c14",
        ),
    ] {
        assert_eq!(of("", Layout::Path, origin, None), path);
        assert_eq!(of("", Layout::HostPath, origin, None), path);
        assert_eq!(of("p", Layout::Flat, origin, None), format!("p/{flat}"));
    }
}

#[test]
fn another_name_wins_over_the_layout_but_not_over_the_prefix() {
    let reference: Reference = "quay.io/a/b:v1".parse().unwrap();
    let origin = Origin::Registry(&reference);
    assert_eq!(of("p", Layout::HostPath, origin, Some(("x/y", Some("2")))), "p/x/y:2");
    assert_eq!(of("", Layout::Flat, origin, Some(("x/y", None))), "x/y:v1");
    let file = Origin::File { name: "a" };
    assert_eq!(of("", Layout::Path, file, Some(("x", None))), "x:digest-e3b0c44298fc1c14");
}

#[test]
fn names_that_no_registry_takes_are_refused() {
    let long = "a".repeat(250);
    for origin in [
        Origin::Chart { name: "Upper", version: "1" },
        Origin::Chart { name: "a", version: "~1" },
        Origin::Chart { name: &long, version: "1" },
        Origin::Snap { name: "../a", revision: "1" },
    ] {
        assert!(Target::of("", Layout::Path, origin, &root(), None).is_err(), "{origin:?}");
    }
}

#[test]
fn receipts_are_named_after_the_bundle() {
    let receipt = |prefix| Target::receipt(prefix, &root()).map(|target| target.to_string());
    assert_eq!(receipt(""), Ok("airgap-bundle:e3b0c44298fc1c14".to_owned()));
    assert_eq!(receipt("mirror"), Ok("mirror/airgap-bundle:e3b0c44298fc1c14".to_owned()));
}

#[test]
fn layouts_parse_by_their_words() {
    for layout in [Layout::Path, Layout::HostPath, Layout::Flat] {
        assert_eq!(layout.word().parse(), Ok(layout));
    }
    assert!("hostpath".parse::<Layout>().is_err());
}

#[test]
fn deeper_parts_are_one() {
    for (repository, most, expected) in [
        ("a/b/c/d", 4, "a/b/c/d"),
        ("a/b/c/d", 3, "a/b/c-d"),
        ("a/b/c/d", 2, "a/b-c-d"),
        ("a/b/c/d", 1, "a-b-c-d"),
        ("a", 1, "a"),
    ] {
        let target = Target::new(repository.to_owned(), Tag::Name("1".to_owned())).unwrap();
        let within = target.within(NonZeroUsize::new(most));
        assert_eq!((within.repository(), within.tag().as_str()), (expected, "1"), "{repository} {most}");
        assert!(is_repository(within.repository()));
    }
    let target = Target::new("a/b/c".to_owned(), Tag::Name("1".to_owned())).unwrap();
    assert_eq!(target.clone().within(None), target);
}

use proptest::prelude::*;

use super::*;
use crate::model::error::Error;

fn list() -> Source {
    Source::file("artifacts.txt")
}

fn lines(text: &str) -> Vec<String> {
    parse(&list(), text.as_bytes()).unwrap().iter().map(ToString::to_string).collect()
}

fn mistakes(text: &[u8]) -> Vec<String> {
    parse(&list(), text).unwrap_err().iter().map(ToString::to_string).collect()
}

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn every_form_of_a_line_reads_and_prints() {
    for (given, printed) in [
        ("ghcr.io/canonical/k8s-snap/pause:3.10", "ghcr.io/canonical/k8s-snap/pause:3.10"),
        ("nginx", "docker.io/library/nginx"),
        ("oci://quay.io/a/b:v1", "quay.io/a/b:v1"),
        ("docker://quay.io/a/b:v1", "quay.io/a/b:v1"),
        ("image nginx:1 verify-key=./k.pub", "image docker.io/library/nginx:1 verify-key=./k.pub"),
        ("artifact ghcr.io/a/b:1", "artifact ghcr.io/a/b:1"),
        (
            "nginx:1 as=web/nginx:2 platform=linux/arm64,linux/x86_64",
            "docker.io/library/nginx:1 platform=linux/amd64,linux/arm64 as=web/nginx:2",
        ),
        (
            "chart cert-manager repo=https://charts.jetstack.io version=v1.12.10",
            "chart cert-manager repo=https://charts.jetstack.io/ version=v1.12.10",
        ),
        ("chart ./mychart-1.0.0.tgz", "chart ./mychart-1.0.0.tgz"),
        ("chart ../mychart images=yes", "chart ../mychart images=yes"),
        ("chart https://host/a.tgz", "chart https://host/a.tgz"),
        (
            "chart oci://ghcr.io/a/b:1 images=yes values=prod.yaml values=./b.yaml set=k=v set=a=b,c=d \
             namespace=kube-system kube-version=v1.32.0 api-versions=a/v1,b/v1 platform=linux/amd64",
            "chart oci://ghcr.io/a/b:1 images=yes values=prod.yaml values=./b.yaml set=k=v set=a=b,c=d \
             namespace=kube-system kube-version=v1.32.0 api-versions=a/v1 api-versions=b/v1 platform=linux/amd64",
        ),
        ("chart ghcr.io/a/b version=1.0+x", "chart oci://ghcr.io/a/b:1.0_x"),
        (
            "snap k8s images=yes basename=k8s arch=amd64 revision=12 channel=1.32-classic/stable",
            "snap k8s channel=1.32-classic/stable revision=12 arch=amd64 basename=k8s images=yes",
        ),
        ("snap ./k8s.snap", "snap ./k8s.snap"),
        ("./k8s.snap images=yes", "snap ./k8s.snap images=yes"),
        ("assert ./brand.assert", "assert ./brand.assert"),
        ("assert brand.txt", "assert brand.txt"),
        ("/srv/brand.assert", "assert /srv/brand.assert"),
        ("file ./setup.sh name=\"bin/my setup.sh\"", "file ./setup.sh \"name=bin/my setup.sh\""),
        ("file setup.sh", "file setup.sh"),
        ("\"./my file\"", "file \"./my file\""),
        ("../folder", "file ../folder"),
        ("./a.tgz", "./a.tgz"),
        ("https://host/a.tgz?x=1", "https://host/a.tgz?x=1"),
        ("https://host/x.zip", "file https://host/x.zip"),
        ("image oci:DIR:v1", "image oci:DIR:v1"),
        ("oci:./dir", "oci:./dir"),
        ("oci-archive:a.tar:x/y:1", "oci-archive:a.tar:x/y:1"),
        ("docker-archive:a.tar:nginx:1", "docker-archive:a.tar:nginx:1"),
        ("docker-archive:a.tar:@2", "docker-archive:a.tar:@2"),
        ("oci://oci:5000/a:1", "oci://oci:5000/a:1"),
    ] {
        assert_eq!(lines(given), [printed], "{given}");
        assert_eq!(lines(printed), [printed], "{printed}");
    }
}

#[test]
fn an_image_with_the_name_of_a_file_can_be_written_out() {
    for line in [
        "docker.io/library/setup.sh",
        "setup.sh:1",
        "rocket.chat",
        "h.io/a/setup.sh",
        "localhost/a.zip",
        "nginx",
    ] {
        assert!(parse(&list(), line.as_bytes()).is_ok(), "{line}");
    }
}

#[test]
fn a_list_is_utf8_with_any_line_end_and_comments() {
    let text = "\u{feff}# a list\r\n\r\nnginx:1 # web\r\n\talpine:3\t\n\n  # the end";
    let entries = parse(&list(), text.as_bytes()).unwrap();
    let places: Vec<_> = entries.iter().map(|entry| entry.position.to_string()).collect();
    assert_eq!(places, ["artifacts.txt:3:1", "artifacts.txt:4:1"]);
    assert!(parse(&list(), b"").unwrap().is_empty());
}

#[test]
fn every_mistake_is_told_where_it_stands() {
    for (line, expected) in [
        ("nginx plaform=linux/amd64", "1:7: unknown key `plaform=`: did you mean `platform=`?"),
        ("nginx Platform=linux/amd64", "1:7: unknown key `Platform=`: did you mean `platform=`?"),
        (
            "nginx zzzz=1",
            "1:7: unknown key `zzzz=`: a reference without a kind word takes `verify-key=`, `platform=`, `as=`",
        ),
        ("nginx as=a as=b", "1:12: `as=` is there twice, first at column 7"),
        ("nginx version=1", "1:7: `version=` goes with a chart: write `chart` in front"),
        (
            "image nginx sha256=1",
            "1:13: `sha256=` does not go with an image, which takes `verify-key=`, `platform=`, `as=`",
        ),
        (
            "nginx platform=amd64",
            "1:7: `amd64` is not a platform: expected `os/architecture[/variant]`, such as `linux/amd64`",
        ),
        ("nginx as=", "1:7: `as=` has no value"),
        ("image", "1:1: `image` stands alone: expected what to get after it"),
        ("  chart # nothing", "1:3: `chart` stands alone: expected what to get after it"),
        ("chart repo=https://a", "1:7: expected what to get after `chart`, got the key `repo=`"),
        (
            "chart cert-manager",
            "1:7: chart `cert-manager` says nowhere to get it: write `chart oci://…` (this version carries no chart of an HTTP repository or from disk yet)",
        ),
        ("chart oci://a/b:1 version=2", "1:7: the tag is `1`, but `version=` says `2`: leave one out"),
        (
            "chart ./a values=b",
            "1:11: `values=` says how to render a chart for its images, which comes with a later version",
        ),
        ("./a.tgz name=b", "1:9: `name=` needs a kind word: write `file` in front"),
        ("imege nginx foo", "1:1: `imege` is no kind of artifact: did you mean `image`?"),
        (
            "nginx repo=https://a",
            "1:7: `repo=` does not go with a reference without a kind word, and comes with a later version",
        ),
        ("nginx imags=yes", "1:7: unknown key `imags=`: did you mean `images=`?"),
        ("htp://h/a.zip", "1:1: `htp://` is not supported: did you mean `http://`?"),
        ("file htps://h/a.zip", "1:6: `htps://` is not supported: did you mean `https://`?"),
        (
            "scripts/setup.sh",
            "1:1: `scripts/setup.sh` reads as an image of Docker Hub: did you mean `file ./scripts/setup.sh`? (The image is `docker.io/…:TAG`.)",
        ),
        (
            "nginx alpine",
            "1:7: expected `key=value`, got `alpine`: one artifact a line, quotes around white space",
        ),
        (
            "k8s.snap",
            "1:1: `k8s.snap` reads as an image of Docker Hub: did you mean `file ./k8s.snap`? (The image is `docker.io/…:TAG`.)",
        ),
        (
            "snap k8s.snap",
            "1:6: `k8s.snap` is not the name of a snap: `snap ./k8s.snap` carries a snap that is on disk",
        ),
        ("snap k8s arch=x86_64", "1:10: `x86_64` is `amd64` in snapd's words: write `arch=amd64`"),
        (
            "image ./a.tar",
            "1:7: expected a reference, got `./a.tar`: this version carries no image from disk yet; `file ./a.tar` carries it as a plain file",
        ),
        (
            "image https://u:secret@h/a",
            "1:7: expected a reference, got `https://h/a`: leave the scheme out, or write `oci://…`",
        ),
        ("file C:\\a", "1:6: `C:\\a` is a path of Windows: write it with `/`, as this machine sees it"),
        (
            "~/a",
            "1:1: `~` is not expanded in a list: write the folder out, or `./~/a` for a file of that name",
        ),
        (
            "docker-daemon:nginx:1",
            "1:1: `docker-daemon:` is not supported: push the image to a registry, and name it there",
        ),
        ("file \"a", "1:6: this quote is never closed; inside quotes, `\"\"` is one quote"),
        ("docker-archive:a.tar:A B", "1:1: expected a reference or `@N` after the path, got `A`"),
    ] {
        let got = mistakes(line.as_bytes());
        assert!(got.is_sorted(), "{got:?}");
        assert_eq!(
            got.first().map(String::as_str),
            Some(format!("artifacts.txt:{expected}").as_str()),
            "{line}"
        );
    }
}

#[test]
fn mistakes_are_told_together() {
    let text = b"Nginx\nnginx:1\nnginx:1 foo=1 as=A\nb\xffd\nimage\n";
    let places: Vec<_> =
        parse(&list(), text).unwrap_err().into_iter().map(|m| (m.position.line, m.position.column)).collect();
    assert_eq!(places, [(1, 1), (3, 9), (3, 15), (4, 2), (5, 1)]);
    let Error::List(told) = Error::from(parse(&list(), text).unwrap_err()) else { panic!("another error") };
    assert_eq!(told.len(), 5);
}

#[test]
fn a_list_of_mistakes_is_not_read_to_its_end() {
    let told = mistakes(&b"A\n".repeat(100_000));
    assert_eq!(told.len(), MAX_MISTAKES + 1);
}

#[test]
fn what_is_not_a_list_is_told_once() {
    for (bytes, why) in [
        (b"\xff\xfen\0g\0".to_vec(), "UTF-16"),
        (b"oci-layout\0\0\0\n\0\n".to_vec(), "not a text"),
        (vec![b'\n'; MAX_SIZE + 1], "larger than"),
        (vec![b'a'; MAX_LINE + 1], "expected at most 65536"),
        (b"#\n".repeat(MAX_LINES + 1), "more than 1000000 lines"),
    ] {
        let told = mistakes(&bytes);
        assert!(told.len() == 1 && told.iter().all(|line| line.contains(why)), "{told:?}");
    }
    assert!(parse(&list(), &b"#\n".repeat(MAX_LINES)).unwrap().is_empty());
}

#[test]
fn arguments_are_lines_or_whole_paths() {
    for (argument, printed) in [
        ("nginx:1", "docker.io/library/nginx:1"),
        ("./my file #1.sh", "file \"./my file #1.sh\""),
        ("oci:my dir", "\"oci:my dir\""),
        ("chart cert-manager repo=https://a/", "chart cert-manager repo=https://a/"),
    ] {
        assert_eq!(parse_argument(1, argument).unwrap().to_string(), printed);
    }
    for (argument, expected) in [
        ("", "argument 2: expected a reference, got ``"),
        ("image", "argument 2: `image` stands alone: quote the whole line, such as `'image …'`"),
        ("nginx foo=1", "argument 2:7: unknown key `foo=`: a reference without a kind word takes"),
        ("a\nb", "argument 2: expected one reference, got several lines"),
    ] {
        let told = parse_argument(2, argument).unwrap_err();
        assert!(told.iter().all(|m| m.to_string().starts_with(expected)), "{told:?}");
    }
    assert_eq!(parse_argument(1, "image nginx:1").unwrap().kind, Some(Kind::Image));
}

#[test]
fn real_lists_parse() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/lists");
    let Ok(files) = std::fs::read_dir(folder) else { return };
    let mut count = 0;
    for file in files {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let expected = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count();
        let entries = parse(&Source::Stdin, text.as_bytes()).unwrap();
        assert_eq!(entries.len(), expected, "{}", path.display());
        assert!(entries.iter().all(|entry| matches!(entry.subject, Subject::Registry(_))));
        count += 1;
    }
    assert!(count > 0);
}

/// Words that make up lines, right and wrong ones.
fn word() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "image",
        "chart",
        "snap",
        "file",
        "assert",
        "artifact",
        "nginx",
        "a.io/b/c:1",
        "oci://a/b",
        "./x.tgz",
        "./x.snap",
        "./y",
        "/z.assert",
        "https://h/p?q",
        "oci:d:t",
        "docker-archive:f:@1",
        "oci-archive:f",
        "repo=https://h",
        "version=1",
        "images=yes",
        "values=v.yaml",
        "values=https://h/v",
        "set=a=\"b c\"",
        "namespace=n",
        "kube-version=1.3",
        "api-versions=a/v1",
        "channel=a/stable",
        "revision=3",
        "arch=amd64",
        "basename=\"a b\"",
        "name=\"n \"\"1\"\"\"",
        "platform=linux/arm,linux/amd64",
        "as=a/b:c",
        "verify-key=\"k k\"",
        "#",
    ]);
    let digest = Just(format!("a/b:1@{DIGEST}"));
    let sha = Just(format!("sha256={}", DIGEST.replace("sha256:", "")));
    prop_oneof![8 => known.prop_map(str::to_owned), 1 => digest, 1 => sha, 1 => "\\PC{0,12}"]
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&list(), &bytes);
    }

    #[test]
    fn any_argument_never_panics(text in ".{0,60}") {
        let _ = parse_argument(1, &text);
    }

    #[test]
    fn what_parses_prints_and_parses_the_same(words in prop::collection::vec(word(), 1..6)) {
        if let Ok(entries) = parse(&list(), words.join(" ").as_bytes()) {
            for entry in entries {
                let again = parse(&list(), entry.to_string().as_bytes());
                prop_assert_eq!(again, Ok(vec![entry]));
            }
        }
    }

    #[test]
    fn merged_entries_print_and_merge_the_same(
        subject in prop::sample::select(vec!["a/b:1", "chart a/b:1", "image a/b:1", "./x", "snap k8s", "chart ./c"]),
        keys in prop::collection::vec(prop::collection::vec(word(), 0..3), 1..4),
    ) {
        let text: Vec<String> = keys.iter().map(|keys| format!("{subject} {}", keys.join(" "))).collect();
        let Ok(entries) = parse(&list(), text.join("\n").as_bytes()) else { return Ok(()) };
        let Ok(merged) = merge(entries) else { return Ok(()) };
        let printed: Vec<String> = merged.iter().map(ToString::to_string).collect();
        let mut again = merge(parse(&list(), printed.join("\n").as_bytes()).unwrap()).unwrap();
        for (entry, first) in again.iter_mut().zip(&merged) {
            entry.position = first.position.clone();
        }
        prop_assert_eq!(again, merged);
    }
}

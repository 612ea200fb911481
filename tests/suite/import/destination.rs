//! What a destination does not take: tried before the first blob, told at once, each with what that registry wants.

use airgap_bundle::stores::registry::server::{Access, Fault, Faults, Options, RequestView, Server};

use crate::fixture::{Pack, artifact, image};
use crate::site::Site;

use super::place::{packed, server};

/// An answer with an error code of the spec.
fn answer(status: u16, code: &str, message: &str) -> Fault {
    let body = serde_json::json!({"errors": [{"code": code, "message": message}]}).to_string();
    Fault::Status { status, headers: vec![], body }
}

/// A registry that gives this answer to what matches.
fn refusing(fault: Fault, matches: impl Fn(&RequestView<'_>) -> bool + Send + Sync + 'static) -> Server {
    let faults = Faults::new(move |request| if matches(request) { fault.clone() } else { Fault::None });
    Server::start(Options { faults, ..Options::memory() }).unwrap()
}

fn begins_upload(request: &RequestView<'_>) -> bool {
    request.method == "POST"
}

fn puts_manifest(request: &RequestView<'_>) -> bool {
    request.method == "PUT" && request.path.contains("/manifests/")
}

/// Three images in three repositories.
fn three(to: &str) -> Site {
    let pack = (1..4).fold(Pack::new(), |pack, number| {
        pack.graph(&format!("q.io/team/n{number}:1"), &image(number, 2, 1000))
    });
    packed(&pack, to)
}

/// Counts requests that bring content.
fn puts(to: &Server) -> usize {
    to.requests().iter().filter(|request| request.method == "PUT").count()
}

#[test]
fn repositories_that_are_not_there_are_all_told_before_the_first_byte() {
    let to = refusing(answer(404, "NAME_UNKNOWN", "The repository does not exist"), begins_upload);
    let site = three(&to.host());
    site.run("import site.tar --to TO/mirror")
        .stderr(
            "error: writing to registry `TO`: 3 repositories take no upload\n  \
             `TO/mirror/team/n1` (HTTP status 404: NAME_UNKNOWN The repository does not exist) was not found, needed for \
             `q.io/team/n1:1`\n  \
             `TO/mirror/team/n2` (HTTP status 404: NAME_UNKNOWN The repository does not exist) was not found, needed for \
             `q.io/team/n2:1`\n  \
             `TO/mirror/team/n3` (HTTP status 404: NAME_UNKNOWN The repository does not exist) was not found, needed for \
             `q.io/team/n3:1`\n\n\
             hint: create the repository first; `airgap-bundle import --print repositories` lists all that are needed\n\
             3 artifacts for `TO/mirror`: 3 failed; 0 B sent, 0 B there already\n\
             next: mend what failed and run the same command again; only what is missing is moved, and the receipt is \
             left then\n",
        )
        .code(1);
    assert_eq!(puts(&to), 0);
    let report = site.run("import site.tar --to TO/mirror --json").json(1);
    assert_eq!(report["errors"].as_array().unwrap().len(), 1);
    for row in report["artifacts"].as_array().unwrap() {
        assert_eq!(row["status"], "failed");
        assert!(row["error"].as_str().unwrap().contains("NAME_UNKNOWN"), "{row}");
    }
}

#[test]
fn what_is_needed_is_printed_one_a_line_and_nobody_is_asked() {
    let site = three("registry.invalid");
    for (flags, expected) in [
        ("TO/mirror", "mirror/airgap-bundle\nmirror/team/n1\nmirror/team/n2\nmirror/team/n3\n"),
        ("TO --no-receipt --only *n2*", "team/n2\n"),
        ("TO/a/b --max-components 3", "a/b/airgap-bundle\na/b/team-n1\na/b/team-n2\na/b/team-n3\n"),
        ("TO --layout flat", "airgap-bundle\nn1\nn2\nn3\n"),
    ] {
        site.run(&format!("import site.tar --print repositories --to {flags}")).stdout(expected).code(0);
    }
    site.run("import site.tar --to TO --print tags").stderr_holds("[possible values: repositories]").code(2);
}

#[test]
fn an_open_repository_is_filled_and_a_closed_one_is_told_at_once_and_in_the_end() {
    let to = refusing(answer(404, "NOT_FOUND", "project team not found"), |request| {
        begins_upload(request) && request.path.contains("/n2/")
    });
    let site = three(&to.host());
    let told = "writing to registry `TO`: 1 repository takes no upload\n  `TO/team/n2` (HTTP status 404: NOT_FOUND \
                project team not found) was not found, needed for `q.io/team/n2:1`\n";
    let stderr = site
        .run("import site.tar --to TO")
        .stderr_holds(&format!("{told}the others go on\n"))
        .stderr_holds(&format!(
            "error: {told}\nhint: make the project `team` in Harbor first, or ask for the right to push to it; another \
             is named with `--to TO/PROJECT`\n"
        ))
        .stderr_holds("2 imported, 1 failed");
    stderr.code(4);
    image(1, 2, 1000).assert_in(to.registry(), "team/n1", "1");
    image(3, 2, 1000).assert_in(to.registry(), "team/n3", "1");
    assert_eq!(to.uploads(), 0, "no upload is left open");
}

#[test]
fn the_first_refusal_ends_all_where_that_is_wanted() {
    let to = refusing(answer(403, "DENIED", "quota exceeded"), |request| {
        begins_upload(request) && request.path.contains("/n2/")
    });
    let report = three(&to.host()).run("import site.tar --to TO --fail-fast --json").json(1);
    let statuses: Vec<_> = report["artifacts"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["skipped", "failed", "skipped"]);
    assert_eq!((puts(&to), to.uploads()), (0, 0));
}

#[test]
fn each_product_is_told_what_it_wants() {
    let harbor = |status, code, message| {
        let Fault::Status { status, body, .. } = answer(status, code, message) else { unreachable!() };
        let challenge = "Bearer realm=\"/service/token\",service=\"harbor-registry\"";
        Fault::Status { status, headers: vec![("www-authenticate".into(), challenge.into())], body }
    };
    for (fault, expected) in [
        (harbor(400, "BAD_REQUEST", "bad request"), "Harbor takes no path of one part"),
        (harbor(403, "FORBIDDEN", "forbidden"), "Harbor takes no path of one part"),
        (
            answer(401, "UNAUTHORIZED", "access to the requested resource is not authorized"),
            "the organization `n1` is not there",
        ),
        (answer(403, "DENIED", "Quota has been exceeded on namespace"), "its quota is used up"),
        (answer(405, "UNSUPPORTED", "the operation is unsupported"), "it is read-only or a cache"),
        (Fault::status(413), "`client_max_body_size`"),
        (Fault::status(507), "it has no room left"),
        (answer(400, "NAME_INVALID", "invalid repository name"), "`--max-components N` makes it shorter"),
    ] {
        let to = refusing(fault, begins_upload);
        let pack = Pack::new().graph("q.io/n1:1", &image(1, 1, 10));
        packed(&pack, &to.host())
            .run("import site.tar --to TO")
            .stderr_holds("1 repository takes no upload")
            .stderr_holds(expected)
            .code(1);
        assert_eq!(puts(&to), 0);
    }
}

#[test]
fn a_registry_that_is_read_only_is_told_so_before_anything_is_sent() {
    let to = Server::start(Options { access: Access::ReadOnly, ..Options::memory() }).unwrap();
    three(&to.host())
        .run("import site.tar --to TO")
        .stderr_holds("hint: this registry takes no pushes")
        .code(1);
    assert_eq!(puts(&to), 0);
}

#[test]
fn what_is_refused_in_the_middle_has_the_same_advice() {
    let quota = "adding 1 MiB of storage resource, which will exceed the configured upper limit of 1 MiB";
    let blob = |request: &RequestView<'_>| {
        request.method == "PUT" && request.is_upload() && request.path.contains("/n2/")
    };
    let name = |request: &RequestView<'_>| puts_manifest(request) && request.path.contains("/n2/");
    let jfrog = |status, code, message| {
        let Fault::Status { status, body, .. } = answer(status, code, message) else { unreachable!() };
        Fault::Status { status, headers: vec![("x-jfrog-version".into(), "Artifactory/7".into())], body }
    };
    for (to, expected) in [
        (refusing(answer(403, "DENIED", quota), blob), "hint: its quota is used up"),
        (refusing(Fault::status(413), blob), "hint: the registry, or a proxy in front of it"),
        (
            refusing(answer(412, "PRECONDITION", "'n2:1' configured as immutable."), name),
            "hint: the tag may not be moved there",
        ),
        (
            refusing(jfrog(403, "DENIED", "forbidden"), name),
            "hint: Artifactory lets only those overwrite a tag",
        ),
        (
            refusing(jfrog(409, "CONFLICT", "conflict"), name),
            "hint: Artifactory lets only those overwrite a tag",
        ),
        (
            refusing(answer(400, "MANIFEST_INVALID", "manifest invalid"), name),
            "hint: the registry does not take what this manifest says",
        ),
    ] {
        three(&to.host())
            .run("import site.tar --to TO")
            .stderr_holds("could not import image `q.io/team/n2:1`")
            .stderr_holds(expected)
            .stderr_holds("2 imported, 1 failed")
            .code(4);
    }
    let to = refusing(jfrog(400, "MANIFEST_INVALID", "manifest invalid"), |request| {
        puts_manifest(request) && request.path.contains("/thing/")
    });
    let pack = Pack::new().graph("q.io/a/thing:1", &artifact(1, "application/vnd.example", None));
    packed(&pack, &to.host())
        .run("import site.tar --to TO")
        .stderr_holds("hint: Artifactory's Docker repositories take images alone")
        .code(1);
}

/// An upload that is begun to try a repository serves for its first blob: nothing is asked twice, nothing stays open.
#[test]
fn a_trial_costs_nothing_where_there_is_something_to_send() {
    let to = server();
    let site = three(&to.host());
    site.run("import site.tar --to TO --no-receipt").any_stderr().code(0);
    let count = |method: &str| to.requests().iter().filter(|request| request.method == method).count();
    // Three blobs each, an upload for each.
    assert_eq!((count("POST"), count("DELETE"), to.uploads()), (9, 0, 0), "{:#?}", to.requests());
    // Where all blobs are there the name alone is set: its repository is tried, and the upload given up.
    let to = server();
    image(2, 2, 1000).put(to.registry(), "team/n2", None);
    let site = three(&to.host());
    site.run("import site.tar --to TO --no-receipt --only *n2*").stderr_holds("1 imported").code(0);
    let count = |method: &str| to.requests().iter().filter(|request| request.method == method).count();
    assert_eq!((count("POST"), count("DELETE"), count("PUT"), to.uploads()), (1, 1, 1, 0));
}

//! cosign itself signs at the source and verifies at the destination.

use airgap_bundle::stores::registry::server::{Options, Server};

use crate::docker_registry::DockerRegistry;
use crate::fixture::{Pack, index};
use crate::site::Site;
use crate::tools::{command, run};

/// Nothing of these signatures goes into a public log.
const SIGN: [&str; 6] = [
    "sign",
    "--key=cosign.key",
    "--tlog-upload=false",
    "--use-signing-config=false",
    "--allow-http-registry",
    "--yes",
];
const VERIFY: [&str; 4] = ["verify", "--key=cosign.pub", "--insecure-ignore-tlog", "--allow-http-registry"];
/// The form of cosign 3, and the one before.
const FORMS: [&str; 2] = ["--new-bundle-format=true", "--new-bundle-format=false"];

#[test]
fn what_cosign_signs_it_verifies_at_the_destination() {
    let (from, with_tags, with_api) =
        (DockerRegistry::start(), DockerRegistry::start(), Server::start(Options::memory()).unwrap());
    let image = index(1, &["linux/amd64", "linux/arm64"], 1, 1000);
    let pack = Pack::new().graph("quay.io/a/b:1", &image);
    let site = Site::new().named("FROM", from.host()).bytes("first.tar", &pack.tar());
    site.run("import first.tar --to FROM").any_stderr().code(0);
    let cosign = |arguments: &[&str]| {
        let mut cosign = command("cosign", site.root());
        run(cosign.env("COSIGN_PASSWORD", "").args(arguments))
    };
    cosign(&["generate-key-pair"]);
    let pinned = format!("{}/a/b@{}", from.host(), image.digest());
    for form in FORMS {
        cosign(&[&SIGN[..], &[form, pinned.as_str()]].concat());
    }
    site.run("export FROM/a/b:1 --verify-key cosign.pub").any_stdout().any_stderr().code(0);
    site.run("verify --key cosign.pub").stderr_holds("1 artifact signed with `cosign.pub`").code(0);
    for host in [with_tags.host().to_owned(), with_api.host()] {
        site.run(&format!("import --to {host}/mirror")).any_stderr().code(0);
        for form in FORMS {
            let name = format!("{host}/mirror/a/b:1");
            cosign(&[&VERIFY[..], &[form, name.as_str()]].concat());
        }
    }
}

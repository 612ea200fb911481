//! Bundles that say of referrers what is not so.

use airgap_bundle::model::contents::Contents;
use airgap_bundle::model::digest::Digest;
use airgap_bundle::model::error::FormatState::Foreign;
use airgap_bundle::model::referrer::{Referrer, cosign_tags};

use crate::bundle::judge::wrong;
use crate::fixture::{Graph, Pack, artifact, cosign, image};
use crate::python::{fits_schema, prove_with_python, refused_by_python};

type Change = fn(&mut Contents);

fn referrer(graph: &Graph, subject: &Graph, artifact_type: &str, tag: Option<String>) -> Referrer {
    Referrer {
        subject: subject.digest(),
        digest: graph.digest(),
        tag,
        media_type: graph.root().media_type.clone(),
        artifact_type: Some(artifact_type.to_owned()),
        size: graph.blobs.iter().chain(&graph.manifests).map(|blob| blob.bytes.len() as u64).sum(),
    }
}

/// An image with a statement, a seal on that, and a signature under a tag. The statement has the smallest place in
/// `manifests` after the image.
fn pack() -> Pack {
    let root = image(1, 1, 10);
    let statement = artifact(2, "a/statement", Some(&root));
    let seal = artifact(3, "a/seal", Some(&statement));
    let signature = cosign(&root, &["me"]);
    let tag = cosign_tags(&root.digest()).into_iter().next();
    let mut referrers = vec![
        referrer(&statement, &root, "a/statement", None),
        referrer(&seal, &statement, "a/seal", None),
        referrer(&signature, &root, "application/vnd.oci.image.config.v1+json", tag),
    ];
    referrers.sort();
    Pack::new()
        .add(&root, |artifact| {
            artifact.reference = "quay.io/a/one:1".to_owned();
            artifact.names = vec!["quay.io/a/one:1".to_owned()];
            artifact.referrers.clone_from(&referrers);
        })
        .below(&statement)
        .below(&seal)
        .below(&signature)
}

/// Returns the referrer of a type.
fn of<'a>(contents: &'a mut Contents, artifact_type: &str) -> &'a mut Referrer {
    let all = &mut contents.artifacts[0].referrers;
    all.iter_mut().find(|referrer| referrer.artifact_type.as_deref() == Some(artifact_type)).unwrap()
}

#[test]
fn the_good_one_is_good() {
    let tar = pack().tar();
    assert_eq!(wrong(&tar), []);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("b.tar"), &tar).unwrap();
    prove_with_python(&folder.path().join("b.tar"));
    let contents = pack().contents();
    assert!(fits_schema("bundle.schema.json", &contents.to_bytes()));
    assert!(fits_schema("index.schema.json", &contents.index(&Digest::sha256(b""))));
}

#[test]
fn what_is_not_so_is_refused_with_a_sentence() {
    let cases: [(&str, Change); 14] = [
        ("its referrers are not in order", |c| c.artifacts[0].referrers.reverse()),
        ("its referrers are not in order", |c| {
            let again = c.artifacts[0].referrers[0].clone();
            c.artifacts[0].referrers.insert(0, again);
        }),
        ("is not listed", |c| {
            of(c, "a/statement").subject = Digest::Sha256([0; 32]);
            c.artifacts[0].referrers.sort();
        }),
        ("is not listed", |c| {
            let first = c.artifacts[0].referrers.first_mut().unwrap();
            first.digest = Digest::Sha256([0; 32]);
        }),
        ("refers to itself", |c| {
            let digest = of(c, "a/seal").digest;
            of(c, "a/seal").subject = digest;
            c.artifacts[0].referrers.sort();
        }),
        ("which is none of", |c| {
            let all = &mut c.artifacts[0].referrers;
            all.iter_mut().find(|one| one.tag.is_some()).unwrap().tag = Some("latest".into());
        }),
        ("which is none of", |c| {
            let all = &mut c.artifacts[0].referrers;
            all.iter_mut().find(|one| one.tag.is_some()).unwrap().tag = Some("../../x".into());
        }),
        ("has media type `text/plain`", |c| of(c, "a/seal").media_type = "text/plain".into()),
        ("has another subject", |c| {
            let root = c.artifacts[0].digest;
            of(c, "a/seal").subject = root;
            c.artifacts[0].referrers.sort();
        }),
        ("has another artifact type", |c| of(c, "a/seal").artifact_type = Some("a/other".into())),
        ("bytes, expected", |c| of(c, "a/seal").size += 1),
        ("which does not belong to the artifact", |c| {
            c.artifacts[0].referrers.retain(|one| one.artifact_type.as_deref() != Some("a/statement"));
        }),
        ("is named by no artifact", |c| c.artifacts[0].referrers.clear()),
        ("only what comes from a registry has referrers", |c| {
            c.artifacts[0].kind = airgap_bundle::model::artifact::Kind::Snap;
        }),
    ];
    for (message, change) in cases {
        let mut contents = pack().contents();
        change(&mut contents);
        let tar = pack().tar_of(&contents);
        let found = wrong(&tar);
        assert!(
            found.iter().any(|(state, _, text)| *state == Foreign && text.contains(message)),
            "{message}: {found:?}"
        );
        refused_by_python(message, &tar);
    }
}

#[test]
fn a_circle_that_hangs_on_nothing_is_refused() {
    // By tags alone: each signs the other, and neither the image.
    let root = image(1, 1, 10);
    let (one, two) = (cosign(&root, &["one"]), cosign(&root, &["two"]));
    let tagged = |graph: &Graph, subject: &Graph| {
        let tag = cosign_tags(&subject.digest()).into_iter().next();
        referrer(graph, subject, "application/vnd.oci.image.config.v1+json", tag)
    };
    let mut referrers = vec![tagged(&one, &two), tagged(&two, &one)];
    referrers.sort();
    let tar = Pack::new()
        .add(&root, |artifact| {
            artifact.reference = "quay.io/a/one:1".to_owned();
            artifact.referrers.clone_from(&referrers);
        })
        .below(&one)
        .below(&two)
        .tar();
    let found = wrong(&tar);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|(_, _, text)| text.contains("does not belong to the artifact")), "{found:?}");
    refused_by_python("circle", &tar);
}

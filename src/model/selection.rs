//! Which children of an index are kept when only some platforms are wanted.

use std::collections::BTreeSet;

use super::descriptor::Descriptor;
use super::digest::Digest;
use super::manifest::Manifest;
use super::media_type;
use super::platform::Platform;

/// Annotation by which buildkit ties an attestation to the manifest that it speaks of.
const SPEAKS_OF: &str = "vnd.docker.reference.digest";

/// Returns the children of `index` that an image for `platforms` needs, in the order of the index: manifests for one
/// of them, attestations of those, nested indexes, and what names no platform at all. No platforms means all.
pub fn select<'a>(index: &'a Manifest, platforms: &[Platform]) -> Vec<&'a Descriptor> {
    let speaks_of = |child: &Descriptor| child.annotations.get(SPEAKS_OF).and_then(|text| text.parse().ok());
    let wanted = |child: &Descriptor| match &child.platform {
        _ if platforms.is_empty() => true,
        Some(platform) if platform.is_unknown() => false,
        Some(platform) => platforms.iter().any(|wanted| wanted.matches(platform)),
        None => speaks_of(child).is_none(),
    };
    let kept: BTreeSet<Digest> =
        index.manifests.iter().filter(|child| wanted(child)).map(|child| child.digest).collect();
    let spoken_of = |child: &Descriptor| speaks_of(child).is_some_and(|digest| kept.contains(&digest));
    index.manifests.iter().filter(|child| kept.contains(&child.digest) || spoken_of(child)).collect()
}

/// Returns whether a child of an index is an image for some platform, as opposed to an attestation or a nested index.
pub fn is_platform_image(child: &Descriptor) -> bool {
    !media_type::is_index(&child.media_type)
        && !child.annotations.contains_key(SPEAKS_OF)
        && child.platform.as_ref().is_some_and(|platform| !platform.is_unknown())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Manifest {
        let child = |seed: &str, platform: &str, more: &str| {
            let digest = Digest::sha256(seed.as_bytes());
            format!(
                r#"{{"mediaType":"{}","digest":"{digest}","size":1{platform}{more}}}"#,
                media_type::OCI_MANIFEST
            )
        };
        let amd64 = child("amd64", r#","platform":{"os":"linux","architecture":"amd64"}"#, "");
        let arm64 = child("arm64", r#","platform":{"os":"linux","architecture":"arm64","variant":"v8"}"#, "");
        let unknown = r#","platform":{"os":"unknown","architecture":"unknown"}"#;
        let of =
            |seed: &str| format!(r#","annotations":{{"{SPEAKS_OF}":"{}"}}"#, Digest::sha256(seed.as_bytes()));
        let list = [
            amd64,
            arm64,
            child("a1", unknown, &of("amd64")),
            child("a2", unknown, &of("arm64")),
            child("x", "", ""),
        ];
        let raw = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, list.join(","));
        Manifest::parse(media_type::OCI_INDEX, raw.as_bytes()).unwrap()
    }

    #[test]
    fn attestations_go_with_what_they_speak_of() {
        for (platforms, kept) in [
            (vec![], vec!["amd64", "arm64", "a1", "a2", "x"]),
            (vec!["linux/amd64"], vec!["amd64", "a1", "x"]),
            (vec!["linux/arm64"], vec!["arm64", "a2", "x"]),
            (vec!["linux/s390x"], vec!["x"]),
        ] {
            let platforms: Vec<Platform> = platforms.iter().map(|text| text.parse().unwrap()).collect();
            let index = index();
            let digests: Vec<_> = select(&index, &platforms).iter().map(|child| child.digest).collect();
            assert_eq!(digests, kept.iter().map(|seed| Digest::sha256(seed.as_bytes())).collect::<Vec<_>>());
        }
    }
}

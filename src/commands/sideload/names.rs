//! File names of image tars: the reference with `/`, `:` and `@` turned to `-`, as Canonical Kubernetes names its own.

use std::collections::HashMap;

use crate::model::digest::Digest;

/// The longest name before `.tar`, in bytes: file systems end at 255, and `.tar.loaded` and the like come on top.
const MAX: usize = 200;

/// Returns a name for each reference and digest, in their order, each name once. Names that would be equal, also on a
/// file system that ignores case, get 8 digits of the digest, all of them, so that none depends on the order.
pub(super) fn of(images: &[(&str, Digest)]) -> Vec<String> {
    let plain = images.iter().map(|(reference, _)| plain(reference)).collect();
    let by_digest = set_apart(plain, |index| images.get(index).map(|(_, digest)| *digest));
    let by_reference = set_apart(by_digest, |index| {
        images.get(index).map(|(reference, _)| Digest::sha256(reference.as_bytes()))
    });
    by_reference.into_iter().map(|name| format!("{name}.tar")).collect()
}

/// Returns the name that an image takes where a file of another image has its own.
pub(super) fn aside(name: &str, digest: &Digest) -> String {
    format!("{}-{}.tar", name.strip_suffix(".tar").unwrap_or(name), eight(digest))
}

fn plain(reference: &str) -> String {
    let name = reference.replace(['/', ':', '@'], "-");
    if name.len() <= MAX {
        return name;
    }
    let kept: String = name.chars().take(MAX.saturating_sub(9)).collect();
    format!("{kept}-{}", eight(&Digest::sha256(reference.as_bytes())))
}

fn set_apart(names: Vec<String>, digest: impl Fn(usize) -> Option<Digest>) -> Vec<String> {
    let mut count: HashMap<String, u32> = HashMap::new();
    for name in &names {
        let times = count.entry(name.to_ascii_lowercase()).or_default();
        *times = times.saturating_add(1);
    }
    let is_taken = |name: &String| count.get(&name.to_ascii_lowercase()).is_some_and(|times| *times > 1);
    let apart = names.into_iter().enumerate().map(|(index, name)| match digest(index) {
        Some(digest) if is_taken(&name) => format!("{name}-{}", eight(&digest)),
        _ => name,
    });
    apart.collect()
}

fn eight(digest: &Digest) -> String {
    digest.hex().chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_upstreams() {
        let digest = Digest::sha256(b"");
        for (reference, name) in [
            ("ghcr.io/canonical/k8s-snap/pause:3.10", "ghcr.io-canonical-k8s-snap-pause-3.10.tar".to_owned()),
            ("localhost:5000/a:V1", "localhost-5000-a-V1.tar".to_owned()),
            (&format!("quay.io/a@{digest}"), format!("quay.io-a-sha256-{}.tar", digest.hex())),
        ] {
            assert_eq!(of(&[(reference, digest)]), [name]);
        }
        let long = format!("quay.io/{}:1", "a/".repeat(200));
        assert_eq!(of(&[(&long, digest)])[0].len(), MAX + 4);
    }

    #[test]
    fn names_that_collide_are_set_apart() {
        let (one, two) = (Digest::sha256(b"1"), Digest::sha256(b"2"));
        assert_eq!(
            of(&[("x/a/b:1", one), ("x/a-b:1", two), ("x/c:1", one)]),
            ["x-a-b-1-6b86b273.tar", "x-a-b-1-d4735e3a.tar", "x-c-1.tar"]
        );
        let same_digest = of(&[("x/a/b:1", one), ("x/a-b:1", one)]);
        assert_ne!(same_digest[0], same_digest[1]);
        assert!(same_digest.iter().all(|name| name.starts_with("x-a-b-1-6b86b273-")), "{same_digest:?}");
        assert_eq!(of(&[("x/a:v1", one), ("x/a:V1", two)]), ["x-a-v1-6b86b273.tar", "x-a-V1-d4735e3a.tar"]);
        assert_eq!(aside("x-a-1.tar", &one), "x-a-1-6b86b273.tar");
    }
}

//! Two artifacts that want one name.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use super::{Layout, Target};
use crate::model::contents::Artifact;
use crate::model::digest::Digest;

/// A name that artifacts with different roots want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collision<'a> {
    /// The name.
    pub target: &'a Target,
    /// Who wants it, by place in what was given: in order, for each root the first that has it, at least two.
    pub claims: Vec<usize>,
}

/// Returns every name that is wanted for more than one digest, in the order of names. The same digest twice is no
/// collision. Every two claims of a collision are a pair that collides.
pub fn collisions<'a>(targets: impl IntoIterator<Item = (&'a Target, &'a Digest)>) -> Vec<Collision<'a>> {
    let mut names: BTreeMap<&Target, BTreeMap<&Digest, usize>> = BTreeMap::new();
    for (at, (target, root)) in targets.into_iter().enumerate() {
        names.entry(target).or_default().entry(root).or_insert(at);
    }
    names
        .into_iter()
        .filter(|(_, roots)| roots.len() > 1)
        .map(|(target, roots)| {
            let mut claims: Vec<usize> = roots.into_values().collect();
            claims.sort_unstable();
            Collision { target, claims }
        })
        .collect()
}

/// Returns whether artifacts that want one name would have a name each with [`Layout::HostPath`]: not where `as=` names
/// them, and not where they have no host. `most` parts of a path are kept apart.
pub fn host_path_helps<'a>(
    prefix: &str,
    most: Option<NonZeroUsize>,
    artifacts: impl IntoIterator<Item = &'a Artifact>,
) -> bool {
    let artifacts = artifacts.into_iter();
    let named: Option<Vec<(Target, &Digest)>> = artifacts
        .map(|artifact| {
            let target = Target::of_artifact(prefix, Layout::HostPath, artifact).ok()?;
            Some((target.within(most), &artifact.digest))
        })
        .collect();
    named.is_some_and(|named| collisions(named.iter().map(|(target, digest)| (target, *digest))).is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::Tag;
    use super::*;

    #[test]
    fn names_with_two_digests_collide() {
        let target = |repository: &str| Target::new(repository.into(), Tag::Name("1".into())).unwrap();
        let (controller, other) = (target("mirror/controller"), target("mirror/other"));
        let (one, two) = (Digest::sha256(b"1"), Digest::sha256(b"2"));
        let wanted =
            [(&controller, &one), (&other, &one), (&controller, &one), (&controller, &two), (&other, &one)];
        assert_eq!(collisions(wanted), [Collision { target: &controller, claims: vec![0, 3] }]);
        assert!(collisions([(&other, &one), (&controller, &two)]).is_empty());
    }
}

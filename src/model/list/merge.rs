//! Makes one entry of lines that ask for the same artifact.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use super::entry::{Entry, Rename, Subject};
use super::position::Mistake;

/// Merges entries that name the same artifact (after [`require`](super::require()), so that `nginx` and `nginx:latest`
/// are one). Platforms, renderings and keys are united; with different `as=` they stay two. The first place is kept,
/// and with it the order. Lines that contradict each other (another kind word, another `sha256=`) are mistakes.
pub fn merge(entries: Vec<Entry>) -> Result<Vec<Entry>, Vec<Mistake>> {
    let (merged, mistakes) = unite_all(entries);
    if mistakes.is_empty() { Ok(merged) } else { Err(mistakes) }
}

/// As [`merge`], with both what could be merged and the mistakes.
pub(super) fn unite_all(entries: Vec<Entry>) -> (Vec<Entry>, Vec<Mistake>) {
    let mut merged: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut places: HashMap<(Subject, Option<Rename>), usize> = HashMap::with_capacity(entries.len());
    let mut mistakes = Vec::new();
    for entry in entries {
        match places.entry((entry.subject.clone(), entry.rename.clone())) {
            Slot::Vacant(slot) => {
                slot.insert(merged.len());
                merged.push(entry);
            }
            Slot::Occupied(slot) => {
                if let Some(first) = merged.get_mut(*slot.get()) {
                    unite(first, entry, &mut mistakes);
                }
            }
        }
    }
    (merged, mistakes)
}

fn unite(first: &mut Entry, second: Entry, mistakes: &mut Vec<Mistake>) {
    let mut differs = |what: &str, now: String, before: String| {
        let message = format!("{what} `{now}`, but `{before}` at {}", first.position);
        mistakes.push(Mistake { position: second.position.clone(), message });
    };
    match (first.kind, second.kind) {
        (Some(before), Some(now)) if before != now => {
            differs("the same reference is", now.to_string(), before.to_string());
        }
        (before, now) => first.kind = before.or(now),
    }
    match (first.sha256, second.sha256) {
        (Some(before), Some(now)) if before != now => {
            differs("the same source has sha256", now.hex(), before.hex());
        }
        (before, now) => first.sha256 = before.or(now),
    }
    first.platforms.named.extend(second.platforms.named);
    first.platforms.default |= second.platforms.default;
    for rendering in second.renderings {
        if !first.renderings.contains(&rendering) {
            first.renderings.push(rendering);
        }
    }
    for key in second.verify_keys {
        if !first.verify_keys.contains(&key) {
            first.verify_keys.push(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Source, parse};
    use super::*;

    fn merged(text: &str) -> Result<Vec<String>, Vec<Mistake>> {
        let entries = merge(parse(&Source::file("a.txt"), text.as_bytes()).unwrap())?;
        Ok(entries.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_same_artifact_twice_is_one() {
        for (list, expected) in [
            ("nginx:1\ndocker.io/library/nginx:1\noci://nginx:1", vec!["docker.io/library/nginx:1"]),
            ("nginx:1\nimage nginx:1", vec!["image docker.io/library/nginx:1"]),
            (
                "a/b:1 platform=linux/arm64\na/b:1 platform=linux/amd64",
                vec!["docker.io/a/b:1 platform=linux/amd64,linux/arm64"],
            ),
            (
                "a/b:1 platform=linux/arm64\na/b:1",
                vec!["docker.io/a/b:1 platform=linux/arm64\ndocker.io/a/b:1"],
            ),
            (
                "a/b:1 as=x:1\na/b:1 as=x:2\na/b:1",
                vec!["docker.io/a/b:1 as=x:1", "docker.io/a/b:1 as=x:2", "docker.io/a/b:1"],
            ),
            ("./a.sh\nfile a.sh", vec!["file ./a.sh"]),
            (
                "chart oci://a/b:1\nchart a/b:1 images=yes\nchart a/b:1 images=yes set=a=b",
                vec![
                    "chart oci://docker.io/a/b:1 images=yes\nchart oci://docker.io/a/b:1 images=yes set=a=b",
                ],
            ),
            (
                "snap k8s\nsnap k8s images=yes\nsnap k8s revision=2",
                vec!["snap k8s images=yes", "snap k8s revision=2"],
            ),
        ] {
            assert_eq!(merged(list).unwrap(), expected, "{list}");
        }
    }

    #[test]
    fn contradictions_are_mistakes() {
        let (one, two) = ("11".repeat(32), "22".repeat(32));
        let list = format!("image a/b:1\nchart a/b:1\nfile x sha256={one}\nfile x sha256={two}");
        let messages: Vec<_> = merged(&list).unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            messages,
            [
                "a.txt:2:1: the same reference is `chart`, but `image` at a.txt:1:1".to_owned(),
                format!("a.txt:4:1: the same source has sha256 `{two}`, but `{one}` at a.txt:3:1"),
            ]
        );
    }
}

//! What a tag that is not there may have been meant to be.

use std::cmp::Reverse;
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::model::error::Error;
use crate::stores::registry::client::{By, RegistryClient, Repository};

/// So many tags are named.
const NAMED: usize = 3;
/// So long the registry may take to say which tags there are: it is asked for a hint only.
const PATIENCE: Duration = Duration::from_secs(10);

/// Adds to an error that says that a tag is not there which ones are.
pub(super) async fn hinted(
    error: Error,
    client: &RegistryClient,
    repository: &Repository,
    by: By<'_>,
) -> Error {
    let By::Tag(tag) = by else { return error };
    if !matches!(error, Error::NotFound { hint: None, .. }) {
        return error;
    }
    let asked = Box::pin(client.first_tags(repository));
    let tags = match select(asked, client.http().clock().timer(PATIENCE)).await {
        Either::Left((Ok(tags), _)) => tags,
        Either::Left((Err(_), _)) | Either::Right(_) => Vec::new(),
    };
    error.with_hint(hint(&repository.to_string(), tag, &tags))
}

/// Says which tags come near; `tags` is empty where they are not known.
fn hint(repository: &str, tag: &str, tags: &[String]) -> String {
    let mut near: Vec<&str> = tags.iter().map(String::as_str).collect();
    near.sort_by_key(|other| {
        (Reverse(common(tag, other)), bare(tag).len().abs_diff(bare(other).len()), *other)
    });
    let named: Vec<String> = near.iter().take(NAMED).map(|tag| format!("`{tag}`")).collect();
    let more = match near.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    match &*named {
        [] => format!("check the spelling of `{repository}` and of the tag `{tag}`"),
        named => format!("`{repository}` has the tags {}{more}", named.join(", ")),
    }
}

/// Returns how far two tags are the same from their beginning, a `v` in front not counted.
fn common(one: &str, other: &str) -> usize {
    bare(one).chars().zip(bare(other).chars()).take_while(|(a, b)| a == b).count()
}

fn bare(tag: &str) -> &str {
    tag.strip_prefix('v').unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_tags_are_named() {
        for (tag, tags, expected) in [
            (
                "1.2.3",
                "latest v1.2.3 1.2.30 0.1",
                "`r/a` has the tags `v1.2.3`, `1.2.30`, `latest`, and 1 more",
            ),
            ("v2", "1 v2.0 2.1", "`r/a` has the tags `2.1`, `v2.0`, `1`"),
            ("latest", "1.0", "`r/a` has the tags `1.0`"),
            ("1", "", "check the spelling of `r/a` and of the tag `1`"),
        ] {
            let tags: Vec<String> = tags.split_whitespace().map(str::to_owned).collect();
            assert_eq!(hint("r/a", tag, &tags), expected);
        }
    }
}

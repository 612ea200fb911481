//! Pages for people where bytes were expected: an inspecting proxy, a login form.

use super::response::Reply;
use crate::model::error::Error;

/// So much of a page is read to find its title.
pub(super) const MAX_PAGE: u64 = 64 << 10;

/// What to look at where a page comes from what should be a registry.
pub const NO_REGISTRY: &str = "what answers there may be no registry: check host and port, and whether a proxy or a login page stands in between";

/// Returns whether a media type is that of a page.
pub fn is_page(media_type: &str) -> bool {
    matches!(media_type, "text/html" | "application/xhtml+xml")
}

/// Makes the error for a page in the place of `expected` ("the blob").
pub fn unexpected(reply: &Reply, expected: &str) -> Error {
    let media_type = reply.head.media_type().unwrap_or_default();
    let page = reply.head.hidden.cover(&String::from_utf8_lossy(&reply.body));
    let titled = title(page.as_bytes()).map(|title| format!(", titled `{title}`,")).unwrap_or_default();
    Error::Network {
        what: reply.head.asked(),
        why: format!(
            "something between here and the registry answered with a page of type `{media_type}`{titled} instead of {expected}"
        ),
        hint: Some(NO_REGISTRY.to_owned()),
    }
}

/// Returns the title of a page, shortened, without control characters.
pub(super) fn title(page: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(page);
    let lower = text.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start.saturating_add(lower.get(start..)?.find('>')?).saturating_add(1);
    let end = start.saturating_add(lower.get(start..)?.find('<')?);
    let title: Vec<&str> = text.get(start..end)?.split_whitespace().collect();
    let title: String = title.join(" ").chars().filter(|c| !c.is_control()).take(120).collect();
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_titles() {
        for (page, expected) in [
            ("<html><head><TITLE lang=de>Access\n  denied</TITLE>", Some("Access denied")),
            ("<title></title>", None),
            ("<title>cut of", None),
            ("<p>nothing", None),
        ] {
            assert_eq!(title(page.as_bytes()).as_deref(), expected, "{page}");
        }
    }
}

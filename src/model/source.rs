//! The address of a file, as a bundle keeps it: without what may be secret (`bundle-format.md`, "bundle.json").

use url::Url;

/// The longest one, in bytes: as every text of `bundle.json`.
const MAX: usize = 1024;

/// Returns an address without user info, query and fragment. A `?` stays at the end where there was a query, so that
/// it can be told that something is missing. `None` where it is too long to be kept.
pub fn of(url: &Url) -> Option<String> {
    let mut kept = url.clone();
    // Both fail only for addresses that cannot have user info.
    let _ = kept.set_username("");
    let _ = kept.set_password(None);
    kept.set_query(url.query().map(|_| ""));
    kept.set_fragment(None);
    Some(kept.to_string()).filter(|text| is_good(text))
}

/// Returns whether a text is an address as [`of`] writes it.
pub fn is_good(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else { return false };
    let plain = rest.strip_suffix('?').unwrap_or(rest);
    let host = plain.split('/').next().unwrap_or_default();
    text.len() <= MAX
        && !host.is_empty()
        && !host.contains('@')
        && plain.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '?' | '#'))
}

/// Returns whether the address had a query that was not kept.
pub fn lacks_query(text: &str) -> bool {
    text.ends_with('?')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_secret_is_not_kept() {
        for (address, kept) in [
            ("https://h/a.zip", Some("https://h/a.zip")),
            ("https://me:secret@h:8443/a%20b.zip#part", Some("https://h:8443/a%20b.zip")),
            ("http://h/a.zip?token=secret", Some("http://h/a.zip?")),
            ("http://h/a.zip?", Some("http://h/a.zip?")),
            ("https://[::1]:1/@a", Some("https://[::1]:1/@a")),
            ("https://h", Some("https://h/")),
            ("https://h/gr\u{fc}n \u{202e}", Some("https://h/gr%C3%BCn%20%E2%80%AE")),
            (&format!("https://h/{}", "a".repeat(1024)), None),
        ] {
            let url = Url::parse(address).unwrap();
            assert_eq!(of(&url).as_deref(), kept, "{address}");
            assert!(
                kept.is_none_or(|kept| of(&Url::parse(kept).unwrap()).as_deref() == Some(kept)),
                "{address}"
            );
        }
    }

    #[test]
    fn other_texts_are_not_good() {
        for text in [
            "",
            "https://",
            "ftp://h/a",
            "/etc/x",
            "https://u@h/a",
            "https://h/a?b",
            "https://h/a#b",
            "https://h/a b",
            "https://h/\u{fc}",
        ] {
            assert!(!is_good(text), "{text}");
        }
    }
}

//! Tells paths, addresses and references apart, and refuses what only looks like one of them.

use camino::Utf8Path;
use url::Url;

use super::entry::{ListPath, Location};
use super::position::Source;
use super::token::quote;

/// The longest path that is read, in bytes (`PATH_MAX` of Linux).
const MAX_PATH: usize = 4096;

/// Returns whether a word is a path without a kind word in front: it begins with `./`, `../` or `/`.
pub(super) fn is_path(text: &str) -> bool {
    matches!(text, "." | "..") || ["./", "../", "/"].iter().any(|start| text.starts_with(start))
}

/// Returns whether a word is an HTTP(S) address.
pub(super) fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// Reads an address, else a path.
pub(super) fn location(text: &str, source: &Source) -> Result<Location, String> {
    if is_address(text) {
        address(text).map(Location::Address)
    } else {
        path(text, source).map(Location::Path)
    }
}

/// Reads an HTTP(S) address. Errors never hold user info or the query.
pub(super) fn address(text: &str) -> Result<Url, String> {
    if !is_address(text) {
        return Err(format!("expected `https://…`, got `{}`", redact(text)));
    }
    let url = Url::parse(text).map_err(|error| format!("`{}` is not an address: {error}", redact(text)))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(format!("`{}` names no host", redact(text)));
    }
    Ok(url)
}

/// Returns `text` without what may be secret in an address: user info and query.
pub(super) fn redact(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or_default();
    if scheme.is_empty() { text.to_owned() } else { format!("{scheme}://{host}{path}") }
}

/// Returns the last part of an address's path, percent signs decoded: the name of the file behind it.
pub fn last_part(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned()
}

/// Reads a path. `~` and drive letters are refused, since no shell stands between the list and the disk.
pub(super) fn path(text: &str, source: &Source) -> Result<ListPath, String> {
    if let Some(why) = not_a_path(text) {
        return Err(why);
    }
    if text.is_empty() || text.len() > MAX_PATH {
        return Err(format!("expected a path of 1 to {MAX_PATH} bytes, got {} bytes", text.len()));
    }
    Ok(ListPath::new(source, text))
}

/// What may stand before `://`.
const SCHEMES: [&str; 4] = ["https", "http", "oci", "docker"];

/// Endings that files have, and that no image of Docker Hub has without a tag.
const FILES: [&str; 26] = [
    "snap", "assert", "tgz", "sh", "bash", "ps1", "bat", "py", "yaml", "yml", "json", "txt", "md", "conf",
    "zip", "gz", "xz", "zst", "bz2", "tar", "deb", "rpm", "crt", "pem", "key", "iso",
];

/// Returns what to write for a word without a kind, a tag and a registry that is more likely a file than an image.
pub(super) fn meant_as_file(text: &str) -> Option<String> {
    let ending = Utf8Path::new(text).extension()?.to_ascii_lowercase();
    let first = text.split('/').next().unwrap_or_default();
    let names_registry = text.contains('/') && (first.contains('.') || first == "localhost");
    if text.contains([':', '@']) || names_registry || !FILES.contains(&ending.as_str()) {
        return None;
    }
    let kind = if ending == "assert" { "assert" } else { "file" };
    Some(format!("{kind} {}", quote(&format!("./{text}"))))
}

/// Returns why `text` is neither a path nor a reference, where it is something that people take for one.
pub(super) fn not_a_path(text: &str) -> Option<String> {
    let drive = matches!(text.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    if drive || [".\\", "..\\", "\\"].iter().any(|start| text.starts_with(start)) {
        return Some(format!("`{text}` is a path of Windows: write it with `/`, as this machine sees it"));
    }
    if text.starts_with('~') {
        return Some(format!(
            "`~` is not expanded in a list: write the folder out, or `./{text}` for a file of that name"
        ));
    }
    if let Some(path) = text.strip_prefix("file://") {
        return Some(format!("expected a path, got an address: write `{path}`"));
    }
    if let Some(scheme) = ["https", "http"].into_iter().find(|scheme| {
        let rest = text.strip_prefix(scheme).and_then(|rest| rest.strip_prefix(":/"));
        rest.is_some_and(|rest| !rest.starts_with('/'))
    }) {
        return Some(format!("`{scheme}:/` is no address: did you mean `{scheme}://`?"));
    }
    let (scheme, _) = text.split_once("://")?;
    if SCHEMES.contains(&scheme) {
        return None;
    }
    let near = |known: &&str| strsim::damerau_levenshtein(&scheme.to_lowercase(), known) <= 1;
    Some(match SCHEMES.into_iter().find(near) {
        Some(known) => format!("`{scheme}://` is not supported: did you mean `{known}://`?"),
        None => format!("`{scheme}://` is not supported: expected `https://`, `oci://` or a path"),
    })
}

/// What the ending of a path or address says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Snap,
    Assert,
    Tgz,
    Tar,
    Other,
}

impl Ending {
    /// Reads the ending; of an address that of its path.
    pub(super) fn of(text: &str) -> Self {
        let path = if is_address(text) { text.split(['?', '#']).next().unwrap_or_default() } else { text };
        match Utf8Path::new(path).extension() {
            Some("snap") => Self::Snap,
            Some("assert") => Self::Assert,
            Some("tgz") => Self::Tgz,
            Some("tar") => Self::Tar,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_path_nor_reference_says_what_to_write() {
        for (text, why) in [
            ("C:\\k8s.snap", "Windows"),
            ("c:/k8s.snap", "Windows"),
            (".\\k8s.snap", "Windows"),
            ("~/k8s.snap", "`./~/k8s.snap`"),
            ("file:///srv/k8s.snap", "write `/srv/k8s.snap`"),
            ("ftp://host/a", "`ftp://` is not supported: expected"),
            ("htp://host/a", "did you mean `http://`?"),
            ("htps://host/a", "did you mean `https://`?"),
            ("HTTPS://host/a", "did you mean `https://`?"),
            ("https:/host/a", "did you mean `https://`?"),
        ] {
            assert!(not_a_path(text).is_some_and(|message| message.contains(why)), "{text}");
        }
        for text in ["./a", "a", "/a", "c:a", "oci://a/b", "https://a", "a:b/c"] {
            assert_eq!(not_a_path(text), None, "{text}");
        }
    }

    #[test]
    fn endings_of_addresses_ignore_the_query() {
        assert_eq!(Ending::of("https://host/a.snap?x=.tgz"), Ending::Snap);
        assert_eq!(Ending::of("./a.tgz"), Ending::Tgz);
        assert_eq!(Ending::of("./a.assert"), Ending::Assert);
        assert_eq!(Ending::of("./.snap"), Ending::Other);
    }

    #[test]
    fn errors_hold_no_secrets() {
        assert_eq!(redact("https://user:pw@host:1/a?token=x"), "https://host:1/a");
        let error = address("https://user:secret@:x/a?secret").unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
}

//! Names of files that come out of a bundle: relative, and safe on every system that they may land on.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

/// The longest name, in bytes.
const MAX: usize = 1024;
/// The longest part between slashes, in bytes, that file systems hold.
const MAX_PART: usize = 255;

/// A checked name: `setup.sh`, or `site/values/prod.yaml` for a file of a folder. Parts are never empty, `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

/// Says why a text is not a [`FileName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a name that a file may have: {why}", .name.escape_debug())]
pub struct FileNameError {
    name: String,
    why: &'static str,
}

impl FileName {
    /// Returns the name as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the folders, and the part that names the file.
    pub fn parts(&self) -> (impl Iterator<Item = &str>, &str) {
        let (folders, last) = self.0.rsplit_once('/').unwrap_or(("", &self.0));
        (folders.split('/').filter(|part| !part.is_empty()), last)
    }
}

impl FromStr for FileName {
    type Err = FileNameError;

    fn from_str(text: &str) -> Result<Self, FileNameError> {
        match wrong_with(text) {
            None => Ok(Self(text.to_owned())),
            Some(why) => Err(FileNameError { name: text.chars().take(200).collect(), why }),
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn wrong_with(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.len() > MAX {
        return Some("it is longer than 1024 bytes");
    }
    if text.chars().any(is_invisible) {
        return Some("it holds control characters");
    }
    if text.contains(['\\', ':']) {
        return Some("it holds `\\` or `:`, which lead elsewhere on Windows");
    }
    if text.starts_with('/') {
        return Some("it is absolute");
    }
    text.split('/').find_map(wrong_with_part)
}

fn wrong_with_part(part: &str) -> Option<&'static str> {
    match part {
        "" => Some("a part between slashes is empty"),
        "." | ".." => Some("it leads through `.` or `..`"),
        _ if part.len() > MAX_PART => Some("a part between slashes is longer than 255 bytes"),
        _ if part.ends_with(['.', ' ']) => Some("a part ends with a dot or a space, which Windows drops"),
        _ if is_device(part) => Some("Windows reserves it for a device"),
        _ => None,
    }
}

/// Control characters, and those that change the order or the look of what surrounds them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// `CON`, `NUL`, `COM1` and the like, in any case and with any ending (Microsoft, "Naming Files, Paths, and Namespaces").
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().trim_end_matches(' ').to_uppercase();
    let numbered = |port: &str| {
        let number = stem.strip_prefix(port).unwrap_or_default();
        number.chars().count() == 1
            && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || numbered("COM")
        || numbered("LPT")
}

/// Returns each pair of names that some file system takes for one, or of which one would have to be a folder and the
/// other a file. Equal names are not a pair.
pub fn clashes<'a>(names: impl IntoIterator<Item = &'a FileName>) -> Vec<(&'a FileName, &'a FileName)> {
    /// What a folded path was spelled as, whether it is a file, and who spelled it so.
    struct Spelled<'a> {
        path: &'a str,
        is_file: bool,
        by: &'a FileName,
    }
    let mut seen: HashMap<String, Spelled<'_>> = HashMap::new();
    let mut clashes = Vec::new();
    for name in names {
        let ends = name.0.match_indices('/').map(|(at, _)| at).chain([name.0.len()]);
        let clash = ends.filter_map(|end| name.0.get(..end)).find_map(|path| {
            let is_file = path.len() == name.0.len();
            let first = seen.entry(folded(path)).or_insert(Spelled { path, is_file, by: name });
            (first.path != path || first.is_file != is_file).then_some(first.by)
        });
        clashes.extend(clash.map(|first| (first, name)));
    }
    clashes
}

/// Returns what file systems compare that ignore case and Unicode form.
fn folded(text: &str) -> String {
    text.nfd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_files_are_called() {
        for text in [
            "setup.sh",
            ".bashrc",
            "a/b/c.yaml",
            "k8s_1.32 (1).snap",
            "Grüße.txt",
            "console",
            "COM10",
            "a..b",
            "-x",
        ] {
            assert_eq!(text.parse::<FileName>().map(|name| name.to_string()), Ok(text.to_owned()));
        }
        let name: FileName = "a/b/c".parse().unwrap();
        let (folders, last) = name.parts();
        assert_eq!((folders.collect::<Vec<_>>(), last), (vec!["a", "b"], "c"));
    }

    #[test]
    fn refuses_what_leads_elsewhere() {
        let (long, deep) = ("a".repeat(256), "a/".repeat(600));
        for text in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../a",
            "a/../b",
            "a/..",
            "./a",
            "a/.",
            "a//b",
            "a/",
            "a\\b",
            "c:a",
            "a\nb",
            "a\0b",
            "a\u{202e}txt.exe",
            "a\u{feff}",
            "con",
            "NUL.txt",
            "a/Aux",
            "com1",
            "LPT9.x.y",
            "COM¹",
            "CON ",
            "con .txt",
            "a.",
            "a ",
            "b./a",
            &long,
            &deep,
        ] {
            assert!(text.parse::<FileName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_that_some_file_system_takes_for_one_clash() {
        for (names, clash) in [
            (&["a", "b", "a/c"] as &[&str], Some(("a", "a/c"))),
            (&["a/c", "a"], Some(("a/c", "a"))),
            (&["Setup.sh", "setup.sh"], Some(("Setup.sh", "setup.sh"))),
            (&["Dir/a", "dir/b"], Some(("Dir/a", "dir/b"))),
            (&["gr\u{fc}n", "gru\u{308}n"], Some(("gr\u{fc}n", "gru\u{308}n"))),
            (&["\u{3c3}", "\u{3c2}"], Some(("\u{3c3}", "\u{3c2}"))),
            (&["a/b", "a/c", "a/b"], None),
            (&["a", "ab", "b/a"], None),
        ] {
            let names: Vec<FileName> = names.iter().map(|name| name.parse().unwrap()).collect();
            let found = clashes(&names);
            let found: Vec<_> = found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            assert_eq!(found, clash.into_iter().collect::<Vec<_>>(), "{names:?}");
        }
    }
}

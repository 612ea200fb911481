//! Names of files, made fit for a part of a repository's path.

/// The longest slug, in bytes.
const MAX: usize = 128;

/// Returns the slug of a file's name: lower case; letters, digits and single `.`, `_`, `__` and dashes stay, every
/// other run of characters is one dash, and none stands at an end. A name with nothing to keep is `file`. Different
/// names may share a slug: the digest in the tag tells them apart.
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    let mut run = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_lowercase() || character.is_ascii_digit() {
            if !slug.is_empty() {
                slug.push_str(separator(&run));
            }
            run.clear();
            if slug.len() >= MAX {
                break;
            }
            slug.push(character);
        } else if run.len() < MAX {
            run.push(character);
        }
    }
    slug.truncate(MAX);
    let slug = slug.trim_end_matches(['.', '_', '-']);
    if slug.is_empty() { "file".to_owned() } else { slug.to_owned() }
}

fn separator(run: &str) -> &'static str {
    match run {
        "" => "",
        "." => ".",
        "_" => "_",
        "__" => "__",
        _ => "-",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reference::is_repository;
    use proptest::prelude::*;

    #[test]
    fn slugs_are_parts_of_repository_paths() {
        for (name, expected) in [
            ("setup.sh", "setup.sh"),
            ("My Setup (1).SH", "my-setup-1-sh"),
            ("a/b/c.zip", "a-b-c.zip"),
            (".bashrc", "bashrc"),
            ("a..b", "a-b"),
            ("a__b---c", "a__b-c"),
            ("Ünïcode.txt", "n-code.txt"),
            ("…", "file"),
            ("", "file"),
        ] {
            assert_eq!(slug(name), expected, "{name}");
        }
        assert_eq!(slug(&"a".repeat(1000)).len(), MAX);
    }

    proptest! {
        #[test]
        fn any_name_has_a_valid_slug(name in ".{0,300}") {
            prop_assert!(is_repository(&slug(&name)), "{}", slug(&name));
        }
    }
}

//! What to try where a registry lets nobody in.

/// Why credentials did not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// User name and password are wrong.
    Unknown,
    /// They are right, but do not allow what was asked for.
    Forbidden,
}

/// Returns what to try at `registry`. `source` names where the credentials came from that were shown: a file and its
/// key, or a flag.
pub fn advice(registry: &str, source: Option<&str>, turned: Turned) -> String {
    let login = format!("`--username {registry}=USER --password-stdin`");
    match (source, turned) {
        (None, _) => format!(
            "give credentials: a file that holds them with `--auth-file` or `$REGISTRY_AUTH_FILE`, or {login}; a \
             repository that is not there may be refused so, too"
        ),
        (Some(source), Turned::Unknown) => format!(
            "the credentials of {source} were not accepted: mend them there, or give others with `--auth-file` or {login}"
        ),
        (Some(source), Turned::Forbidden) => format!(
            "the credentials of {source} do not allow this: ask for the right to it, or give others with `--auth-file` \
             or {login}; a repository that is not there may be refused so, too"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_is_named() {
        let used = Some("`a.json`, key `r.io`");
        for (source, turned, expected) in [
            (None, Turned::Unknown, "`$REGISTRY_AUTH_FILE`"),
            (None, Turned::Forbidden, "`--username r.io=USER --password-stdin`"),
            (used, Turned::Unknown, "the credentials of `a.json`, key `r.io` were not accepted"),
            (used, Turned::Forbidden, "the credentials of `a.json`, key `r.io` do not allow this"),
        ] {
            let text = advice("r.io", source, turned);
            assert!(text.contains(expected) && text.contains("`--auth-file`"), "{text}");
        }
    }
}

//! What to try where a registry lets nobody in.

use super::credentials::Found;

/// Why credentials did not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// User name and password are wrong.
    Unknown,
    /// They are right, but do not allow what was asked for.
    Forbidden,
}

/// Returns what to try at `registry`. `found` are the credentials that were shown.
pub fn advice(registry: &str, found: Option<&Found>, turned: Turned) -> String {
    let give = format!("`--auth-file` or `--username {registry}=USER --password-stdin`");
    let Some(found) = found else {
        return format!(
            "give credentials: log in with `airgap-bundle login {registry}`, or name a file that holds them with \
             `--auth-file` or `$REGISTRY_AUTH_FILE`; a repository that is not there may be refused so, too"
        );
    };
    if let Some(cut) = found.username().and_then(cut_off) {
        return cut;
    }
    let source = &found.source;
    match turned {
        Turned::Unknown => format!(
            "the credentials of {source} were not accepted: mend them there, or give others with {give}"
        ),
        Turned::Forbidden => format!(
            "the credentials of {source} do not allow this: ask for the right to it, or give others with {give}; a \
             repository that is not there may be refused so, too"
        ),
    }
}

/// Returns what to try where a shell seems to have taken a part of a user name.
pub fn cut_off(username: &str) -> Option<String> {
    is_cut(username).then(|| {
        format!(
            "the user name `{username}` looks cut off: robot accounts are called `robot$NAME`, and a shell takes the \
             `$NAME` away unless all of it stands in single quotes"
        )
    })
}

/// Returns whether a shell may have read `robot$NAME` or `robot$PROJECT+NAME` (Harbor) as a variable. In `team+robot` (Quay)
/// nothing is missing.
fn is_cut(username: &str) -> bool {
    username.starts_with("robot+") || username.ends_with("robot") && !username.contains('+')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::registry::auth::Credential;

    fn found(username: &str) -> Found {
        let credential = Credential::login(username.to_owned(), "secret".to_owned());
        Found { credential, source: "`a.json`, key `r.io`".to_owned() }
    }

    #[test]
    fn what_was_used_is_named() {
        let used = found("me");
        for (found, turned, expected) in [
            (None, Turned::Unknown, "`$REGISTRY_AUTH_FILE`"),
            (None, Turned::Forbidden, "`airgap-bundle login r.io`"),
            (Some(&used), Turned::Unknown, "the credentials of `a.json`, key `r.io` were not accepted"),
            (Some(&used), Turned::Forbidden, "the credentials of `a.json`, key `r.io` do not allow this"),
        ] {
            let text = advice("r.io", found, turned);
            assert!(text.contains(expected) && text.contains("`--auth-file`"), "{text}");
        }
    }

    #[test]
    fn a_robot_whose_name_a_shell_ate_is_told() {
        for (username, expected) in [
            ("robot", true),
            ("robot+ci", true),
            ("x-robot", true),
            ("robot$ci", false),
            ("team+robot", false),
            ("me", false),
        ] {
            let text = advice("r.io", Some(&found(username)), Turned::Unknown);
            assert_eq!(text.contains("single quotes"), expected, "{username}: {text}");
        }
    }
}

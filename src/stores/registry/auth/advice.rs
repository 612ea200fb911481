//! What to try where a registry lets nobody in.

use super::credentials::Lookup;

/// Why credentials did not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// User name and password are wrong.
    Unknown,
    /// They are right, but do not allow what was asked for.
    Forbidden,
}

/// Returns what to try at `registry`. `lookup` says which credentials were shown.
pub fn advice(registry: &str, lookup: &Lookup, turned: Turned) -> String {
    let give = format!("`--auth-file` or `--username {registry}=USER --password-stdin`");
    let found = match lookup {
        Lookup::Found(found) => found,
        Lookup::Nothing { only: Some(file), .. } => {
            return format!(
                "give credentials: log in with `airgap-bundle login {registry} --auth-file {file}`, as no other file is \
                 read here, or say `--username {registry}=USER --password-stdin`; a repository that is not there may \
                 be refused so, too"
            );
        }
        Lookup::Nothing { only: None, .. } => {
            return format!(
                "give credentials: log in with `airgap-bundle login {registry}`, or name a file that holds them with \
                 `--auth-file` or `$REGISTRY_AUTH_FILE`; a repository that is not there may be refused so, too"
            );
        }
    };
    let source = &found.source;
    let usual = match turned {
        Turned::Unknown => format!(
            "the credentials of {source} were not accepted: mend them there, or give others with {give}"
        ),
        Turned::Forbidden => format!(
            "the credentials of {source} do not allow this: ask for the right to it, or give others with {give}; a \
             repository that is not there may be refused so, too"
        ),
    };
    usual + &cut_off(found.username().unwrap_or_default())
}

/// Returns what to add to a hint where a shell seems to have taken a part of a user name.
pub fn cut_off(username: &str) -> String {
    if !is_cut(username) {
        return String::new();
    }
    format!(
        "; the user name `{username}` looks cut off: robot accounts are called `robot$NAME`, and a shell takes the `$NAME` \
         away unless all of it stands in single quotes"
    )
}

/// Returns whether a user name is what a shell leaves of `robot$NAME` or `robot$PROJECT+NAME` (Harbor), where it reads a
/// variable.
fn is_cut(username: &str) -> bool {
    username == "robot" || username.starts_with("robot+")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::registry::auth::{Credential, Found};

    fn found(username: &str) -> Lookup {
        let credential = Credential::login(username.to_owned(), "secret".to_owned());
        Lookup::Found(Found { credential, source: "`a.json`, key `r.io`".to_owned() })
    }

    fn nothing(only: Option<&str>) -> Lookup {
        Lookup::Nothing { why: String::new(), only: only.map(Into::into) }
    }

    #[test]
    fn what_was_used_is_named() {
        for (lookup, turned, expected) in [
            (nothing(None), Turned::Unknown, "`$REGISTRY_AUTH_FILE`"),
            (nothing(None), Turned::Forbidden, "`airgap-bundle login r.io`"),
            (nothing(Some("f.json")), Turned::Unknown, "`airgap-bundle login r.io --auth-file f.json`"),
            (found("me"), Turned::Unknown, "the credentials of `a.json`, key `r.io` were not accepted"),
            (found("me"), Turned::Forbidden, "the credentials of `a.json`, key `r.io` do not allow this"),
        ] {
            let text = advice("r.io", &lookup, turned);
            assert!(text.contains(expected) && text.contains("--auth-file"), "{text}");
        }
    }

    #[test]
    fn a_robot_whose_name_a_shell_ate_is_told() {
        for (username, expected) in [
            ("robot", true),
            ("robot+ci", true),
            ("x-robot", false),
            ("robot$ci", false),
            ("team+robot", false),
            ("me", false),
        ] {
            let text = advice("r.io", &found(username), Turned::Unknown);
            assert!(text.contains("were not accepted"), "{text}");
            assert_eq!(text.contains("single quotes"), expected, "{username}: {text}");
        }
    }
}

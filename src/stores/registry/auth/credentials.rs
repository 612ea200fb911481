//! Where credentials come from, and which of them are for a repository.

use std::fmt;
use std::sync::Arc;

use camino::Utf8PathBuf;

use super::file::{AuthFile, Rule};
use super::key::registry;
use super::keychain::Keychain;
use super::keychains::Keychains;
use super::secret::Secret;
use crate::model::error::{Error, Result};
use crate::stores::http::clock::Clock;

/// A way to prove who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// User name and password.
    Login {
        /// User name.
        username: String,
        /// Password.
        password: Secret,
    },
    /// A token that a token server exchanges for others (OAuth 2 refresh token).
    IdentityToken(Secret),
    /// A token that is sent as it is.
    RegistryToken(Secret),
}

impl Credential {
    /// Makes a login; the user name `<token>` means that the password is an identity token.
    pub fn login(username: String, password: String) -> Self {
        let password = Secret::new(password);
        if username == "<token>" { Self::IdentityToken(password) } else { Self::Login { username, password } }
    }
}

/// Whether a credential file must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// This flag or variable names it: missing is an error.
    Named(&'static str),
    /// It is looked for.
    Optional,
}

/// A file to look into.
#[derive(Clone, Debug)]
pub struct CredentialFile {
    /// Path of the file.
    pub path: Utf8PathBuf,
    /// Whether it must be there.
    pub presence: Presence,
    /// What a reader should know about where it lies, for messages: ``run under sudo by `me` …``.
    pub aside: Option<String>,
}

/// User name and password from the command line.
#[derive(Clone, Debug)]
pub struct ExplicitLogin {
    /// The registry they are for.
    pub registry: String,
    /// User name.
    pub username: String,
    /// Password.
    pub password: Secret,
    /// Where they were given, for messages.
    pub source: String,
}

impl ExplicitLogin {
    /// Returns whether it is for this registry, which may have several names.
    pub fn is_for(&self, host: &str) -> bool {
        registry(&self.registry) == registry(host)
    }
}

/// Everything that the caller knows, in order: what comes first wins.
#[derive(Clone, Debug, Default)]
pub struct CredentialSources {
    /// From the command line; before all files.
    pub explicit: Vec<ExplicitLogin>,
    /// Files.
    pub files: Vec<CredentialFile>,
}

/// A credential and where it was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The credential.
    pub credential: Credential,
    /// File and key, or the flag, for messages.
    pub source: String,
}

impl Found {
    /// Returns the user name, where there is one.
    pub fn username(&self) -> Option<&str> {
        match &self.credential {
            Credential::Login { username, .. } => Some(username),
            Credential::IdentityToken(_) | Credential::RegistryToken(_) => None,
        }
    }
}

/// What was found for a repository.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// This.
    Found(Found),
    /// Nothing.
    Nothing {
        /// What was looked into, for messages.
        why: String,
        /// The file that was named, where no other one is read.
        only: Option<Utf8PathBuf>,
    },
}

impl Lookup {
    /// Returns what was found.
    pub fn found(&self) -> Option<&Found> {
        match self {
            Self::Found(found) => Some(found),
            Self::Nothing { .. } => None,
        }
    }
}

impl fmt::Display for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(found) => write!(f, "with the credentials of {}", found.source),
            Self::Nothing { why, .. } => write!(f, "without credentials: {why}"),
        }
    }
}

/// All credentials: files, read, and what helpers have said so far.
#[derive(Debug, Default)]
pub struct Credentials {
    explicit: Vec<ExplicitLogin>,
    files: Vec<AuthFile>,
    keychains: Keychains,
    aside: Option<String>,
    only: Option<Utf8PathBuf>,
}

/// How far a search comes with what is known.
enum Step {
    Done(Lookup),
    /// This helper has to be asked first.
    Ask(Keychain),
}

impl Credentials {
    /// Reads the files. A file that cannot be used is an error and not an anonymous pull. Helpers are not asked yet.
    pub fn read(sources: &CredentialSources) -> Result<Self> {
        let mut files = Vec::new();
        for file in &sources.files {
            match (AuthFile::read(&file.path, file.aside.as_deref())?, file.presence) {
                (Some(read), _) => files.push(read),
                (None, Presence::Optional) => {}
                (None, Presence::Named(by)) => {
                    return Err(Error::usage(
                        format!("the credential file `{}`, which `{by}` names, was not found", file.path),
                        Some("`airgap-bundle login HOST` makes it"),
                    ));
                }
            }
        }
        let aside = sources.files.iter().find_map(|file| file.aside.clone());
        let only = match &*sources.files {
            [CredentialFile { path, presence: Presence::Named(_), .. }] => Some(path.clone()),
            _ => None,
        };
        Ok(Self { explicit: sources.explicit.clone(), files, keychains: Keychains::default(), aside, only })
    }

    /// Finds what is for a repository: the first source that has something, and in it the most specific key. Asks helpers,
    /// each once.
    pub async fn find(&self, host: &str, repository: &str, clock: &Arc<dyn Clock>) -> Result<Lookup> {
        loop {
            match self.look(host, repository) {
                Step::Done(lookup) => return Ok(lookup),
                Step::Ask(keychain) => drop(self.keychains.get(&keychain, clock).await?),
            }
        }
    }

    /// As [`Credentials::find`] with what is known, for messages: no helper is asked.
    pub fn known(&self, host: &str, repository: &str) -> Lookup {
        match self.look(host, repository) {
            Step::Done(lookup) => lookup,
            Step::Ask(keychain) => Lookup::Nothing {
                why: format!(
                    "`{}` leaves them to `{}`, which was not asked",
                    keychain.file,
                    keychain.program()
                ),
                only: self.only.clone(),
            },
        }
    }

    fn look(&self, host: &str, repository: &str) -> Step {
        let host = registry(host);
        if let Some(login) = self.explicit.iter().find(|login| login.is_for(&host)) {
            let credential = Credential::login(login.username.clone(), login.password.reveal().to_owned());
            return Step::Done(Lookup::Found(Found { credential, source: login.source.clone() }));
        }
        let mut without = Vec::new();
        for file in &self.files {
            without.push(format!("`{}`", file.path()));
            for rule in file.rules(&host, repository) {
                let keychain = match rule {
                    Rule::Entry(found) => return Step::Done(Lookup::Found(found)),
                    Rule::Keychain(keychain) => keychain,
                };
                let source = format!("`{}` (`{}`)", keychain.program(), keychain.file);
                match self.keychains.known(&keychain) {
                    Some(Ok(Some(credential))) => {
                        return Step::Done(Lookup::Found(Found { credential, source }));
                    }
                    Some(Ok(None)) => without.push(source),
                    Some(Err(_)) | None => return Step::Ask(keychain),
                }
            }
        }
        let why = match &*without {
            [] => "there is no credential file".to_owned(),
            places => format!("none for `{host}` in {}", places.join(", ")),
        };
        let aside = self.aside.as_ref().map(|aside| format!("; {aside}")).unwrap_or_default();
        let others =
            self.explicit.iter().map(|login| format!("; {} is for `{}`", login.source, login.registry));
        let why = why + &others.collect::<String>() + &aside;
        Step::Done(Lookup::Nothing { why, only: self.only.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(files: &[(&str, &str)]) -> Result<Credentials> {
        let files = files.iter().map(|(path, text)| AuthFile::parse((*path).into(), text.as_bytes(), None));
        Ok(Credentials { files: files.collect::<Result<_>>()?, ..Credentials::default() })
    }

    fn found(credentials: &Credentials, registry: &str, repository: &str) -> String {
        match credentials.known(registry, repository) {
            Lookup::Found(Found { credential: Credential::Login { username, .. }, source }) => {
                format!("{username} from {source}")
            }
            Lookup::Found(Found { source, .. }) => source,
            Lookup::Nothing { why, .. } => why,
        }
    }

    const FIRST: &str = r#"{"auths":{
        "quay.io": {"auth":"cXVheTpzZWNyZXQ="},
        "quay.io/team": {"username":"team","password":"secret"},
        "https://index.docker.io/v1/": {"auth":"aHViOnNlY3JldDp3aXRoOmNvbG9ucw=="},
        "empty.io": {}
    }}"#;
    const SECOND: &str = r#"{"auths":{"quay.io/team/app":{"auth":"bGF0ZXI6c2VjcmV0"},"ghcr.io":{"identitytoken":"t"}},
        "credHelpers":{"123.dkr.ecr.eu-west-1.amazonaws.com":"ecr-login"},"credsStore":"desktop"}"#;

    #[test]
    fn the_first_file_wins_and_in_it_the_most_specific_key() {
        let credentials = credentials(&[("a.json", FIRST), ("b.json", SECOND)]).unwrap();
        for (registry, repository, expected) in [
            ("quay.io", "other", "quay from `a.json`, key `quay.io`"),
            ("quay.io", "team/app", "team from `a.json`, key `quay.io/team`"),
            ("docker.io", "library/nginx", "hub from `a.json`, key `https://index.docker.io/v1/`"),
            ("ghcr.io", "a", "`b.json`, key `ghcr.io`"),
        ] {
            assert_eq!(found(&credentials, registry, repository), expected);
        }
        let helper = found(&credentials, "123.dkr.ecr.eu-west-1.amazonaws.com", "a");
        assert!(helper.contains("`docker-credential-ecr-login`"), "{helper}");
        assert!(found(&credentials, "empty.io", "a").contains("`docker-credential-desktop`"));
    }

    #[test]
    fn what_was_looked_into_is_said() {
        let one = credentials(&[("a.json", FIRST)]).unwrap();
        assert_eq!(found(&one, "ghcr.io", "a"), "none for `ghcr.io` in `a.json`");
        assert_eq!(found(&Credentials::default(), "ghcr.io", "a"), "there is no credential file");
    }

    #[test]
    fn a_bad_file_is_named_and_not_quoted() {
        for text in [
            "",
            "secret",
            r#"{"auths":"secret"}"#,
            r#"{"auths":{"a":{"auth":"secret!"}}}"#,
            r#"{"auths":{"a":{"auth":"c2VjcmV0"}}}"#,
            r#"{"auths":{"a":{"username":"secret"}}}"#,
        ] {
            let error = credentials(&[("a.json", text)]).unwrap_err().to_string();
            assert!(error.contains("`a.json`") && !error.contains("secret"), "{error}");
        }
        for text in ["{}", r#"{"auths":null,"HttpHeaders":{}}"#] {
            assert!(credentials(&[("a.json", text)]).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_named_file_must_be_there() {
        let file = |presence| CredentialSources {
            explicit: Vec::new(),
            files: vec![CredentialFile { path: "/nonexistent/auth.json".into(), presence, aside: None }],
        };
        assert!(Credentials::read(&file(Presence::Optional)).is_ok());
        assert!(Credentials::read(&file(Presence::Named("--auth-file"))).is_err());
    }

    #[test]
    fn the_command_line_wins() {
        let mut credentials = credentials(&[("a.json", FIRST)]).unwrap();
        credentials.explicit.push(ExplicitLogin {
            registry: "quay.io".to_owned(),
            username: "me".to_owned(),
            password: Secret::new("x"),
            source: "`--username`".to_owned(),
        });
        assert_eq!(found(&credentials, "quay.io", "team/app"), "me from `--username`");
        let other = found(&credentials, "r.io", "a");
        assert_eq!(other, "none for `r.io` in `a.json`; `--username` is for `quay.io`");
        assert!(!format!("{credentials:?}").contains("secret"));
    }
}

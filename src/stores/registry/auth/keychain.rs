//! Credential helpers: programs that keep credentials, one call for each question (docker/docker-credential-helpers,
//! `credentials.Helper`).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};

use super::credentials::Credential;
use super::secret::Secret;
use crate::content::jobs::{self, Said};
use crate::model::error::Error;
use crate::stores::http::clock::Clock;

/// How long a helper may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer of a helper, in bytes.
const MAX_ANSWER: u32 = 1 << 20;
/// What a helper says, with a failure, where it has nothing.
const NOTHING: &[u8] = b"credentials not found in native keychain";
/// The name of Docker Hub for helpers.
const HUB: &str = "https://index.docker.io/v1/";

/// A helper, and who says that it is to be asked about a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keychain {
    /// What follows `docker-credential-`.
    pub(super) name: String,
    /// The credential file that names it.
    pub(super) file: Utf8PathBuf,
    /// The registry, as references name it.
    pub(super) registry: String,
}

/// Why a helper was of no use. Holds nothing that it printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    what: String,
    why: String,
    hint: String,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Network { what: fault.what, why: fault.why, hint: Some(fault.hint) }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Kept<'a> {
    #[serde(rename = "ServerURL")]
    server: &'a str,
    username: &'a str,
    secret: &'a str,
}

impl Keychain {
    /// Returns the name of the program.
    pub(super) fn program(&self) -> String {
        format!("docker-credential-{}", self.name)
    }

    /// Returns the registry as helpers know it.
    pub(super) fn server(&self) -> &str {
        if self.registry == "docker.io" { HUB } else { &self.registry }
    }

    /// Asks for the credentials of the registry; `None` where there are none.
    pub(super) async fn get(&self, clock: &Arc<dyn Clock>) -> Result<Option<Credential>, Fault> {
        let said = self.ask(clock, "get", self.server().as_bytes()).await?;
        if said.code != Some(0) {
            return if is_nothing(&said.output) { Ok(None) } else { Err(self.failed("get", &said)) };
        }
        // The parser's own message may quote a secret.
        let answer: Answer = serde_json::from_slice(&said.output)
            .map_err(|_| self.fault("get", "what it printed is not JSON with `Username` and `Secret`"))?;
        if answer.username.is_empty() && answer.secret.is_empty() {
            return Ok(None);
        }
        if answer.username.is_empty() || answer.secret.is_empty() {
            return Err(self.fault("get", "it printed a user name or a secret, but not both"));
        }
        Ok(Some(Credential::login(answer.username, answer.secret)))
    }

    /// Lets it keep a login.
    pub(super) async fn store(
        &self,
        clock: &Arc<dyn Clock>,
        username: &str,
        password: &Secret,
    ) -> Result<(), Fault> {
        let kept = Kept { server: self.server(), username, secret: password.reveal() };
        let input = serde_json::to_vec(&kept).map_err(|_| self.fault("store", "the login makes no JSON"))?;
        let said = self.ask(clock, "store", &input).await?;
        if said.code == Some(0) { Ok(()) } else { Err(self.failed("store", &said)) }
    }

    /// Lets it forget the registry; false where it knows none of it.
    pub(super) async fn erase(&self, clock: &Arc<dyn Clock>) -> Result<bool, Fault> {
        let said = self.ask(clock, "erase", self.server().as_bytes()).await?;
        match said.code {
            Some(0) => Ok(true),
            _ if is_nothing(&said.output) => Ok(false),
            _ => Err(self.failed("erase", &said)),
        }
    }

    async fn ask(&self, clock: &Arc<dyn Clock>, verb: &str, input: &[u8]) -> Result<Said, Fault> {
        let good = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
        if self.name.is_empty() || !self.name.chars().all(good) {
            let fault =
                self.fault(verb, "the name holds other things than letters, digits, `.`, `_`, `-` and `+`");
            let hint = "mend the name there, or name another file of credentials with `--auth-file`";
            return Err(Fault { hint: hint.to_owned(), ..fault });
        }
        self.within(clock, verb, jobs::program(&self.program(), verb, input, MAX_ANSWER)).await
    }

    async fn within(
        &self,
        clock: &Arc<dyn Clock>,
        verb: &str,
        program: impl Future<Output = io::Result<Said>>,
    ) -> Result<Said, Fault> {
        let said = match select(std::pin::pin!(program), clock.timer(PATIENCE)).await {
            Either::Left((said, _)) => said,
            Either::Right(_) => {
                let why = format!("it was ended after {} s without an answer", PATIENCE.as_secs());
                return Err(self.fault(verb, &why));
            }
        };
        let said = said.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                let fault = self.fault(verb, "there is no such program in `$PATH`");
                let login = if verb == "get" {
                    format!(", log in with `airgap-bundle login {}`", self.registry)
                } else {
                    String::new()
                };
                let hint =
                    format!("install it{login}, or name another file of credentials with `--auth-file`");
                Fault { hint, ..fault }
            }
            _ => self.fault(verb, &format!("it could not be run: {error}")),
        })?;
        if said.output.len() > usize::try_from(MAX_ANSWER).unwrap_or(usize::MAX) {
            return Err(self.fault(verb, &format!("it printed more than {MAX_ANSWER} bytes")));
        }
        Ok(said)
    }

    fn failed(&self, verb: &str, said: &Said) -> Fault {
        match said.code {
            Some(code) => self.fault(verb, &format!("it ended with exit status {code}")),
            None => self.fault(verb, "a signal ended it"),
        }
    }

    fn fault(&self, verb: &str, why: &str) -> Fault {
        let program = self.program();
        Fault {
            what: format!(
                "the credential helper `{program}`, which `{}` names for `{}`",
                self.file, self.registry
            ),
            why: why.to_owned(),
            hint: format!(
                "try it with `echo {} | {program} {verb}`, or name another file of credentials with `--auth-file`",
                if verb == "store" { "JSON" } else { self.server() }
            ),
        }
    }
}

fn is_nothing(output: &[u8]) -> bool {
    output.trim_ascii() == NOTHING
}

#[cfg(test)]
mod tests {
    use std::time::{Instant, SystemTime};

    use futures_util::future::{BoxFuture, FutureExt as _, ready};

    use super::*;

    /// A clock whose time-outs are over at once.
    #[derive(Debug)]
    struct Over;

    impl Clock for Over {
        fn now(&self) -> Instant {
            Instant::now()
        }

        fn date(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }

        fn wait(&self, _: Duration) -> BoxFuture<'static, ()> {
            ready(()).boxed()
        }

        fn timer(&self, time: Duration) -> BoxFuture<'static, ()> {
            assert_eq!(time, Duration::from_secs(30));
            ready(()).boxed()
        }

        fn chance(&self) -> f64 {
            0.5
        }
    }

    fn keychain(registry: &str) -> Keychain {
        Keychain { name: "vault".to_owned(), file: "a.json".into(), registry: registry.to_owned() }
    }

    #[tokio::test]
    async fn a_helper_that_hangs_is_ended_after_30_seconds() {
        let clock: Arc<dyn Clock> = Arc::new(Over);
        let hanging = jobs::program("sleep", "1000", b"", 10);
        let error: Error = keychain("r.io").within(&clock, "get", hanging).await.unwrap_err().into();
        assert_eq!(
            error.to_string(),
            "the credential helper `docker-credential-vault`, which `a.json` names for `r.io`: it was ended after 30 s \
             without an answer"
        );
    }

    #[test]
    fn docker_hub_has_its_old_name() {
        assert_eq!(keychain("docker.io").server(), "https://index.docker.io/v1/");
        assert_eq!(keychain("r.io:5000").server(), "r.io:5000");
    }
}

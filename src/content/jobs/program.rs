//! Another program: what it is given and what it says, within bounds. Dropping the future ends it.

use std::io;
use std::process::Stdio;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

/// What a program said and how it ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    /// Standard output, cut one byte after the limit. May hold secrets.
    pub output: Vec<u8>,
    /// Its exit status; none where a signal ended it.
    pub code: Option<i32>,
}

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Said").field("code", &self.code).finish_non_exhaustive()
    }
}

/// Runs a program that is found as the system finds programs, without a shell, with one argument and this input, and
/// reads at most `limit` bytes of its standard output; one that says more is ended. Its standard error goes nowhere.
///
/// Errors: those of the system, such as [`io::ErrorKind::NotFound`].
pub async fn program(name: &str, argument: &str, input: &[u8], limit: u32) -> io::Result<Said> {
    let mut child = Command::new(name)
        .arg(argument)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let write = async move {
        if let Some(mut stdin) = stdin {
            // Whether a program reads what it is given is its own business.
            let _ = stdin.write_all(input).await;
        }
    };
    let read = async move {
        let mut output = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(u64::from(limit).saturating_add(1)).read_to_end(&mut output).await?;
        }
        io::Result::Ok(output)
    };
    let ((), output) = futures_util::future::join(write, read).await;
    let output = output?;
    if u64::try_from(output.len()).is_ok_and(|length| length > u64::from(limit)) {
        child.kill().await?;
    }
    Ok(Said { output, code: child.wait().await?.code() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_is_given_input_and_heard() {
        let said = program("cat", "-", b"input", 5).await.unwrap();
        assert_eq!((said.output.as_slice(), said.code), (b"input".as_slice(), Some(0)));
        assert!(!format!("{said:?}").contains("input"));
        let said = program("false", "", &vec![0; 1 << 20], 5).await.unwrap();
        assert_eq!((said.output.len(), said.code), (0, Some(1)));
        let error = program("no-such-program-anywhere", "", b"", 5).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn one_that_says_too_much_is_ended() {
        let said = program("yes", "a", b"", 1000).await.unwrap();
        assert_eq!((said.output.len(), said.code), (1001, None));
    }

    #[tokio::test]
    async fn one_that_nobody_waits_for_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("echo $$ >{0}.new; mv {0}.new {0}; exec sleep 1000", pid.display());
        let mut hanging = Box::pin(program("sh", "-s", script.as_bytes(), 5));
        while !pid.exists() {
            assert!(futures_util::poll!(&mut hanging).is_pending());
            tokio::task::yield_now().await;
        }
        let state = format!("/proc/{}/stat", std::fs::read_to_string(pid).unwrap().trim());
        drop(hanging);
        // Gone, or dead and not yet asked for its status.
        while std::fs::read_to_string(&state).is_ok_and(|state| !state.contains(") Z ")) {
            tokio::task::yield_now().await;
        }
    }
}

//! A place to run the binary in: a folder of its own, an environment that holds nothing of the machine's, and output that
//! is compared whole.
//!
//! ```ignore
//! let site = Site::new().file("artifacts.txt", "REGISTRY/pause:3.10").named("REGISTRY", server.host());
//! site.run("export --list artifacts.txt").stdout("").stderr("bundle id sha256:[1]\n").code(0);
//! ```
//! In a command line and in files, a word such as `REGISTRY` stands for what it was given; in output, that is turned back into
//! the word. What nobody named is replaced, too: the folder by `SITE`, digests by `sha256:[1]`, `sha256:[2]` in the order of
//! their first appearance in the stream, ports of loopback by `[port]`, durations by `[time]`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use tempfile::TempDir;

use crate::python::prove_with_python;

/// What is said last of a bundle that is damaged or too short.
pub(crate) const CARRY_AGAIN: &str = "\nhint: copy the file again from the connected side, and prove it with \
                                      `airgap-bundle verify`, which names all that is wrong\n";

/// No command of these tests takes longer; one that does hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder in which the binary runs.
pub(crate) struct Site {
    folder: TempDir,
    words: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    stdin: Vec<u8>,
}

impl Site {
    /// Makes an empty folder.
    pub(crate) fn new() -> Self {
        // Where there is memory for it, fsync is free, and tests that run side by side do not wait for one disk.
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("airgap-bundle-").tempdir_in(parent);
        let folder = folder.expect("a temporary folder");
        let folder_name = folder.path().to_str().expect("a path in UTF-8").to_owned();
        for name in ["home", "tmp"] {
            fs::create_dir(folder.path().join(name)).expect("creating a folder");
        }
        Self { folder, words: vec![("SITE".to_owned(), folder_name)], environment: vec![], stdin: vec![] }
    }

    /// Lets a word stand for a value, such as `REGISTRY` for `127.0.0.1:40001`, in what follows.
    pub(crate) fn named(mut self, word: &str, value: impl Into<String>) -> Self {
        self.words.push((word.to_owned(), value.into()));
        // Longer values first, so that none is replaced in part.
        self.words.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        self
    }

    /// Writes a text file, words replaced; the folders above it are made.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        let text = self.fill(text);
        self.bytes(path, text.as_bytes())
    }

    /// Writes a file of any bytes.
    pub(crate) fn bytes(self, path: &str, bytes: &[u8]) -> Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("creating a folder");
        fs::write(path, bytes).expect("writing a file");
        self
    }

    /// Sets a variable of the environment, which otherwise holds `HOME`, `PATH` and `TMPDIR` alone.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        let value = self.fill(value);
        self.environment.push((name.to_owned(), value));
        self
    }

    /// Sets what the next commands read from stdin, which is empty otherwise.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = self.fill(text).into_bytes();
        self
    }

    /// Returns where something lies, or would lie, in the folder.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Returns the folder.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the bytes of a file in the folder.
    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.path(path)).unwrap_or_else(|error| panic!("reading {path}: {error}"))
    }

    /// Returns all files in a folder of the site, sorted, without `home` and `tmp` of the site itself.
    pub(crate) fn files(&self, folder: &str) -> Vec<String> {
        let mut found = Vec::new();
        let mut waiting = vec![self.path(folder)];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(&folder).expect("listing a folder") {
                let path = entry.expect("listing a folder").path();
                let name = path.strip_prefix(self.root()).expect("a path in the site").to_owned();
                if path.is_dir() && !path.is_symlink() {
                    waiting.push(path);
                } else if !name.starts_with("home") && !name.starts_with("tmp") {
                    found.push(name.to_str().expect("a path in UTF-8").to_owned());
                }
            }
        }
        found.sort();
        found
    }

    /// Runs `airgap-bundle` with arguments that white space separates; double quotes hold white space.
    pub(crate) fn run(&self, arguments: &str) -> Outcome {
        let output = assert_cmd::Command::from_std(self.command(arguments))
            .write_stdin(self.stdin.clone())
            .timeout(PATIENCE)
            .output()
            .expect("running airgap-bundle");
        self.prove_made(arguments, &output);
        self.outcome(arguments, output)
    }

    /// Lets the second reader prove the bundle that an export has made.
    fn prove_made(&self, arguments: &str, output: &Output) {
        let words = split(arguments);
        let is = |word: &str| words.iter().any(|argument| argument == word);
        if !is("export")
            || is("man")
            || is("--dry-run")
            || is("--help")
            || !matches!(output.status.code(), Some(0 | 4))
        {
            return;
        }
        let flag = words.iter().position(|word| word == "-o" || word == "--output");
        let named = flag.and_then(|place| words.get(place + 1));
        let bundle = self.path(&named.map_or("airgap-bundle.tar".to_owned(), |name| self.fill(name)));
        // With `--keep-going` and nothing to keep there is none.
        if output.status.success() || bundle.exists() {
            prove_with_python(&bundle);
        }
    }

    /// Returns the command that [`Site::run`] runs, for a test that ends it before its end.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_airgap-bundle"));
        command
            .args(split(arguments).into_iter().map(|argument| self.fill(&argument)))
            .current_dir(self.root())
            .env_clear()
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Makes what such a command printed comparable.
    pub(crate) fn outcome(&self, arguments: &str, output: Output) -> Outcome {
        Outcome {
            line: format!("airgap-bundle {}", self.fill(arguments)),
            code: output.status.code(),
            stdout: self.normal(&String::from_utf8_lossy(&output.stdout)),
            stderr: self.normal(&String::from_utf8_lossy(&output.stderr)),
            raw: output.stdout,
            expected: Expected::default(),
        }
    }

    /// Replaces words by what they stand for.
    pub(crate) fn fill(&self, text: &str) -> String {
        let mut words: Vec<_> = self.words.iter().collect();
        // Longer words first, so that none is replaced in part.
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    }

    /// Replaces what differs from run to run by fixed words.
    pub(crate) fn normal(&self, text: &str) -> String {
        let text = self.words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(value, word));
        times(&ports(&digests(&without_progress(&text))))
    }
}

/// What a command printed, and how it ended. Nothing is compared before [`Outcome::code`].
#[must_use = "end it with `.code(…)`, which compares"]
pub(crate) struct Outcome {
    line: String,
    code: Option<i32>,
    stdout: String,
    stderr: String,
    raw: Vec<u8>,
    expected: Expected,
}

#[derive(Default)]
struct Expected {
    stdout: Text,
    stderr: Text,
}

/// What a stream must be. Nothing, where a test does not say.
enum Text {
    Whole(String),
    Holds(Vec<String>),
    Anything,
}

impl Default for Text {
    fn default() -> Self {
        Self::Whole(String::new())
    }
}

impl Text {
    fn add(&mut self, part: &str) {
        match self {
            Self::Holds(parts) => parts.push(part.to_owned()),
            _ => *self = Self::Holds(vec![part.to_owned()]),
        }
    }

    fn differs(&self, got: &str) -> Option<String> {
        match self {
            Self::Whole(text) if text != got => Some(format!("expected:\n{text}")),
            Self::Holds(parts) => {
                let missing: Vec<&String> = parts.iter().filter(|part| !got.contains(*part)).collect();
                (!missing.is_empty()).then(|| format!("expected somewhere in it: {missing:#?}"))
            }
            _ => None,
        }
    }
}

impl Outcome {
    /// Expects exactly this on stdout.
    pub(crate) fn stdout(mut self, text: &str) -> Self {
        self.expected.stdout = Text::Whole(text.to_owned());
        self
    }

    /// Expects exactly this on stderr.
    pub(crate) fn stderr(mut self, text: &str) -> Self {
        self.expected.stderr = Text::Whole(text.to_owned());
        self
    }

    /// Expects this somewhere on stdout; may be said more than once.
    pub(crate) fn stdout_holds(mut self, text: &str) -> Self {
        self.expected.stdout.add(text);
        self
    }

    /// Expects this somewhere on stderr; may be said more than once.
    pub(crate) fn stderr_holds(mut self, text: &str) -> Self {
        self.expected.stderr.add(text);
        self
    }

    /// Takes whatever is on stderr, where the test is about something else.
    pub(crate) fn any_stderr(mut self) -> Self {
        self.expected.stderr = Text::Anything;
        self
    }

    /// Takes whatever is on stdout, where the test is about something else.
    pub(crate) fn any_stdout(mut self) -> Self {
        self.expected.stdout = Text::Anything;
        self
    }

    /// Compares everything, and returns what was printed on stdout, as it was.
    pub(crate) fn code(self, code: i32) -> Vec<u8> {
        let mut wrong = Vec::new();
        if self.code != Some(code) {
            wrong.push(format!("exit status: expected {code}, got {:?}", self.code));
        }
        wrong.extend(self.expected.stdout.differs(&self.stdout).map(|text| format!("stdout: {text}")));
        wrong.extend(self.expected.stderr.differs(&self.stderr).map(|text| format!("stderr: {text}")));
        assert!(
            wrong.is_empty(),
            "{}\n{}\n--- stdout\n{}--- stderr\n{}---",
            self.line,
            wrong.join("\n"),
            self.stdout,
            self.stderr
        );
        self.raw
    }

    /// Compares the exit status and stdout, and returns what was printed on stderr.
    pub(crate) fn stderr_of(self, code: i32) -> String {
        let text = self.stderr.clone();
        self.any_stderr().code(code);
        text
    }

    /// Compares the exit status alone, and returns the JSON document on stdout.
    pub(crate) fn json(self, code: i32) -> serde_json::Value {
        let line = self.line.clone();
        let raw = self.any_stdout().any_stderr().code(code);
        serde_json::from_slice(&raw).unwrap_or_else(|error| panic!("{line}: no JSON on stdout: {error}"))
    }
}

/// Splits at white space outside double quotes.
fn split(line: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let (mut argument, mut quoted, mut begun) = (String::new(), false, false);
    for character in line.chars() {
        match character {
            '"' => (quoted, begun) = (!quoted, true),
            ' ' | '\n' if !quoted => {
                if begun {
                    arguments.push(std::mem::take(&mut argument));
                }
                begun = false;
            }
            other => {
                argument.push(other);
                begun = true;
            }
        }
    }
    if begun {
        arguments.push(argument);
    }
    arguments
}

/// Drops the lines of progress, which come only where a machine is slow: `fetching: 1 of 3 done, 5 B of 9 B`.
fn without_progress(text: &str) -> String {
    let is_progress = |line: &&str| {
        line.split_once(": ").is_some_and(|(phase, rest)| {
            phase.chars().all(|c| c.is_ascii_lowercase() || c == ' ')
                && rest.starts_with(|c: char| c.is_ascii_digit())
                && rest.contains(" done, ")
        })
    };
    text.split_inclusive('\n').filter(|line| !is_progress(line)).collect()
}

/// Numbers digests in the order of their first appearance.
fn digests(text: &str) -> String {
    let mut seen: Vec<String> = Vec::new();
    let mut result = String::new();
    let mut rest = text;
    while let Some((algorithm, length, at)) = [("sha256:", 64), ("sha512:", 128)]
        .iter()
        .filter_map(|(a, n)| rest.find(a).map(|at| (*a, *n, at)))
        .min_by_key(|found| found.2)
    {
        let start = at + algorithm.len();
        result.push_str(&rest[..start]);
        rest = &rest[start..];
        let hex = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len();
        if hex == length {
            let digest = &rest[..hex];
            let number = seen.iter().position(|other| other == digest).unwrap_or_else(|| {
                seen.push(digest.to_owned());
                seen.len() - 1
            });
            write!(result, "[{}]", number + 1).unwrap();
            rest = &rest[hex..];
        }
    }
    result + rest
}

/// Replaces the ports of loopback hosts that nobody named.
fn ports(text: &str) -> String {
    ["127.0.0.1:", "localhost:", "[::1]:"].iter().fold(text.to_owned(), |text, host| {
        let mut parts = text.split(host);
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |result, part| {
            let after = part.trim_start_matches(|c: char| c.is_ascii_digit());
            let port = if after.len() == part.len() { "" } else { "[port]" };
            result + host + port + after
        })
    })
}

/// Replaces durations: `0.12 s`, `3 min`, and the seconds of `--json`.
fn times(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        result.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let word_before = result.ends_with(|c: char| c.is_alphanumeric() || c == '-');
        let unit = [" s", " ms", " min"].iter().find(|unit| {
            after.strip_prefix(**unit).is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric()))
        });
        let (shown, skipped) = match unit {
            Some(unit) if !word_before => ("[time]", unit.len()),
            _ if result.ends_with("\"seconds\": ") => ("[time]", 0),
            _ => (number, 0),
        };
        result.push_str(shown);
        rest = &after[skipped..];
    }
    result + rest
}

#[test]
fn a_command_gets_stdin_and_the_environment_of_the_site_alone() {
    let site = Site::new().named("REGISTRY2", "127.0.0.1:1").named("REGISTRY", "127.0.0.1:2");
    let site = site.stdin("REGISTRY2 REGISTRY").env("NO_COLOR", "SITE");
    assert_eq!(site.stdin, b"127.0.0.1:1 127.0.0.1:2");
    assert_eq!(site.environment, [("NO_COLOR".to_owned(), site.root().to_str().unwrap().to_owned())]);
}

#[test]
fn what_differs_from_run_to_run_gets_fixed_words() {
    let a = format!("sha256:{}", "a".repeat(64));
    let b = format!("sha256:{}", "b".repeat(64));
    assert_eq!(digests(&format!("{a} {b}\n{a} sha256:12")), "sha256:[1] sha256:[2]\nsha256:[1] sha256:12");
    assert_eq!(
        ports("127.0.0.1:4000/a localhost:1 127.0.0.1:x"),
        "127.0.0.1:[port]/a localhost:[port] 127.0.0.1:x"
    );
    assert_eq!(
        times("3 images in 0.25 s, 2 sites, \"seconds\": 0.5}"),
        "3 images in [time], 2 sites, \"seconds\": [time]}"
    );
    assert_eq!(without_progress("a: b\nwriting to the disk: 1 of 2 done, 1 B\nc: 1\n"), "a: b\nc: 1\n");
    assert_eq!(split("a  \"b c\" d\"\"  \"\""), ["a", "b c", "d", ""]);
    let site = Site::new().named("REGISTRY", "127.0.0.1:4000").file("list/a.txt", "REGISTRY/x SITE");
    let text = String::from_utf8(site.read("list/a.txt")).unwrap();
    assert_eq!(site.normal(&text), "REGISTRY/x SITE");
    assert_eq!(site.files("."), ["list/a.txt"]);
}

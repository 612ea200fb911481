//! What is said of the two commands that push.

/// The words of a command.
#[derive(Debug)]
pub(super) struct Verb {
    /// The command: what is to be done.
    pub(super) command: &'static str,
    /// What was done.
    pub(super) done: &'static str,
}

impl Verb {
    /// `import`.
    pub(super) const IMPORT: Self = Self { command: "import", done: "imported" };
    /// `mirror`.
    pub(super) const MIRROR: Self = Self { command: "mirror", done: "mirrored" };
}

//! How a bundle refers to a snap.

use super::is_name;

/// A snap of some revision, as `bundle.json` refers to it: `NAME:REVISION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapReference<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its revision: a number from 1 on.
    pub revision: &'a str,
}

impl<'a> SnapReference<'a> {
    /// Reads `NAME:REVISION`; `None` for anything else.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (name, revision) = text.split_once(':')?;
        let number: u32 = revision.parse().ok()?;
        // One number is written in one way only.
        let is_revision = number > 0 && number.to_string() == revision;
        (is_name(name) && is_revision).then_some(Self { name, revision })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_have_one_form() {
        let parsed = SnapReference::parse("core22:1380").unwrap();
        assert_eq!((parsed.name, parsed.revision), ("core22", "1380"));
        for text in [
            "core22",
            "core22:",
            "core22:0",
            "core22:01",
            "core22:+1",
            "core22:x1",
            ":1",
            "Core:1",
            "a:1:2",
            "1:1",
        ] {
            assert_eq!(SnapReference::parse(text), None, "{text}");
        }
    }
}

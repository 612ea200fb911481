//! What a key may sign (account-key, format 1): headers that an assertion has to have, one set of several.
//!
//! A set is a map of headers; a header is described by a regular expression, a map of such, or a list of alternatives.
//! snapd's expressions are Go's, of which these are nearly all; one that is not understood is an error.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use super::headers::Value;
use super::kind::PROVENANCE;

/// The most memory of one compiled expression, in bytes.
const MAX_EXPRESSION: usize = 1 << 20;
/// The most expressions of a key.
const MAX_EXPRESSIONS: usize = 1000;

/// The sets of headers that a key may sign.
#[derive(Debug)]
pub(super) struct Constraints(Vec<Shape>);

#[derive(Debug)]
enum Shape {
    Missing,
    Text(Regex),
    Map(BTreeMap<String, Shape>),
    OneOf(Vec<Shape>),
}

impl Constraints {
    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        let mut left = MAX_EXPRESSIONS;
        let wrong = || "header `constraints` cannot be understood".to_owned();
        let sets = value.list().ok_or_else(wrong)?.iter().map(|set| {
            let headers =
                set.map().and_then(|set| set.get("headers")).filter(|headers| headers.map().is_some());
            let headers = headers.ok_or_else(wrong)?;
            let kind = headers.map().and_then(|headers| headers.get("type")).and_then(Value::text);
            if kind.is_none_or(|kind| regex::escape(kind).replace("\\-", "-") != kind) {
                return Err("header `constraints`: each of them has to name a `type`".to_owned());
            }
            Shape::compile(headers, Place::Top, &mut left)
        });
        sets.collect::<Result<_, _>>().map(Self)
    }

    /// Returns whether an assertion with these headers may be signed.
    pub(super) fn allow(&self, headers: &BTreeMap<String, Value>) -> bool {
        // What is left out is as if it were written.
        let mut whole = headers.clone();
        let of_revision =
            headers.get("type").and_then(Value::text).is_some_and(|kind| kind == "snap-revision");
        if of_revision {
            whole.entry(PROVENANCE.0.to_owned()).or_insert_with(|| Value::Text(PROVENANCE.1.to_owned()));
        }
        let headers = Value::Map(whole);
        self.0.iter().any(|set| set.fits(&headers))
    }
}

/// Where a shape stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Entry,
    Alternative,
}

impl Shape {
    fn compile(value: &Value, place: Place, left: &mut usize) -> Result<Self, String> {
        match value {
            Value::Map(map) => {
                let entry = |(name, value): (&String, &Value)| {
                    Ok((name.clone(), Self::compile(value, Place::Entry, left)?))
                };
                map.iter().map(entry).collect::<Result<_, String>>().map(Self::Map)
            }
            Value::List(_) if place == Place::Alternative => {
                Err("header `constraints` has alternatives directly within alternatives".to_owned())
            }
            Value::List(list) => {
                let one = |value| Self::compile(value, Place::Alternative, left);
                list.iter().map(one).collect::<Result<_, _>>().map(Self::OneOf)
            }
            Value::Text(text) if text == "$MISSING" => Ok(Self::Missing),
            Value::Text(text) => {
                *left = left.checked_sub(1).ok_or("header `constraints` has too many expressions")?;
                let wrong = || format!("header `constraints`: `{text}` cannot be understood");
                // Of `$`, which begins words for what is compared elsewhere, nothing but the word above is allowed here.
                if text.starts_with('$') {
                    return Err(wrong());
                }
                let whole = RegexBuilder::new(&format!("^({text})$")).size_limit(MAX_EXPRESSION).build();
                whole.map(Self::Text).map_err(|_| wrong())
            }
        }
    }

    /// Returns whether a value is of this shape; of a list every element has to be.
    fn fits(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Missing, _) | (Self::Map(_), Value::Text(_)) | (Self::Text(_), Value::Map(_)) => false,
            (_, Value::List(list)) => list.iter().all(|element| self.fits(element)),
            (Self::Text(expression), Value::Text(text)) => expression.is_match(text),
            (Self::Map(shapes), Value::Map(map)) => shapes.iter().all(|(name, shape)| match map.get(name) {
                Some(value) => shape.fits(value),
                None => matches!(shape, Self::Missing),
            }),
            (Self::OneOf(shapes), value) => shapes.iter().any(|shape| shape.fits(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::assertion::headers::Headers;

    fn headers(text: &str) -> BTreeMap<String, Value> {
        Headers::parse(text, 1).unwrap().values().clone()
    }

    fn constraints(text: &str) -> Result<Constraints, String> {
        Constraints::parse(&headers(&format!("constraints:\n{text}"))["constraints"])
    }

    #[test]
    fn a_key_signs_what_one_of_its_sets_describes() {
        let key = "  -\n    headers:\n      type: model\n      model: foo-.*\n\
                   \x20 -\n    headers:\n      type: snap-revision\n      provenance:\n        - global-upload\n        - other\n\
                   \x20     tags:\n        a: x|y\n        b: $MISSING";
        let key = constraints(key).unwrap();
        for (written, allowed) in [
            ("type: model\nmodel: foo-1", true),
            ("type: model\nmodel: foo", false),
            ("type: model\nmodel: a-foo-1", false),
            ("type: model", false),
            ("type: modelling\nmodel: foo-1", false),
            ("type: model\nmodel:\n  - foo-1\n  - foo-2", true),
            ("type: model\nmodel:\n  - foo-1\n  - bar", false),
            ("type: model\nmodel:\n  foo-1: foo-1", false),
            ("type: snap-revision\ntags:\n  a: x", true),
            ("type: snap-revision\nprovenance: other\ntags:\n  a: y", true),
            ("type: snap-revision\nprovenance: third\ntags:\n  a: y", false),
            ("type: snap-revision\ntags:\n  a: xy", false),
            ("type: snap-revision\ntags:\n  a: x\n  b: c", false),
            ("type: snap-revision\ntags: x", false),
            ("type: snap-revision\ntags:\n  -\n    a: x\n  -\n    a: y", true),
            ("type: snap-revision", false),
        ] {
            assert_eq!(key.allow(&headers(written)), allowed, "{written}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "    text",
            "  - text",
            "  -\n    headers: text",
            "  -\n    other:\n      type: model",
            "  -\n    headers:\n      model: foo",
            "  -\n    headers:\n      type: mod.*",
            "  -\n    headers:\n      type: model\n      model: (",
            "  -\n    headers:\n      type: model\n      model: (a{1000}){1000}",
            "  -\n    headers:\n      type: model\n      model: $SLOT(a)",
            "  -\n    headers:\n      type: model\n      model:\n        -\n          - a",
        ] {
            assert!(constraints(text).is_err(), "{text}");
        }
    }
}

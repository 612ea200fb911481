//! Indexes, edited as text: what nobody changes stays as it is written.

use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::model::digest::Digest;

/// What becomes of an entry of an index.
pub(super) enum Entry {
    /// It stays as it is written.
    Keep,
    /// It goes.
    Drop,
    /// It points at other bytes: their digest and length.
    Replace(Digest, usize),
}

#[derive(Deserialize)]
struct Named {
    digest: Digest,
}

/// Makes an index anew with what `decide` says of each entry. Everything else stays as it is written, unknown fields and
/// the order of keys included.
pub(super) fn reduce(index: &[u8], decide: impl Fn(&Digest) -> Entry) -> Result<Vec<u8>, serde_json::Error> {
    edit(index, decide, &[])
}

/// Adds descriptors, as JSON, at the end of an index.
pub(super) fn append(index: &[u8], added: &[Vec<u8>]) -> Result<Vec<u8>, serde_json::Error> {
    edit(index, |_| Entry::Keep, added)
}

fn edit(
    index: &[u8],
    decide: impl Fn(&Digest) -> Entry,
    added: &[Vec<u8>],
) -> Result<Vec<u8>, serde_json::Error> {
    let Fields(fields) = serde_json::from_slice(index)?;
    let mut out = Vec::with_capacity(index.len());
    write_object(&mut out, &fields, |out, key, value| {
        if key != "manifests" {
            return Ok(false);
        }
        // Go's encoders write `null` for an empty list.
        let entries: Option<Vec<&RawValue>> = serde_json::from_str(value.get())?;
        let mut separator = b'[';
        for entry in entries.unwrap_or_default() {
            let Named { digest } = serde_json::from_str(entry.get())?;
            let decision = decide(&digest);
            if matches!(decision, Entry::Drop) {
                continue;
            }
            out.push(separator);
            separator = b',';
            match decision {
                Entry::Replace(digest, size) => replace(out, entry, &digest, size)?,
                Entry::Keep | Entry::Drop => out.extend_from_slice(entry.get().as_bytes()),
            }
        }
        for entry in added {
            out.push(separator);
            separator = b',';
            out.extend_from_slice(entry);
        }
        if separator == b'[' {
            out.push(separator);
        }
        out.push(b']');
        Ok(true)
    })?;
    Ok(out)
}

/// Writes a descriptor with another digest and size.
fn replace(
    out: &mut Vec<u8>,
    entry: &RawValue,
    digest: &Digest,
    size: usize,
) -> Result<(), serde_json::Error> {
    let Fields(fields) = serde_json::from_str(entry.get())?;
    write_object(out, &fields, |out, key, _| {
        match key {
            "digest" => serde_json::to_writer(&mut *out, digest)?,
            "size" => serde_json::to_writer(&mut *out, &size)?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}

/// Writes an object; `special` writes the values that change and returns whether it did.
fn write_object(
    out: &mut Vec<u8>,
    fields: &[(String, &RawValue)],
    special: impl Fn(&mut Vec<u8>, &str, &RawValue) -> Result<bool, serde_json::Error>,
) -> Result<(), serde_json::Error> {
    let mut separator = b'{';
    for (key, value) in fields {
        out.push(separator);
        separator = b',';
        serde_json::to_writer(&mut *out, key)?;
        out.push(b':');
        if !special(out, key, value)? {
            out.extend_from_slice(value.get().as_bytes());
        }
    }
    if separator == b'{' {
        out.push(separator);
    }
    out.push(b'}');
    Ok(())
}

/// An object's fields in their order, values as they are written.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(seed: &str) -> Digest {
        Digest::sha256(seed.as_bytes())
    }

    #[test]
    fn what_stays_is_written_as_it_was() {
        let (a, b, c) = (digest("a"), digest("b"), digest("c"));
        let index = format!(
            "{{ \"x\\u0041\" : 1e2,\n \"manifests\":[ {{\"size\":1, \"digest\":\"{a}\",\"new\":[ 1 ]}} , \
             {{\"digest\":\"{b}\"}},{{\"digest\":\"{c}\",\"size\":7}}],\"last\" : {{ \"y\": null }} }}"
        );
        let reduced = reduce(index.as_bytes(), |digest| match digest {
            digest if *digest == a => Entry::Keep,
            digest if *digest == b => Entry::Drop,
            _ => Entry::Replace(b, 42),
        });
        assert_eq!(
            String::from_utf8(reduced.unwrap()).unwrap(),
            format!(
                "{{\"xA\":1e2,\"manifests\":[{{\"size\":1, \"digest\":\"{a}\",\"new\":[ 1 ]}},\
                 {{\"digest\":\"{b}\",\"size\":42}}],\"last\":{{ \"y\": null }}}}"
            )
        );
        let nothing = reduce(br#"{"manifests":[]}"#, |_| Entry::Drop).unwrap();
        assert_eq!(nothing, br#"{"manifests":[]}"#);
        assert!(reduce(b"[]", |_| Entry::Keep).is_err());
        let added = append(br#"{"manifests":null}"#, &[b"{}".to_vec(), b"1".to_vec()]).unwrap();
        assert_eq!(added, br#"{"manifests":[{},1]}"#);
    }
}

//! How assertions stand in a file: headers, a body where there is one, a signature, empty lines between them.

use super::headers::Headers;
use super::mistake::Mistake;
use super::openpgp::Signature;
use super::{Assertion, MAX_ASSERTIONS, MAX_STREAM};

/// The limits of snapd, in bytes.
const MAX_HEADERS: usize = 128 << 10;
const MAX_BODY: usize = 2 << 20;
const MAX_SIGNATURE: usize = 128 << 10;

/// What stands between the parts.
const GAP: &[u8] = b"\n\n";

/// Reads one assertion.
pub fn parse(bytes: &[u8]) -> Result<Assertion, Mistake> {
    let mut reader = Reader { rest: bytes, line: 1 };
    if bytes.len() > MAX_STREAM {
        return Err(too_long());
    }
    let assertion = reader.assertion()?;
    if !reader.rest.is_empty() {
        return Err(reader.mistake("expected one assertion, and here begins more"));
    }
    Ok(assertion)
}

/// Reads any number of assertions, none included. An empty line stands between two.
pub fn stream(bytes: &[u8]) -> Result<Vec<Assertion>, Mistake> {
    if bytes.len() > MAX_STREAM {
        return Err(too_long());
    }
    let mut reader = Reader { rest: bytes, line: 1 };
    let mut assertions = Vec::new();
    while !reader.rest.is_empty() {
        if assertions.len() == MAX_ASSERTIONS {
            return Err(reader.mistake(&format!("there are more than {MAX_ASSERTIONS} assertions")));
        }
        assertions.push(reader.assertion()?);
    }
    Ok(assertions)
}

fn too_long() -> Mistake {
    Mistake::new(1, format!("it has more than {MAX_STREAM} bytes"))
}

/// What has not been read, and the line where it begins.
struct Reader<'a> {
    rest: &'a [u8],
    line: usize,
}

impl<'a> Reader<'a> {
    fn mistake(&self, message: &str) -> Mistake {
        Mistake::new(self.line, message)
    }

    /// Takes bytes, and counts their lines.
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        self.line += line_feeds(taken);
        taken
    }

    /// Reads the next assertion, and the line feed that sets it apart from the one after it.
    fn assertion(&mut self) -> Result<Assertion, Mistake> {
        let whole = self.rest;
        let headers = self.headers()?;
        let mut at = self.position(whole);
        let length = usize::try_from(headers.number("body-length")?).unwrap_or(usize::MAX);
        if length > MAX_BODY {
            let message = format!("the body has {length} bytes, and no more than {MAX_BODY} are read");
            return Err(headers.mistake("body-length", message));
        }
        self.take(GAP.len());
        let body = self.position(whole)..self.position(whole) + length;
        if length > 0 {
            self.body(length, &headers)?;
            at = body.end;
            self.take(GAP.len());
        } else if self.rest.starts_with(GAP) {
            // An empty body, with its own empty line: that of the headers is signed along.
            at = body.end;
            self.take(GAP.len());
        }
        let signature = self.signature()?;
        let end = self.position(whole);
        // The line feed that makes the line between two assertions an empty one is no part of either.
        if self.rest.starts_with(b"\n") {
            self.take(1);
        }
        let raw = whole.get(..end).unwrap_or_default();
        Assertion::new(raw, at, body, headers, signature)
    }

    /// Returns how far reading is from where `whole` begins.
    fn position(&self, whole: &[u8]) -> usize {
        whole.len().saturating_sub(self.rest.len())
    }

    /// Reads headers up to the empty line behind them.
    fn headers(&mut self) -> Result<Headers, Mistake> {
        let Some(end) = gap(self.rest, MAX_HEADERS) else {
            if self.rest.len() > MAX_HEADERS + GAP.len() {
                return Err(self.mistake(&format!("the headers have more than {MAX_HEADERS} bytes")));
            }
            let crosses =
                self.rest.split(|byte| *byte == b'\n').next().is_some_and(|line| line.ends_with(b"\r"));
            let why =
                if crosses { "the line ends with a carriage return" } else { "it ends within the headers" };
            return Err(self.mistake(why));
        };
        let first = self.line;
        let bytes = self.take(end);
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            Mistake::new(first + line_feeds(before), "the headers are not in UTF-8")
        })?;
        Headers::parse(text, first)
    }

    /// Reads a body, up to the empty line behind it.
    fn body(&mut self, length: usize, headers: &Headers) -> Result<(), Mistake> {
        let there = self.rest.len();
        if there < length {
            let message = format!("the body has to have {length} bytes, and the file ends after {there}");
            return Err(headers.mistake("body-length", message));
        }
        let first = self.line;
        let bytes = self.take(length);
        if let Err(error) = std::str::from_utf8(bytes) {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            return Err(Mistake::new(first + line_feeds(before), "the body is not in UTF-8"));
        }
        if !self.rest.starts_with(GAP) {
            let message =
                format!("expected an empty line here, behind {length} bytes of the body (`body-length`)");
            return Err(self.mistake(&message));
        }
        Ok(())
    }

    /// Reads a signature, and the line feed behind it.
    fn signature(&mut self) -> Result<Signature, Mistake> {
        let end = gap(self.rest, MAX_SIGNATURE).map(|end| end + 1);
        if end.unwrap_or(self.rest.len()) > MAX_SIGNATURE {
            return Err(self.mistake(&format!("the signature has more than {MAX_SIGNATURE} bytes")));
        }
        let line = self.line;
        let text = self.take(end.unwrap_or(self.rest.len()));
        if text.iter().all(|byte| *byte == b'\n') {
            return Err(Mistake::new(line, "the signature is missing"));
        }
        Signature::decode(text)
            .map_err(|why| Mistake::new(line, format!("the signature cannot be read: {why}")))
    }
}

/// Returns where the next two line feeds are, if within so many bytes.
fn gap(bytes: &[u8], within: usize) -> Option<usize> {
    let look = bytes.get(..within + GAP.len()).unwrap_or(bytes);
    look.windows(GAP.len()).position(|pair| pair == GAP)
}

fn line_feeds(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').skip(1).count()
}

//! Paths of the API (OCI distribution spec 1.1, "Endpoints"). They are parsed from the end, since a repository name
//! may have any number of parts, and may have parts that are words of the API.

use axum::http::StatusCode;
use percent_encoding::percent_decode_str;

use super::refusal::{Code, Refusal};
use crate::model::digest::Digest;
use crate::model::reference::{is_repository, is_tag};

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `/v2/`
    Version,
    /// `/v2/NAME/manifests/REFERENCE`
    Manifest { repository: String, reference: Reference },
    /// `/v2/NAME/blobs/DIGEST`
    Blob { repository: String, digest: Digest },
    /// `/v2/NAME/blobs/uploads/`
    Uploads { repository: String },
    /// `/v2/NAME/blobs/uploads/ID`
    Upload { repository: String, id: String },
    /// `/v2/NAME/tags/list`
    Tags { repository: String },
    /// `/v2/NAME/referrers/DIGEST`
    Referrers { repository: String, digest: Digest },
}

/// The last part of a manifest's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    Tag(String),
    Digest(Digest),
}

impl Route {
    /// Parses the path of a URL, percent-encoded or not.
    pub(super) fn parse(path: &str) -> Result<Self, Refusal> {
        let unknown = || Refusal::new(Code::Unsupported, "no such path").status(StatusCode::NOT_FOUND);
        let path = percent_decode_str(path).decode_utf8().map_err(|_| unknown())?;
        let rest = match path.as_ref() {
            "/v2" | "/v2/" => return Ok(Self::Version),
            other => other.strip_prefix("/v2/").ok_or_else(unknown)?,
        };
        let parts: Vec<&str> = rest.split('/').collect();
        match parts.as_slice() {
            [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""] => {
                Ok(Self::Uploads { repository: repository(name)? })
            }
            [name @ .., "blobs", "uploads", id] => {
                Ok(Self::Upload { repository: repository(name)?, id: (*id).to_owned() })
            }
            [name @ .., "blobs", text] => {
                Ok(Self::Blob { repository: repository(name)?, digest: digest(text)? })
            }
            [name @ .., "manifests", text] => {
                let reference = match text.contains(':') {
                    true => Reference::Digest(digest(text)?),
                    false if is_tag(text) => Reference::Tag((*text).to_owned()),
                    false => {
                        return Err(Refusal::new(Code::ManifestInvalid, format!("`{text}` is not a tag")));
                    }
                };
                Ok(Self::Manifest { repository: repository(name)?, reference })
            }
            [name @ .., "tags", "list"] => Ok(Self::Tags { repository: repository(name)? }),
            [name @ .., "referrers", text] => {
                Ok(Self::Referrers { repository: repository(name)?, digest: digest(text)? })
            }
            _ => Err(unknown()),
        }
    }

    /// Returns the repository, if the path names one.
    pub(super) fn repository(&self) -> Option<&str> {
        match self {
            Self::Version => None,
            Self::Manifest { repository, .. }
            | Self::Blob { repository, .. }
            | Self::Uploads { repository }
            | Self::Upload { repository, .. }
            | Self::Tags { repository }
            | Self::Referrers { repository, .. } => Some(repository),
        }
    }
}

fn repository(parts: &[&str]) -> Result<String, Refusal> {
    let name = parts.join("/");
    if is_repository(&name) {
        return Ok(name);
    }
    Err(Refusal::new(Code::NameInvalid, format!("`{name}` is not a repository name")))
}

fn digest(text: &str) -> Result<Digest, Refusal> {
    text.parse().map_err(|error| Refusal::new(Code::DigestInvalid, format!("{error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn digest() -> Digest {
        D.parse().unwrap()
    }

    #[test]
    fn parses_every_path() {
        let name = |text: &str| text.to_owned();
        let tag = |text: &str| Reference::Tag(text.to_owned());
        for (path, route) in [
            (name("/v2"), Route::Version),
            (name("/v2/"), Route::Version),
            (name("/v2/a/manifests/v1"), Route::Manifest { repository: name("a"), reference: tag("v1") }),
            (
                format!("/v2/a/b/c/d/manifests/{D}"),
                Route::Manifest { repository: name("a/b/c/d"), reference: Reference::Digest(digest()) },
            ),
            (
                name("/v2/manifests/manifests/manifests"),
                Route::Manifest { repository: name("manifests"), reference: tag("manifests") },
            ),
            (format!("/v2/a/blobs/{D}"), Route::Blob { repository: name("a"), digest: digest() }),
            (
                format!("/v2/a/blobs/{}", D.replace(':', "%3A")),
                Route::Blob { repository: name("a"), digest: digest() },
            ),
            (
                format!("/v2/blobs/uploads/blobs/{D}"),
                Route::Blob { repository: name("blobs/uploads"), digest: digest() },
            ),
            (name("/v2/a/blobs/uploads/"), Route::Uploads { repository: name("a") }),
            (name("/v2/a/blobs/uploads"), Route::Uploads { repository: name("a") }),
            (name("/v2/a/b/blobs/uploads/7"), Route::Upload { repository: name("a/b"), id: name("7") }),
            (name("/v2/tags/list/tags/list"), Route::Tags { repository: name("tags/list") }),
            (format!("/v2/a/referrers/{D}"), Route::Referrers { repository: name("a"), digest: digest() }),
        ] {
            assert_eq!(Route::parse(&path).unwrap(), route, "{path}");
        }
    }

    #[test]
    fn refuses_other_paths() {
        for path in [
            "/",
            "/v1/",
            "/v2/a",
            "/v2/_catalog",
            "/v2/A/tags/list",
            "/v2/../tags/list",
            "/v2/a%2f..%2fb/tags/list",
            "/v2//tags/list",
            "/v2/tags/list",
            "/v2/a/manifests/-x",
            "/v2/a/manifests/",
            "/v2/a/manifests/md5:12",
            "/v2/a/blobs/latest",
            "/v2/a/%ff/tags/list",
        ] {
            assert!(Route::parse(path).is_err(), "{path}");
        }
    }
}

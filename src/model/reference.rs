//! References to what is in a registry, normalised as docker does.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::digest::{Digest, DigestError};

/// A normalised reference: `docker.io/library/nginx:1.27`, `quay.io/org/name@sha256:…`, or with both tag and digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Registry host, with a port where one was given: `docker.io`, `localhost:5000`, `[::1]:5000`.
    registry: String,
    /// Repository path: `library/nginx`.
    repository: String,
    /// Tag, if any.
    tag: Option<String>,
    /// Digest, if any; it decides where both are there.
    digest: Option<Digest>,
}

/// Says why a text is not a [`Reference`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The shape is wrong.
    #[error("`{text}` is not a reference: {why}")]
    Shape {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// The digest in it is wrong.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

/// Stands in for a bracketed IPv6 host, which the grammar of `distribution/reference` has and oci-spec's has not.
const IPV6_STAND_IN: &str = "ipv6.invalid";

impl Reference {
    /// Makes a reference of checked parts.
    pub fn new(
        registry: &str,
        repository: &str,
        tag: Option<&str>,
        digest: Option<Digest>,
    ) -> Result<Self, ReferenceError> {
        let mut text = format!("{registry}/{repository}");
        if let Some(tag) = tag {
            text = format!("{text}:{tag}");
        }
        if let Some(digest) = digest {
            text = format!("{text}@{digest}");
        }
        text.parse()
    }

    /// Parses a reference and keeps apart whether it names a tag or a digest: one with neither has no tag here,
    /// where docker would add `latest`.
    pub fn parse_bare(text: &str) -> Result<Self, ReferenceError> {
        let shape = |why: &str| ReferenceError::Shape { text: text.to_owned(), why: why.to_owned() };
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(digest.parse::<Digest>()?)),
            None => (text, None),
        };
        if let Some((registry, repository, tag)) = split_plain(named) {
            let [registry, repository] = [registry, repository].map(str::to_owned);
            return Ok(Self { registry, repository, tag: tag.map(str::to_owned), digest });
        }
        let (host, plain) = match named.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, rest)) => {
                address
                    .parse::<std::net::Ipv6Addr>()
                    .map_err(|_| shape("the host in brackets is not an IPv6 address"))?;
                (Some(address), format!("{IPV6_STAND_IN}{rest}"))
            }
            None => (None, named.to_owned()),
        };
        let parsed = oci_spec::distribution::Reference::try_from(plain.as_str()).map_err(|error| {
            if named.chars().any(char::is_uppercase) {
                shape("the repository name must be lower case")
            } else {
                shape(&error.to_string())
            }
        })?;
        // oci-spec takes `Upper/name` for a repository of Docker Hub.
        if !is_repository(parsed.repository()) {
            return Err(shape("the repository name must be lower case"));
        }
        let explicit_tag = plain.rsplit('/').next().is_some_and(|last| last.contains(':'));
        let tag = parsed.tag().filter(|_| explicit_tag).map(str::to_owned);
        if tag.as_deref().is_some_and(|tag| !is_tag(tag)) {
            return Err(shape(
                "a tag is up to 128 of `a-z A-Z 0-9 _ . -` and does not begin with `.` or `-`",
            ));
        }
        let registry = match host {
            Some(address) => parsed.registry().replace(IPV6_STAND_IN, &format!("[{address}]")),
            None => parsed.registry().to_owned(),
        };
        Ok(Self { registry, repository: parsed.repository().to_owned(), tag, digest })
    }

    /// Returns the registry host, with a port where one was given.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the repository path.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the tag.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns the digest.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Returns whether it names neither tag nor digest.
    pub fn is_bare(&self) -> bool {
        self.tag.is_none() && self.digest.is_none()
    }

    /// Returns the same with this tag.
    #[must_use]
    pub fn with_tag(&self, tag: Option<&str>) -> Self {
        Self { tag: tag.map(str::to_owned), ..self.clone() }
    }

    /// Returns the same with this digest.
    #[must_use]
    pub fn with_digest(&self, digest: Option<Digest>) -> Self {
        Self { digest, ..self.clone() }
    }

    /// Returns registry and repository, without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// Returns the names that a cluster may ask for: `repo:tag` where there is a tag and `repo@digest` where there
    /// is a digest. Kubelets look up one or the other, never both in one string.
    pub fn lookup_names(&self) -> Vec<String> {
        let tag = self.tag.as_ref().map(|tag| format!("{}:{tag}", self.name()));
        let digest = self.digest.as_ref().map(|digest| format!("{}@{digest}", self.name()));
        tag.into_iter().chain(digest).collect()
    }
}

/// Splits what is plainly `HOST/PATH[:TAG]`, as bundles hold it and most lists do. What this leaves alone may still be a
/// reference: oci-spec decides, whose regular expression alone takes 30 ms to be made.
fn split_plain(named: &str) -> Option<(&str, &str, Option<&str>)> {
    let (host, rest) = named.split_once('/')?;
    let (path, tag) = rest.rsplit_once(':').map_or((rest, None), |(path, tag)| (path, Some(tag)));
    let is_given = host == "localhost" || host.contains(['.', ':']);
    // Docker Hub has another name, and images without an organisation.
    let is_short = host == "index.docker.io" || (host == "docker.io" && !path.contains('/'));
    let is_plain = is_given && !is_short && is_host(host) && is_repository(path) && tag.is_none_or(is_tag);
    is_plain.then_some((host, path, tag))
}

/// Returns whether `text` is a host name, with a port or without.
fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').map_or((text, "0"), |(name, port)| (name, port));
    let is_label = |label: &str| {
        let inner = label.trim_matches('-');
        !inner.is_empty()
            && inner.len() == label.len()
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    name.split('.').all(is_label) && !port.is_empty() && port.chars().all(|c| c.is_ascii_digit())
}

/// Returns whether `text` is a tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` (OCI distribution spec, "Pulling manifests").
pub fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128 && text.starts_with(word) && text.chars().all(|c| word(c) || c == '.' || c == '-')
}

/// Returns whether `text` is a repository path (OCI distribution spec, "Pulling manifests"), at most 255 bytes long.
pub fn is_repository(text: &str) -> bool {
    text.len() <= 255 && text.split('/').all(is_path_component)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(part: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators_are_single = part
        .split(alphanumeric)
        .all(|run| matches!(run, "" | "." | "_" | "__") || run.chars().all(|c| c == '-'));
    part.starts_with(alphanumeric) && part.ends_with(alphanumeric) && separators_are_single
}

impl FromStr for Reference {
    type Err = ReferenceError;

    /// As [`Reference::parse_bare`], with `latest` for what has neither tag nor digest.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let bare = Self::parse_bare(text)?;
        Ok(if bare.is_bare() { bare.with_tag(Some("latest")) } else { bare })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn normalises_as_docker_does() {
        for (given, normal) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.27", "docker.io/library/nginx:1.27"),
            ("envoyproxy/envoy:x", "docker.io/envoyproxy/envoy:x"),
            ("index.docker.io/library/nginx:1", "docker.io/library/nginx:1"),
            ("localhost/a:1", "localhost/a:1"),
            ("localhost:5000/a/b", "localhost:5000/a/b:latest"),
            ("[::1]:5000/a:1", "[::1]:5000/a:1"),
            ("ghcr.io/a/b:tag", "ghcr.io/a/b:tag"),
        ] {
            assert_eq!(given.parse::<Reference>().map(|r| r.to_string()), Ok(normal.to_owned()), "{given}");
        }
    }

    proptest::proptest! {
        /// What is split here is split as oci-spec does.
        #[test]
        fn plain_references_are_read_as_others_read_them(
            text in r"(docker\.io|index\.docker\.io|localhost|[aA0.-]{1,4}(\.[a-z-]{1,3})?)(:[0-9a]{0,3})?(/[a-zA0._-]{0,4}){1,3}(:[aA0._-]{0,4})?"
        ) {
            if let Some((registry, repository, tag)) = split_plain(&text) {
                let other = oci_spec::distribution::Reference::try_from(text.as_str()).unwrap();
                assert_eq!((registry, repository), (other.registry(), other.repository()));
                assert_eq!(tag.unwrap_or("latest"), other.tag().unwrap());
            }
        }
    }

    #[test]
    fn plain_references_need_no_regular_expression() {
        for (text, plain) in [
            ("ghcr.io/a/b:tag", true),
            ("localhost:5000/a", true),
            ("docker.io/library/nginx:1", true),
            ("docker.io/nginx:1", false),
            ("index.docker.io/library/nginx:1", false),
            ("nginx:1", false),
            ("a/b:1", false),
            ("a.b-/c", false),
            ("a.b:/c", false),
            ("a.b/C", false),
            ("a.b/c:", false),
        ] {
            assert_eq!(split_plain(text).is_some(), plain, "{text}");
        }
    }

    #[test]
    fn keeps_tag_and_digest_apart() {
        let both: Reference = format!("quay.io/a/b:v1@{DIGEST}").parse().unwrap();
        assert_eq!(
            (both.tag(), both.digest().map(ToString::to_string)),
            (Some("v1"), Some(DIGEST.to_owned()))
        );
        assert_eq!(both.lookup_names(), ["quay.io/a/b:v1".to_owned(), format!("quay.io/a/b@{DIGEST}")]);
        let only: Reference = format!("quay.io/a/b@{DIGEST}").parse().unwrap();
        assert_eq!((only.tag(), only.lookup_names().len()), (None, 1));
        assert!(Reference::parse_bare("localhost:5000/a").unwrap().is_bare());
    }

    #[test]
    fn refuses_what_is_not_a_reference() {
        let md5 = "a@md5:d41d8cd98f00b204e9800998ecf8427e";
        for text in [
            "",
            "Nginx",
            "Upper/nginx",
            "a b",
            "a:",
            "a:ü",
            "a@sha256:12",
            md5,
            "/a",
            "a//b",
            "[::g]/a",
            "a:-x",
            "https://a/b",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    #[test]
    fn repository_paths_follow_the_distribution_spec() {
        for (text, good) in [
            ("a/b__c/d--e", true),
            ("a.b/c", true),
            ("", false),
            ("a..b", false),
            ("A", false),
            ("a/", false),
            ("../a", false),
        ] {
            assert_eq!(is_repository(text), good, "{text}");
        }
    }
}

//! Platforms as containerd writes and compares them (`github.com/containerd/platforms`).

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// An operating system and a processor, printed as `os/architecture[/variant]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub struct Platform {
    /// `GOOS`, such as `linux`.
    #[serde(default)]
    pub os: String,
    /// `GOARCH`, such as `amd64`.
    #[serde(default)]
    pub architecture: String,
    /// Variant, such as `v7`; empty where there is none.
    #[serde(default)]
    pub variant: String,
}

/// Says why a text is not a [`Platform`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform: expected `os/architecture[/variant]`, such as `linux/amd64`")]
pub struct PlatformError(String);

impl Platform {
    /// Returns the same platform in containerd's normal form: aliases resolved, default variants dropped
    /// (`arm64/v8`, `amd64/v1`) or added (`arm` is `arm/v7`).
    #[must_use]
    pub fn normalize(&self) -> Self {
        let os = match self.os.to_ascii_lowercase().as_str() {
            "macos" => "darwin".to_owned(),
            other => other.to_owned(),
        };
        let variant = self.variant.to_ascii_lowercase();
        let architecture = self.architecture.to_ascii_lowercase();
        let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
            ("i386", _) => ("386", ""),
            ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
            ("x86_64" | "x86-64", other) => ("amd64", other),
            ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", ""),
            ("aarch64", other) => ("arm64", other),
            ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
            ("armel", _) | ("arm", "6") => ("arm", "v6"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "8") => ("arm", "v8"),
            (architecture, variant) => (architecture, variant),
        };
        Self { os, architecture: architecture.to_owned(), variant: variant.to_owned() }
    }

    /// Returns whether an image for `other` is one for this platform: equal in normal form.
    pub fn matches(&self, other: &Self) -> bool {
        self.normalize() == other.normalize()
    }

    /// Returns whether containerd 1.6 and 1.7 on this host would accept an image for `other`
    /// (`platforms.Default()`): amd64 also takes 386, arm64 also takes every 32-bit arm, arm takes older arm.
    pub fn accepts(&self, other: &Self) -> bool {
        let (host, other) = (self.normalize(), other.normalize());
        if host.os != other.os {
            return false;
        }
        match (host.architecture.as_str(), other.architecture.as_str()) {
            ("amd64", "386") | ("arm64", "arm") => true,
            ("amd64", "amd64") | ("arm64", "arm64") | ("arm", "arm") => other.variant <= host.variant,
            _ => host == other,
        }
    }

    /// Returns whether the platform is `unknown/unknown`, as build attestations are marked.
    pub fn is_unknown(&self) -> bool {
        self.os == "unknown" && self.architecture == "unknown"
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let part = |part: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            (!part.is_empty() && part.len() <= 64 && part.chars().all(plain)).then(|| part.to_owned())
        };
        let mut parts = text.split('/').map(part);
        let (os, architecture, variant, rest) = (parts.next(), parts.next(), parts.next(), parts.next());
        match (os, architecture, variant, rest) {
            (Some(Some(os)), Some(Some(architecture)), None, None) => {
                Ok(Self { os, architecture, variant: String::new() }.normalize())
            }
            (Some(Some(os)), Some(Some(architecture)), Some(Some(variant)), None) => {
                Ok(Self { os, architecture, variant }.normalize())
            }
            _ => Err(PlatformError(text.to_owned())),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if !self.variant.is_empty() {
            write!(f, "/{}", self.variant)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn normal_forms_are_containerds() {
        for (given, normal) in [
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/armhf", "linux/arm/v7"),
            ("Linux/AMD64", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
        ] {
            assert_eq!(platform(given).to_string(), normal, "{given}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_platform() {
        for text in ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/amd 64", "linux/amd64,linux/arm64"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }

    #[test]
    fn hosts_accept_what_containerd_1_6_accepts() {
        for (host, image, accepted) in [
            ("linux/amd64", "linux/amd64", true),
            ("linux/amd64", "linux/386", true),
            ("linux/amd64", "linux/arm64", false),
            ("linux/arm64", "linux/arm/v6", true),
            ("linux/arm/v7", "linux/arm/v6", true),
            ("linux/arm/v6", "linux/arm/v7", false),
            ("linux/amd64", "windows/amd64", false),
        ] {
            assert_eq!(platform(host).accepts(&platform(image)), accepted, "{host} {image}");
        }
    }
}

//! Architectures in snapd's words, which are Debian's (`arch/arch.go`).

use crate::model::platform::Platform;

/// Returns what snapd calls the architecture of a platform; `None` where it runs on no such thing.
pub fn architecture(platform: &Platform) -> Option<&'static str> {
    let words = [
        ("amd64", "amd64"),
        ("arm64", "arm64"),
        ("arm", "armhf"),
        ("386", "i386"),
        ("ppc64le", "ppc64el"),
        ("s390x", "s390x"),
        ("riscv64", "riscv64"),
    ];
    let is_linux = platform.os == "linux";
    words.into_iter().find(|(oci, _)| is_linux && *oci == platform.architecture).map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_debians() {
        for (platform, word) in [
            ("linux/amd64", Some("amd64")),
            ("linux/arm/v7", Some("armhf")),
            ("linux/ppc64le", Some("ppc64el")),
            ("linux/mips64le", None),
            ("windows/amd64", None),
        ] {
            assert_eq!(architecture(&platform.parse().unwrap()), word, "{platform}");
        }
    }
}

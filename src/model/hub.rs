//! The names of Docker Hub.

/// Docker Hub in references.
pub const HUB: &str = "docker.io";

/// All hosts that are Docker Hub's registry.
pub const NAMES: [&str; 3] = [HUB, "index.docker.io", "registry-1.docker.io"];

/// Returns `HOST[:PORT]` in lower case, and Docker Hub as references name it.
pub fn canonical(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    match host.split_once(':') {
        None if NAMES.contains(&&*host) => HUB.to_owned(),
        Some((name, port)) if NAMES.contains(&name) => format!("{HUB}:{port}"),
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_hub_has_one_name() {
        for (host, expected) in [
            ("docker.io", "docker.io"),
            ("Index.Docker.io", "docker.io"),
            ("registry-1.docker.io:443", "docker.io:443"),
            ("a.docker.io", "a.docker.io"),
            ("[::1]:5000", "[::1]:5000"),
            ("HOST:5000", "host:5000"),
        ] {
            assert_eq!(canonical(host), expected, "{host}");
        }
    }
}

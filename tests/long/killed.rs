//! Imports and side-loads that are killed, many times over.

use airgap_bundle::stores::registry::server::{Options, Server};

use crate::docker_registry::DockerRegistry;
use crate::killed::{imports, side_loads};

#[test]
fn imports_that_are_killed_at_many_points_go_on() {
    let (ours, docker) = (Server::start(Options::memory()).unwrap(), DockerRegistry::start());
    for seed in 100..200 {
        imports(seed, &ours.host());
        imports(seed, docker.host());
    }
}

#[test]
fn side_loads_that_are_killed_at_many_points_go_on() {
    for seed in 100..200 {
        side_loads(seed);
    }
}

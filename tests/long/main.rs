//! Long tests, run by `make test-long` alone.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod cosign;
#[cfg(test)]
#[expect(dead_code, reason = "it is the suite's, and these tests need a part of it")]
#[path = "../suite/docker_registry.rs"]
mod docker_registry;
#[cfg(test)]
mod export;
#[cfg(test)]
#[expect(dead_code, unused_imports, reason = "it is the suite's, and these tests need a part of it")]
#[path = "../suite/fixture/mod.rs"]
mod fixture;
#[cfg(test)]
mod heads;
#[cfg(test)]
mod huge;
#[cfg(test)]
#[path = "killed.rs"]
mod import;
#[cfg(test)]
#[path = "../suite/killed.rs"]
mod killed;
#[cfg(test)]
#[path = "../suite/export/kills.rs"]
mod kills;
#[cfg(test)]
mod link;
#[cfg(test)]
mod mirrored;
#[cfg(test)]
mod peak;
#[cfg(test)]
#[expect(dead_code, reason = "it is the suite's, and these tests need a part of it")]
#[path = "../suite/python.rs"]
mod python;
#[cfg(test)]
#[path = "../suite/zoo/random.rs"]
mod random;
#[cfg(test)]
mod random_graphs;
#[cfg(test)]
#[expect(dead_code, reason = "it is the suite's, and these tests need a part of it")]
#[path = "../suite/site.rs"]
mod site;
#[cfg(test)]
mod snap;
#[cfg(test)]
#[expect(dead_code, reason = "it is the suite's, and these tests need a part of it")]
#[path = "../suite/snaps/place.rs"]
mod snaps;
#[cfg(test)]
#[path = "../suite/tools.rs"]
mod tools;

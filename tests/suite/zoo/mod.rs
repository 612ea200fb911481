//! Everything that the specs allow and registries hold, exported from one registry and imported into another: what every
//! reference names stays the same, byte for byte, as other people's tools see it.

mod http;
mod members;
mod random;
mod round;

#[test]
fn random_graphs_go_in_and_come_out() {
    random::what_goes_in_comes_out(6);
}

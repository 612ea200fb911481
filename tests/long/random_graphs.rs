//! Random graphs, many times over.

use crate::random::what_goes_in_comes_out;

#[test]
fn random_graphs_go_in_and_come_out() {
    what_goes_in_comes_out(200);
}

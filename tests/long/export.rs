//! Exports that are killed, many times over.

use crate::kills::kill_and_go_on;

#[test]
fn exports_that_are_killed_at_many_points_go_on() {
    for seed in 100..300 {
        kill_and_go_on(seed);
    }
}

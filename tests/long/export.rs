//! Exports that are killed, many times over.

use crate::kills::kill_and_go_on;

#[test]
fn exports_that_are_killed_at_many_points_go_on() {
    let kills: usize = (100..300).map(|seed| kill_and_go_on(seed).1).sum();
    assert!(kills >= 100, "{kills} of 200 exports and more were killed in time");
}

//! What refers to artifacts: found at the source, carried, proven, shown, and found again at the destination.

mod places;
mod round;

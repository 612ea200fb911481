//! What refers to artifacts: found at the source, carried, proven, shown, and found again at the destination.

mod bounds;
mod destination;
mod hostile;
mod interop;
mod places;
mod round;
mod shown;
mod source;

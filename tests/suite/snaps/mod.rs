//! Snaps, from the store into a bundle and out of it on the far side.

mod export;
mod extract;
mod far_side;
mod hostile;
mod images;
mod local;
mod place;
mod readme;

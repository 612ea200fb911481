//! Snaps, from the store into a bundle and out of it on the far side.

mod behind;
mod crafted;
mod expired;
mod export;
mod extract;
mod far_side;
mod hostile;
mod images;
mod local;
mod login;
mod mirrored;
mod own_roots;
mod peeked;
mod place;
mod provenance;
mod readme;
mod shown;
mod sizes;
mod store_choice;
mod tampered;
mod untrue;

//! One wrong bit is found, wherever it is.

use std::io;
use std::sync::{Arc, Mutex};

use airgap_bundle::content::read_at::ReadAt;
use airgap_bundle::stores::bundle::reader::Bundle;
use airgap_bundle::stores::bundle::verify::verify_here;

use super::python::refused_by_python;
use crate::fixture::Pack;

/// Bytes that change under whoever has opened them.
#[derive(Debug)]
struct Shared(Mutex<Vec<u8>>);

impl ReadAt for Shared {
    fn len(&self) -> io::Result<u64> {
        ReadAt::len(&*self.0.lock().unwrap())
    }
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.lock().unwrap().read_exact_at(buffer, offset)
    }
}

#[test]
fn every_single_bit_is_found() {
    let shared = Arc::new(Shared(Mutex::new(Pack::new().file("a", b"x").tar())));
    let open = || Bundle::read_head(Arc::clone(&shared) as Arc<dyn ReadAt>, "b.tar");
    let bundle = open().unwrap();
    assert!(verify_here(&bundle).unwrap().problems.is_empty());
    let head = usize::try_from(bundle.slots().head()).unwrap();
    for at in 0..usize::try_from(bundle.length()).unwrap() {
        for bit in 0..8 {
            let flip = || shared.0.lock().unwrap()[at] ^= 1 << bit;
            flip();
            // What lies behind the head is not looked at while a bundle is opened.
            let found = at < head && open().is_err() || !verify_here(&bundle).unwrap().problems.is_empty();
            assert!(found, "bit {bit} of byte {at} was not found");
            flip();
        }
    }
}

#[test]
fn the_second_reader_finds_them_too() {
    let tar = Pack::new().file("a", b"x").tar();
    let places = crate::fixture::bytes(11, 96);
    for word in places.chunks(2) {
        let place = usize::from(u16::from_le_bytes([word[0], word[1]]));
        let (at, bit) = (place / 8 % tar.len(), place % 8);
        let mut flipped = tar.clone();
        flipped[at] ^= 1 << bit;
        refused_by_python(&format!("bit {bit} of byte {at}"), &flipped);
    }
}

//! One wrong bit is found, wherever it is.

use std::io;
use std::sync::{Arc, Mutex};

use airgap_bundle::content::read_at::ReadAt;
use airgap_bundle::stores::bundle::reader::Bundle;

use super::judge::judge;
use crate::fixture::Pack;
use crate::python::refused_by_python;

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

fn opened(shared: &Arc<Shared>) -> Bundle {
    Bundle::read_head(Arc::clone(shared) as Arc<dyn ReadAt>, "b.tar").unwrap()
}

#[test]
fn every_single_bit_of_even_bytes_is_found() {
    each_bit_is_found(0);
}

#[test]
fn every_single_bit_of_odd_bytes_is_found() {
    each_bit_is_found(1);
}

fn each_bit_is_found(first: usize) {
    let shared = Arc::new(Shared(Mutex::new(Pack::new().file("a", b"x").tar())));
    let file = Arc::clone(&shared) as Arc<dyn ReadAt>;
    let judged = || judge(&file);
    assert_eq!(judged(), (vec![], true));
    let length = shared.0.lock().unwrap().len();
    let bundle = shared.0.lock().unwrap().windows(11).rposition(|name| name == b"bundle.json").unwrap();
    let in_bundle = bundle + 512..usize::try_from(opened(&shared).slots().head()).unwrap();
    for at in (first..length).step_by(2) {
        for bit in 0..8 {
            let flip = || shared.0.lock().unwrap()[at] ^= 1 << bit;
            flip();
            let (wrong, listed) = judged();
            assert!(!wrong.is_empty(), "bit {bit} of byte {at} was not found");
            // All but `bundle.json` follows from it, so that the byte is known, and nothing else is blamed.
            if !in_bundle.contains(&at) {
                assert!(listed, "bit {bit} of byte {at}: {wrong:?}");
            }
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

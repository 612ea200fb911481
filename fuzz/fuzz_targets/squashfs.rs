//! Any bytes are a squashfs image or an error, with bounded memory. The seeds are a snap of three files, made by
//! `mksquashfs -nopad -b 4096 -all-root -all-time 0 -mkfs-time 0 -comp …`, one for each way of packing.
#![no_main]

use std::sync::Arc;

use airgap_bundle::content::read_at::ReadAt;
use airgap_bundle::stores::squashfs::{MAX_FILE, Squashfs};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let image: Arc<dyn ReadAt> = Arc::new(bytes.to_vec());
    let Ok(mut image) = Squashfs::open(image, "fuzz") else { return };
    let _ = image.snap();
    for path in image.named("images.txt").unwrap_or_default() {
        let _ = image.read(&path, MAX_FILE);
    }
});

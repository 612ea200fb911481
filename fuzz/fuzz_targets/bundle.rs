//! Any bytes are a bundle or an error, with bounded memory. Past the id, which random bytes never match: input that
//! begins with `{` is taken for `bundle.json`, and gets a head that fits it.
#![no_main]

use std::sync::Arc;

use airgap_bundle::content::read_at::ReadAt;
use airgap_bundle::model::contents::Contents;
use airgap_bundle::model::digest::Digest;
use airgap_bundle::stores::bundle::header::entry_header;
use airgap_bundle::stores::bundle::reader::Bundle;
use airgap_bundle::stores::bundle::slots::OCI_LAYOUT;
use airgap_bundle::stores::bundle::verify::{Salvaged, prove_strewn_here, salvage, verify_here};
use libfuzzer_sys::fuzz_target;

fn with_head(bundle: &[u8]) -> Vec<u8> {
    let id = Digest::sha256(bundle);
    let index = match serde_json::from_slice::<Contents>(bundle) {
        Ok(contents) => contents.index(&id),
        Err(_) => format!(r#"{{"annotations":{{"dev.airgap-bundle.id":"{id}"}}}}"#).into_bytes(),
    };
    let mut tar = Vec::new();
    for (name, content) in [("oci-layout", OCI_LAYOUT), ("index.json", &index), ("bundle.json", bundle)] {
        tar.extend(entry_header(name, u64::try_from(content.len()).unwrap_or_default()));
        tar.extend_from_slice(content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 4096, 0);
    tar
}

fuzz_target!(|bytes: &[u8]| {
    let tar = if bytes.starts_with(b"{") { with_head(bytes) } else { bytes.to_vec() };
    let file: Arc<dyn ReadAt> = Arc::new(tar);
    match Bundle::read_head(Arc::clone(&file), "fuzz") {
        Ok(bundle) => {
            let _ = bundle.check_length();
            let _ = verify_here(&bundle);
        }
        Err(refused) => match salvage(&file, "fuzz", refused) {
            Ok(Salvaged::Listed { bundle, .. }) => {
                let _ = verify_here(&bundle);
            }
            Ok(Salvaged::Strewn { .. }) => {
                let _ = prove_strewn_here(file.as_ref());
            }
            Err(_) => {}
        },
    }
});

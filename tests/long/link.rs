//! A layer of 3 GB through a link that is cut every 200 MB.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use airgap_bundle::stores::registry::server::{Options, Server};

use crate::huge::{registry, zeros};
use crate::site::Site;

const SIZE: u64 = 3_000_000_000;
const CUT: u64 = 200_000_000;

/// Hands on bytes between whoever connects and `to`, counts them, and cuts the connection that carries every 200 MB.
struct Link {
    address: SocketAddr,
    bytes: Arc<AtomicU64>,
}

impl Link {
    fn to(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let bytes = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&bytes);
        // It ends with the process: nothing that it holds outlives that.
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(to) else { continue };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let counted = Arc::clone(&counted);
                    thread::spawn(move || carry(from, to, &counted));
                }
            }
        });
        Self { address, bytes }
    }

    /// Returns how many bytes have passed since it was last asked.
    fn passed(&self) -> u64 {
        self.bytes.swap(0, Ordering::SeqCst)
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, counted: &AtomicU64) {
    let mut piece = vec![0; 256 << 10];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        let length_sent = u64::try_from(length).unwrap();
        let before = counted.fetch_add(length_sent, Ordering::SeqCst);
        if to.write_all(&piece[..length]).is_err() || before / CUT != (before + length_sent) / CUT {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[test]
fn three_gigabytes_pass_a_link_that_is_cut_again_and_again() {
    // On the disk: it would fill the memory that other tests work in.
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (from, to) = (disk.path().join("from"), disk.path().join("to"));
    let layer = zeros(SIZE);
    let (source, digest) = registry(&from, layer, SIZE);
    let link = Link::to(source.address());
    let bundle = disk.path().join("b.tar");
    let site = Site::new().named("FROM", link.address.to_string()).named("BUNDLE", bundle.to_str().unwrap());
    let limit = SIZE / 100 * 105;
    let stderr = site.run("export FROM/huge:1 --output BUNDLE --plain-http FROM").any_stdout().stderr_of(0);
    let (passed, cuts) = (link.passed(), stderr.matches("going on in").count());
    assert!(passed <= limit && cuts >= 10, "export: {passed} bytes for {SIZE}, {cuts} cuts: {stderr}");

    fs::create_dir(&to).unwrap();
    let target = Server::start(Options::folder(&to).unwrap()).unwrap();
    let link = Link::to(target.address());
    let site = site.named("TO", link.address.to_string());
    let stderr = site.run("import --to http://TO BUNDLE").any_stdout().stderr_of(0);
    let (passed, cuts) = (link.passed(), stderr.matches("next try in").count());
    assert!(passed <= limit && cuts >= 10, "import: {passed} bytes for {SIZE}, {cuts} cuts: {stderr}");
    assert_eq!(target.registry().manifest("huge", "1").unwrap().digest, digest);
    assert_eq!(fs::metadata(to.join("blobs/sha256").join(layer.hex())).unwrap().len(), SIZE);
}

//! A server program that runs until it is dropped.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::tools::command;

/// So long a program may take until it accepts connections.
const START: Duration = Duration::from_secs(30);

/// A program that listens on a port of loopback.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// Starts a program that cannot find a free port by itself. `arguments` gets the command, with a home of its own in
    /// `folder`, and the address to listen on. Somebody else may take that one first: then another is tried.
    pub(super) fn start(name: &str, folder: &Path, arguments: impl Fn(&mut Command, SocketAddr)) -> Self {
        for _ in 0..5 {
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let mut command = command(name, folder);
            arguments(&mut command, address);
            let log = std::fs::File::create(folder.join("log")).unwrap();
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
            let mut process = Self { child: command.spawn().unwrap(), address };
            if process.listens() {
                return process;
            }
        }
        panic!("`{name}` does not start:\n{}", std::fs::read_to_string(folder.join("log")).unwrap());
    }

    /// Waits until it accepts connections; false where it ends instead.
    fn listens(&mut self) -> bool {
        let until = Instant::now() + START;
        while Instant::now() < until {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if TcpStream::connect(self.address).is_ok() {
                return self.child.try_wait().unwrap().is_none();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Returns address and port as they stand in a reference.
    pub(super) fn host(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only where it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

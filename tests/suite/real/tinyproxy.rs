//! tinyproxy, which asks for a password and knows a name that nobody else does.

use tempfile::TempDir;

use super::process::Process;
use crate::docker_registry::USER;
use crate::tools::find;

/// tinyproxy, until it is dropped.
#[derive(Debug)]
pub(super) struct Tinyproxy {
    process: Process,
    folder: TempDir,
}

impl Tinyproxy {
    /// Starts one that knows [`USER`] with this password, and this host as 127.0.0.1: loopback is reached without proxies.
    pub(super) fn start(password: &str, host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hosts"), format!("127.0.0.1 {host}\n")).unwrap();
        let program = find("tinyproxy");
        let process = Process::start("unshare", folder.path(), |command, address| {
            let (port, log) = (address.port(), folder.path().join("requests"));
            let text = format!(
                "Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nMaxClients 200\nTimeout 60\n\
                 BasicAuth {USER} {password}\nLogLevel Connect\nLogFile \"{}\"\n",
                log.display()
            );
            let file = folder.path().join("tinyproxy.conf");
            std::fs::write(&file, text).unwrap();
            let script = "mount --bind hosts /etc/hosts && exec \"$0\" -d -c \"$1\"";
            command
                .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
                .arg(&program)
                .arg(file);
        });
        Self { process, folder }
    }

    /// Returns address and port.
    pub(super) fn host(&self) -> String {
        self.process.host()
    }

    /// Returns how many connections it made for others.
    pub(super) fn connected(&self) -> usize {
        let log = std::fs::read_to_string(self.folder.path().join("requests")).unwrap();
        log.matches("Established connection to host").count()
    }
}

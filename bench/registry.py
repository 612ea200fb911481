"""Debian's docker-registry on a loopback port of its own."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

CONFIG = """\
version: 0.1
log:
  level: error
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: {root}
    maxthreads: 100
  cache:
    blobdescriptor: inmemory
  maintenance:
    uploadpurging:
      enabled: false
http:
  addr: {host}
"""


class Registry:
    """A registry that runs from here to `stop`, with its content below `root`."""

    def __init__(self, root: Path, config: Path):
        self.root = root
        self.host = f"127.0.0.1:{free_port()}"
        root.mkdir(parents=True, exist_ok=True)
        config.write_text(CONFIG.format(root=root, host=self.host))
        # The name and the telemetry of the environment are no business of a benchmark.
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "REGISTRY_"))}
        self._process = subprocess.Popen(
            ["docker-registry", "serve", str(config)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
        )
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError("docker-registry ended at once")
            try:
                if self.status("GET", "/v2/") == 200:
                    return
            except OSError:
                time.sleep(0.005)
        self.stop()
        raise RuntimeError("docker-registry did not answer within 20 s")

    def status(self, method: str, path: str, headers: dict[str, str] | None = None) -> int:
        """Returns the status of one request."""
        connection = http.client.HTTPConnection(self.host, timeout=20)
        try:
            connection.request(method, path, headers=headers or {})
            return connection.getresponse().status
        finally:
            connection.close()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def remove(self) -> None:
        """Stops it and deletes what it holds."""
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)


class Away:
    """A way to a registry on which everything takes 20 ms longer."""

    def __init__(self, registry: Registry):
        port = free_port()
        self.host = f"127.0.0.1:{port}"
        self._registry = registry
        script = Path(__file__).with_name("delay.py")
        self._process = subprocess.Popen([sys.executable, "-B", str(script), str(port), registry.host])
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=20).close()
                return
            except OSError:
                if time.monotonic() > until:
                    self.remove()
                    raise
                time.sleep(0.005)

    def remove(self) -> None:
        """Ends it; the registry stays."""
        self._process.kill()
        self._process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]

"""Where a benchmark works: its folders, corpora and registries, all gone afterwards."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from corpus import Corpus, Shape
from registry import Registry

REQUESTS = 16


class Way(Enum):
    """Where images go from and to."""

    EXPORT = "from a registry into a folder"
    IMPORT = "from folders into a registry"
    MIRROR = "from registry to registry"


@dataclass
class Site:
    """One corpus, served, with the files that describe it to the tools."""

    corpus: Corpus
    source: Registry
    folder: Path
    #: Where the tools find the registry.
    host: str = ""

    def __post_init__(self) -> None:
        self.host = self.host or self.source.host
        images = self.corpus.images
        (self.folder / "list").write_text(
            "".join(f"{self.host}/{image.repository}:{image.tag}\n" for image in images)
        )
        (self.folder / "names").write_text("".join(f"{image.repository} {image.tag}\n" for image in images))

    def environment(self, binary: Path, out: Path, target: str | None) -> dict[str, str]:
        """The variables that the commands use."""
        hosts = [self.host] + ([target] if target else [])
        settings = {"hosts": {h: {"tls": "disabled", "reqConcurrent": REQUESTS} for h in hosts}}
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        (home / "regctl.json").write_text(json.dumps(settings))
        (home / "regsync.yml").write_text(self._regsync(hosts, out, target, Way.IMPORT if target else Way.EXPORT))
        (home / "regsync-both.yml").write_text(self._regsync(hosts, out, target, Way.MIRROR))
        (home / "skopeo.yml").write_text(self._skopeo_sync())
        return {
            "BIN": str(binary),
            "SRC": self.host,
            "DST": target or "",
            "LIST": str(self.folder / "list"),
            "NAMES": str(self.folder / "names"),
            "LAYOUTS": str(self.corpus.layouts),
            "BLOBS": str(self.corpus.storage),
            "BUNDLE": str(self.bundle),
            "TARS": str(self.tars),
            "OUT": str(out),
            "SYNC": str(home / "regsync.yml"),
            "BOTH": str(home / "regsync-both.yml"),
            "CORPUS": self.corpus.name,
            "SKOPEO_SYNC": str(home / "skopeo.yml"),
            "REGCTL_CONFIG": str(home / "regctl.json"),
            "HOME": str(home),
        }

    def seen_from(self, host: str) -> "Site":
        """The same for those who find the registry at `host`."""
        folder = self.folder / "away"
        folder.mkdir(exist_ok=True)
        return replace(self, host=host, folder=folder)

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle.tar"

    @property
    def tars(self) -> Path:
        return self.folder / "tars"

    def _regsync(self, hosts: list[str], out: Path, target: str | None, way: Way) -> str:
        creds = [{"registry": host, "tls": "disabled", "reqConcurrent": REQUESTS} for host in hosts]
        sync = []
        for image in self.corpus.images:
            name = f"{image.repository}:{image.tag}"
            one = image.repository.replace("/", "-")
            match way:
                case Way.EXPORT:
                    pair = (f"{self.host}/{name}", f"ocidir://{out}/layout:{one}")
                case Way.IMPORT:
                    pair = (f"ocidir://{self.corpus.layouts}/{name}", f"{target}/{name}")
                case Way.MIRROR:
                    pair = (f"{self.host}/{name}", f"{target}/{name}")
            sync.append({"source": pair[0], "target": pair[1], "type": "image", "fastCheck": True})
        # JSON is YAML.
        return json.dumps({"version": 1, "creds": creds, "defaults": {"parallel": 8}, "sync": sync})

    def _skopeo_sync(self) -> str:
        images = {image.repository: [image.tag] for image in self.corpus.images}
        return json.dumps({self.host: {"tls-verify": False, "images": images}})


class Place:
    """A folder to work in. Corpora are made when they are first asked for."""

    def __init__(self, folder: Path, shapes: dict[str, Shape]):
        self.folder = folder
        self.shapes = shapes
        self._registries = 0
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def site(self, name: str) -> Iterator[Site]:
        """Makes a corpus and serves it; both are gone at the end."""
        folder = self.folder / name
        folder.mkdir()
        try:
            corpus = Corpus(name, self.shapes[name], folder)
            source = Registry(corpus.storage, folder / "source.yml")
            try:
                yield Site(corpus, source, folder)
            finally:
                source.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def empty_registry(self) -> Registry:
        """Starts a registry that holds nothing, on a port that no tool remembers anything of."""
        self._registries += 1
        root = self.folder / f"registry-{self._registries}"
        return Registry(root, self.folder / "registry.yml")

    @contextmanager
    def empty_folder(self, below: Path | None = None) -> Iterator[Path]:
        folder = (below or self.folder) / "out"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

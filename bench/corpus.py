"""The images that the rows move: made here, the same on every machine, incompressible.

A corpus is written straight into the storage tree of a docker-registry, so that a source registry needs only to be
started; each image is also an OCI layout of its own whose blobs are hard links into that tree.
"""

import gzip
import hashlib
import io
import json
import os
import random
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

CHUNK = 1 << 20


@dataclass(frozen=True)
class Blob:
    """Bytes in the registry's storage."""

    digest: str
    size: int
    media_type: str

    def descriptor(self) -> dict:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass
class Image:
    """One image: its name, its manifests (children before the root) and its blobs."""

    repository: str
    tag: str
    manifests: list[Blob] = field(default_factory=list)
    blobs: list[Blob] = field(default_factory=list)

    @property
    def root(self) -> Blob:
        return self.manifests[-1]


@dataclass(frozen=True)
class Shape:
    """What a corpus is made of; sizes in bytes."""

    images: int
    layers: int
    layer: int
    base: int = 0
    platforms: tuple[str, ...] = ()


MB = 1_000_000

SHAPES = {
    "big": Shape(images=8, layers=4, layer=25 * MB, base=200 * MB),
    "small": Shape(images=300, layers=5, layer=20_000),
    "multi": Shape(images=12, layers=4, layer=3 * MB, base=6 * MB, platforms=("amd64", "arm64")),
    "huge": Shape(images=1, layers=1, layer=3_000 * MB),
    # Ten times `big`, for the memory rows alone. Each image tar holds the base, so that one is smaller.
    "big-x10": Shape(images=80, layers=4, layer=31 * MB, base=80 * MB),
}

QUICK = {
    "big": Shape(images=3, layers=2, layer=MB, base=2 * MB),
    "small": Shape(images=10, layers=5, layer=20_000),
    "multi": Shape(images=2, layers=2, layer=200_000, base=300_000, platforms=("amd64", "arm64")),
    "huge": Shape(images=1, layers=1, layer=30 * MB),
    "big-x10": Shape(images=30, layers=2, layer=MB, base=20 * MB),
}


class Corpus:
    """The images of one shape, in the storage tree of a registry below `folder`."""

    def __init__(self, name: str, shape: Shape, folder: Path):
        self.name = name
        self.shape = shape
        self.storage = folder / "storage"
        self.layouts = folder / "layouts"
        self.images: list[Image] = []
        self._make()

    def unique_blobs(self) -> dict[str, Blob]:
        return {blob.digest: blob for image in self.images for blob in image.blobs}

    def size(self) -> int:
        """Bytes of everything, each blob and manifest once."""
        every = self.unique_blobs() | {m.digest: m for image in self.images for m in image.manifests}
        return sum(blob.size for blob in every.values())

    def path(self, blob: Blob) -> Path:
        return self._tree() / "blobs/sha256" / blob.digest[7:9] / blob.digest[7:] / "data"

    def _tree(self) -> Path:
        return self.storage / "docker/registry/v2"

    def _make(self) -> None:
        platforms = self.shape.platforms or ("amd64",)
        bases = {p: self._layer(f"base {p}", self.shape.base) for p in platforms} if self.shape.base else {}
        for number in range(1, self.shape.images + 1):
            image = Image(f"{self.name}/app-{number:03}", "v1")
            for platform in platforms:
                layers = [bases[platform]] if bases else []
                for layer in range(self.shape.layers):
                    layers.append(self._layer(f"{number} {platform} {layer}", self.shape.layer))
                self._manifest(image, platform, layers)
            if self.shape.platforms:
                self._index(image)
            self._publish(image)
            self._layout(image)
            self.images.append(image)

    def _layer(self, seed: str, size: int) -> tuple[Blob, str]:
        """Writes a gzipped tar (stored, so nothing is left to compress); returns it and the tar's own digest."""
        temporary = self.storage / "layer.tmp"
        temporary.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            digested = Digesting(file)
            with gzip.GzipFile("", "wb", 0, digested, mtime=0) as packed:
                inner = Digesting(packed)
                with tarfile.open(mode="w|", fileobj=inner, bufsize=CHUNK) as tar:
                    entry = tarfile.TarInfo("content")
                    entry.size = size
                    tar.addfile(entry, Randomness(f"{self.name} {seed}", size))
        blob = Blob(digested.digest(), digested.size, LAYER)
        path = self.path(blob)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.rename(temporary, path)
        return blob, inner.digest()

    def _manifest(self, image: Image, platform: str, layers: list[tuple[Blob, str]]) -> None:
        config = self._json(CONFIG, {
            "architecture": platform,
            "os": "linux",
            "config": {"Env": [f"NAME={image.repository}"]},
            "rootfs": {"type": "layers", "diff_ids": [diff for _, diff in layers]},
        })
        image.blobs += [config] + [blob for blob, _ in layers]
        image.manifests.append(self._json(MANIFEST, {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(),
            "layers": [blob.descriptor() for blob, _ in layers],
        }))

    def _index(self, image: Image) -> None:
        children = [
            child.descriptor() | {"platform": {"architecture": platform, "os": "linux"}}
            for child, platform in zip(image.manifests, self.shape.platforms)
        ]
        image.manifests.append(self._json(INDEX, {
            "schemaVersion": 2, "mediaType": INDEX, "manifests": children,
        }))

    def _json(self, media_type: str, value: dict) -> Blob:
        data = json.dumps(value, separators=(",", ":")).encode()
        blob = Blob("sha256:" + hashlib.sha256(data).hexdigest(), len(data), media_type)
        path = self.path(blob)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return blob

    def _publish(self, image: Image) -> None:
        """Writes the links by which the registry finds an image's parts."""
        repository = self._tree() / "repositories" / image.repository
        for blob in image.blobs:
            write(repository / "_layers/sha256" / blob.digest[7:] / "link", blob.digest)
        for manifest in image.manifests:
            write(repository / "_manifests/revisions/sha256" / manifest.digest[7:] / "link", manifest.digest)
        tag = repository / "_manifests/tags" / image.tag
        write(tag / "current/link", image.root.digest)
        write(tag / "index/sha256" / image.root.digest[7:] / "link", image.root.digest)

    def _layout(self, image: Image) -> None:
        folder = self.layouts / image.repository
        blobs = folder / "blobs/sha256"
        blobs.mkdir(parents=True)
        for blob in {blob.digest: blob for blob in image.blobs + image.manifests}.values():
            os.link(self.path(blob), blobs / blob.digest[7:])
        named = image.root.descriptor() | {"annotations": {"org.opencontainers.image.ref.name": image.tag}}
        write(folder / "oci-layout", '{"imageLayoutVersion":"1.0.0"}')
        write(folder / "index.json", json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}))


class Digesting:
    """A writer that passes on what it is given, and knows its length and digest."""

    def __init__(self, below):
        self.below = below
        self.size = 0
        self._hash = hashlib.sha256()

    def write(self, data) -> int:
        self._hash.update(data)
        self.size += len(data)
        self.below.write(data)
        return len(data)

    def flush(self) -> None:
        self.below.flush()

    def digest(self) -> str:
        return "sha256:" + self._hash.hexdigest()


class Randomness(io.RawIOBase):
    """So many bytes that only their seed can foretell."""

    def __init__(self, seed: str, size: int):
        self._random = random.Random(seed)
        self._left = size

    def read(self, size: int = -1) -> bytes:
        size = self._left if size < 0 else min(size, self._left)
        self._left -= size
        return self._random.randbytes(size)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)

#!/usr/bin/env python3
"""Lists a bundle and proves every byte of it: a second reader, written from bundle-format.md alone.

    read_bundle.py BUNDLE [--expect sha256:…]

Prints one line for each artifact and the bundle id. What is wrong goes to stderr, one line each. Exit status: 0 proven,
3 not. Standard library only; nothing is unpacked, and no blob is held in memory but manifests.
"""

import hashlib
import json
import re
import sys

BLOCK = 512
END = 2 * BLOCK
MAX_HEAD = 64 << 20
MAX_MANIFEST = 8 << 20
MAX_CONFIG = 4 << 20
MAX_ENTRIES = 1_000_000
MAX_TEXT = 1024
MAX_LIST = 1000
MAX_DEPTH = 8
MAX_REFERRERS = 10_000
MAX_OCTAL = 0o77777777777
LAYOUT = b'{"imageLayoutVersion":"1.0.0"}\n'
KINDS = ["image", "chart", "snap", "assert", "file", "artifact"]
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
INDEXES = (OCI_INDEX, "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = INDEXES + (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    OCI_ARTIFACT,
)
FOREIGN_LAYERS = (
    "application/vnd.oci.image.layer.nondistributable.v1.",
    "application/vnd.docker.image.rootfs.foreign.",
)
KIND_OF_TYPE = {
    "application/vnd.oci.image.config.v1+json": "image",
    "application/vnd.docker.container.image.v1+json": "image",
    "application/vnd.cncf.helm.config.v1+json": "chart",
    "application/vnd.airgap-bundle.assert.v1": "assert",
    "application/vnd.airgap-bundle.file.v1": "file",
    "application/vnd.airgap-bundle.snap.v1": "snap",
}
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
REFERENCE = re.compile(
    r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9]+(?:[.-]+[A-Za-z0-9]+)*)(?::[0-9]+)?"
    r"/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
    r"(?=[:@])(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?"
)
SOURCE = re.compile(r"https?://[!\"$-.0->A-~]+(?:/[!\"$->@-~]*)?\??")
SNAP = re.compile(r"(?=[^:]{1,40}:)(?=[0-9-]*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*:[1-9][0-9]*")
RESERVED = re.compile(r"(?:signatures|parity|trees)(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")


class Refused(Exception):
    """Ends the reading: what follows cannot be known."""


# --- tar -----------------------------------------------------------------------------------------------------------


def block(name, size, kind):
    head = bytearray(BLOCK)

    def put(at, text):
        head[at : at + len(text)] = text.encode("ascii")

    put(0, name)
    put(100, "0000644")
    put(108, "0000000")
    put(116, "0000000")
    put(124, "%011o" % size)
    put(136, "00000000000")
    put(148, " " * 8)
    put(156, kind)
    put(257, "ustar")
    put(263, "00")
    put(329, "0000000")
    put(337, "0000000")
    head[148:156] = b"%07o\0" % sum(head)
    return bytes(head)


def record(key, value):
    rest = len(key) + len(value) + 3
    length = rest
    while length != rest + len(str(length)):
        length = rest + len(str(length))
    return "%d %s=%s\n" % (length, key, value)


def header(name, size):
    records = ""
    if len(name) > 100:
        records += record("path", name)
    if size > MAX_OCTAL:
        records += record("size", str(size))
    if not records:
        return block(name, size, "0")
    pax = block("PaxHeaders/" + name[:80].replace("/", "-"), len(records), "x")
    body = records.encode("ascii").ljust(BLOCK, b"\0")
    return pax + body + block(name[:100], 0 if size > MAX_OCTAL else size, "0")


def header_length(name, size):
    return 3 * BLOCK if len(name) > 100 or size > MAX_OCTAL else BLOCK


def padding(size):
    return -size % BLOCK


# --- JSON ----------------------------------------------------------------------------------------------------------


def unique(pairs):
    made = {}
    for key, value in pairs:
        if key in made:
            raise ValueError("%r stands twice" % key)
        made[key] = value
    return made


def parse(raw):
    def refuse(text):
        raise ValueError("%s is not a number" % text)

    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse)
    except RecursionError:
        raise ValueError("it nests too deep") from None


def written(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"


def is_size(value):
    return type(value) is int and 0 <= value < 1 << 63


def is_digest(value):
    return type(value) is str and DIGEST.fullmatch(value) is not None


# --- bundle.json ---------------------------------------------------------------------------------------------------


def need(good, message):
    if not good:
        raise Refused("foreign: bundle.json: " + message)


def check_text(text):
    need(type(text) is str, "a text is expected")
    need(1 <= len(text.encode("utf-8", "surrogatepass")) <= MAX_TEXT, "a text is empty or too long")
    control = any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text)
    surrogate = any(0xD800 <= ord(c) < 0xE000 for c in text)
    need(not control and not surrogate, "control character in %r" % text)


def ascending(keys):
    return all(a < b for a, b in zip(keys, keys[1:]))


def as_bytes(text):
    return (0, b"") if text is None else (1, text.encode("utf-8"))


def check_contents(contents):
    need(type(contents) is dict and contents.get("format") == 1, "format 1 is expected")
    for name in ("artifacts", "manifests", "configs", "blobs", "missing"):
        need(type(contents.get(name)) is list, "`%s` is no array" % name)
    groups = (("manifests", MAX_MANIFEST), ("configs", MAX_CONFIG), ("blobs", 1 << 63))
    seen = set()
    for group, limit in groups:
        for blob in contents[group]:
            need(type(blob) is dict and is_digest(blob.get("digest")), "a blob without a digest")
            need(is_size(blob.get("size")), "a blob without a size")
            need(blob["size"] <= limit, "%s is too long" % blob["digest"])
            need(blob["digest"] not in seen, "%s stands twice" % blob["digest"])
            seen.add(blob["digest"])
    need(len(seen) <= MAX_ENTRIES, "too many entries")
    roots = {blob["digest"] for blob in contents["manifests"]}
    order = []
    for artifact in contents["artifacts"]:
        order.append(check_artifact(artifact, roots))
    need(ascending(order), "artifacts are out of order")
    order = []
    for missing in contents["missing"]:
        need(type(missing) is dict and missing.get("kind") in [None] + KINDS, "an unknown kind is missing")
        check_text(missing.get("reference"))
        kind = missing.get("kind")
        order.append((-1 if kind is None else KINDS.index(kind), as_bytes(missing["reference"])))
    need(ascending(order), "missing artifacts are out of order")
    need(type(contents.get("labels")) is dict, "`labels` is no object")
    need(len(contents["labels"]) <= MAX_LIST, "too many labels")
    for name, text in contents["labels"].items():
        check_text(name)
        check_text(text)


def check_artifact(artifact, roots):
    need(type(artifact) is dict and artifact.get("kind") in KINDS, "an artifact of an unknown kind")
    for name in ("reference", "mediaType", "as", "artifactType", "source"):
        if name in ("reference", "mediaType") or artifact.get(name) is not None:
            check_text(artifact.get(name))
    reference, digest, kind = artifact["reference"], artifact.get("digest"), artifact["kind"]
    need(is_digest(digest) and digest in roots, "the root of %r is not listed" % reference)
    need(artifact["mediaType"] in MANIFESTS, "%r is no media type of a root" % artifact["mediaType"])
    source = artifact.get("source")
    need(source is None or SOURCE.fullmatch(source) is not None, "%r is no source" % source)
    need(is_size(artifact.get("size")), "%r has no size" % reference)
    need(artifact.get("sparse", False) in (True, False), "`sparse` is no boolean")
    names, platforms, omitted = (artifact.get(name) for name in ("names", "platforms", "omitted"))
    omitted = [] if omitted is None else omitted
    for texts in (names, platforms, omitted):
        need(type(texts) is list and len(texts) <= MAX_LIST, "%r has a list that is too long" % reference)
        for text in texts:
            check_text(text)
    need(all(is_digest(text) for text in omitted), "%r omits what is no digest" % reference)
    by_part = [[part.encode() for part in platform.split("/")] for platform in platforms]
    for keys in ([as_bytes(text) for text in names], by_part, [as_bytes(text) for text in omitted]):
        need(ascending(keys), "%r has a list that is out of order" % reference)
    if kind == "image":
        for name in names + [reference]:
            need(REFERENCE.fullmatch(name) is not None, "%r is no reference" % name)
    if kind in ("file", "assert"):
        parts = reference.split("/")
        need(not any(part in ("", ".", "..") for part in parts), "%r is no name of a file" % reference)
    if kind == "snap":
        need(SNAP.fullmatch(reference) is not None, "%r is no revision of a snap" % reference)
        need(int(reference.split(":")[1]) < 1 << 32, "%r is no revision of a snap" % reference)
    referrers = check_referrers(artifact, roots)
    return (
        KINDS.index(kind),
        as_bytes(reference),
        as_bytes(artifact.get("as")),
        digest,
        artifact["mediaType"],
        as_bytes(artifact.get("artifactType")),
        [as_bytes(text) for text in names],
        [as_bytes(text) for text in platforms],
        artifact.get("sparse", False),
        omitted,
        as_bytes(source),
        referrers,
        artifact["size"],
    )


def check_referrers(artifact, manifests):
    referrers, reference = artifact.get("referrers"), artifact["reference"]
    referrers = [] if referrers is None else referrers
    need(type(referrers) is list and len(referrers) <= MAX_REFERRERS, "%r has too many referrers" % reference)
    if referrers:
        need(artifact["kind"] in ("image", "chart", "artifact"), "%r has referrers" % reference)
        need(REFERENCE.fullmatch(reference) is not None, "%r is no reference" % reference)
    order = []
    for referrer in referrers:
        need(type(referrer) is dict, "a referrer of %r is no object" % reference)
        subject, digest, tag = (referrer.get(name) for name in ("subject", "digest", "tag"))
        need(is_digest(subject) and is_digest(digest), "a referrer of %r without digests" % reference)
        need(subject in manifests and digest in manifests, "referrer %s is not listed" % digest)
        need(subject != digest, "%s refers to itself" % digest)
        algorithm, digits = subject.split(":")
        tags = ["%s-%s%s" % (algorithm, digits, end) for end in (".sig", ".att", ".sbom")]
        need(tag is None or algorithm == "sha256" and tag in tags, "referrer %s has tag %r" % (digest, tag))
        need(referrer.get("mediaType") in MANIFESTS, "referrer %s is no manifest" % digest)
        artifact_type = referrer.get("artifactType")
        if artifact_type is not None:
            check_text(artifact_type)
        need(is_size(referrer.get("size")), "referrer %s has no size" % digest)
        key = (subject, digest, as_bytes(tag))
        order.append(key)
    need(ascending(order), "%r has referrers that are out of order" % reference)
    return [
        key + (referrer["mediaType"], as_bytes(referrer.get("artifactType")), referrer["size"])
        for key, referrer in zip(order, referrers)
    ]


def index_of(contents, bundle_id):
    sizes = {blob["digest"]: blob["size"] for blob in contents["manifests"]}
    entries, seen = [], set()
    for artifact in contents["artifacts"]:
        for name in artifact["names"]:
            if (name, artifact["digest"]) in seen:
                continue
            seen.add((name, artifact["digest"]))
            entry = {
                "mediaType": artifact["mediaType"],
                "digest": artifact["digest"],
                "size": sizes[artifact["digest"]],
            }
            if artifact.get("artifactType") is not None:
                entry["artifactType"] = artifact["artifactType"]
            entry["annotations"] = {}
            if artifact["kind"] == "image":
                entry["annotations"]["io.containerd.image.name"] = name
            entry["annotations"]["org.opencontainers.image.ref.name"] = name
            entries.append(entry)
    named = {entry["digest"] for entry in entries}
    for artifact in contents["artifacts"]:
        for referrer in artifact.get("referrers") or []:
            digest = referrer["digest"]
            if digest in named:
                continue
            named.add(digest)
            entry = {"mediaType": referrer["mediaType"], "digest": digest, "size": sizes[digest]}
            if referrer.get("artifactType") is not None:
                entry["artifactType"] = referrer["artifactType"]
            entries.append(entry)
    return written(
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": entries,
            "annotations": {"dev.airgap-bundle.id": bundle_id},
        }
    )


# --- the file ------------------------------------------------------------------------------------------------------


class Bundle:
    def __init__(self, path):
        self.file = open(path, "rb")
        self.length = self.file.seek(0, 2)
        self.problems = []
        self.slots = {}

    def wrong(self, state, offset, message):
        self.problems.append("%s: at byte %d: %s" % (state, offset, message))

    def read(self, at, size):
        if at + size > self.length:
            raise Refused("incomplete: at byte %d: the file ends" % self.length)
        self.file.seek(at)
        return self.file.read(size)

    def entry(self, at, name, limit):
        """Returns the content of an entry of the head, and where the next one begins."""
        found = self.read(at, BLOCK)
        digits = found[124:135]
        size = int(digits, 8) if re.fullmatch(rb"[0-7]{11}", digits) else 0
        if found != header(name, size):
            raise Refused("damaged or foreign: at byte %d: expected the header of %s" % (at, name))
        if size > limit:
            raise Refused("foreign: at byte %d: %s has %d bytes" % (at, name, size))
        content = self.read(at + BLOCK, size)
        end = at + BLOCK + size
        if end + padding(size) <= self.length and any(self.read(end, padding(size))):
            self.wrong("damaged", end, "the padding after %s is not zero" % name)
        return content, end + padding(size)

    def head(self, expected):
        first = header("oci-layout", len(LAYOUT))
        if not first.startswith(self.read(0, min(BLOCK, self.length))) and self.length < BLOCK:
            raise Refused("damaged or foreign: at byte 0: a bundle begins otherwise")
        layout, at = self.entry(0, "oci-layout", len(LAYOUT))
        if layout != LAYOUT:
            raise Refused("damaged: at byte 512: oci-layout has other content")
        index, at = self.entry(at, "index.json", MAX_HEAD)
        try:
            annotations = parse(index)["annotations"]
            requires = annotations.get("dev.airgap-bundle.requires", "")
            stated = annotations["dev.airgap-bundle.id"]
            words = [word.strip() for word in requires.split(",") if word.strip()]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refused("damaged: index.json: %r" % error) from None
        if words:
            raise Refused("foreign: the bundle requires %r" % words[0])
        raw, at = self.entry(at, "bundle.json", MAX_HEAD)
        self.id = "sha256:" + hashlib.sha256(raw).hexdigest()
        if self.id != stated:
            raise Refused("damaged: bundle.json: expected %s, got %s" % (stated, self.id))
        if expected is not None and self.id != expected:
            raise Refused("another bundle: expected %s, got %s" % (expected, self.id))
        try:
            self.contents = parse(raw)
        except ValueError as error:
            raise Refused("foreign: bundle.json: %s" % error) from None
        check_contents(self.contents)
        if index != index_of(self.contents, self.id):
            raise Refused("damaged: index.json does not follow from bundle.json")
        return at

    def prove(self, expected):
        at = self.head(expected)
        bad = set()
        for group in ("manifests", "configs", "blobs"):
            for blob in self.contents[group]:
                at = self.prove_entry(at, group, blob, bad)
        if at + END > (1 << 63) - 1:
            raise Refused("foreign: the sizes add up to more than a file can hold")
        if at + END > self.length:
            self.wrong("incomplete", self.length, "the file ends: expected %d bytes" % (at + END))
        else:
            self.prove_end(at)
        Closure(self, bad).walk()

    def prove_entry(self, at, group, blob, bad):
        digest, size = blob["digest"], blob["size"]
        algorithm, digits = digest.split(":")
        name = "blobs/%s/%s" % (algorithm, digits)
        start = at + header_length(name, size)
        end = start + size
        self.slots[digest] = (start, size, group)
        if end > self.length:
            bad.add(digest)
            return end + padding(size)
        if self.read(at, start - at) != header(name, size):
            self.wrong("damaged", at, "expected the header of %s" % name)
        hasher = hashlib.new(algorithm)
        self.file.seek(start)
        left = size
        while left:
            piece = self.file.read(min(left, 1 << 20))
            hasher.update(piece)
            left -= len(piece)
        if hasher.hexdigest() != digits:
            bad.add(digest)
            self.wrong("damaged", start, "%s: got %s" % (name, hasher.hexdigest()))
        if end + padding(size) <= self.length and any(self.read(end, padding(size))):
            self.wrong("damaged", end, "the padding after %s is not zero" % name)
        return end + padding(size)

    def prove_end(self, at):
        last = ""
        while at + END < self.length:
            found = self.read(at, BLOCK)
            if not any(found):
                break
            pax = found[156:157] == b"x"
            if pax:
                found = self.read(at, min(3 * BLOCK, self.length - at))
                match = re.match(rb"[0-9]+ path=([^\n]*)\n", found[BLOCK:])
                name = match.group(1) if match else b""
            else:
                name = found[:100].split(b"\0")[0]
            name = name.decode("ascii", "replace")
            digits = found[2 * BLOCK + 124 : 2 * BLOCK + 135] if pax else found[124:135]
            size = int(digits, 8) if re.fullmatch(rb"[0-7]{11}", digits) else 0
            good = len(name) <= 255 and RESERVED.fullmatch(name) is not None
            if not good or found != header(name, size):
                self.wrong("damaged", at, "expected the end, or a reserved entry")
                return
            if name <= last:
                self.wrong("damaged", at, "entry %s is out of order" % name)
                return
            end = at + len(found) + size
            if end + padding(size) > self.length:
                self.wrong("incomplete", self.length, "the file ends in entry %s" % name)
                return
            if any(self.read(end, padding(size))):
                self.wrong("damaged", end, "the padding after %s is not zero" % name)
            print("not covered by the bundle id: %s" % name)
            at, last = end + padding(size), name
        if at + END > self.length:
            self.wrong("incomplete", self.length, "the file ends in its end")
            return
        if any(self.read(at, END)):
            self.wrong("damaged", at, "the end is not zero")
        if at + END != self.length:
            self.wrong("damaged", at + END, "%d bytes follow the end" % (self.length - at - END))


# --- graphs --------------------------------------------------------------------------------------------------------


class Closure:
    """Follows what every artifact names, and finds what none names."""

    def __init__(self, bundle, bad):
        self.bundle = bundle
        self.bad = bad
        self.used = {}
        self.blind = False
        self.known = {}

    def walk(self):
        for artifact in self.bundle.contents["artifacts"]:
            self.artifact(artifact)
        if self.blind:
            return
        for digest, (start, size, group) in self.bundle.slots.items():
            roles = self.used.get(digest, set())
            if not roles:
                self.bundle.wrong("foreign", start, "%s is named by no artifact" % digest)
                continue
            expected = "blobs"
            if "manifest" in roles:
                expected = "manifests"
            elif "config" in roles and size <= MAX_CONFIG:
                expected = "configs"
            if group != expected:
                self.bundle.wrong("foreign", start, "%s stands in the wrong group" % digest)

    def artifact(self, artifact):
        sparse = artifact.get("sparse", False)
        omitted = set(artifact.get("omitted") or [])
        root = self.below(artifact["digest"], artifact["mediaType"], sparse, omitted)
        whole, total, images, named, walked = root
        node = self.known.get(artifact["digest"])
        if node is not None:
            start = self.bundle.slots[artifact["digest"]][0]
            self.root(artifact, node[1], node[2], start)
        referrers = artifact.get("referrers") or []
        if whole:
            start = self.bundle.slots[artifact["digest"]][0]
            if artifact["size"] > total or not sparse and artifact["size"] != total:
                self.bundle.wrong("foreign", start, "%r has %d bytes" % (artifact["reference"], total))
            if sparse and named and not images:
                self.bundle.wrong("incomplete", start, "%r has no image" % artifact["reference"])
        held = [(referrer["subject"], self.referrer(referrer)) for referrer in referrers]
        if not whole or any(below is None for _, below in held):
            return
        # What hangs together with the artifact's own manifests, in as many rounds as it is deep.
        reached, before = walked, -1
        while len(reached) > before:
            before = len(reached)
            for subject, below in held:
                if subject in reached:
                    reached |= below
        for referrer in referrers:
            if referrer["subject"] not in reached:
                message = "referrer %s is of %s, which is elsewhere" % (referrer["digest"], referrer["subject"])
                self.bundle.wrong("foreign", self.bundle.slots[referrer["digest"]][0], message)

    def referrer(self, referrer):
        """Returns the manifests that come with a referrer, or None where some cannot be read."""
        digest = referrer["digest"]
        whole, total, _, _, walked = self.below(digest, referrer["mediaType"], False, set())
        node = self.known.get(digest)
        start = self.bundle.slots[digest][0]
        if node is not None:
            _, _, _, _, artifact_type, subject = node
            if referrer.get("tag") is None and subject != referrer["subject"]:
                self.bundle.wrong("foreign", start, "%s has the subject %s" % (digest, subject))
            if (referrer.get("artifactType") or "") != artifact_type:
                self.bundle.wrong("foreign", start, "%s has another artifactType" % digest)
        if whole and referrer["size"] != total:
            self.bundle.wrong("foreign", start, "referrer %s has %d bytes" % (digest, total))
        return walked if whole else None

    def below(self, root, media_type, sparse, omitted):
        """Follows a manifest; returns whether all is there, bytes, images, whether any are named, and manifests."""
        level, seen, walked = [(root, None, media_type, "manifest")], set(), set()
        total, images, named, whole = 0, 0, False, True
        depth = 0
        while level:
            below = []
            for digest, size, media_type, role in level:
                fresh = digest not in seen
                seen.add(digest)
                if digest not in self.bundle.slots:
                    allowed = sparse if role == "manifest" else False
                    if role == "layer":
                        allowed = digest in omitted and media_type.startswith(FOREIGN_LAYERS)
                    if not allowed:
                        whole = False
                        self.bundle.wrong("incomplete", 0, "%s is not in the bundle" % digest)
                    continue
                start, held, _ = self.bundle.slots[digest]
                if size is not None and size != held:
                    whole = False
                    self.bundle.wrong("foreign", start, "%s: size %d, expected %d" % (digest, held, size))
                self.used.setdefault(digest, set()).add(role)
                if fresh:
                    total += held
                if role != "manifest" or digest in walked:
                    continue
                walked.add(digest)
                if depth > MAX_DEPTH:
                    whole = False
                    self.bundle.wrong("foreign", start, "%s lies too deep" % digest)
                    continue
                node = self.node(digest, media_type)
                if node is None:
                    whole = False
                    continue
                own_type, children = node[0], node[3]
                images += own_type not in INDEXES
                named = named or any(child[3] == "manifest" for child in children)
                below += children
            level = below
            depth += 1
        return whole, total, images, named, walked

    def root(self, artifact, artifact_type, kind, start):
        if (artifact.get("artifactType") or "") != artifact_type:
            self.bundle.wrong("foreign", start, "%r has another artifactType" % artifact["reference"])
        agrees = {
            "artifact": kind in ("artifact", "file", "assert", "snap"),
        }.get(artifact["kind"], kind == artifact["kind"])
        if not agrees:
            self.bundle.wrong("foreign", start, "%r is of kind %s" % (artifact["reference"], kind))

    def node(self, digest, outside):
        start, size, _ = self.bundle.slots[digest]
        if digest in self.bad or size > MAX_MANIFEST:
            self.blind = True
            return None
        if digest not in self.known:
            raw = self.bundle.read(start, size)
            try:
                self.known[digest] = read_manifest(raw, outside)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self.bundle.wrong("foreign", start, "manifest %s: %s" % (digest, error))
                self.known[digest] = None
        node = self.known[digest]
        if node is None:
            self.blind = True
        elif outside not in ("", node[0]):
            self.bundle.wrong("foreign", start, "manifest %s is %s, not %s" % (digest, node[0], outside))
        return node


def read_manifest(raw, outside):
    """Returns media type, artifact type, kind, children as (digest, size, media type, role), the type that a list of
    referrers shows, and the digest of the subject."""
    deciding = ("manifests", "layers", "config", "mediaType", "schemaVersion", "subject", "blobs")
    # Names that stand twice matter in the fields that decide alone, so the pairs are looked at here.
    fields = json.loads(raw.decode("utf-8"))
    if type(fields) is not dict:
        raise ValueError("it is no object")
    keys = json.loads(raw.decode("utf-8"), object_pairs_hook=lambda pairs: [key for key, _ in pairs])
    for key in keys:
        for field in deciding:
            if key.lower() == field.lower() and (key != field or keys.count(field) > 1):
                raise ValueError("%r is ambiguous" % key)
    inside = fields.get("mediaType") or ""
    media_type = inside or outside or (OCI_INDEX if "manifests" in fields else MANIFESTS[2])
    if inside and outside and inside != outside:
        raise ValueError("it says %s, and is named as %s" % (inside, outside))
    if media_type not in MANIFESTS or fields.get("schemaVersion") == 1:
        raise ValueError("%s is no manifest" % media_type)
    children = []

    def add(child, role):
        if not is_digest(child["digest"]) or not is_size(child["size"]):
            raise ValueError("a child without digest or size")
        children.append((child["digest"], child["size"], child.get("mediaType") or "", role))

    config_type = ""
    layer_types = []
    if media_type in INDEXES:
        if "config" in fields or "layers" in fields:
            raise ValueError("an index with config or layers")
        for child in fields.get("manifests") or []:
            if (child.get("mediaType") or "") in ("",) + MANIFESTS:
                add(child, "manifest")
    else:
        if "manifests" in fields:
            raise ValueError("a manifest with manifests")
        if fields.get("config") is not None:
            config_type = fields["config"].get("mediaType") or ""
            add(fields["config"], "config")
        for child in fields.get("layers") or []:
            add(child, "layer")
            layer_types.append(child.get("mediaType") or "")
        if media_type == OCI_ARTIFACT:
            for child in fields.get("blobs") or []:
                add(child, "layer")
    artifact_type = fields.get("artifactType") or ""
    kind_type = artifact_type or config_type
    if not kind_type and media_type in INDEXES:
        kind = "image"
    else:
        kind = KIND_OF_TYPE.get(kind_type, "artifact")
        form = {
            "file": ["application/octet-stream"],
            "assert": ["application/x.ubuntu.assertion"],
            "snap": ["application/vnd.snapcraft.snap", "application/x.ubuntu.assertion"],
        }.get(kind)
        if form and (config_type, layer_types) != ("application/vnd.oci.empty.v1+json", form):
            kind = "artifact"
    subject = fields.get("subject")
    subject = None if subject is None else subject["digest"]
    return media_type, artifact_type, kind, children, kind_type, subject


def main(arguments):
    expected = None
    if len(arguments) == 3 and arguments[1] == "--expect":
        expected = arguments[2]
    elif len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    bundle = Bundle(arguments[0])
    try:
        bundle.prove(expected)
    except Refused as refused:
        bundle.problems.append(str(refused))
    for problem in bundle.problems:
        print(problem, file=sys.stderr)
    if bundle.problems:
        return 3
    for artifact in bundle.contents["artifacts"]:
        print("%s %s %s %d" % tuple(artifact[key] for key in ("kind", "reference", "digest", "size")))
    for missing in bundle.contents["missing"]:
        print("missing %s" % missing["reference"])
    print("bundle id %s" % bundle.id)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

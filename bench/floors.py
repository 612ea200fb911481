"""The least that a registry row can take: the same unique requests by curl, with nothing done to what comes."""

from pathlib import Path

from contenders import CURL, FLOOR, Contender
from corpus import Corpus, INDEX, MANIFEST

ACCEPT = f'header = "Accept: {INDEX}, {MANIFEST}"\n'


def fetch(corpus: Corpus, host: str, folder: Path) -> Contender:
    """Every manifest by its name or digest, every blob once, to nowhere."""
    urls = []
    seen = set()
    for image in corpus.images:
        base = f"http://{host}/v2/{image.repository}"
        urls.append(f"{base}/manifests/{image.tag}")
        urls += [f"{base}/manifests/{child.digest}" for child in image.manifests[:-1]]
        for blob in image.blobs:
            if blob.digest not in seen:
                seen.add(blob.digest)
                urls.append(f"{base}/blobs/{blob.digest}")
    config = folder / "fetch.curl"
    config.write_text(ACCEPT + "".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls))
    return Contender(FLOOR, f"{CURL} --config {config}")


def ask(corpus: Corpus, host: str, folder: Path) -> Contender:
    """One HEAD for each name."""
    config = folder / "ask.curl"
    urls = [f"http://{host}/v2/{image.repository}/manifests/{image.tag}" for image in corpus.images]
    config.write_text(ACCEPT + "head\n" + "".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls))
    return Contender(FLOOR, f"{CURL} --config {config}")


def push(corpus: Corpus, host: str, folder: Path) -> Contender:
    """A session and an upload for each blob, a mount where it is there under another name, then the manifests.

    The places that the sessions were given are put into the second call's configuration by awk. Without `Expect:`
    curl waits for the registry to ask for each body.
    """
    v2 = f"http://{host}/v2"
    owner: dict[str, str] = {}
    open_, mount, children, roots = [], [], [], []
    for image in corpus.images:
        own = set()
        for blob in image.blobs:
            if blob.digest in own:
                continue
            own.add(blob.digest)
            uploads = f"{v2}/{image.repository}/blobs/uploads/"
            if blob.digest in owner:
                mount.append(f"{uploads}?mount={blob.digest}&from={owner[blob.digest]}")
            else:
                owner[blob.digest] = image.repository
                open_.append((f"{uploads}?is={blob.digest}", corpus.path(blob)))
        for manifest in image.manifests:
            name = image.tag if manifest == image.root else manifest.digest
            list_ = roots if manifest == image.root else children
            list_.append((f"{v2}/{image.repository}/manifests/{name}", corpus.path(manifest), manifest.media_type))
    files = {name: folder / f"{name}.curl" for name in ("open", "mount", "children", "roots", "put")}
    paths = folder / "paths"
    posted = 'request = "POST"\nheader = "Content-Length: 0"\n'
    files["open"].write_text(
        posted + 'write-out = "%{url} %header{location}\\n"\n'
        + "".join(f'url = "{url}"\noutput = "/dev/null"\n' for url, _ in open_)
    )
    files["mount"].write_text(posted + "".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in mount))
    for name, list_ in (("children", children), ("roots", roots)):
        # All children are of one media type, and so are all roots.
        kinds = "".join(f'header = "Content-Type: {kind}"\n' for kind in {kind for _, _, kind in list_})
        files[name].write_text(kinds + "".join(
            f'upload-file = "{path}"\nurl = "{url}"\noutput = "/dev/null"\n' for url, path, _ in list_
        ))
    paths.write_text("".join(f"{url} {path}\n" for url, path in open_))
    program = (
        f"NR==FNR {{ path[$1]=$2; next }} {{ split($1, part, \"[?]is=\"); "
        f"printf \"upload-file = \\\"%s\\\"\\nurl = \\\"%s&digest=%s\\\"\\noutput = \\\"/dev/null\\\"\\n\", "
        f"path[$1], $2, part[2] }}"
    )
    steps = [
        f"{CURL} --config {files['open']} | awk '{program}' {paths} - > {files['put']}",
        f"{CURL} --header Expect: --config {files['put']}",
    ]
    for name, list_ in (("mount", mount), ("children", children), ("roots", roots)):
        if list_:
            steps.append(f"{CURL} --header Expect: --config {files[name]}")
    return Contender(FLOOR, "\n".join(steps))

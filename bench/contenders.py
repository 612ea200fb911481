"""The commands that do each job: ours, the peers' and the floors'. BENCHMARKS.md prints them as they stand here.

Variables: `$SRC`, `$DST` registries as HOST:PORT; `$LIST` a file of references, one a line; `$NAMES` the same as
`REPOSITORY TAG`; `$LAYOUTS` a folder with an OCI layout for each image, which is what the peers carry; `$BUNDLE` ours; `$BOTH` as `$SYNC`, from registry to registry;
`$OUT` an empty folder for what the job makes; `$CORPUS` what all repositories begin with; `$SYNC` regsync's configuration, with eight parallel copies. regctl and regsync
are allowed 16 requests at once per registry.
"""

from dataclasses import dataclass

OURS = "airgap-bundle"
#: Ours, which does not look for signatures and what else refers to an image.
OFF = "--referrers none"
FLOOR = "floor"
PEERS = ("skopeo", "crane", "regctl")
#: regctl's sibling, which copies many images in one process; shown beside the peers that the targets are about.
REGSYNC = "regsync"


@dataclass(frozen=True)
class Contender:
    """One way for one tool to do the whole job."""

    tool: str
    script: str

    @property
    def is_peer(self) -> bool:
        return self.tool in PEERS


def each(parallel: int, command: str) -> str:
    """Runs a command for each image: `$0` is the repository and `$1` the tag."""
    return f"xargs -P {parallel} -L 1 sh -c '{command}' < $NAMES"


def several(tool: str, command: str, parallel: tuple[int, ...]) -> list[Contender]:
    return [Contender(tool, each(number, command)) for number in parallel]


SKOPEO = "skopeo --insecure-policy copy --quiet --all"

EXPORT = [
    Contender(OURS, "$BIN export --quiet --plain-http $SRC --list $LIST --output $OUT/bundle.tar"),
    Contender(OFF, "$BIN export --quiet --referrers none --plain-http $SRC --list $LIST --output $OUT/bundle.tar"),
    *several("skopeo", f"{SKOPEO} --src-tls-verify=false --dest-shared-blob-dir $OUT/blobs "
             "docker://$SRC/$0:$1 oci:$OUT/${0##*/}:$1", (4, 8)),
    Contender("skopeo", "skopeo --insecure-policy sync --all --scoped --src-tls-verify=false --src yaml --dest dir "
              "$SKOPEO_SYNC $OUT"),
    Contender("crane", "crane pull --insecure --format=oci $(cat $LIST) $OUT/layout"),
    Contender("crane", "xargs -P 4 -n $((($(wc -l < $LIST) + 3) / 4)) "
              "sh -c 'crane pull --insecure --format=oci \"$@\" $OUT/$$' sh < $LIST"),
    *several("regctl", "regctl image copy $SRC/$0:$1 ocidir://$OUT/${0##*/}:$1", (4, 8)),
    Contender(REGSYNC, "regsync once --config $SYNC"),
]

IMPORT = [
    Contender(OURS, "$BIN import --quiet --to http://$DST $BUNDLE"),
    *several("skopeo", f"{SKOPEO} --dest-tls-verify=false oci:$LAYOUTS/$0:$1 docker://$DST/$0:$1", (4, 8)),
    *several("crane", "crane push --insecure $LAYOUTS/$0 $DST/$0:$1", (4, 8)),
    *several("regctl", "regctl image copy --fast ocidir://$LAYOUTS/$0:$1 $DST/$0:$1", (4, 8)),
    Contender(REGSYNC, "regsync once --config $SYNC"),
]

MIRROR = [
    Contender(OURS, "$BIN mirror --quiet --plain-http $SRC --to http://$DST --list $LIST"),
    Contender(OFF, "$BIN mirror --quiet --referrers none --plain-http $SRC --to http://$DST --list $LIST"),
    *several("skopeo", f"{SKOPEO} --src-tls-verify=false --dest-tls-verify=false docker://$SRC/$0:$1 "
             "docker://$DST/$0:$1", (4, 8)),
    Contender("skopeo", "skopeo --insecure-policy sync --all --src-tls-verify=false --dest-tls-verify=false --src yaml "
              "--dest docker $SKOPEO_SYNC $DST/$CORPUS"),
    *several("crane", "crane copy --insecure $SRC/$0:$1 $DST/$0:$1", (4, 8)),
    *several("regctl", "regctl image copy --fast $SRC/$0:$1 $DST/$0:$1", (4, 8)),
    Contender(REGSYNC, "regsync once --config $BOTH"),
]

SIDELOAD = [
    Contender(OURS, "$BIN sideload --quiet --containerd-dir $OUT $BUNDLE"),
    *several("skopeo", "skopeo --insecure-policy copy --quiet oci:$LAYOUTS/$0:$1 oci-archive:$OUT/${0##*/}.tar",
             (2, 4)),
    *several("regctl", "regctl image export --platform linux/amd64 ocidir://$LAYOUTS/$0:$1 $OUT/${0##*/}.tar",
             (2, 4)),
    Contender(FLOOR, "cp --reflink=never --sparse=never $TARS/*.tar $OUT"),
]

OPENSSL = Contender("openssl", "openssl dgst -sha256 $BUNDLE")
#: What all cores together give, blob by blob: the rate that `openssl × cores` would have if cores added up.
OPENSSL_ALL = Contender(FLOOR, "find $BLOBS -name data | xargs -P $(nproc) -n 1 openssl dgst -sha256")

VERIFY = [Contender(OURS, "$BIN verify --quiet $BUNDLE"), OPENSSL, OPENSSL_ALL]
VERIFY_CACHED = [Contender(OURS, "$BIN verify --quiet --cached $BUNDLE"), OPENSSL, OPENSSL_ALL]

CURL = "curl --silent --show-error --fail --parallel --parallel-immediate --parallel-max 16"

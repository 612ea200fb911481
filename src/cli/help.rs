//! What `--help` says below the flags. Manual pages make a section of each part.

/// What a list looks like.
const LIST: &str = "\
The list:
  One artifact a line: `[KIND] REFERENCE [key=value …]`
  `#` begins a comment; double quotes hold white space

  nginx:1.27                     an image, chart or other artifact of a registry
  quay.io/app:1.0@sha256:…       the same, pinned; the tag is kept as a name
  oci://quay.io/charts/app:1.0   the same; `image`, `chart` or `artifact` in
                                 front insists on what it is
  file ./setup.sh                a plain file, or a folder of them
  file https://HOST/x sha256=…   a file behind an address
  snap k8s channel=1.32/stable   a snap of the store, its base, and what proves
                                 them; revision=N, arch=A, snapd=yes
  snap ./k8s.snap                a snap on disk, with its k8s.assert beside it
  assert ./brand.assert          a file of snap assertions

  platform=P[,P]   these platforms only; wins over --platform
  verify-key=FILE  refused unless that key has signed it; wins over --verify-key
  as=PATH[:TAG]    another name at the destination
  name=NAME        another name for a file
  basename=NAME    what the files of a snap are called on the far side
  images=yes       every image that a snap lists, too";

/// Where credentials come from.
const CREDENTIALS: &str = "\
Credentials:
  The first of these that has some for the registry, in a file by the most
  specific key:
  --username with --password-stdin or --password-file
  the file of --auth-file, and then no other
  the file of $REGISTRY_AUTH_FILE
  config.json in $DOCKER_CONFIG
  the file of $HELM_REGISTRY_CONFIG
  $XDG_RUNTIME_DIR/containers/auth.json
  containers/auth.json in $XDG_CONFIG_HOME or ~/.config
  ~/.docker/config.json";

/// How a command ends.
const EXIT: &str = "\
Exit status:
  0         done
  1         failed
  2         wrong usage or list
  3         integrity: a digest, a size, a signature, the format
  4         done in part, or the bundle announces that it is incomplete
  130, 143  interrupted; the same command goes on";

/// Returns all of it, for the command that reads lists.
pub(super) fn export(examples: &str) -> String {
    [LIST, CREDENTIALS, EXIT, examples].join("\n\n")
}

/// Returns what a command says that speaks to a registry.
pub(super) fn registry(examples: &str) -> String {
    [CREDENTIALS, EXIT, examples].join("\n\n")
}

/// Returns what every other command says.
pub(super) fn plain(examples: &str) -> String {
    [EXIT, examples].join("\n\n")
}

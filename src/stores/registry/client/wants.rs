//! What a registry wants that refuses a push, by product where that is sure. The table is [`RULES`]; its first row that
//! fits is told as the hint of the error, beside the registry's own words.

use reqwest::Method;
use reqwest::header::{HeaderMap, SET_COOKIE, WWW_AUTHENTICATE};

use super::Repository;
use super::refusal::{codes, said};
use crate::stores::http::Reply;

/// A product, as far as its answers tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Product {
    Artifactory,
    Ecr,
    Harbor,
    Hub,
    Quay,
}

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// An upload, before its first byte.
    Begin,
    /// The bytes of a blob.
    Blob,
    /// A manifest.
    Manifest,
}

/// A row: it fits where everything that it says does.
struct Rule {
    product: Option<Product>,
    /// None are any.
    doing: &'static [Doing],
    /// None are any.
    status: &'static [u16],
    /// Words of the codes and messages, in lower case, one of which is there; none are any.
    words: &'static [&'static str],
    shape: Shape,
    /// What to do; `{project}` is the first part of the path, `{registry}` the host.
    wants: &'static str,
}

/// What the path of the repository has to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Any,
    /// One part.
    Single,
    /// More than two parts.
    Nested,
    /// Not two parts.
    NotTwo,
}

const ANY: Rule = Rule { product: None, doing: &[], status: &[], words: &[], shape: Shape::Any, wants: "" };
const BEGIN: Rule = Rule { doing: &[Doing::Begin], ..ANY };
const MANIFEST: Rule = Rule { doing: &[Doing::Manifest], ..ANY };

/// What registries want. Sources: the error tables of Amazon ECR, Harbor (`src/lib/errors`, quota and immutable-tag
/// middleware), Quay (`endpoints/v2/errors.py`), Artifactory's Docker API, distribution, and nginx.
const RULES: &[Rule] = &[
    Rule {
        status: &[405],
        wants: "this registry takes no pushes: it is read-only or a cache of another one; name the one behind it with `--to`",
        ..ANY
    },
    Rule {
        status: &[413],
        wants: "the registry, or a proxy in front of it (`client_max_body_size` of nginx), takes no body of this size: \
                raise its limit",
        ..ANY
    },
    Rule {
        status: &[403, 406, 412, 413],
        words: &["quota", "exceed the configured upper limit", "storage limit"],
        wants: "its quota is used up: raise it, or remove from it what nobody needs; the same command goes on then",
        ..ANY
    },
    Rule {
        status: &[507],
        wants: "it has no room left: make some there; the same command goes on then",
        ..ANY
    },
    Rule {
        status: &[400, 403, 409, 412],
        words: &["immutable", "cannot be overwritten"],
        wants: "the tag may not be moved there: take its rule or the tag away, give the artifact another name with `as=` on \
                its line, or leave it out with `--except`",
        ..MANIFEST
    },
    Rule {
        product: Some(Product::Artifactory),
        status: &[403, 409],
        wants: "Artifactory lets only those overwrite a tag who may delete it: ask for that right, give the artifact \
                another name with `as=` on its line, or leave it out with `--except`",
        ..MANIFEST
    },
    Rule {
        product: Some(Product::Artifactory),
        status: &[400, 404, 415],
        words: &["manifest_invalid", "manifest invalid", "unsupported"],
        wants: "Artifactory's Docker repositories take images alone: push other artifacts to one of type OCI, or leave them \
                out with `--except artifact`",
        ..MANIFEST
    },
    Rule {
        status: &[400, 404, 415],
        words: &["manifest_invalid"],
        wants: "the registry does not take what this manifest says: leave it out with `--except`",
        ..MANIFEST
    },
    Rule {
        product: Some(Product::Ecr),
        words: &["name_unknown", "does not exist"],
        wants: "Amazon ECR makes no repository on a push: create it first; `airgap-bundle import --print repositories` lists \
                all that are needed",
        ..ANY
    },
    Rule {
        product: Some(Product::Hub),
        shape: Shape::NotTwo,
        wants: "Docker Hub takes two parts, `NAMESPACE/NAME`: say `--to docker.io/NAMESPACE --max-components 2`",
        ..BEGIN
    },
    Rule {
        product: Some(Product::Harbor),
        shape: Shape::Single,
        wants: "Harbor takes no path of one part: put a project in front with `--to {registry}/PROJECT`",
        ..BEGIN
    },
    Rule {
        product: Some(Product::Harbor),
        status: &[401, 403, 404],
        wants: "make the project `{project}` in Harbor first, or ask for the right to push to it; another is named with \
                `--to {registry}/PROJECT`",
        ..BEGIN
    },
    Rule {
        product: Some(Product::Quay),
        status: &[401, 403, 404],
        shape: Shape::Nested,
        wants: "Quay says so, too, where the organization `{project}` is not there, where the account may create no \
                repository in it, and, before 3.6, for a path of more than two parts: `--max-components 2` makes it shorter",
        ..BEGIN
    },
    Rule {
        product: Some(Product::Quay),
        status: &[401, 403, 404],
        wants: "Quay says so, too, where the organization `{project}` is not there, or the account may create no repository \
                in it: make it first, or ask for that right",
        ..BEGIN
    },
    Rule {
        product: Some(Product::Artifactory),
        status: &[400, 403, 404],
        wants: "the first part of a path is the key of a repository in Artifactory, and `{project}` is none that may be \
                pushed to: name one with `--to {registry}/KEY`",
        ..BEGIN
    },
    Rule {
        status: &[404],
        words: &["name_unknown"],
        wants: "create the repository first; `airgap-bundle import --print repositories` lists all that are needed",
        ..BEGIN
    },
    Rule {
        status: &[400, 404],
        words: &["name_invalid", "invalid repository name"],
        wants: "the registry takes no such path: `--to {registry}/PREFIX` puts parts in front, `--max-components N` makes it \
                shorter",
        ..BEGIN
    },
];

/// Returns what to do about the answer to a push, where that is known.
pub(super) fn wants(repository: &Repository, reply: &Reply) -> Option<String> {
    let doing = match reply.head.method {
        Method::POST => Doing::Begin,
        Method::PUT if reply.head.url.path().contains("/manifests/") => Doing::Manifest,
        Method::PUT | Method::PATCH => Doing::Blob,
        _ => return None,
    };
    let words = format!("{} {}", codes(reply).join(" "), said(reply)).to_lowercase();
    let product = product(repository.registry(), &reply.head.headers, &words);
    advice(repository, product, doing, reply.head.status.as_u16(), &words)
}

fn advice(
    repository: &Repository,
    product: Option<Product>,
    doing: Doing,
    status: u16,
    words: &str,
) -> Option<String> {
    let parts = repository.path().split('/').count();
    let fits = |rule: &&Rule| {
        rule.product.is_none_or(|wanted| product == Some(wanted))
            && (rule.doing.is_empty() || rule.doing.contains(&doing))
            && (rule.status.is_empty() || rule.status.contains(&status))
            && (rule.words.is_empty() || rule.words.iter().any(|word| words.contains(word)))
            && match rule.shape {
                Shape::Any => true,
                Shape::Single => parts == 1,
                Shape::Nested => parts > 2,
                Shape::NotTwo => parts != 2,
            }
    };
    let rule = RULES.iter().find(fits)?;
    let project = repository.path().split('/').next().unwrap_or_default();
    Some(rule.wants.replace("{project}", project).replace("{registry}", repository.registry()))
}

/// Tells a product by its host, by headers of its own, or by words that are its own.
fn product(registry: &str, headers: &HeaderMap, words: &str) -> Option<Product> {
    let host = registry.split(':').next().unwrap_or_default();
    let holds = |name, text: &str| {
        headers.get_all(name).iter().any(|value| value.to_str().is_ok_and(|value| value.contains(text)))
    };
    let artifactory = ["x-jfrog-version", "x-artifactory-id", "x-artifactory-node-id"];
    let aws = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    if (host.contains(".dkr.ecr.") && aws) || host == "public.ecr.aws" {
        Some(Product::Ecr)
    } else if host == "docker.io" {
        Some(Product::Hub)
    } else if host.ends_with(".jfrog.io") || artifactory.iter().any(|name| headers.contains_key(*name)) {
        Some(Product::Artifactory)
    } else if holds(WWW_AUTHENTICATE, "service=\"harbor-registry\"")
        || holds(SET_COOKIE, "_gorilla_csrf")
        || headers.contains_key("x-harbor-csrf-token")
        || (words.contains("project ") && words.contains(" not found"))
    {
        Some(Product::Harbor)
    } else if host == "quay.io" || words.contains("access to the requested resource is not authorized") {
        Some(Product::Quay)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::Doing::{Begin, Blob, Manifest};
    use super::*;

    const ECR: &str = "1.dkr.ecr.eu-west-1.amazonaws.com";

    fn headers(text: &str) -> HeaderMap {
        let line = text.split_once(": ");
        HeaderMap::from_iter(line.map(|(name, value)| {
            let name: reqwest::header::HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        }))
    }

    #[test]
    fn every_product_is_told_what_it_wants() {
        let harbor = "www-authenticate: Bearer realm=\"https://h/service/token\",service=\"harbor-registry\"";
        for (registry, path, header, doing, status, words, expected) in [
            (
                ECR,
                "a/b",
                "",
                Begin,
                404,
                "NAME_UNKNOWN The repository does not exist",
                Some("--print repositories"),
            ),
            (ECR, "a/b", "", Manifest, 400, "TAG_INVALID the repository is immutable", Some("`as=`")),
            ("public.ecr.aws", "a/b", "", Begin, 404, "NAME_UNKNOWN", Some("Amazon ECR")),
            (
                "h:5000",
                "a",
                harbor,
                Begin,
                400,
                "BAD_REQUEST invalid repository name: a",
                Some("`--to h:5000/PROJECT`"),
            ),
            ("h:5000", "a/b", harbor, Begin, 401, "UNAUTHORIZED", Some("make the project `a` in Harbor")),
            (
                "h",
                "a/b",
                "",
                Begin,
                404,
                "NOT_FOUND project a not found",
                Some("make the project `a` in Harbor"),
            ),
            (
                "h",
                "a/b",
                "",
                Manifest,
                412,
                "PRECONDITION Failed to process request due to 'b:1' configured as immutable.",
                Some("may not be moved"),
            ),
            (
                "h",
                "a/b",
                "",
                Blob,
                403,
                "DENIED adding 1 MiB, which will exceed the configured upper limit of 1 MiB",
                Some("quota is used up"),
            ),
            ("quay.io", "a/b/c", "", Begin, 401, "UNAUTHORIZED", Some("`--max-components 2`")),
            (
                "h",
                "a/b",
                "",
                Begin,
                401,
                "UNAUTHORIZED access to the requested resource is not authorized",
                Some("the organization `a`"),
            ),
            (
                "h",
                "a/b",
                "",
                Blob,
                403,
                "DENIED Quota has been exceeded on namespace",
                Some("quota is used up"),
            ),
            ("x.jfrog.io", "a/b", "", Manifest, 403, "DENIED", Some("may delete it")),
            ("h", "a/b", "x-jfrog-version: 7", Manifest, 409, "", Some("may delete it")),
            ("h", "a/b", "x-artifactory-id: 7", Manifest, 400, "MANIFEST_INVALID", Some("one of type OCI")),
            ("h", "a/b", "x-artifactory-id: 7", Begin, 404, "", Some("`--to h/KEY`")),
            ("h", "a/b", "", Manifest, 400, "MANIFEST_INVALID", Some("leave it out")),
            ("docker.io", "a/b/c", "", Begin, 401, "", Some("Docker Hub")),
            ("docker.io", "a/b", "", Begin, 401, "", None),
            ("h", "a/b", "", Begin, 405, "UNSUPPORTED", Some("read-only")),
            ("h", "a/b", "", Blob, 413, "", Some("client_max_body_size")),
            ("h", "a/b", "", Blob, 507, "", Some("no room left")),
            ("h", "a/b", "", Begin, 404, "NAME_UNKNOWN", Some("create the repository first")),
            ("h", "a/b", "", Begin, 400, "NAME_INVALID", Some("`--max-components N`")),
            // Not sure enough: the registry's own words have to do.
            ("h", "a/b", "", Begin, 403, "DENIED requested access to the resource is denied", None),
            ("h", "a/b", "", Begin, 401, "UNAUTHORIZED", None),
            ("ecr.example.com", "a/b", "", Begin, 403, "DENIED", None),
        ] {
            let words = words.to_lowercase();
            let repository = Repository::new(registry, path).unwrap();
            let product = product(registry, &headers(header), &words);
            let told = advice(&repository, product, doing, status, &words);
            match expected {
                Some(text) => assert!(
                    told.as_ref().is_some_and(|told| told.contains(text)),
                    "{registry} {path} {words}: {told:?}"
                ),
                None => assert_eq!(told, None, "{registry} {path} {words}"),
            }
        }
    }
}

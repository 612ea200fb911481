//! Pages of lists: `n` and `last` in the query, `Link` in the reply (OCI distribution spec 1.1, "Listing Tags").

use axum::http::header::{HeaderName, LINK};

use super::query::Query;
use super::refusal::{Code, Refusal};

/// One page of a sorted list.
#[derive(Debug)]
pub(super) struct Page<T> {
    /// The entries.
    pub(super) items: Vec<T>,
    /// The header that leads to the next page, where there is one.
    pub(super) link: Option<(HeaderName, String)>,
}

/// Cuts a page out of `items`, which are sorted by their names. `others` is the rest of the query, which the next
/// page needs again.
pub(super) fn page<'a, T>(
    query: &Query,
    limit: usize,
    path: &str,
    others: &str,
    items: impl Iterator<Item = (&'a str, T)>,
) -> Result<Page<T>, Refusal> {
    let wanted = match query.get("n") {
        None => limit,
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| {
                Refusal::new(Code::Unsupported, format!("`n={text}` is not a number"))
                    .status(axum::http::StatusCode::BAD_REQUEST)
            })?
            .min(limit),
    };
    let after = query.get("last").unwrap_or_default();
    let mut items = items.filter(|(name, _)| *name > after);
    let mut page = Vec::new();
    let mut last = "";
    while page.len() < wanted {
        let Some((name, item)) = items.next() else { break };
        last = name;
        page.push(item);
    }
    let more = !page.is_empty() && items.next().is_some();
    let link = more.then(|| (LINK, format!("<{path}?n={wanted}&last={last}{others}>; rel=\"next\"")));
    Ok(Page { items: page, link })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(query: &str) -> (Vec<&'static str>, Option<String>) {
        let items = ["a", "b", "c", "d"].into_iter().map(|name| (name, name));
        let page = page(&Query::parse(query), 3, "/p", "", items).unwrap();
        (page.items, page.link.map(|(_, link)| link))
    }

    #[test]
    fn cuts_pages() {
        let next = |n: usize, last: &str| Some(format!("</p?n={n}&last={last}>; rel=\"next\""));
        assert_eq!(cut(""), (vec!["a", "b", "c"], next(3, "c")));
        assert_eq!(cut("n=2"), (vec!["a", "b"], next(2, "b")));
        assert_eq!(cut("n=2&last=b"), (vec!["c", "d"], None));
        assert_eq!(cut("n=9&last=c"), (vec!["d"], None));
        assert_eq!(cut("n=0"), (vec![], None));
        assert_eq!(cut("last=zzz"), (vec![], None));
        assert!(page(&Query::parse("n=x"), 3, "/p", "", [("a", ())].into_iter()).is_err());
    }
}

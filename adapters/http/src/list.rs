//! Pages as clients see them: items, and the URLs of the neighbours, ready to be followed.

use crate::{
    cursor::{self, Position},
    problem::ApiError,
    route::Request,
};
use domain::{Cursor, Page};

/// A page with URLs in place of cursors.
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
    pub(crate) prev: Option<String>,
}

/// Answers `request` with the page that `use_case` finds, in the order `sort`. The neighbours have the URL of the
/// request itself, all its parameters kept, but for the cursor.
pub(crate) async fn list_with_pagination<T, P: Position>(
    request: &Request,
    sort: &str,
    use_case: impl Future<Output = Result<Page<T, P>, ApiError>>,
) -> Result<Listed<T>, ApiError> {
    let Page { items, next, prev } = use_case.await?;
    let url = |to: Option<Cursor<P>>| to.map(|to| neighbour(request, &cursor::encode(&to, sort)));
    Ok(Listed { items, next: url(next), prev: url(prev) })
}

fn neighbour(request: &Request, cursor: &str) -> String {
    request.url(&format!("{}?{}", request.path(), with_cursor(request, cursor)))
}

/// The query of `request`, all its parameters kept, but for the cursor.
pub(crate) fn with_cursor(request: &Request, cursor: &str) -> String {
    let kept = request.query().unwrap_or_default().split('&');
    let kept = kept.filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("cursor"));
    let mut query = String::new();
    for pair in kept {
        query.push_str(pair);
        query.push('&');
    }
    query.push_str("cursor=");
    query.push_str(cursor);
    query
}

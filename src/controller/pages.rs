use kube::Api;
use kube::api::{DynamicObject, ListParams};

/// Objects that are read at once.
const PAGE: u32 = 100;

/// Reads page by page, and keeps the part of each object that is needed.
pub async fn list<T>(
    api: &Api<DynamicObject>,
    parameters: ListParams,
    read: impl Fn(DynamicObject) -> kube::Result<Option<T>>,
) -> kube::Result<Vec<T>> {
    let mut parameters = parameters.limit(PAGE);
    let mut found = Vec::new();
    loop {
        let page = api.list(&parameters).await?;
        for object in page.items {
            found.extend(read(object)?);
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => parameters = parameters.continue_token(&token),
            None => return Ok(found),
        }
    }
}

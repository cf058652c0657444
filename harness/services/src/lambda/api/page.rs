//! Lists, page by page.

use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::{Map, Value, json};

use crate::lambda::api::input::integer;
use crate::lambda::error::invalid;

/// The page of `items` that a call asks for with `Marker` and `MaxItems`.
/// AWS's pages hold at most 50 items; the marker is the place in the list.
pub(in crate::lambda) fn page(
    call: &Call,
    member: &str,
    items: Vec<Value>,
) -> Result<Reply, ServiceError> {
    let from = match call.text("Marker").filter(|marker| !marker.is_empty()) {
        None => 0,
        Some(marker) => marker
            .parse::<usize>()
            .ok()
            .filter(|from| *from <= items.len())
            .ok_or_else(|| invalid("The provided marker is invalid."))?,
    };
    let most = integer(call, "MaxItems")?.unwrap_or(50).clamp(1, 50);
    let most = usize::try_from(most).unwrap_or(50);
    let to = from + most;
    let next = (to < items.len()).then(|| to.to_string());
    let shown: Vec<Value> = items.into_iter().skip(from).take(most).collect();
    let mut fields = Map::from_iter([(member.to_owned(), json!(shown))]);
    if let Some(next) = next {
        fields.insert("NextMarker".to_owned(), json!(next));
    }
    Ok(Reply::fields(Value::Object(fields)))
}

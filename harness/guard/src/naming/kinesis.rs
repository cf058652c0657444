//! Iterators of Kinesis: each belongs to one stream, which is the call's target,
//! whatever `StreamARN` says.

use std::borrow::Cow;

use ringfence_wire::{Call, ServiceError};

use super::Named;
use crate::requirements::State;

/// Names the stream of the iterator.
///
/// # Errors
/// `InvalidArgumentException`, for an iterator that nobody was given, or of another
/// stream than the call names
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html>).
pub(super) fn named<'a>(call: &'a Call, state: &dyn State) -> Result<Named<'a>, ServiceError> {
    let Some(iterator) = call.text("ShardIterator").filter(|_| call.name() == "GetRecords") else {
        return Ok(Named { call: Cow::Borrowed(call), absent: None });
    };
    let stream = state.iterator_stream(iterator);
    let is_other = call.text("StreamARN").is_some_and(|arn| Some(arn) != stream.as_deref());
    let Some(stream) = stream.filter(|_| !is_other) else {
        let message = "Invalid ShardIterator.";
        return Err(ServiceError::new(400, "InvalidArgumentException", message));
    };
    let mut named = call.clone();
    named.input.insert("StreamARN".to_owned(), stream.into());
    Ok(Named { call: Cow::Owned(named), absent: None })
}

//! Which stream the iterators of Kinesis and DynamoDB Streams belong to. An iterator
//! names its shard to its service alone; who reads by it needs the permission on its
//! stream.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::Response;
use ringfence_models::Partition;
use ringfence_wire::{Call, response};

use super::{Directory, read};

/// How many are remembered. AWS's are good for five minutes.
const KEPT: usize = 16_384;

/// The iterators that were given out last, with the ARNs of their streams.
#[derive(Debug, Default)]
pub(super) struct Iterators(Mutex<VecDeque<(String, String)>>);

impl Directory {
    /// Notes an iterator that a call was given.
    pub(crate) fn iterator_given(&self, call: &Call, answer: &Response<Bytes>) {
        let member = match (call.service().name(), call.name()) {
            ("kinesis" | "dynamodbstreams", "GetShardIterator") => "ShardIterator",
            ("kinesis" | "dynamodbstreams", "GetRecords") => "NextShardIterator",
            _ => return,
        };
        let Ok(told) = response::decode(call.operation, answer) else { return };
        let (Some(given), Some(stream)) = (read::text(&told, member), self.stream_of(call)) else {
            return;
        };
        let mut all = self.iterators.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            all.pop_front();
        }
        all.push_back((given.to_owned(), stream));
    }

    /// The stream of an iterator that was given out.
    pub(crate) fn iterator_stream(&self, iterator: &str) -> Option<String> {
        let all = self.iterators.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut latest = all.iter().rev();
        latest.find(|(given, _)| given == iterator).map(|(_, stream)| stream.clone())
    }

    /// The stream that a call is about.
    fn stream_of(&self, call: &Call) -> Option<String> {
        if let Some(iterator) = call.text("ShardIterator") {
            return self.iterator_stream(iterator);
        }
        let arn = call.text("StreamARN").or_else(|| call.text("StreamArn"));
        arn.map(str::to_owned).or_else(|| {
            let (region, account) = (&call.region, &self.setting.account_id);
            let name = call.text("StreamName")?;
            let partition = Partition::of_region(region);
            Some(format!("arn:{partition}:kinesis:{region}:{account}:stream/{name}"))
        })
    }
}

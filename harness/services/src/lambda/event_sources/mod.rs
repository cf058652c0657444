//! Event source mappings: what Lambda reads for a function, as the function's
//! execution role.
//!
//! | file | job |
//! |---|---|
//! | `source` | which source an ARN means |
//! | `settings` | what a mapping is set to: read, checked, shown |
//! | `filter` | which records a function gets |
//! | `store` | the mappings of the account, and in which state they are |
//! | `api` | the operations |
//! | `access` | whether the execution role may read the source |
//! | `poll` | queues, read and delivered |
//!
//! Mappings of queues, Kinesis streams and DynamoDB streams are made. Queues are
//! polled; streams are not: their functions are invoked by nothing here. Other
//! sources (Kafka, Amazon MQ, DocumentDB) are refused by name.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html>

mod access;
mod api;
mod filter;
mod poll;
mod settings;
mod source;
pub(in crate::lambda) mod store;

pub(in crate::lambda) use access::Asked;

use crate::lambda::Lambda;

/// What the guard must know of an event source mapping to decide on a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingFacts {
    /// The ARN of its function, unqualified.
    pub function_arn: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
}

impl Lambda {
    /// What the guard must know of a mapping.
    pub fn event_source_mapping(&self, uuid: &str) -> Option<MappingFacts> {
        self.event_sources.look(uuid, |mapping| MappingFacts {
            function_arn: crate::lambda::name::function_arn(
                &self.setting,
                &mapping.settings.function.function,
            ),
            tags: mapping.tags.clone().into_iter().collect(),
        })
    }
}

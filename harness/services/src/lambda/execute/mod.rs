//! What runs functions: invocations, execution environments with their processes,
//! sessions and logs, requests to URLs, and where results go.

pub(in crate::lambda) mod confinement;
pub(in crate::lambda) mod destination;
pub(in crate::lambda) mod environment;
pub(in crate::lambda) mod invoke;
pub(in crate::lambda) mod language;
pub(in crate::lambda) mod logs;
pub(in crate::lambda) mod payload;
pub(in crate::lambda) mod pool;
pub(in crate::lambda) mod process;
pub(in crate::lambda) mod results;
pub(in crate::lambda) mod role;
pub(in crate::lambda) mod run;
pub(in crate::lambda) mod runtime_api;
pub(in crate::lambda) mod serve;
pub(in crate::lambda) mod tasks;
pub(in crate::lambda) mod trace;

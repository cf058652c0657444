//! Lambda against an endpoint that answers as the guard and its upstream do.

mod control;
mod forgers;
mod invocations;
mod queue;
mod recorded;
mod support;
mod versions;

//! Lambda against an endpoint that answers as the guard and its upstream do.

mod control;
mod event_sources;
mod forgers;
mod invocations;
mod layers;
mod node;
mod queue;
mod recorded;
mod support;
mod versions;

//! Lambda against an endpoint that answers as the guard and its upstream do.

mod control;
mod event_sources;
mod forgers;
mod image;
mod invocations;
mod layers;
mod node;
mod queue;
mod recorded;
mod results;
mod support;
mod versions;

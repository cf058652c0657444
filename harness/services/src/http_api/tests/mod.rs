//! The control plane call by call, and requests from host to answer.

mod control;
mod deploying;
mod serving;
mod tokens;

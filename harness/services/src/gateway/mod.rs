//! What HTTP APIs and REST APIs share: how the gateway invokes a function, what an
//! authorizer's function answers, how long that is kept, and who decides by the
//! policy that it gave.

pub(crate) mod answer;
pub(crate) mod cache;
pub(crate) mod invoke;
mod judge;

pub use judge::{Judge, Judgement, Question};

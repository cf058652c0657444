//! What HTTP APIs and REST APIs share: how the gateway invokes a function, what an
//! authorizer's function answers, how long that is kept, and who decides by the
//! policy that it gave.

pub(crate) mod answer;
pub(crate) mod cache;
pub(crate) mod invoke;
mod judge;

pub use judge::{Judge, Judgement, Question};

/// Among a response's extensions: who authorizes a request, or nobody, let it in, and
/// what answers is the integration, or the gateway on its behalf. The response itself
/// does not tell: an integration may answer as the gateway does who refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LetIn;

//! What an identity may do, read from its policies: the twin of attacks on
//! identities of which no work of their own is known.

use ringfence_guard::{Caller, Guard, Overlay, Question};
use ringfence_policy::Decision;

use super::granted::{Granted, GrantedError};

/// How many requests that its policies suggest are put to the guard.
const TRIED: usize = 48;

/// Whether the guard would allow something.
pub(super) async fn may(guard: &Guard, caller: Caller<'_>, question: &Question) -> bool {
    match guard.inputs(caller, std::slice::from_ref(question)).await {
        Ok(inputs) => inputs.decide_each(&Overlay::none()).first().is_some_and(Decision::allowed),
        // What cannot be asked shows nothing.
        Err(_) => false,
    }
}

/// Something that the identity may do; none where its policies allow nothing.
///
/// # Errors
/// When prover and engine differ.
pub(super) async fn work(
    guard: &Guard,
    caller: Caller<'_>,
    granted: &Granted,
) -> Result<Option<Question>, GrantedError> {
    for question in granted.suggested()?.take(TRIED) {
        let question = question?;
        if may(guard, caller, &question).await {
            return Ok(Some(question));
        }
    }
    Ok(None)
}

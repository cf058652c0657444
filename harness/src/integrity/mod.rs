//! Whether the verdict is about what was applied: that nothing under test could
//! change what is judged.

mod root_calls;

use crate::attacks::{Finding, Verdict};
use crate::stack::Stack;

/// What was found, at the end of a run.
pub fn findings(stack: &Stack) -> Vec<Finding> {
    vec![root_calls::finding(&stack.foreign_root_calls())]
}

/// What did not hold of it.
pub fn failures(stack: &Stack) -> Vec<Finding> {
    findings(stack).into_iter().filter(|finding| finding.verdict != Verdict::Held).collect()
}

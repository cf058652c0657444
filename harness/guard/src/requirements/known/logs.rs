//! CloudWatch Logs.

use super::{Known, set};

pub(super) const KNOWN: &[Known] = &[
    set(&["aws:RequestTag/*", "aws:TagKeys"]),
    set(&["aws:ResourceTag/*"]).on(&["log-group", "log-stream"]),
];

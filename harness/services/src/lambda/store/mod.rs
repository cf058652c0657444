//! What is kept: functions with their versions, configurations and code.

pub(in crate::lambda) mod code;
pub(in crate::lambda) mod configuration;
pub(in crate::lambda) mod functions;
pub(in crate::lambda) mod image;
pub(in crate::lambda) mod package;

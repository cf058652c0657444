//! What AWS refuses of an authorized call and an emulator takes, service by
//! service.

pub(crate) mod ec2;
pub(crate) mod grants;
pub(crate) mod iam;
pub(crate) mod logs;
pub(crate) mod resource_policies;
pub(crate) mod s3;
pub(crate) mod secrets;
pub(crate) mod ssm;
pub(crate) mod statements;
pub(crate) mod tags;

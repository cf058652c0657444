//! CloudFormation.

use super::{Known, set};

pub(super) const KNOWN: &[Known] = &[
    set(&["aws:RequestTag/*", "aws:TagKeys"]),
    // The stack's; a stack that is not there has none.
    set(&["aws:ResourceTag/*"]).on(&["stack"]),
    set(&[
        "cloudformation:ChangeSetName",
        "cloudformation:ImportResourceTypes",
        "cloudformation:ResourceTypes",
        "cloudformation:RoleArn",
        "cloudformation:StackPolicyUrl",
        "cloudformation:TemplateUrl",
        "cloudformation:TypeArn",
    ]),
];

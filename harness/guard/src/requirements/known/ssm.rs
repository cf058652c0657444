//! Systems Manager.

use super::{ITSELF, Known, set};

pub(super) const KNOWN: &[Known] = &[
    set(&["aws:RequestTag/*", "aws:TagKeys"]),
    // A parameter's; the path of GetParametersByPath is none.
    set(&["aws:ResourceTag/*", "ssm:resourceTag/*"]).on(&["parameter"]),
    // These carry the key itself too; of other things than parameters the type
    // brings it.
    set(&["aws:ResourceTag/*"])
        .of(&[
            "AddTagsToResource",
            "DeleteParameter",
            "DeleteParameters",
            "GetParameter",
            "GetParameterHistory",
            "GetParameters",
            "LabelParameterVersion",
            "ListTagsForResource",
            "PutParameter",
            "RemoveTagsFromResource",
            "UnlabelParameterVersion",
        ])
        .on(&[ITSELF]),
    set(&["ssm:Overwrite", "ssm:Policies", "ssm:Recursive", "ssm:SyncType"]),
];

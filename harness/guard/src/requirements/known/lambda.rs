//! Lambda.

use super::{Known, absent, set};

const URL_CONFIGURATIONS: &[&str] = &[
    "AddPermission",
    "CreateFunctionUrlConfig",
    "DeleteFunctionUrlConfig",
    "GetFunctionUrlConfig",
    "InvokeFunctionUrl",
    "RemovePermission",
    "UpdateFunctionUrlConfig",
];

pub(super) const KNOWN: &[Known] = &[
    set(&["aws:RequestTag/*", "aws:TagKeys"]),
    // Of another account's function the mapping says that they are unknown.
    set(&["aws:ResourceTag/*"]).on(&["function", "function alias", "function version"]),
    set(&[
        "lambda:CodeSigningConfigArn",
        "lambda:InvokedViaFunctionUrl",
        "lambda:Layer",
        "lambda:SecurityGroupIds",
        "lambda:SubnetIds",
        "lambda:VpcIds",
    ]),
    set(&["lambda:FunctionArn"]).of(&[
        "CreateEventSourceMapping",
        "CreateFunctionUrlConfig",
        "DeleteEventSourceMapping",
        "DeleteFunctionUrlConfig",
        "GetEventSourceMapping",
        "GetFunctionUrlConfig",
        "InvokeFunctionUrl",
        "UpdateEventSourceMapping",
        "UpdateFunctionUrlConfig",
    ]),
    set(&["lambda:FunctionUrlAuthType"]).of(URL_CONFIGURATIONS),
    set(&["lambda:Principal"]).of(&["AddPermission", "RemovePermission"]),
    absent(&["lambda:EventSourceToken"], "no Alexa skill calls"),
];

//! Which calls store the policy of a resource, and what each service says of one
//! that it does not store.
//!
//! Sources, beyond those beside the rows:
//! - Which errors an operation has: its model.
//! - Rows with the sentences of the parser (`PARSER`): DynamoDB was seen to answer
//!   with them in October 2026, and EventBridge with one of them
//!   (<https://github.com/hashicorp/terraform-provider-aws/issues/27976>). For the
//!   services under "by their models" no report was found: that they refuse such a
//!   document follows from what their error says, the sentence is the parser's.
//! - Principals must be there in all of them: a stored policy holds their unique
//!   ids
//!   (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>).

use ringfence_policy::malformed::Elements;

/// A kind of call that stores a policy.
#[derive(Debug)]
pub(super) struct Row {
    /// The API, by its model's name.
    pub(super) api: &'static str,
    pub(super) operations: &'static [&'static str],
    pub(super) at: At,
    /// The prefix of the actions that the policy is about.
    pub(super) prefix: &'static str,
    pub(super) actions: Actions,
    pub(super) elements: Elements,
    pub(super) resources: Resources,
    pub(super) words: Words,
    pub(super) quotas: &'static [Quota],
}

/// Where a call has the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// In a member.
    Member(&'static str),
    /// In a member; an empty text takes the policy away.
    Removable(&'static str),
    /// `Attributes` with one called `Policy`; an empty text takes it away.
    Attributes,
    /// `AttributeName` and `AttributeValue`.
    Attribute,
    /// `patchOperations` on `/policy`.
    Patch,
}

/// Which actions a policy may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actions {
    /// The service takes any, as far as is known.
    Any,
    /// Those of the prefix, and `*`.
    OfPrefix,
    /// Those, and patterns that match one of them but not all.
    Only(&'static [&'static str]),
    /// Those on tables and indexes, or on streams, as the resource is.
    OfTable,
}

/// Which resources a policy may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resources {
    /// ARNs and patterns.
    Arns,
    /// Anything: the service does not look.
    Anything,
    /// The topic's own ARN, or a pattern.
    OwnTopic,
    /// The bus's own ARN, those of its rules, or a pattern.
    OwnBus,
}

/// What a service says. `{}` stands for the parser's sentence, the actions or the
/// resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    pub(super) status: u16,
    pub(super) code: &'static str,
    /// Of what is no policy.
    pub(super) form: &'static str,
    /// Of a principal that is none or not there, and of a service that is none.
    pub(super) principal: &'static str,
    pub(super) absent: &'static str,
    pub(super) service: &'static str,
    /// Of actions, with a code where that is another.
    pub(super) action: (&'static str, &'static str),
    pub(super) resource: &'static str,
}

/// What is counted in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Bytes,
    Statements,
    /// In one statement.
    Actions,
    Principals,
    Conditions,
}

/// How much of it there may be. In the message `{}` stands for how much there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quota {
    pub(super) counted: Counted,
    pub(super) most: usize,
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

const fn quota(
    counted: Counted,
    most: usize,
    status: u16,
    code: &'static str,
    message: &'static str,
) -> Quota {
    Quota { counted, most, status, code, message }
}

/// One sentence, whatever is wrong.
const fn one(code: &'static str, sentence: &'static str) -> Words {
    Words {
        status: 400,
        code,
        form: sentence,
        principal: sentence,
        absent: sentence,
        service: sentence,
        action: (code, sentence),
        resource: sentence,
    }
}

const INVALID_PRINCIPAL: &str = "Invalid principal in policy";

/// The parser's own sentences.
const fn parser(code: &'static str) -> Words {
    Words {
        principal: "{}",
        absent: INVALID_PRINCIPAL,
        service: INVALID_PRINCIPAL,
        action: (code, "The following action names are invalid: {}"),
        resource: "The relative-id \"{}\" is invalid for ARN \"{arn}\"",
        ..one(code, "{}")
    }
}

/// Row of a service that answers with the parser's sentences.
const fn plain(
    api: &'static str,
    operations: &'static [&'static str],
    member: &'static str,
    prefix: &'static str,
    code: &'static str,
) -> Row {
    Row {
        api,
        operations,
        at: At::Member(member),
        prefix,
        actions: Actions::OfPrefix,
        elements: Elements::All,
        resources: Resources::Arns,
        words: parser(code),
        quotas: &[],
    }
}

/// <https://github.com/aws/aws-cdk/issues/15602> and others.
const SQS: Words = Words {
    // https://github.com/aws/aws-cdk/issues/2381
    action: (
        "InvalidParameterValue",
        "Value {} for parameter ActionName is invalid. Reason: Please refer to the appropriate \
         WSDL for a list of valid actions.",
    ),
    ..one("InvalidAttributeValue", "Invalid value for the parameter Policy.")
};

/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html>.
/// Of actions: <https://github.com/ministryofjustice/cloud-platform-environments/pull/9082>;
/// of bytes: <https://github.com/Particular/NServiceBus.AmazonSQS/issues/830>, where
/// the code is not told. The others are written as that of actions is.
const SQS_QUOTAS: &[Quota] = &[
    quota(Counted::Bytes, 8_192, 403, "OverLimit", "Submitted policy is over max allowed size."),
    quota(
        Counted::Statements,
        20,
        403,
        "OverLimit",
        "{} statements were found in the submitted policy, max allowed is 20",
    ),
    quota(
        Counted::Actions,
        7,
        403,
        "OverLimit",
        "{} actions were found in a statement from the submitted policy, max allowed is 7",
    ),
    quota(
        Counted::Principals,
        50,
        403,
        "OverLimit",
        "{} principals were found in the submitted policy, max allowed is 50",
    ),
    quota(
        Counted::Conditions,
        10,
        403,
        "OverLimit",
        "{} conditions were found in the submitted policy, max allowed is 10",
    ),
];

/// <https://github.com/cloudposse/terraform-aws-sns-topic/pull/44> (nobody named),
/// <https://github.com/aws/serverless-application-model/issues/1591> (a service that
/// is none), <https://github.com/hashicorp/terraform/issues/31538> (a principal).
/// Of the action: recorded on AWS in LocalStack's `test_add_permission_errors`. That
/// what is no policy for any other reason is `null` too follows from these.
const SNS: Words = Words {
    principal: "Invalid parameter: Policy Error: PrincipalNotFound",
    absent: "Invalid parameter: Policy Error: PrincipalNotFound",
    action: (
        "InvalidParameter",
        "Invalid parameter: Policy statement action out of service scope!",
    ),
    ..one("InvalidParameter", SNS_NULL)
};
const SNS_NULL: &str = "Invalid parameter: Policy Error: null";

/// <https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html>;
/// `Receive` stands in the policies that topics were made with.
pub(super) const SNS_ACTIONS: &[&str] = &[
    "AddPermission",
    "DeleteTopic",
    "GetDataProtectionPolicy",
    "GetTopicAttributes",
    "ListSubscriptionsByTopic",
    "ListTagsForResource",
    "Publish",
    "PutDataProtectionPolicy",
    "Receive",
    "RemovePermission",
    "SetTopicAttributes",
    "Subscribe",
];

/// The same page.
const SNS_QUOTAS: &[Quota] = &[
    quota(Counted::Bytes, 30 * 1_024, 400, "InvalidParameter", SNS_NULL),
    quota(Counted::Statements, 100, 400, "InvalidParameter", SNS_NULL),
    quota(Counted::Principals, 200, 400, "InvalidParameter", SNS_NULL),
];

/// <https://github.com/terraform-aws-modules/terraform-aws-kms/issues/30>. Other
/// sentences than this and that of the lockout were not found.
const KMS_PRINCIPAL: &str = "Policy contains a statement with one or more invalid principals.";
const KMS: Words = Words {
    principal: KMS_PRINCIPAL,
    absent: KMS_PRINCIPAL,
    service: KMS_PRINCIPAL,
    ..parser("MalformedPolicyDocumentException")
};

/// `LimitExceededException` in the model: "a length constraint or quota was
/// exceeded".
const KMS_QUOTAS: &[Quota] = &[quota(
    Counted::Bytes,
    32_768,
    400,
    "LimitExceededException",
    "The request was rejected because a length constraint or quota was exceeded.",
)];

/// <https://github.com/awsdocs/amazon-ecr-user-guide/pull/20> (with a resource);
/// of who is not there: <https://github.com/hashicorp/terraform-provider-aws/issues/39064>.
const ECR: Words = Words {
    absent: "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'",
    ..one(
        "InvalidParameterException",
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository \
         policy provided'",
    )
};
/// <https://github.com/pulumi/pulumi-aws/issues/2326>
const ECR_REGISTRY: Words = Words {
    absent: ECR.absent,
    ..one(
        "InvalidParameterException",
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy \
         provided'",
    )
};

/// As measured in October 2026; of the actions of a stream also
/// <https://github.com/aws-controllers-k8s/dynamodb-controller/pull/176>. It takes
/// the ARN of another table.
const DYNAMODB: Words = Words {
    form: "One or more parameter values were invalid: Invalid policy document: {}",
    principal: "One or more parameter values were invalid: Invalid policy document: {}",
    absent: "One or more parameter values were invalid: Invalid policy document: Invalid \
             principal in policy",
    service: "One or more parameter values were invalid: Invalid policy document: Invalid \
              principal in policy",
    action: (
        "ValidationException",
        "One or more parameter values were invalid: Invalid policy document: The following action \
         names are invalid: {}",
    ),
    ..parser("ValidationException")
};
const DYNAMODB_QUOTAS: &[Quota] = &[quota(
    Counted::Bytes,
    20_480,
    400,
    "ValidationException",
    "One or more parameter values were invalid: Maximum policy size of 20480 bytes exceeded",
)];

/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>; the
/// sentence is the model's.
const EVENTS_QUOTAS: &[Quota] = &[quota(
    Counted::Bytes,
    10_240,
    400,
    "PolicyLengthExceededException",
    "The event bus policy is too long. For more information, see the limits.",
)];

/// <https://github.com/aws/chalice/issues/2065>
const API_GATEWAY: Words = one(
    "BadRequestException",
    "Invalid policy document. Please check the policy syntax and ensure that Principals are valid.",
);

/// The sentences that its guide listed
/// (<https://github.com/awsdocs/aws-secrets-manager-docs/blob/master/doc_source/manage_secret-policy.md>),
/// which has none of an action.
pub(super) const SECRET: Words = Words {
    principal: "This resource policy contains an unsupported principal.",
    absent: "This resource policy contains an unsupported principal.",
    service: "This resource policy contains an invalid service principal.",
    ..one("MalformedPolicyDocumentException", "This resource policy contains a syntax error.")
};

/// <https://github.com/hashicorp/terraform-provider-aws/issues/32260>: of a service
/// that stands as an account; Logs says no more of a document that it cannot read.
pub(super) const LOGS: Words =
    one("InvalidParameterException", "Could not convert to persistable policy.");

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // Resource is asked for since 2025 (https://github.com/aws-solutions/automations-for-aws-firewall-manager/pull/46),
    // what it names is not looked at (LocalStack's `test_set_queue_policy`, recorded on AWS).
    Row { at: At::Attributes, resources: Resources::Anything, words: SQS, quotas: SQS_QUOTAS,
        ..plain("sqs", &["CreateQueue", "SetQueueAttributes"], "", "sqs", "") },
    Row { at: At::Attributes, actions: Actions::Only(SNS_ACTIONS), resources: Resources::OwnTopic, words: SNS,
        quotas: SNS_QUOTAS, ..plain("sns", &["CreateTopic"], "", "sns", "") },
    Row { at: At::Attribute, actions: Actions::Only(SNS_ACTIONS), resources: Resources::OwnTopic, words: SNS,
        quotas: SNS_QUOTAS, ..plain("sns", &["SetTopicAttributes"], "", "sns", "") },
    // "If either of the required Resource or Action elements are missing from a key policy statement, the policy
    // statement has no effect" (https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html).
    Row { actions: Actions::Any, elements: Elements::Neither, words: KMS, quotas: KMS_QUOTAS,
        ..plain("kms", &["CreateKey", "PutKeyPolicy"], "Policy", "kms", "") },
    Row { elements: Elements::NoResource, words: ECR,
        ..plain("ecr", &["SetRepositoryPolicy"], "policyText", "ecr", "") },
    Row { words: ECR_REGISTRY, ..plain("ecr", &["PutRegistryPolicy"], "policyText", "ecr", "") },
    Row { resources: Resources::OwnBus, quotas: EVENTS_QUOTAS,
        ..plain("events", &["PutPermission"], "Policy", "events", "ValidationException") },
    Row { actions: Actions::OfTable, words: DYNAMODB, quotas: DYNAMODB_QUOTAS,
        ..plain("dynamodb", &["PutResourcePolicy"], "Policy", "dynamodb", "") },
    Row { actions: Actions::OfTable, words: DYNAMODB, quotas: DYNAMODB_QUOTAS,
        ..plain("dynamodb", &["CreateTable"], "ResourcePolicy", "dynamodb", "") },
    Row { at: At::Removable("policy"), words: API_GATEWAY,
        ..plain("apigateway", &["CreateRestApi"], "", "execute-api", "") },
    Row { at: At::Patch, words: API_GATEWAY, ..plain("apigateway", &["UpdateRestApi"], "", "execute-api", "") },
    Row { words: SECRET,
        ..plain("secretsmanager", &["PutResourcePolicy"], "ResourcePolicy", "secretsmanager", "") },
    // It does not look at the resource (LocalStack's `test_put_resource_policy_update`, recorded on AWS).
    Row { resources: Resources::Anything, words: LOGS,
        ..plain("logs", &["PutResourcePolicy"], "policyDocument", "logs", "") },
    Row { words: LOGS, ..plain("logs", &["PutDestinationPolicy"], "accessPolicy", "logs", "") },

    // By their models.
    plain("kinesis", &["PutResourcePolicy"], "Policy", "kinesis", "InvalidArgumentException"),
    plain("efs", &["PutFileSystemPolicy"], "Policy", "elasticfilesystem", "InvalidPolicyException"),
    plain("logs", &["PutDeliveryDestinationPolicy"], "deliveryDestinationPolicy", "logs", "ValidationException"),
    Row { elements: Elements::NoResource, words: ECR,
        ..plain("ecr-public", &["SetRepositoryPolicy"], "policyText", "ecr-public", "") },
    plain("glue", &["PutResourcePolicy"], "PolicyInJson", "glue", "InvalidInputException"),
    plain("backup", &["PutBackupVaultAccessPolicy"], "Policy", "backup", "InvalidParameterValueException"),
    plain("ses", &["PutIdentityPolicy"], "Policy", "ses", "InvalidPolicy"),
    plain("sesv2", &["CreateEmailIdentityPolicy", "UpdateEmailIdentityPolicy"], "Policy", "ses", "BadRequestException"),
    plain("acm-pca", &["PutPolicy"], "Policy", "acm-pca", "InvalidPolicyException"),
    plain("codeartifact", &["PutDomainPermissionsPolicy", "PutRepositoryPermissionsPolicy"], "policyDocument",
        "codeartifact", "ValidationException"),
    plain("kafka", &["PutClusterPolicy"], "Policy", "kafka", "BadRequestException"),
    plain("dsql", &["PutClusterPolicy"], "policy", "dsql", "ValidationException"),
    plain("ssm", &["PutResourcePolicy"], "Policy", "ssm", "MalformedResourcePolicyDocumentException"),
    plain("s3tables", &["PutTableBucketPolicy", "PutTablePolicy"], "resourcePolicy", "s3tables", "BadRequestException"),
    plain("s3vectors", &["PutVectorBucketPolicy"], "policy", "s3vectors", "ValidationException"),
    plain("schemas", &["PutResourcePolicy"], "Policy", "schemas", "BadRequestException"),
    plain("cloudtrail", &["PutResourcePolicy"], "ResourcePolicy", "cloudtrail", "ResourcePolicyNotValidException"),
    plain("codebuild", &["PutResourcePolicy"], "policy", "codebuild", "InvalidInputException"),
];

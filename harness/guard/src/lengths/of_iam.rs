//! How long the texts of IAM's members are, and which numbers they take, by the shapes of
//! AWS's model of IAM (`botocore`, `iam/2010-05-08/service-2.json`: `min` and `max`);
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html> has those of
//! names. The words are those that people met: of a name that is too long
//! (<https://github.com/sbstjn/serverless-dynamodb-autoscaling/issues/9>), of an ARN that
//! is too short (<https://github.com/crossplane-contrib/provider-aws/issues/1986>).

use ringfence_models::{Kind, Shape};
use serde_json::Value;

/// The least and the most of a shape: characters of a text, else the number itself.
const BOUNDS: &[(&str, u64, u64)] = &[
    ("ActionNameType", 3, 128),
    ("ContextKeyNameType", 5, 256),
    ("DeletionTaskIdType", 1, 1_000),
    ("OpenIDConnectProviderUrlType", 1, 255),
    ("ResourceHandlingOptionType", 1, 64),
    ("ResourceNameType", 1, 2_048),
    ("SAMLMetadataDocumentType", 1_000, 10_000_000),
    ("SAMLProviderNameType", 1, 128),
    ("accessKeyIdType", 16, 128),
    ("arnType", 20, 2_048),
    ("authenticationCodeType", 6, 6),
    ("certificateBodyType", 1, 16_384),
    ("certificateChainType", 1, 2_097_152),
    ("certificateIdType", 24, 128),
    ("clientIDType", 1, 255),
    ("credentialAgeDays", 1, 36_600),
    ("customSuffixType", 1, 64),
    ("delegationRequestDescriptionType", 0, 1_000),
    ("delegationRequestIdType", 16, 128),
    ("existingUserNameType", 1, 128),
    ("groupNameType", 1, 128),
    ("instanceProfileNameType", 1, 128),
    ("jobIDType", 36, 36),
    ("localeType", 2, 12),
    ("markerType", 1, 320),
    ("maxItemsType", 1, 1_000),
    ("maxPasswordAgeType", 1, 1_095),
    ("minimumPasswordLengthType", 6, 128),
    ("notesType", 0, 500),
    ("notificationChannelType", 2, 400),
    ("organizationsEntityPathType", 19, 427),
    ("ownerIdType", 20, 2_048),
    ("passwordReusePreventionType", 1, 24),
    ("passwordType", 1, 128),
    ("policyDescriptionType", 0, 1_000),
    ("policyDocumentType", 1, 131_072),
    ("policyNameType", 1, 128),
    ("policyParameterNameType", 5, 256),
    ("privateKeyIdType", 22, 64),
    ("privateKeyType", 1, 16_384),
    ("publicKeyIdType", 20, 128),
    ("publicKeyMaterialType", 1, 16_384),
    ("redirectUrlType", 1, 255),
    ("requestMessageType", 0, 200),
    ("requestorWorkflowIdType", 5, 400),
    ("roleDescriptionType", 0, 1_000),
    ("roleMaxSessionDurationType", 3_600, 43_200),
    ("roleNameType", 1, 64),
    ("serialNumberType", 9, 256),
    ("serverCertificateNameType", 1, 128),
    ("serviceNamespaceType", 1, 64),
    ("serviceSpecificCredentialId", 20, 128),
    ("sessionDurationType", 300, 43_200),
    ("tagKeyType", 1, 128),
    ("tagValueType", 0, 256),
    ("thumbprintType", 40, 40),
    ("userNameType", 1, 64),
];

/// What is wrong with a value of IAM's, in AWS's words.
pub(super) fn fault(shape: &Shape, value: &Value) -> Option<String> {
    let (_, least, most) = BOUNDS.iter().find(|(name, ..)| *name == shape.name)?;
    let (measure, given) = match (shape.kind, value) {
        (Kind::String, Value::String(text)) => ("length", u64::try_from(text.chars().count()).ok()),
        // The query protocol writes numbers as texts.
        (Kind::Integer, Value::String(text)) => ("value", number(text)),
        (Kind::Integer, Value::Number(number)) => ("value", self::number(&number.to_string())),
        _ => return None,
    };
    let bound = match given? {
        given if given < *least => format!("greater than or equal to {least}"),
        given if given > *most => format!("less than or equal to {most}"),
        _ => return None,
    };
    Some(format!("Member must have {measure} {bound}"))
}

/// A number, those below none as none; nothing for what is no number.
fn number(text: &str) -> Option<u64> {
    text.parse::<i64>().ok().map(|number| u64::try_from(number).unwrap_or_default())
}

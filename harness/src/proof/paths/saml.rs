//! The SAML providers whose assertions roles take.
//!
//! "The identity of the caller is validated by using keys in the metadata document that is
//! uploaded for the SAML provider entity", and no credentials are asked for:
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithSAML.html>. An OIDC
//! provider's ARN names the URL whose keys sign its tokens, so that no call of IAM replaces these:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html>.

use std::collections::BTreeSet;

use ringfence_policy::Principal;
use ringfence_policy::symbolic::Named;

use super::handed::named;
use super::read::attribute;
use crate::access::estate::Estate;

/// Any of them: of a trust policy that lets in everybody, or is not known.
const ANY: &str = "arn:*:iam::*:saml-provider/*";

/// A SAML provider.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Provider {
    pub(super) arn: String,
    /// Whether the files have it.
    pub(super) is_there: bool,
}

/// Those that roles of an estate let in.
pub(super) fn providers(estate: &Estate) -> Vec<Provider> {
    let any = Principal::WebIdentity { provider_arn: ANY.to_owned() };
    let (mut all, is_any) = named(estate, &any, |named| match named {
        Named::Federated(arn) => Some(arn).filter(|arn| arn.contains(":saml-provider/")),
        Named::Account(_) | Named::Arn(_) | Named::Service(_) => None,
    });
    all.extend(is_any.then_some(ANY));
    let there: BTreeSet<&str> = estate
        .resources
        .iter()
        .filter(|one| one.kind == "aws_iam_saml_provider" && !one.is_data)
        .filter_map(|one| attribute(one, "arn"))
        .collect();
    let provider = |arn: &str| Provider { arn: arn.to_owned(), is_there: there.contains(arn) };
    all.into_iter().map(provider).collect()
}

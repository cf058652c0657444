//! The SAML providers whose assertions roles take, and the clusters whose pods do.
//!
//! "The identity of the caller is validated by using keys in the metadata document that is
//! uploaded for the SAML provider entity", and no credentials are asked for:
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithSAML.html>. An OIDC
//! provider's ARN names the URL whose keys sign its tokens, so that no call of IAM replaces these:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html>.

use std::collections::BTreeSet;

use ringfence_policy::symbolic::{Action, Effect, Named, statements};
use ringfence_policy::{Document, Principal};

use super::handed::named;
use super::read::attribute;
use crate::access::estate::Estate;
use crate::access::sessions::lets_in;

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

/// Any provider of a cluster: of a trust policy that lets in everybody, or is not known.
const ANY_CLUSTER: &str = "arn:*:iam::*:oidc-provider/oidc.eks.*";

/// The OIDC providers of EKS clusters that roles of an estate let in, by their ARNs: "The OIDC
/// provider URL" is `https://oidc.eks.REGION.amazonaws.com/id/…`
/// (<https://docs.aws.amazon.com/eks/latest/userguide/enable-iam-roles-for-service-accounts.html>).
pub(super) fn clusters(estate: &Estate) -> BTreeSet<String> {
    let any = Principal::WebIdentity { provider_arn: ANY_CLUSTER.to_owned() };
    let (mut all, is_any) = named(estate, &any, |named| match named {
        Named::Federated(arn) => Some(arn).filter(|arn| arn.contains(":oidc-provider/oidc.eks.")),
        Named::Account(_) | Named::Arn(_) | Named::Service(_) => None,
    });
    all.extend(is_any.then_some(ANY_CLUSTER));
    all.into_iter().map(str::to_owned).collect()
}

/// Whether a trust policy lets in a provider, and denies it not whatever is asserted.
pub(super) fn takes(policy: &Document, provider: &Principal) -> bool {
    let action = Action::parse("sts:AssumeRoleWithSAML");
    let is_denied = statements(policy).any(|one| {
        one.effect() == Effect::Deny
            && one.is_about(&action)
            && one.names(provider).is_some()
            && one.conditions().next().is_none()
    });
    lets_in(Some(provider), policy) && !is_denied
}

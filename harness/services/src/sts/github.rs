//! The further claims of GitHub's tokens that STS exposes as condition keys
//! since February 2026
//! (<https://sjramblings.io/aws-sts-identity-provider-claims-validation>; the
//! names are those of the Service Authorization Reference for STS).

/// Claims that become keys, beside `sub` and `aud`.
const CLAIMS: [&str; 10] = [
    "actor",
    "actor_id",
    "enterprise_id",
    "environment",
    "job_workflow_ref",
    "ref",
    "repository",
    "repository_id",
    "repository_owner_id",
    "workflow",
];

/// The host (and path) of GitHub's issuer.
pub(super) const HOST: &str = "token.actions.githubusercontent.com";

/// The claims that a provider's tokens give as further keys.
pub(super) fn claims(provider: &str) -> &'static [&'static str] {
    let host = provider.split('/').next().unwrap_or_default();
    let is_github = host == HOST || host.ends_with(".ghe.com");
    if is_github { &CLAIMS } else { &[] }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::github("token.actions.githubusercontent.com", true)]
    #[case::enterprise("token.actions.githubusercontent.com/octo", true)]
    #[case::data_residency("token.actions.octo.ghe.com", true)]
    #[case::okta("dev-1.okta.com/oauth2/default", false)]
    #[case::look_alike("token.actions.githubusercontent.com.example.org", false)]
    #[case::look_alike_ghe("evilghe.com", false)]
    fn only_github_has_further_claims(#[case] provider: &str, #[case] expected: bool) {
        assert_eq!(!claims(provider).is_empty(), expected);
    }
}

//! Which attacks look at what changed.

use std::collections::BTreeSet;

use super::Changed;
use crate::attacks::{Part, Suite, across, campaign};

/// The ids of the attacks that look at what changed: all of them where Layer 1 or
/// the configuration did, since what a change of those reaches does not show in its
/// place. Of an application's change, what is set, whom functions let in and the
/// tokens, and what the application's own identities are refused.
///
/// # Errors
/// When no token can be made.
pub(crate) fn attacks(suites: &[Suite<'_>], changed: &Changed) -> anyhow::Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    for suite in suites {
        for part in suite.parts().into_iter().filter(|part| looks_at(*part, changed)) {
            ids.extend(campaign::of_part(suite, part)?);
        }
    }
    // Whose change lets somebody of another account in does not show in its place.
    if !changed.is_nothing() {
        ids.extend(across::ids(suites));
    }
    Ok(ids)
}

fn looks_at(part: Part<'_>, changed: &Changed) -> bool {
    if changed.configuration || !changed.roots.is_empty() {
        return true;
    }
    let app = |app: &str| changed.apps.contains(app);
    match part {
        Part::Deployments | Part::Policies | Part::Settings | Part::Tokens => {
            !changed.apps.is_empty()
        }
        Part::Trust(deployer) | Part::Deployer(deployer) | Part::Inside(deployer) => {
            app(&deployer.app)
        }
        Part::Code(function) => app(function.owner()),
        // What no application makes.
        Part::Ceiling | Part::Role(_) | Part::Pipeline(_) => false,
        // What these are about is theirs to say.
        Part::Declared(_) => !changed.apps.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attacks::facts::{FunctionFacts, RoleFacts};

    fn function(app: &str) -> FunctionFacts {
        FunctionFacts {
            name: format!("{app}-function"),
            app: Some(app.to_owned()),
            role_arn: format!("arn:aws:iam::123456789012:role/{app}"),
            api_permission: None,
            logs: true,
            deployed: true,
        }
    }

    fn app(name: &str) -> Changed {
        Changed { apps: BTreeSet::from([name.to_owned()]), ..Changed::default() }
    }

    #[test]
    fn an_applications_change_is_looked_at_by_its_own_parts_and_the_common_ones() {
        let (one, other) = (function("one"), function("other"));
        let role = RoleFacts { name: "r".into(), arn: "arn:aws:iam::123456789012:role/r".into() };
        let changed = app("one");
        assert!(looks_at(Part::Code(&one), &changed));
        assert!(!looks_at(Part::Code(&other), &changed));
        for part in [Part::Deployments, Part::Policies, Part::Settings, Part::Tokens] {
            assert!(looks_at(part, &changed));
            assert!(!looks_at(part, &Changed::default()));
        }
        assert!(!looks_at(Part::Ceiling, &changed));
        assert!(!looks_at(Part::Role(&role), &changed));
    }

    #[test]
    fn a_change_of_layer_1_or_the_configuration_is_looked_at_by_all() {
        let other = function("other");
        let root = Changed { roots: BTreeSet::from([0]), ..Changed::default() };
        let configuration = Changed { configuration: true, ..Changed::default() };
        for changed in [root, configuration] {
            assert!(looks_at(Part::Code(&other), &changed));
            assert!(looks_at(Part::Ceiling, &changed));
        }
    }
}

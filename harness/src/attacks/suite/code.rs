//! Code in a deployed function, as its role.

use ringfence_guard::Question;

use super::{Selected, Suite};
use crate::attacks::escalations;
use crate::attacks::facts::{Facts, FunctionFacts};
use crate::attacks::finding::{Companion, Finding, Road};
use crate::attacks::inside::{Author, Code, Inside, NO_FUNCTION};

/// The ids of what code in a function tries.
pub(super) fn ids(facts: &Facts, function: &FunctionFacts) -> Vec<String> {
    let name = Facts::code_in(function);
    let paths = escalations::paths().iter().map(|path| path.finding_id(&name, Road::Function));
    Inside::ids(facts, Author::Function(function)).into_iter().chain(paths).collect()
}

impl Suite<'_> {
    /// Runs what is selected of what code in a function tries.
    pub(super) async fn code(
        &self,
        function: &FunctionFacts,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        if self.makes_none(function) {
            return Ok(self.not_applicable(function, selected));
        }
        anyhow::ensure!(function.deployed, "its application could not be deployed");
        let work = match self.work_of(function).await? {
            Some(Question { action, resource, .. }) => Companion::shown(format!(
                "its role is allowed {action} on {resource}, which is decided alone"
            )),
            None => Companion::missing("its role's policies allow nothing"),
        };
        let inside = self.inside(Code::Deployed(function), work);
        let mut findings = inside.run(selected).await?;
        findings.extend(self.paths_of_code(function, selected).await?);
        Ok(findings)
    }

    fn not_applicable(&self, function: &FunctionFacts, selected: Selected<'_>) -> Vec<Finding> {
        let work = Companion::missing(NO_FUNCTION);
        let inside = self.inside(Code::Deployed(function), work);
        let mut findings = inside.without_function(selected);
        let (name, road) = (Facts::code_in(function), Road::Function);
        let paths = escalations::paths().iter();
        let chosen = paths.filter(|path| selected(&path.finding_id(&name, road)));
        findings.extend(chosen.map(|path| path.not_applicable(&name, road, NO_FUNCTION)));
        findings
    }

    /// Whether a function stands for an application that is deployed and has none.
    fn makes_none(&self, function: &FunctionFacts) -> bool {
        let own = |app: &str| self.stack.deployments().iter().any(|it| it.app == app);
        !function.deployed && function.app.as_deref().is_some_and(own)
    }
}

//! `aws-actions/aws-cloudformation-github-deploy`: the calls that it makes, as
//! the step's role.

use std::path::PathBuf;

use super::super::WorkflowError;
use super::super::actions::deploys_by_change_sets;
use super::super::expression::Object;
use super::super::model::{Published, Step};
use super::super::shell::Program;
use super::job::JobRun;
use super::script::Prepared;
use super::state::State;
use super::step::Given;
use super::{Runner, shown};

const PROGRAM: &str = include_str!("cloudformation.py");

impl JobRun<'_> {
    pub(super) async fn cloudformation(
        &mut self,
        runner: &Runner<'_>,
        step: &Step,
        action: &Published,
        given: &Given,
        outputs: &mut Object,
        state: &mut State<'_>,
    ) -> Result<(), WorkflowError> {
        let mut variables = given.variables();
        let major = if deploys_by_change_sets(&action.version, given.names()) { "2" } else { "1" };
        variables.insert("RINGFENCE_MAJOR".to_owned(), major.to_owned());
        let python = runner.tools.python();
        let prepared = Prepared {
            text: PROGRAM,
            program: Program { name: shown(&python), options: vec!["-I".to_owned()] },
            directory: PathBuf::from(self.workspace()),
            variables,
            walls: Vec::new(),
        };
        self.execute(runner, step, prepared, outputs, state).await
    }
}

//! Which contexts and functions there are where
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#context-availability>).

use super::Function;

/// The key whose value an expression stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::workflow) enum Site {
    /// `run-name`, `concurrency`, the defaults of inputs.
    Workflow,
    /// `on.workflow_call.outputs.<id>.value`
    CallOutput,
    /// The workflow's `env`.
    WorkflowEnv,
    /// A job's `if`.
    JobIf,
    /// `strategy`
    Strategy,
    /// A job's name, environment, `runs-on`, `concurrency`, `timeout-minutes`,
    /// `continue-on-error`, and what it hands to a called workflow.
    Job,
    /// A job's `env`, and the secrets of a called workflow.
    JobSecret,
    /// A job's `defaults.run`.
    JobDefaults,
    /// A job's `outputs`.
    JobOutputs,
    /// `environment.url`
    EnvironmentUrl,
    /// A step's `if`.
    StepIf,
    /// Everything else of a step.
    Step,
    /// A composite action's `outputs`.
    ActionOutputs,
    /// A step of a composite action.
    ActionStep,
    /// Its `if`.
    ActionIf,
}

impl Site {
    const fn contexts(self) -> &'static [&'static str] {
        match self {
            Self::Workflow => &["github", "inputs", "vars"],
            Self::CallOutput => &["github", "inputs", "vars", "jobs"],
            Self::WorkflowEnv => &["github", "inputs", "vars", "secrets"],
            Self::JobIf | Self::Strategy => &["github", "inputs", "vars", "needs"],
            Self::Job => &["github", "inputs", "vars", "needs", "strategy", "matrix"],
            Self::JobSecret => {
                &["github", "inputs", "vars", "needs", "strategy", "matrix", "secrets"]
            }
            Self::JobDefaults => {
                &["github", "inputs", "vars", "needs", "strategy", "matrix", "env"]
            }
            Self::StepIf | Self::EnvironmentUrl => &[
                "github", "inputs", "vars", "needs", "strategy", "matrix", "steps", "job",
                "runner", "env",
            ],
            Self::Step | Self::JobOutputs => &[
                "github", "inputs", "vars", "needs", "strategy", "matrix", "secrets", "steps",
                "job", "runner", "env",
            ],
            // An action sees no variables and no secrets: it has its inputs.
            // <https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax>
            Self::ActionOutputs | Self::ActionStep | Self::ActionIf => {
                &["github", "inputs", "strategy", "matrix", "steps", "job", "runner", "env"]
            }
        }
    }

    pub(super) fn has(self, context: &str) -> bool {
        self.contexts().contains(&context)
    }

    pub(super) fn calls(self, function: Function) -> bool {
        if function.is_of_status() {
            return matches!(self, Self::JobIf | Self::StepIf | Self::ActionIf);
        }
        function != Function::HashFiles
            || matches!(self, Self::StepIf | Self::Step | Self::ActionStep | Self::ActionIf)
    }
}

//! The languages whose managed runtimes run here: an interpreter of this
//! machine stands in for the declared one, with what talks to the Runtime API.

mod node;
mod python;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ringfence_sandbox::Sandbox;
use ringfence_wire::ServiceError;
use tokio::process::Command;

use crate::lambda::error::{not_built, service};
use crate::lambda::store::configuration::Configuration;
use crate::lambda::{Interpreter, Lambda};
use crate::setting::Interpreters;

/// A function's variable that names its wrapper.
const WRAPPER: &str = "AWS_LAMBDA_EXEC_WRAPPER";

/// The language of a managed runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::lambda) enum Language {
    Node,
    Python,
}

/// How a function's program is started.
#[derive(Debug)]
pub(in crate::lambda) struct Start {
    pub(in crate::lambda) program: PathBuf,
    pub(in crate::lambda) arguments: Vec<OsString>,
    /// Files of ours that the function finds under `/var/runtime`.
    pub(in crate::lambda) client: Option<PathBuf>,
}

/// The places that a start's arguments name, as the function sees them.
#[derive(Debug, Clone, Copy)]
struct Places<'a> {
    /// The function's layers, if it has any.
    opt: Option<&'a Path>,
    /// The files of ours.
    client: &'a Path,
}

impl Language {
    /// That of a runtime; none for `provided.*` and for those that nothing here runs.
    pub(in crate::lambda) fn of(runtime: &str) -> Option<Self> {
        [Self::Node, Self::Python].into_iter().find(|it| runtime.starts_with(it.name()))
    }

    /// As runtimes are named after it.
    fn name(self) -> &'static str {
        match self {
            Self::Node => "nodejs",
            Self::Python => "python",
        }
    }

    /// What its functions cannot run without.
    fn needs(self) -> &'static str {
        match self {
            Self::Node => "Node.js on this machine",
            Self::Python => "a Python interpreter that holds awslambdaric",
        }
    }

    fn interpreter(self, among: &Interpreters) -> Option<&Path> {
        match self {
            Self::Node => among.node.as_deref(),
            Self::Python => among.python.as_deref(),
        }
    }

    /// What makes its interpreter say its version.
    fn asks(self) -> &'static [&'static str] {
        match self {
            Self::Node => &["-p", "process.versions.node"],
            Self::Python => &["-I", "-c", "import platform; print(platform.python_version())"],
        }
    }

    /// Where its programs look for modules, as AWS sets it.
    pub(in crate::lambda) fn search_path(
        self,
        runtime: &str,
        opt: &Path,
        task_root: &Path,
    ) -> (&'static str, String) {
        match self {
            Self::Node => ("NODE_PATH", node::search_path(runtime, opt, task_root)),
            Self::Python => ("PYTHONPATH", "/var/runtime".to_owned()),
        }
    }
}

/// That functions of a runtime are run with these interpreters.
///
/// # Errors
/// What lacks.
pub(crate) fn runs(runtime: &str, interpreters: &Interpreters) -> Result<(), String> {
    match Language::of(runtime) {
        Some(language) if language.interpreter(interpreters).is_some() => Ok(()),
        Some(language) => {
            Err(format!("running the runtime `{runtime}` without {}", language.needs()))
        }
        None if runtime.starts_with("provided") => Ok(()),
        None => Err(format!(
            "running the runtime `{runtime}` (`nodejs*`, `python*` and `provided.*` are)"
        )),
    }
}

impl Lambda {
    /// How a function of a language is started, with its layers, if it has any.
    pub(in crate::lambda) async fn start_of(
        &self,
        language: Language,
        configuration: &Configuration,
        sandbox: &Sandbox,
        layers: Option<&Path>,
    ) -> Result<Start, ServiceError> {
        let interpreter = language.interpreter(&self.setting.interpreters).ok_or_else(|| {
            let runtime = &configuration.runtime;
            not_built(format!("running the runtime `{runtime}` without {}", language.needs()))
        })?;
        self.learn_interpreter(language, interpreter).await?;
        let client = match language {
            Language::Node => Some(self.node_client().await?),
            Language::Python => None,
        };
        let own_root = sandbox.mechanism().has_own_root();
        let inside = |at: &'static str, here: Option<&PathBuf>| match here {
            Some(here) if !own_root => here.clone(),
            _ => PathBuf::from(at),
        };
        let opt = layers.map(|layers| inside("/opt", Some(&layers.to_owned())));
        let places =
            Places { opt: opt.as_deref(), client: &inside("/var/runtime", client.as_ref()) };
        let mut variables = configuration.variables.iter().flatten();
        let wrapper = variables.find(|(name, value)| name == WRAPPER && !value.is_empty());
        let wrapper = wrapper.map(|(_, value)| &**value);
        let (program, arguments) = match language {
            Language::Node => node::command(interpreter, places, wrapper),
            Language::Python => python::command(interpreter, configuration, places, wrapper),
        };
        Ok(Start { program, arguments, client })
    }

    /// The directories that a language's interpreter needs.
    pub(in crate::lambda) fn interpreter_directories(&self, language: Language) -> Vec<PathBuf> {
        language
            .interpreter(&self.setting.interpreters)
            .map(ringfence_sandbox::interpreter)
            .unwrap_or_default()
    }

    /// Asks an interpreter for its version, once.
    async fn learn_interpreter(
        &self,
        language: Language,
        program: &Path,
    ) -> Result<(), ServiceError> {
        if self.versions().contains_key(&language) {
            return Ok(());
        }
        let fault = |text: String| service(format!("{}: {text}", program.display()));
        let output = Command::new(program)
            .args(language.asks())
            .env_clear()
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|cause| fault(format!("the interpreter did not run: {cause}")))?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() || version.is_empty() {
            return Err(fault("the interpreter did not say its version".to_owned()));
        }
        self.versions().insert(language, version);
        Ok(())
    }

    /// What runs functions of a runtime; known after the first one ran.
    pub(in crate::lambda) fn interpreter_of(&self, runtime: &str) -> Option<Interpreter> {
        let language = Language::of(runtime)?;
        Some(Interpreter {
            declared: runtime.to_owned(),
            language: language.name(),
            actual: self.versions().get(&language)?.clone(),
        })
    }
}

//! How Python runs a function, by AWS's own client of the Runtime API.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::lambda::execute::language::Places;
use crate::lambda::store::configuration::Configuration;

/// Runs the runtime's client with more places to import from.
const LAYERED: &str = "import runpy, sys
sys.path[1:1] = sys.argv.pop(1).split(':')
runpy.run_module('awslambdaric', run_name='__main__', alter_sys=True)
";

/// Becomes the program of the command line, as a shell's `exec` does.
const EXEC: &str = "import os, sys
try:
    os.execv(sys.argv[1], sys.argv[1:])
except FileNotFoundError as cause:
    print(f'{sys.argv[1]}: {cause.strerror}', file=sys.stderr)
    sys.exit(127)
except OSError as cause:
    print(f'{sys.argv[1]}: {cause.strerror}', file=sys.stderr)
    sys.exit(126)
";

/// The program and its arguments.
pub(super) fn command(
    python: &Path,
    configuration: &Configuration,
    places: Places<'_>,
    wrapper: Option<&str>,
) -> (PathBuf, Vec<OsString>) {
    let arguments = arguments(&configuration.runtime, &configuration.handler, places.opt);
    (python.to_owned(), with_wrapper(wrapper, python, arguments))
}

/// A function's layers come after its own files, as on AWS
/// (<https://docs.aws.amazon.com/lambda/latest/dg/python-package.html>).
fn arguments(runtime: &str, handler: &str, opt: Option<&Path>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = match opt {
        None => vec!["-m".into(), "awslambdaric".into()],
        Some(opt) => {
            let python = opt.join("python");
            let packages = python.join("lib").join(runtime).join("site-packages");
            let paths = [packages, python].map(|path| path.display().to_string());
            vec!["-c".into(), LAYERED.into(), paths.join(":").into()]
        }
    };
    arguments.push(handler.into());
    arguments
}

/// The arguments of an interpreter. A wrapper is run with the interpreter's
/// command line (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html>):
/// as by the shell of AWS's `bootstrap`, which ends with 127 where there is none
/// (LocalStack's test_lambda_runtime_wrapper_not_found, recorded on AWS).
fn with_wrapper(wrapper: Option<&str>, python: &Path, arguments: Vec<OsString>) -> Vec<OsString> {
    match wrapper {
        None => arguments,
        Some(wrapper) => ["-c".into(), EXEC.into(), wrapper.into(), python.as_os_str().to_owned()]
            .into_iter()
            .chain(arguments)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::{EXEC, arguments, with_wrapper};

    const PYTHON: &str = "/opt/bin/python";

    fn of(wrapper: Option<&str>) -> Vec<String> {
        let arguments = arguments("python3.12", "app.handler", None);
        let all = with_wrapper(wrapper, Path::new(PYTHON), arguments);
        all.into_iter().map(|it| it.into_string().unwrap()).collect()
    }

    #[test]
    fn a_wrapper_is_run_with_the_interpreters_command_line() {
        assert_eq!(of(None), ["-m", "awslambdaric", "app.handler"]);
        assert_eq!(
            of(Some("/opt/wrap.sh")),
            ["-c", EXEC, "/opt/wrap.sh", PYTHON, "-m", "awslambdaric", "app.handler"]
        );
    }

    /// LocalStack's test_lambda_runtime_wrapper_not_found, recorded on AWS.
    #[test]
    fn a_wrapper_that_is_not_there_ends_with_127() {
        let run = |wrapper: &str| {
            let arguments = of(Some(wrapper));
            Command::new("python3").args(arguments).output().unwrap()
        };
        let missing = run("/idontexist.sh");
        assert_eq!(missing.status.code(), Some(127));
        assert_eq!(missing.stderr, b"/idontexist.sh: No such file or directory\n");
        assert_eq!(run("/").status.code(), Some(126));
        let echoed = run("/bin/echo");
        assert_eq!(echoed.stdout, b"/opt/bin/python -m awslambdaric app.handler\n");
    }
}

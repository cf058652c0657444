//! What an execution environment's program finds, and what it may use: as on
//! AWS, where the sandbox has a root directory and a network of its own.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};

use ringfence_sandbox::{Bounds, Confinement, Opening, User, Wall};

use crate::lambda::execute::environment::{Blueprint, Runs};
use crate::lambda::execute::logs::Log;
use crate::lambda::execute::process::variable;
use crate::lambda::store::configuration::LogFormat;

/// Where a function's code is: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>.
const TASK_ROOT: &str = "/var/task";
/// Where a runtime's own programs are, where all are found, and where the
/// Runtime API is (LocalStack's test_lambda_init_environment and
/// test_introspection_invoke, recorded on AWS).
const LANGUAGE: &str = "/var/lang";
const OPT: &str = "/opt";
const RUNTIME: &str = "/var/runtime";
const PROGRAMS: &str = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin";
const RUNTIME_API: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(169, 254, 100, 1), 9001);

const MIB: u64 = 1024 * 1024;

/// What an environment may use beyond the function's memory: the runtime's own.
const RUNTIMES_OWN: u64 = 1024 * MIB;

/// The bounds that a function meets (LocalStack's test_runtime_ulimits, recorded
/// on AWS): open files, an image of memory, memory kept from being swapped out.
const OPEN_FILES: u64 = 1024;
const CORE: u64 = 10 * 1024 * MIB;
const LOCKED_MEMORY: u64 = 65_536;
/// AWS's limit of processes and threads,
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
const MOST_PROCESSES: u64 = 1024;

/// Processes and threads. Recorded are 742 with 128 MB of memory. Linux gives its
/// first process one for each 256 KiB of the machine's memory, which makes 185.5
/// MB of 742: the function's and 57.5 MB. That AWS's limit holds beside it is
/// documented; what a larger function gets is not recorded.
fn processes(memory_mb: u32) -> u64 {
    (u64::from(memory_mb) * 4 + 230).min(MOST_PROCESSES)
}

/// Where a function finds things, and what stands there.
struct Places {
    code: PathBuf,
    program: PathBuf,
    walls: Vec<Wall>,
    api: Opening,
    /// What the environment says of it.
    variables: Vec<(OsString, OsString)>,
}

impl Blueprint {
    /// The function's program with all that there is for it: its code, `/tmp`,
    /// the interpreter, the Runtime API and the guard.
    pub(in crate::lambda) fn confinement(
        &self,
        api: SocketAddr,
        log: &Log,
        code: &Path,
        scratch: &Path,
    ) -> io::Result<Confinement> {
        let user = self.sandbox.user();
        let mut places = if self.sandbox.mechanism().has_own_root() {
            self.as_on_aws(api, code, scratch)?
        } else {
            self.in_place(api, code, scratch, user)?
        };
        places.walls.extend(self.interpreter.iter().cloned().map(Wall::Readable));
        let endpoint = self.endpoint.parse::<url::Url>().map_err(io::Error::other)?;
        let guard = endpoint.socket_addrs(|| None)?.into_iter().map(Opening::from);
        Ok(Confinement {
            program: places.program,
            arguments: self.arguments.clone(),
            environment: self.variables(log, places.variables, &places.code),
            directory: places.code,
            walls: places.walls,
            openings: guard.chain([places.api]).collect(),
            user,
            bounds: self.bounds(),
            // Between invocations.
            held: true,
        })
    }

    /// Memory and disk are no bounds of the kernel's: a function that uses more
    /// is ended, as on AWS.
    fn bounds(&self) -> Bounds {
        let it = &*self.configuration;
        Bounds {
            processes: processes(it.memory_mb),
            memory: None,
            total_memory: u64::from(it.memory_mb) * MIB + RUNTIMES_OWN,
            disk: Some(self.storage()),
            file: None,
            open_files: OPEN_FILES,
            locked_memory: Some(LOCKED_MEMORY),
            core: CORE,
        }
    }

    /// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
    fn storage(&self) -> u64 {
        u64::from(self.configuration.ephemeral_storage_mb) * MIB
    }

    fn as_on_aws(&self, api: SocketAddr, code: &Path, scratch: &Path) -> io::Result<Places> {
        let task_root = PathBuf::from(TASK_ROOT);
        let mut walls = vec![
            Wall::ReadableAt(code.to_owned(), task_root.clone()),
            Wall::Memory("/tmp".into(), self.storage()),
        ];
        // It is there without layers, too (LocalStack's
        // test_runtime_introspection_x86, recorded on AWS).
        let opt = match &self.layers {
            Some(layers) => layers.clone(),
            None => {
                let empty = scratch.join("opt");
                std::fs::create_dir_all(&empty)?;
                empty
            }
        };
        walls.push(Wall::ReadableAt(opt, OPT.into()));
        if let Some(client) = &self.client {
            walls.push(Wall::ReadableAt(client.clone(), RUNTIME.into()));
        }
        let program = match &self.program {
            Runs::Bootstrap => task_root.join("bootstrap"),
            Runs::Interpreter(_, program) => match (own_prefix(program), program.file_name()) {
                (Some(prefix), Some(name)) => {
                    walls.push(Wall::ReadableAt(prefix.to_owned(), LANGUAGE.into()));
                    Path::new(LANGUAGE).join("bin").join(name)
                }
                _ => program.clone(),
            },
        };
        let variables = vec![
            variable("PATH", PROGRAMS),
            variable("AWS_LAMBDA_RUNTIME_API", RUNTIME_API.to_string()),
        ];
        let api = Opening::at(api, RUNTIME_API);
        Ok(Places { code: task_root, program, walls, api, variables })
    }

    /// Without a root directory of its own, a function gets a directory in place
    /// of `/tmp`, and is told of it, so that it does not meet this machine's.
    fn in_place(
        &self,
        api: SocketAddr,
        code: &Path,
        scratch: &Path,
        user: User,
    ) -> io::Result<Places> {
        let temporary = scratch.join("tmp");
        std::fs::create_dir(&temporary)?;
        user.own(&temporary)?;
        let (program, bin) = match &self.program {
            Runs::Bootstrap => (code.join("bootstrap"), None),
            Runs::Interpreter(_, program) => (program.clone(), program.parent()),
        };
        let path = match bin {
            Some(bin) => format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()),
            None => "/usr/local/bin:/usr/bin:/bin".to_owned(),
        };
        let layers = self.layers.iter().chain(&self.client).cloned().map(Wall::Readable);
        let walls = [Wall::Readable(code.to_owned()), Wall::Writable(temporary.clone())];
        Ok(Places {
            code: code.to_owned(),
            program,
            walls: walls.into_iter().chain(layers).collect(),
            api: api.into(),
            variables: vec![
                variable("PATH", path),
                variable("HOME", &temporary),
                variable("TMPDIR", &temporary),
                variable("AWS_LAMBDA_RUNTIME_API", api.to_string()),
            ],
        })
    }

    /// The environment variables, as the recorded ones of AWS's runtimes
    /// (LocalStack's `tests/aws/services/lambda_/test_lambda_common.snapshot.json`);
    /// of our own is the guard's endpoint.
    fn variables(
        &self,
        log: &Log,
        places: Vec<(OsString, OsString)>,
        task_root: &Path,
    ) -> Vec<(OsString, OsString)> {
        let it = &*self.configuration;
        let libraries = format!(
            "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:{0}:{0}/lib:/opt/lib",
            task_root.display()
        );
        let secret = self.credentials.secret_access_key.expose();
        let token = self.credentials.session_token.as_ref().map_or("", |token| token.expose());
        let memory = it.memory_mb.to_string();
        let (reserved, mut variables): (Vec<_>, Vec<_>) =
            places.into_iter().partition(|(name, _)| name == "AWS_LAMBDA_RUNTIME_API");
        variables.extend([
            variable("LANG", "en_US.UTF-8"),
            variable("TZ", ":UTC"),
            variable("LD_LIBRARY_PATH", libraries),
            variable("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
            variable("AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000"),
            variable("_AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1"),
            variable("_AWS_XRAY_DAEMON_PORT", "2000"),
            variable("AWS_ENDPOINT_URL", &self.endpoint),
        ]);
        if let Runs::Interpreter(language, _) = &self.program {
            let opt = self.layers.as_deref().filter(|_| !self.sandbox.mechanism().has_own_root());
            let opt = opt.unwrap_or(Path::new(OPT));
            let (name, places) = language.search_path(&it.runtime, opt, task_root);
            // Left by the shell that starts the managed runtimes.
            variables.extend([
                variable("PWD", task_root),
                variable(name, places),
                variable("SHLVL", "0"),
            ]);
        }
        // The function's own may replace those above, and none of those below.
        for (name, value) in it.variables.iter().flatten() {
            variables.push(variable(name, value));
        }
        variables.extend(reserved);
        variables.extend([
            variable("AWS_ACCESS_KEY_ID", &self.credentials.access_key_id),
            variable("AWS_SECRET_ACCESS_KEY", secret),
            variable("AWS_SESSION_TOKEN", token),
            variable("AWS_REGION", &self.region),
            variable("AWS_DEFAULT_REGION", &self.region),
            variable("AWS_LAMBDA_FUNCTION_NAME", &it.function_name),
            variable("AWS_LAMBDA_FUNCTION_VERSION", &self.key.version),
            variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory),
            variable("AWS_LAMBDA_LOG_GROUP_NAME", &it.logging.group),
            variable("AWS_LAMBDA_LOG_STREAM_NAME", &log.stream),
            variable("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            variable("LAMBDA_TASK_ROOT", task_root),
            variable("LAMBDA_RUNTIME_DIR", "/var/runtime"),
            variable("_HANDLER", &it.handler),
        ]);
        if !it.runtime.starts_with("provided") {
            variables.push(variable("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", it.runtime)));
        }
        if let LogFormat::Json { application_level, .. } = &it.logging.format {
            variables.push(variable("AWS_LAMBDA_LOG_FORMAT", "JSON"));
            variables.push(variable("AWS_LAMBDA_LOG_LEVEL", application_level));
        }
        variables
    }
}

/// The directory that holds an interpreter and what comes with it, where it is
/// none of the system's, which are there in any case.
fn own_prefix(program: &Path) -> Option<&Path> {
    let prefix = program.parent()?.parent()?;
    let system = ["/", "/usr", "/usr/local"].map(Path::new).contains(&prefix);
    (!system).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{own_prefix, processes};

    #[test]
    fn processes_grow_with_the_memory_up_to_awss_limit() {
        assert_eq!(processes(128), 742);
        assert_eq!(processes(198), 1022);
        assert_eq!(processes(10_240), 1024);
    }

    #[test]
    fn the_systems_own_interpreter_stays_where_it_is() {
        let of = |program: &'static str| own_prefix(Path::new(program));
        assert_eq!(of("/opt/python/bin/python3"), Some(Path::new("/opt/python")));
        assert_eq!(of("/usr/bin/python3"), None);
        assert_eq!(of("/bin/python3"), None);
    }
}

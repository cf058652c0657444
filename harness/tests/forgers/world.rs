//! What a hostile step is put beside: a harness with secrets, an emulator, a
//! guard, tools, other processes. The step is told where all of it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringfence::aws::Client;
use ringfence::config::{Config, IssuerKind};
use ringfence::issuers::{GithubRun, Issuer};
use ringfence::progress::Progress;
use ringfence::registries::{Machine, Registries};
use ringfence::scratch::Scratch;
use ringfence::tools::PythonTools;
use ringfence::workflow::{Report, Run, Runner, STEP_BOUNDS, Workflow, WorkflowError};
use ringfence_sandbox::{Bounds, Mechanism, Sandbox};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use url::Url;

/// What only the harness may know.
pub(crate) const SECRET: &str = "d41a-the-signing-key";

/// A listener of the harness, and how often somebody came.
struct Port {
    number: u16,
    visits: Arc<AtomicUsize>,
}

impl Port {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let number = listener.local_addr().unwrap().port();
        let visits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&visits);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    let _ = stream.read(&mut request).await;
                    let answer =
                        b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nwelcome";
                    let _ = stream.write_all(answer).await;
                });
            }
        });
        Self { number, visits }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

/// Everything around the step.
pub(crate) struct World {
    tools: PythonTools,
    scratch: Scratch,
    sandbox: Sandbox,
    config: Config,
    guard: Port,
    emulator: Port,
    /// A process of the harness whose command line and environment hold a key.
    signer: Child,
    key: PathBuf,
    keys: tempfile::TempDir,
    repository: tempfile::TempDir,
    /// What its steps may use.
    pub(crate) bounds: Bounds,
}

/// How a workflow ended.
pub(crate) type Ended = Result<Report, WorkflowError>;

impl World {
    /// With the strongest mechanism that works here, or with Landlock.
    pub(crate) async fn new(landlock: bool) -> Self {
        let tools = PythonTools::provision(&Progress::silent()).await.unwrap();
        let found = Sandbox::detect(&tools.base).await;
        assert!(found.mechanism().isolates(), "nothing isolates here");
        let sandbox = if landlock {
            let other_user = found.mechanism().other_user();
            Sandbox::with(&tools.base, Mechanism::Landlock { other_user })
        } else {
            found
        };
        let scratch = Scratch::create(&tools.python()).unwrap();
        let keys = tempfile::tempdir().unwrap();
        let key = keys.path().join("signing-key");
        std::fs::write(&key, SECRET).unwrap();
        std::fs::create_dir(scratch.path().join("upstream")).unwrap();
        std::fs::write(scratch.path().join("upstream/state"), "layer 1").unwrap();
        let repository = tempfile::tempdir().unwrap();
        std::fs::create_dir(repository.path().join("src")).unwrap();
        std::fs::write(repository.path().join("src/app.py"), "app").unwrap();
        std::os::unix::fs::symlink(&key, repository.path().join("artifact")).unwrap();
        let signer = Command::new("sleep")
            .args(["86400"])
            .env("SIGNING_KEY", SECRET)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let text = include_str!("../../../docs/ringfence.example.toml");
        let config = Config::parse(text, Path::new("ringfence.toml")).unwrap();
        let (guard, emulator) = (Port::open().await, Port::open().await);
        Self {
            tools,
            scratch,
            sandbox,
            config,
            guard,
            emulator,
            signer,
            key,
            keys,
            repository,
            bounds: STEP_BOUNDS,
        }
    }

    /// Runs jobs of steps: `steps` is the YAML of the steps of each.
    pub(crate) async fn run(&self, jobs: &[String]) -> Ended {
        let mut text = "name: Deploy\non: push\npermissions:\n  contents: read\nenv:\n".to_owned();
        let variables = self.variables();
        for name in variables.keys() {
            text.push_str(&format!("  {name}: ${{{{ vars.{name} }}}}\n"));
        }
        text.push_str("jobs:\n");
        for (number, steps) in jobs.iter().enumerate() {
            text.push_str(&format!("  job{number}:\n    runs-on: ubuntu-latest\n"));
            if let Some(before) = number.checked_sub(1) {
                text.push_str(&format!("    needs: job{before}\n"));
            }
            text.push_str(&format!("    steps:\n{steps}"));
        }
        let workflow = Workflow::parse(&text, Path::new("deploy.yml")).unwrap();
        let issuer = Issuer::new(self.config.issuer(IssuerKind::Github).unwrap()).unwrap();
        let endpoint = Url::parse(&format!("http://127.0.0.1:{}/", self.guard.number)).unwrap();
        let runner = Runner {
            tools: &self.tools,
            issuer: &issuer,
            endpoint: &endpoint,
            client: &Client::new(),
            scratch: &self.scratch,
            sandbox: &self.sandbox,
            registries: &Registries::new(&[], Machine::default()),
            bounds: self.bounds,
        };
        let run = Run {
            workflow: &workflow,
            repository: self.repository.path(),
            identity: GithubRun::of(self.config.app("service-a").unwrap(), None),
            vars: variables,
            secrets: BTreeMap::new(),
            inputs: BTreeMap::new(),
            actions: BTreeMap::new(),
        };
        runner.run(&run, &Progress::silent().phase("test")).await
    }

    /// All that a forger could wish to know.
    fn variables(&self) -> BTreeMap<String, String> {
        let text = |path: &Path| path.display().to_string();
        [
            ("GUARD", self.guard.number.to_string()),
            ("EMULATOR", self.emulator.number.to_string()),
            ("HARNESS", std::process::id().to_string()),
            ("SIGNER", self.signer.id().unwrap().to_string()),
            ("RUN", text(self.scratch.path())),
            ("KEY", text(&self.key)),
            ("KEYS", text(self.keys.path())),
            ("TOOLS", text(&self.tools.directory)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// What must be as it was, whatever a step did. Consumes the world.
    pub(crate) async fn unharmed(mut self) {
        assert_eq!(self.emulator.visits(), 0, "nobody came to the emulator");
        assert_eq!(std::fs::read_to_string(&self.key).unwrap(), SECRET);
        let state = self.scratch.path().join("upstream/state");
        assert_eq!(std::fs::read_to_string(state).unwrap(), "layer 1");
        let mut left: Vec<_> = std::fs::read_dir(self.scratch.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["upstream", "workflows"], "nothing new in the run's directory");
        let forged = Path::new(&self.tools.directory).join("forged");
        assert!(!forged.exists(), "the tools are as they were");
        assert!(self.signer.try_wait().unwrap().is_none(), "the other process lives");
        self.scratch.remove().await;
    }

    /// Whether its steps run as the user of the harness, with Landlock between them.
    pub(crate) fn only_landlock_parts(&self) -> bool {
        self.sandbox.mechanism() == Mechanism::Landlock { other_user: false }
    }

    /// How many calls the guard has got.
    pub(crate) fn calls(&self) -> usize {
        self.guard.visits()
    }

    /// Where the harness works.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }
}

/// A step of this script.
pub(crate) fn step(shell: &str, script: &str) -> String {
    let mut text = format!("      - shell: {shell}\n        run: |\n");
    for line in script.trim_matches('\n').lines() {
        text.push_str(&format!("          {line}\n"));
    }
    text
}

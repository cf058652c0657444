//! What a sandbox adds to the start of a program: `true`, bare and behind the
//! walls of a step and of a function, taken in turns. Wall-clock times are
//! medians; the processor's time is that of all processes together, launcher
//! included, divided by the number of starts: a busy machine changes the first
//! more than the second.
//!
//! ```text
//! cargo run --release -p ringfence-sandbox --example starting -- 200
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ringfence_sandbox::{
    Bounds, Confinement, Opening, Output, Sandbox, User, Wall, interpreter, python,
};
use tokio::net::TcpListener;
use tokio::process::Command;

const PROGRAM: &str = "/usr/bin/true";
const MIB: u64 = 1024 * 1024;

/// How a program is started.
#[derive(Debug, Clone, Copy)]
enum How {
    Bare,
    Step,
    Function,
}

impl How {
    const ALL: [Self; 3] = [Self::Bare, Self::Step, Self::Function];

    const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Step => "a step",
            Self::Function => "a function",
        }
    }
}

#[derive(Debug, Default)]
struct Taken {
    walls: Vec<Duration>,
    processor_ticks: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let count: u32 = std::env::args().nth(1).map_or(Ok(200), |count| count.parse())?;
    let python = base(&python().ok_or("no python3 on the search path")?).await?;
    let sandbox = Sandbox::detect(&python).await;
    let user = sandbox.user();
    // What stands for the guard, and for the proxy or the Runtime API.
    let (one, two) = (listener().await?, listener().await?);
    let openings = vec![one.local_addr()?.into(), two.local_addr()?.into()];
    let own = std::env::temp_dir().join(format!("ringfence-starting-{}", std::process::id()));
    std::fs::create_dir_all(&own)?;
    user.own(&own)?;
    let step = step(user, &own, openings.clone());
    let function = function(&sandbox, user, &own, &python, openings);
    let mut taken = [(); 3].map(|()| Taken::default());
    for _ in 0..count {
        for (how, taken) in How::ALL.into_iter().zip(&mut taken) {
            let (began, ticks) = (Instant::now(), processor_ticks()?);
            match how {
                How::Bare => bare().await?,
                How::Step => confined(&sandbox, &step).await?,
                How::Function => confined(&sandbox, &function).await?,
            }
            taken.walls.push(began.elapsed());
            taken.processor_ticks += processor_ticks()?.saturating_sub(ticks);
        }
    }
    println!("{count} starts each, {}", sandbox.mechanism());
    for (how, mut taken) in How::ALL.into_iter().zip(taken) {
        taken.walls.sort_unstable();
        let median = taken.walls.get(taken.walls.len() / 2).copied().unwrap_or_default();
        // The kernel counts hundredths of a second.
        let processor = Duration::from_millis(10 * taken.processor_ticks) / count;
        println!(
            "{:>10}: median {:6.1} ms, processor {:6.1} ms",
            how.name(),
            median.as_secs_f64() * 1000.0,
            processor.as_secs_f64() * 1000.0
        );
    }
    std::fs::remove_dir_all(&own)?;
    Ok(())
}

/// The interpreter itself, where the search path has a shim or an environment: a
/// stack finds it so too.
async fn base(python: &Path) -> Result<PathBuf, Box<dyn Error>> {
    const ASK: &str = "import sys; print(getattr(sys, '_base_executable', sys.executable))";
    let output = Command::new(python).args(["-I", "-c", ASK]).output().await?;
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

async fn listener() -> std::io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await
}

async fn bare() -> Result<(), Box<dyn Error>> {
    let status = Command::new(PROGRAM).env_clear().current_dir("/").status().await?;
    if status.success() { Ok(()) } else { Err(format!("{PROGRAM}: {status}").into()) }
}

async fn confined(sandbox: &Sandbox, confinement: &Confinement) -> Result<(), Box<dyn Error>> {
    let status = sandbox.start(confinement, Output::null()).await?.wait().await?;
    if status.success() { Ok(()) } else { Err(format!("{PROGRAM}: {status}").into()) }
}

/// The walls of a step: its job's directories can be written.
fn step(user: User, own: &Path, openings: Vec<Opening>) -> Confinement {
    Confinement {
        walls: vec![Wall::Writable(own.to_owned())],
        openings,
        ..Confinement::of(PROGRAM, user)
    }
}

/// The walls of a function: its code and its interpreter can be read, `/tmp` is
/// its own.
fn function(
    sandbox: &Sandbox,
    user: User,
    own: &Path,
    python: &Path,
    openings: Vec<Opening>,
) -> Confinement {
    let mut walls: Vec<Wall> = interpreter(python).into_iter().map(Wall::Readable).collect();
    if sandbox.mechanism().has_own_root() {
        walls.push(Wall::ReadableAt(own.to_owned(), PathBuf::from("/var/task")));
        walls.push(Wall::Memory(PathBuf::from("/tmp"), 512 * MIB));
    } else {
        walls.push(Wall::Readable(own.to_owned()));
    }
    let bounds = Bounds { memory: None, total_memory: 1152 * MIB, file: None, ..Bounds::default() };
    Confinement { walls, openings, bounds, ..Confinement::of(PROGRAM, user) }
}

/// The processor's time of this process and of all that it waited for, in
/// hundredths of a second.
fn processor_ticks() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = text.rsplit_once(')').ok_or("no `)` in /proc/self/stat")?.1;
    // After the name comes the state; `utime` to `cstime` follow as the 12th to
    // the 15th.
    let times = after_name.split_whitespace().skip(11).take(4);
    let times = times.map(str::parse::<u64>).collect::<Result<Vec<_>, _>>()?;
    Ok(times.iter().sum())
}

//! The calls to the simulator, one after another and not too fast.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ringfence_calibrate::answer::{self, Compared, compared};
use ringfence_calibrate::cases::Case;
use ringfence_calibrate::simulation::Simulation;
use ringfence_wire::{Service, ServiceError};
use serde_json::Value;
use tokio::time::Instant;

use super::CalibrateError;
use crate::aws::Client;
use crate::progress::Phase;
use crate::terraform::Access;

/// IAM's codes for "later".
const THROTTLED: [&str; 4] =
    ["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"];

/// Its codes for a question that it does not simulate.
const OF_THE_QUESTION: [&str; 4] =
    ["InvalidInput", "ValidationError", "PolicyEvaluation", "NoSuchEntity"];

/// How often a throttled call is made, and the first pause; each is twice the
/// one before.
const TRIES: u32 = 7;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How many cases pass between two words of progress.
const SAID: usize = 500;

/// How fast calls follow each other. IAM publishes no rate for the simulator;
/// it throttles an account's calls of IAM together.
#[derive(Debug)]
pub struct Pace {
    gap: Duration,
    next: Instant,
}

impl Pace {
    /// So many calls a second.
    pub fn per_second(calls: f64) -> Self {
        Self { gap: Duration::from_secs_f64(1.0 / calls.max(0.01)), next: Instant::now() }
    }

    /// Waits for the next call's turn.
    pub async fn turn(&mut self) {
        tokio::time::sleep_until(self.next).await;
        self.next = Instant::now() + self.gap;
    }

    /// Waits longer before the next call.
    fn slow_down(&mut self, pause: Duration) {
        self.next = self.next.max(Instant::now() + pause);
    }
}

/// What was asked.
#[derive(Debug, Default)]
pub struct Asked {
    /// What came of each case that was asked about, by its index.
    pub compared: BTreeMap<usize, Compared>,
    /// How many calls were made.
    pub calls: usize,
}

/// Asks about cases and compares the answers.
///
/// # Errors
/// When the account refuses the calls as such (no permission, no credentials,
/// throttled for minutes) or answers in another form. What it refuses of one
/// question is that question's result.
pub async fn ask(
    client: &Client,
    access: &Access,
    simulations: Vec<Simulation>,
    cases: &[Case],
    pace: &mut Pace,
    phase: &Phase,
) -> Result<Asked, CalibrateError> {
    let mut asked = Asked::default();
    let mut waiting = VecDeque::from(simulations);
    let mut said = 0;
    while let Some(simulation) = waiting.pop_front() {
        match whole(client, access, &simulation, pace, &mut asked.calls).await {
            Ok(told) => {
                for (action, told) in told {
                    for index in simulation.cases_of(&action) {
                        if let Some(case) = cases.get(*index) {
                            asked.compared.insert(*index, compared(&case.ours, told.clone()));
                        }
                    }
                }
                missing(&simulation, &mut asked);
            }
            Err(Stopped::Question(error)) => match simulation.clone().apart() {
                Some(parts) => parts.into_iter().rev().for_each(|part| waiting.push_front(part)),
                None => {
                    let code = error.code.to_string();
                    let refused = Compared::Refused { code, message: error.message.clone() };
                    let all = simulation.cases().map(|index| (index, refused.clone()));
                    asked.compared.extend(all);
                }
            },
            Err(Stopped::Account(error)) => {
                let operation = simulation.operation;
                return Err(CalibrateError::Refused { operation, error });
            }
            Err(Stopped::Answer(error)) => return Err(error.into()),
        }
        if asked.compared.len() >= said + SAID {
            said = asked.compared.len();
            phase.note(format!("{said} decisions, {} calls", asked.calls));
        }
    }
    Ok(asked)
}

/// An action of which the answer says nothing was not judged.
fn missing(simulation: &Simulation, asked: &mut Asked) {
    for index in simulation.cases() {
        asked.compared.entry(index).or_insert_with(|| Compared::Refused {
            code: "NoResult".to_owned(),
            message: "the answer says nothing of this action".to_owned(),
        });
    }
}

enum Stopped {
    /// The question is not one that AWS simulates.
    Question(Box<ServiceError>),
    /// AWS does not answer this caller.
    Account(Box<ServiceError>),
    /// The answer is none.
    Answer(answer::AnswerError),
}

/// All pages of an answer.
async fn whole(
    client: &Client,
    access: &Access,
    simulation: &Simulation,
    pace: &mut Pace,
    calls: &mut usize,
) -> Result<Vec<(String, answer::Told)>, Stopped> {
    let mut told = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        let input = Value::Object(simulation.input(marker.as_deref()));
        let output = patiently(client, access, simulation.operation, &input, pace, calls).await?;
        let page = answer::read(&output).map_err(Stopped::Answer)?;
        told.extend(page.told);
        match page.marker {
            Some(next) => marker = Some(next),
            None => return Ok(told),
        }
    }
}

async fn patiently(
    client: &Client,
    access: &Access,
    operation: &'static str,
    input: &Value,
    pace: &mut Pace,
    calls: &mut usize,
) -> Result<Value, Stopped> {
    let mut pause = FIRST_PAUSE;
    let mut tries = 1;
    loop {
        pace.turn().await;
        *calls += 1;
        let error = match client.call(access, Service::Iam, operation, input.clone()).await.result {
            Ok(output) => return Ok(output),
            Err(error) => error,
        };
        if THROTTLED.contains(&&*error.code) && tries < TRIES {
            tries += 1;
            pace.slow_down(pause);
            pause *= 2;
        } else if OF_THE_QUESTION.contains(&&*error.code) {
            return Err(Stopped::Question(Box::new(error)));
        } else {
            return Err(Stopped::Account(Box::new(error)));
        }
    }
}

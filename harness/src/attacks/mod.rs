//! The attacks: what each identity must not be able to do, over which road,
//! and what AWS answers. Each has a legitimate twin, which must succeed: it
//! shows that the refusal is the guard rail's and not everybody's.
//!
//! - [`attack`]: what an attack is;
//! - [`facts`]: what the attacks must know of the deployed state;
//! - [`catalogue`]: the attacks themselves, as data, one file a guard rail;
//! - [`actor`] and [`run`]: who makes the calls, and how they are judged.

pub(crate) mod across;
pub mod actor;
mod asked;
pub mod attack;
pub mod campaign;
pub mod catalogue;
mod ceiling;
mod choice;
pub mod choosing;
mod claims;
pub mod companions;
pub mod declared;
mod derived;
mod doors;
pub mod escalations;
pub mod facts;
pub mod finding;
mod gather;
mod granted;
pub(crate) mod holders;
pub mod inside;
pub mod lack;
mod legitimate;
mod made;
mod needs;
pub(crate) mod policies;
pub mod probe_role;
mod public;
pub(crate) mod rails;
pub mod reach;
mod refused;
mod restore;
mod rivals;
mod routed;
pub mod run;
mod settings;
pub mod suite;
pub mod tokens;
pub mod trust;
mod undone;

pub use actor::{Actor, Answer};
pub use attack::{Attack, Attempt, Reason, Refusal, Step, Twin, Who};
pub use choice::Choice;
pub use facts::{DeployerFacts, Facts};
pub use finding::{Companion, Companions, Decider, Finding, Road, Scope, Verdict};
pub use policies::{RolePolicies, role_policies};
pub use probe_role::ProbeRole;
pub use run::Runner;
pub use suite::{Part, Suite};

//! Questions about all requests: policies in, a proof or a request that breaks
//! them out. Pure: no I/O, no solver.
//!
//! The evaluation is the engine's own (`ringfence_policy::symbolic`), over
//! formulas instead of truths. What a request may be is cut into classes: texts
//! that the policies' tests do not tell apart are one class, with its shortest
//! text for all. A search over the classes finds a request that one side
//! allows and the other does not, or that there is none.
//!
//! ```
//! use std::sync::Arc;
//! use ringfence_policy::{Document, Kind, Policies};
//! use ringfence_prove::{Question, Universe, Verdict, within};
//!
//! let policies = |resource: &str| {
//!     let text = format!(
//!         r#"{{"Statement": {{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "{resource}"}}}}"#
//!     );
//!     let document = Document::parse("p", &text, Kind::Identity).unwrap();
//!     Policies { identity: vec![Arc::new(document)], ..Policies::default() }
//! };
//! let (one, all) = (policies("arn:aws:s3:::b/a*"), policies("arn:aws:s3:::b/*"));
//! let question = Question { inner: &one, outer: &all, principal: None, universe: Universe::All };
//! assert_eq!(within(&question).unwrap(), Verdict::Proved);
//! let question = Question { inner: &all, outer: &one, ..question };
//! let Verdict::Violated(witness) = within(&question).unwrap() else { panic!() };
//! assert_eq!(witness.resource, "arn:aws:s3:::b/");
//! ```

mod actions;
mod alike;
mod apart;
mod blind;
mod budget;
mod callers;
mod certify;
mod choices;
mod clauses;
mod common;
mod compare;
mod domain;
mod elsewhere;
mod encode;
mod ends;
mod enough;
mod federated;
mod formula;
mod held;
pub mod jsonl;
mod keys;
mod names;
mod parts;
mod patterns;
mod product;
mod question;
mod quotients;
mod relation;
mod residuals;
mod search;
mod set;
mod shortest;
mod solve;
mod together;
mod tried;
mod values;
mod words;
mod written;

pub use callers::{OTHER_ACCOUNT, SOME_ACCOUNT};
pub use certify::certify;
pub use compare::{
    Disagreement, EachAction, Question, Verdict, Witness, within, within_for, within_for_type,
    within_sent, within_sent_for,
};
pub use domain::Universe;
pub use elsewhere::LetIn;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

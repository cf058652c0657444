//! Templates of CloudFormation and SAM.

use std::path::Path;

use ringfence_services::cloudformation::{Examiner, Fault};
use ringfence_services::setting::Interpreters;

use super::{Diagnosis, Found, Kind};
use crate::config::Place;
use crate::remark::{Outcome, Remark};

/// SAM's translator wants a region; what it gives is looked at, not kept.
const REGION: &str = "us-east-1";

pub(super) async fn examine(found: &Found, interpreters: Interpreters, diagnosis: &mut Diagnosis) {
    let examiner = Examiner::new(interpreters, REGION);
    for (path, text) in &found.templates {
        match remarks(&examiner, path, text).await {
            Ok(remarks) => diagnosis.add(Kind::Template, remarks),
            Err(remark) => diagnosis.unreadable(Kind::Template, remark.place, remark.because),
        }
    }
    examiner.shutdown().await;
    diagnosis.complete(Kind::Template, found.templates.keys().cloned());
}

/// What of templates does not run, by their paths; one that cannot be read at all
/// does not either.
pub(crate) async fn of(templates: &[(&Path, String)], interpreters: Interpreters) -> Vec<Remark> {
    let examiner = Examiner::new(interpreters, REGION);
    let mut found = Vec::new();
    for (path, text) in templates {
        match remarks(&examiner, path, text).await {
            Ok(remarks) => found.extend(remarks),
            Err(remark) => found.push(remark),
        }
    }
    examiner.shutdown().await;
    found
}

async fn remarks(examiner: &Examiner, path: &Path, text: &str) -> Result<Vec<Remark>, Remark> {
    let remark = |fault: Fault| Remark {
        place: Place { file: path.to_owned(), line: fault.at.line, column: fault.at.column },
        construct: fault.construct,
        outcome: if fault.deployed { Outcome::StandsIn } else { Outcome::Unsupported },
        because: fault.because,
    };
    match examiner.examine(text).await {
        Ok(faults) => Ok(faults.into_iter().map(remark).collect()),
        Err(fault) => Err(remark(fault)),
    }
}

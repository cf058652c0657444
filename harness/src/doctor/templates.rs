//! Templates of CloudFormation and SAM.

use ringfence_services::cloudformation::{Examiner, Fault};

use super::{Diagnosis, Found, Kind};
use crate::config::Place;
use crate::remark::{Outcome, Remark};
use crate::tools::PythonTools;

/// SAM's translator wants a region; what it gives is looked at, not kept.
const REGION: &str = "us-east-1";

pub(super) async fn examine(found: &Found, tools: Option<&PythonTools>, diagnosis: &mut Diagnosis) {
    let examiner = Examiner::new(tools.map(PythonTools::python), REGION);
    for (path, text) in &found.templates {
        let place = |fault: &Fault| Place {
            file: path.clone(),
            line: fault.at.line,
            column: fault.at.column,
        };
        match examiner.examine(text).await {
            Ok(faults) => {
                let remarks = faults.into_iter().map(|fault| Remark {
                    place: place(&fault),
                    construct: fault.construct,
                    outcome: Outcome::Unsupported,
                    because: fault.because,
                });
                diagnosis.add(Kind::Template, remarks);
            }
            Err(fault) => diagnosis.unreadable(Kind::Template, place(&fault), fault.because),
        }
    }
    examiner.shutdown().await;
    diagnosis.complete(Kind::Template, found.templates.keys().cloned());
}

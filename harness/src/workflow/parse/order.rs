//! The order of jobs.

use std::collections::BTreeSet;

use ringfence_text::Node;

use crate::workflow::model::Job;
use crate::workflow::reader::Reader;

impl Reader<'_> {
    /// Jobs after those that they need, else in the order of the file.
    pub(super) fn ordered(&self, mut waiting: Vec<Job>, node: &Node) -> Vec<Job> {
        let mut ordered: Vec<Job> = Vec::new();
        let mut done: BTreeSet<String> = BTreeSet::new();
        while !waiting.is_empty() {
            let ready =
                waiting.iter().position(|job| job.needs.iter().all(|need| done.contains(need)));
            match ready {
                Some(at) => {
                    let job = waiting.remove(at);
                    done.insert(job.id.clone());
                    ordered.push(job);
                }
                None => {
                    let message = "`needs` names a job that is not there, or goes in a circle";
                    match waiting.first() {
                        Some(job) => self.fault_at(job.place.clone(), message),
                        None => self.fault(node.at, message),
                    }
                    break;
                }
            }
        }
        ordered
    }
}

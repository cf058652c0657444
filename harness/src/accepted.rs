//! What a team has accepted, applied to what a run found.
//!
//! An entry that accepts nothing, and one that has expired, are told: neither
//! stays unseen in the configuration, and a run that has one has not passed.

use ringfence_evidence::{Acceptance, Idle, Probe, Verdict};
use time::Date;

use crate::config::{Accepted, Config, ConfigError, Place, Subject};
use crate::guard_rail::GuardRail;

/// The entries of a configuration that count, and those that have expired.
#[derive(Debug)]
pub(crate) struct Acceptances {
    entries: Vec<Entry>,
    expired: Vec<String>,
}

#[derive(Debug)]
struct Entry {
    about: About,
    /// `finding `ID``, for people.
    subject: String,
    owner: String,
    reason: String,
    expires: String,
    place: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    /// Before guard rails: who accepts one finding speaks of it more exactly.
    Finding(String),
    GuardRail(GuardRail),
}

impl About {
    fn of(subject: Subject<'_>, config: &Config) -> Result<Self, String> {
        match subject {
            Subject::Finding(id) => Ok(Self::Finding(id.to_owned())),
            Subject::GuardRail(id) => {
                let mut all = config.guard_rails().filter(|rail| !rail.is_of_the_run());
                all.find(|rail| rail.id() == id).map(Self::GuardRail).ok_or_else(|| {
                    let all = config.guard_rails().filter(|rail| !rail.is_of_the_run());
                    let ids: Vec<String> = all.map(|rail| rail.id().to_owned()).collect();
                    format!("there is no guard rail `{id}`; there are {}", ids.join(", "))
                })
            }
        }
    }

    fn covers(&self, probe: &Probe) -> bool {
        match self {
            Self::Finding(id) => *id == probe.id,
            Self::GuardRail(title) => title.title() == probe.guard_rail,
        }
    }
}

/// Probes with what is accepted, and the entries that do not count.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) probes: Vec<Probe>,
    /// What is told of those that have expired.
    pub(crate) expired: Vec<String>,
    /// Those that accept none of these probes. Of some of a run's probes alone, that
    /// says nothing.
    pub(crate) idle: Vec<Idle>,
}

impl Applied {
    /// What is told where these are all probes of a run.
    pub(crate) fn stale(&self) -> Vec<String> {
        let idle = self.idle.iter().map(|entry| entry.told.clone());
        self.expired.iter().cloned().chain(idle).collect()
    }
}

impl Acceptances {
    /// The entries of a configuration on a day.
    ///
    /// # Errors
    /// When an entry names a guard rail that there is none of.
    pub(crate) fn of(config: &Config, today: Date) -> Result<Self, ConfigError> {
        let mut all = Self { entries: Vec::new(), expired: Vec::new() };
        for accepted in &config.accepted {
            let Some((subject, _)) = accepted.subject() else { continue };
            let about = About::of(subject, config).map_err(|message| ConfigError::Invalid {
                place: Place { file: config.file.clone(), line: accepted.line, column: 1 },
                message,
            })?;
            let entry = Entry::of(accepted, about, subject, config);
            if accepted.expires.0 < today {
                let Entry { place, subject, expires, .. } = entry;
                all.expired.push(format!("{place}: {subject} was accepted until {expires}"));
            } else {
                all.entries.push(entry);
            }
        }
        all.entries.sort_by(|one, other| one.about.cmp(&other.about));
        Ok(all)
    }

    /// The probes with what is accepted.
    pub(crate) fn apply(&self, probes: Vec<Probe>) -> Applied {
        let mut used = vec![false; self.entries.len()];
        let mut take = |probe: Probe| {
            if !probe.verdict.is_open() {
                return probe;
            }
            let found = self.entries.iter().zip(&mut used);
            match found.into_iter().find(|(entry, _)| entry.about.covers(&probe)) {
                Some((entry, used)) => {
                    *used = true;
                    probe.accepted(|found| entry.acceptance(found))
                }
                None => probe,
            }
        };
        let probes: Vec<Probe> = probes.into_iter().map(&mut take).collect();
        let idle = self.entries.iter().zip(used).filter(|(_, used)| !used);
        let idle = idle.map(|(entry, _)| entry.idle(&probes)).collect();
        Applied { probes, expired: self.expired.clone(), idle }
    }
}

impl Entry {
    fn of(accepted: &Accepted, about: About, subject: Subject<'_>, config: &Config) -> Self {
        Self {
            about,
            subject: subject.to_string(),
            owner: accepted.owner.get_ref().clone(),
            reason: accepted.reason.get_ref().clone(),
            expires: accepted.expires.to_string(),
            place: format!("{}:{}", config.file.display(), accepted.line),
        }
    }

    fn acceptance(&self, found: Verdict) -> Acceptance {
        let Self { owner, reason, expires, place, .. } = self;
        Acceptance {
            found,
            owner: owner.clone(),
            reason: reason.clone(),
            expires: expires.clone(),
            place: place.clone(),
        }
    }

    /// What is wrong with an entry that accepts nothing.
    fn idle(&self, probes: &[Probe]) -> Idle {
        let Self { about, subject, place, .. } = self;
        let covered: Vec<&Probe> = probes.iter().filter(|probe| about.covers(probe)).collect();
        let why = match (about, covered.as_slice()) {
            (_, []) => "no probe of this run is of that id".to_owned(),
            (About::Finding(_), [probe, ..]) => match &probe.accepted {
                Some(other) => format!("{} accepts it already", other.place),
                None => format!("it is {}", probe.verdict.as_str().replace('-', " ")),
            },
            (About::GuardRail(_), _) => "nothing of it is left to accept".to_owned(),
        };
        Idle {
            place: place.clone(),
            probes: covered.len(),
            told: format!("{place}: {subject} is accepted, but {why}: take the entry out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ringfence_evidence::{Companions, Scope};
    use time::macros::date;

    use super::*;

    const CARRIED: &str = "every execution role carries the boundary";

    fn probe(id: &str, guard_rail: &str, verdict: Verdict) -> Probe {
        Probe {
            id: id.to_owned(),
            guard_rail: guard_rail.to_owned(),
            identity: "d".to_owned(),
            road: "api".to_owned(),
            scope: Scope::Executed,
            title: id.to_owned(),
            expected: String::new(),
            observed: String::new(),
            verdict,
            reason: None,
            companions: Companions::default(),
            decided_by: Vec::new(),
            duration_us: 0,
            request_ids: Vec::new(),
            accepted: None,
        }
    }

    fn entry(subject: &str) -> String {
        format!(
            "[[accepted]]\n{subject}\nowner = \"platform\"\nreason = \"old\"\nexpires = 2027-03-31\n"
        )
    }

    fn acceptances(text: &str) -> Result<Acceptances, ConfigError> {
        let config = Config::parse(text, Path::new("ringfence.toml")).unwrap();
        Acceptances::of(&config, date!(2027 - 03 - 31))
    }

    fn probes() -> Vec<Probe> {
        vec![
            probe("a", CARRIED, Verdict::Failed),
            probe("b", CARRIED, Verdict::Inconclusive),
            probe("c", CARRIED, Verdict::Held),
            probe("d", "other", Verdict::Failed),
        ]
    }

    fn applied(text: &str) -> (Vec<Verdict>, Vec<String>) {
        let applied = acceptances(text).unwrap().apply(probes());
        let stale = applied.stale();
        (applied.probes.into_iter().map(|probe| probe.verdict).collect(), stale)
    }

    #[test]
    fn a_finding_is_accepted_by_its_id_and_nothing_beside_it() {
        let applied = acceptances(&entry("finding = \"a\"")).unwrap().apply(probes());
        assert_eq!(applied.stale(), [""; 0]);
        let probes = applied.probes;
        let verdicts: Vec<Verdict> = probes.iter().map(|probe| probe.verdict).collect();
        let (accepted, failed) = (Verdict::Accepted, Verdict::Failed);
        assert_eq!(verdicts, [accepted, Verdict::Inconclusive, Verdict::Held, failed]);
        assert_eq!(probes[0].found(), Verdict::Failed);
        assert_eq!(
            probes[0].acceptance().unwrap(),
            "failed; accepted by platform until 2027-03-31: old (ringfence.toml:2)"
        );
    }

    #[test]
    fn a_guard_rail_is_accepted_in_all_that_it_does_not_hold() {
        let (verdicts, stale) = applied(&entry("guard_rail = \"boundary-carried\""));
        let accepted = Verdict::Accepted;
        assert_eq!(verdicts, [accepted, accepted, Verdict::Held, Verdict::Failed]);
        assert_eq!(stale, [""; 0]);
    }

    #[test]
    fn an_entry_that_accepts_nothing_is_told_with_its_place() {
        for (subject, told) in [
            (
                "finding = \"A\"",
                "ringfence.toml:2: finding `A` is accepted, but no probe of this run is of that \
                 id: take the entry out",
            ),
            (
                "finding = \"c\"",
                "ringfence.toml:2: finding `c` is accepted, but it is held: take the entry out",
            ),
            (
                "guard_rail = \"scopes\"",
                "ringfence.toml:2: guard rail `scopes` is accepted, but no probe of this run is \
                 of that id: take the entry out",
            ),
        ] {
            assert_eq!(applied(&entry(subject)).1, [told]);
        }
        let applied = acceptances(&entry("finding = \"c\"")).unwrap().apply(probes());
        assert_eq!(applied.expired, [""; 0]);
        assert_eq!(
            (applied.idle[0].place.as_str(), applied.idle[0].probes),
            ("ringfence.toml:2", 1)
        );
    }

    #[test]
    fn an_entry_that_has_expired_accepts_nothing_and_is_told() {
        let text = entry("finding = \"a\"").replace("2027-03-31", "2027-03-30");
        let (verdicts, stale) = applied(&text);
        assert_eq!(verdicts[0], Verdict::Failed);
        assert_eq!(stale, ["ringfence.toml:2: finding `a` was accepted until 2027-03-30"]);
    }

    #[test]
    fn a_guard_rail_that_there_is_none_of_is_named() {
        let error = acceptances(&entry("guard_rail = \"boundary\"")).unwrap_err().to_string();
        let begins =
            "ringfence.toml:2:1: there is no guard rail `boundary`; there are deployments,";
        assert!(error.starts_with(begins), "{error}");
    }

    #[rstest::rstest]
    #[case(
        "",
        "ringfence.toml:3:9: an entry accepts a `finding` or a `guard_rail`: one of the two"
    )]
    #[case(
        "finding = \"integrity/root-user\"",
        "ringfence.toml:2:11: finding `integrity/root-user` is about the run itself, which nobody can accept"
    )]
    fn an_entry_that_cannot_count_is_refused(#[case] subject: &str, #[case] expected: &str) {
        let error = Config::parse(&entry(subject), Path::new("ringfence.toml")).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn two_entries_of_one_finding_and_a_day_that_is_none_are_refused() {
        let twice = entry("finding = \"a\"") + &entry("finding = \"a\"");
        let error = Config::parse(&twice, Path::new("ringfence.toml")).unwrap_err();
        assert_eq!(error.to_string(), "ringfence.toml:7:11: finding `a` is accepted twice");
        let text = entry("finding = \"a\"").replace("2027-03-31", "\"2027-13-31\"");
        let error = Config::parse(&text, Path::new("ringfence.toml")).unwrap_err().to_string();
        assert!(error.ends_with("`2027-13-31` is not a day, such as 2027-03-31"), "{error}");
        assert!(error.starts_with("ringfence.toml:5:"), "{error}");
    }
}

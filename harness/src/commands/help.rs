//! What stands below each command's options: an example, and how it ends.

/// The text below a command's options.
macro_rules! after {
    ($example:literal, $exits:literal) => {
        concat!("Example:\n  ", $example, "\n\nExit codes: ", $exits)
    };
}

pub(super) const UP: &str = after!(
    "ringfence up --backend embedded --port 4566 --journal journal.jsonl",
    "2 it could not start, 130/143 interrupted; all that was started is removed."
);
pub(super) const VERIFY: &str = after!(
    "ringfence verify --backend embedded --run-dir evidence",
    "0 every control held, 1 a control failed, was inconclusive or was not run, 2 it could not run, 130/143 interrupted."
);
pub(super) const WATCH: &str = after!(
    "ringfence watch --backend embedded --changed-since main",
    "2 it could not run, 130/143 ended by Ctrl-C or SIGTERM; all that was started is removed."
);
pub(super) const ATTACK: &str = after!(
    "ringfence attack --only administrator-under-deployer-boundary/api-deleted/api",
    "0 every attack held, 1 one did not, 2 it could not run, 130/143 interrupted."
);
pub(super) const MUTATE: &str = after!(
    "ringfence mutate --backend embedded --json",
    "0 every probe held and every change was noticed or is equivalent, 1 otherwise, 2 it could not run, 130/143 interrupted."
);
pub(super) const DECIDE: &str = after!(
    r#"echo '{"id":1,"principal":"arn:aws:iam::123456789012:role/a","action":"s3:GetObject","resource":"arn:aws:s3:::b/c","resource_account":"123456789012","policies":{"identity":[{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}]}}' | ringfence decide
  {"id":1,"decision":"allow","layer":"identity","statements":[{"policy":"identity[0]","sid":null,"index":0}],"explanation":"allowed by statement 1 of `identity[0]`"}"#,
    "0 done, whatever the decisions, 2 some input could not be read."
);
pub(super) const EXPLAIN: &str = after!(
    "ringfence explain request.json",
    "0 done, whatever the decision, 2 the input could not be read."
);
pub(super) const DOCTOR: &str = after!(
    "ringfence doctor ../platform",
    "0 all runs, if need be with a stand-in, 1 something does not, 2 a file could not be read."
);
pub(super) const PROVE: &str = after!(
    "terraform show -json plan > plan.json && ringfence prove --plan plan.json --templates sam-apps --certificate proved.json --sarif=prove.sarif
  ringfence prove --paths    plans the root modules of ringfence.toml itself
  ringfence prove --check proved.json",
    "0 every guard rail is proved (--paths: no path to what is not its own; --check: every certificate is good), 1 one is violated or undecided (--paths: there is a path, or it is undecided; --check: one is not good), 2 some input could not be read or planned, or names nobody, 130/143 interrupted while planning."
);
pub(super) const REACH: &str = after!(
    "terraform show -json > state.json && ringfence reach orders --to 0.0.0.0/0 --port 443 --state state.json",
    "0 nothing is reached and nothing reaches a function, of what is asked about, 1 something is or does, or it is undecided, 2 some input could not be read or planned, or no function has the name."
);
pub(super) const INIT: &str = after!(
    "ringfence init infrastructure services --output ringfence.toml",
    "0 the file was written, 2 it is there already, or input could not be read."
);
pub(super) const CALIBRATE: &str = after!(
    "ringfence calibrate ringfence-run --profile audit --principals",
    "0 all that AWS judged agrees, 1 something differs, 2 it could not run, 130/143 interrupted."
);
pub(super) const COVERAGE: &str =
    after!("ringfence coverage sqs", "0 done, 2 there is no such service.");
pub(super) const REPORT: &str = after!(
    "ringfence report ringfence-run",
    "0 the forms are what run.json makes, 1 one differs, 2 the bundle could not be read."
);
pub(super) const LINT: &str = after!(
    "ringfence lint policies template.yaml --sarif=lint.sarif",
    "0 no findings, 1 findings, 2 some input could not be read."
);
pub(super) const EVIDENCE: &str = after!(
    "ringfence evidence verify ringfence-run --allowed-key evidence.pub",
    "0 good, 1 not to be relied on or worse, 2 it could not be read."
);
pub(super) const COMPLETIONS: &str = after!(
    "ringfence completions bash > ~/.local/share/bash-completion/completions/ringfence",
    "0 done."
);
pub(super) const MAN: &str =
    after!("ringfence man ~/.local/share/man/man1", "0 done, 2 a page could not be written.");

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::super::Cli;

    fn told(command: &clap::Command, missing: &mut Vec<String>) {
        for command in command.get_subcommands() {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let has_example = text.contains("Example") || command.has_subcommands();
            if !has_example || !text.contains("Exit codes:") {
                missing.push(command.get_name().to_owned());
            }
        }
    }

    #[test]
    fn every_command_has_an_example_and_its_exit_codes() {
        let mut missing = Vec::new();
        told(&Cli::command(), &mut missing);
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn examples_are_commands() {
        let texts = [
            super::UP,
            super::VERIFY,
            super::WATCH,
            super::ATTACK,
            super::MUTATE,
            super::EXPLAIN,
            super::DOCTOR,
            super::INIT,
            super::CALIBRATE,
            super::COVERAGE,
            super::REPORT,
            super::LINT,
            super::EVIDENCE,
            super::COMPLETIONS,
            super::MAN,
        ];
        for text in texts {
            let line = text.lines().nth(1).unwrap().split(" > ").next().unwrap();
            let parsed = Cli::try_parse_from(line.split_whitespace());
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }

    #[test]
    fn each_help_names_the_other() {
        let mut command = Cli::command();
        let mut help = |path: &[&str]| {
            let mut command = &mut command;
            for name in path {
                command = command.find_subcommand_mut(name).unwrap();
            }
            command.render_long_help().to_string()
        };
        assert!(help(&["evidence", "diff"]).contains("`ringfence access-diff OLD NEW`"));
        assert!(help(&["access-diff"]).contains("`ringfence evidence diff`"));
    }

    #[test]
    fn the_line_that_decide_is_shown_with_is_answered_by_the_line_below_it() {
        let mut lines = super::DECIDE.lines().skip(1).map(str::trim);
        let (command, answer) = (lines.next().unwrap(), lines.next().unwrap());
        let line = command.strip_prefix("echo '").unwrap();
        let line = line.strip_suffix("' | ringfence decide").unwrap();
        let told = ringfence_policy::jsonl::Decider::default().line(line);
        assert_eq!((told.text.as_str(), told.readable), (answer, true));
    }

    #[test]
    fn help_fits_a_screen() {
        let mut long = Vec::new();
        for command in Cli::command().get_subcommands_mut() {
            let lines = command.render_help().to_string().lines().count();
            if lines > 50 {
                long.push((command.get_name().to_owned(), lines));
            }
        }
        assert_eq!(long, Vec::new());
    }
}

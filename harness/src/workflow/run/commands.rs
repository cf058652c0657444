//! What a step says to the runner in its output
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).

use super::super::expression::Object;
use super::state::State;

/// Follows the lines of a step.
#[derive(Debug, Default)]
pub(super) struct Commands {
    /// The word that makes commands count again.
    stopped: Option<String>,
}

impl Commands {
    /// What a line asks for is done: a mask, or an output in the former way.
    pub(super) fn line(&mut self, line: &str, outputs: &mut Object, state: &mut State<'_>) {
        let Some((name, properties, value)) = command(line) else { return };
        if let Some(word) = &self.stopped {
            if name == word {
                self.stopped = None;
            }
            return;
        }
        match name {
            "add-mask" => state.hide(&unescaped(value)),
            "stop-commands" => self.stopped = Some(value.to_owned()),
            "set-output" => {
                if let Some(name) = properties.strip_prefix("name=") {
                    outputs.set(name, unescaped(value));
                }
            }
            _ => {}
        }
    }
}

/// `::name properties::value`
fn command(line: &str) -> Option<(&str, &str, &str)> {
    let (head, value) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    Some((name, properties.trim(), value))
}

/// `%0A` and its like.
fn unescaped(text: &str) -> String {
    text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
}

//! How many parts an ARN of the input has. `registry/own/x` is in `registry/own*`; an
//! emulator that reads what follows the last slash acts on the registry `x`. Where the
//! reference has no form with as many parts, the call is decided by nobody: AWS may have
//! names with a slash that are not known here.

use ringfence_models::actions;
use ringfence_policy::Wildcard;

use crate::requirements::RequirementsError;
use crate::requirements::forms;
use crate::requirements::scope::{Scope, arn_parts};

/// Types whose names may have a slash, or whose ARNs have parts that the reference does not
/// show; `*`: all of a prefix.
const OPEN: &[(&str, &str)] = &[
    ("apigateway", "*"),
    // The name of a group may have any character.
    ("autoscaling", "*"),
    ("cloudwatch", "alarm"),
    ("codeartifact", "*"),
    // <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html>
    ("ecr", "repository"),
    ("ecr-public", "repository"),
    ("elasticbeanstalk", "*"),
    // Of partners: `aws.partner/NAME`.
    ("events", "event-bus"),
    ("events", "event-source"),
    ("events", "rule"),
    ("execute-api", "*"),
    // `schema/REGISTRY/NAME`:
    // <https://docs.aws.amazon.com/glue/latest/dg/schema-registry-gs.html>
    ("glue", "schema"),
    ("greengrass", "*"),
    ("iot", "*"),
    ("mobiletargeting", "*"),
    ("quicksight", "*"),
    ("resource-groups", "group"),
    ("securityhub", "*"),
    // `endpoint/PLATFORM/APPLICATION/ID`:
    // <https://docs.aws.amazon.com/sns/latest/dg/mobile-push-send-devicetoken.html>
    ("sns", "*"),
];

/// Prefixes whose names have no colon, so that a colon too begins a part.
const COLONS: &[&str] = &["codepipeline"];

/// Refuses an ARN of the call's service whose parts are those of no form.
///
/// # Errors
/// That nothing tells what it is.
pub(super) fn check(scope: &Scope<'_>, arn: &str) -> Result<(), RequirementsError> {
    let name = scope.prefix();
    let Some([_, _, service, _, _, resource]) = arn_parts(arn) else { return Ok(()) };
    let word = resource.split(['/', ':']).next().unwrap_or_default();
    let is_open = OPEN.iter().any(|(prefix, kind)| *prefix == name && ["*", word].contains(kind));
    let Some(prefix) = actions::of(name).filter(|_| service == name && !is_open) else {
        return Ok(());
    };
    let separators: &[char] = if COLONS.contains(&name) { &[':', '/'] } else { &['/'] };
    let mut forms = prefix.resource_types().flat_map(|kind| &kind.arn).peekable();
    if forms.peek().is_none() || forms.any(|form| has_parts(form, resource, separators)) {
        return Ok(());
    }
    Err(scope.undecided(format!("`{arn}` has more or other parts than an ARN of {name}")))
}

fn has_parts(form: &str, resource: &str, separators: &[char]) -> bool {
    let Some([.., form]) = arn_parts(form) else { return false };
    let form = forms::open(form);
    let marks = |text: &str| text.matches(separators).collect::<String>();
    marks(&form) == marks(resource)
        && form
            .split(separators)
            .zip(resource.split(separators))
            .all(|(form, part)| Wildcard::of_text(form).matches(part))
}

//! Layer 1 as its pipelines apply it: each root module as root, or as the role
//! that its own pipeline has.

use ringfence_guard::journal::{Check, Entry};

use super::{Options, Stack, StackError};
use crate::config::Pipeline;
use crate::issuers::{Bearer, GithubRun};
use crate::template::Engine;
use crate::terraform::{Access, OutputError, Outputs, Roots, TerraformError};

/// A pipeline that applied a root module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The root module.
    pub root: String,
    /// The role's ARN.
    pub role_arn: String,
    /// The key of the session, which is retired since.
    pub(super) access_key_id: String,
}

/// What came of Layer 1.
pub(super) struct Made {
    pub(super) outputs: Outputs,
    pub(super) pipelines: Vec<Applied>,
    /// Of the last root module, where it was planned alone, what `terraform show -json`
    /// prints.
    pub(super) plan: Option<String>,
}

/// What names what `[[existing]]` made.
pub(super) const EXISTING: &str = "existing";

impl Stack {
    /// Makes what exists and applies each root module as whoever applies it; where the
    /// last one is planned alone, it is planned as that.
    pub(super) async fn apply(&self, roots: &Roots, options: &Options) -> Result<Made, StackError> {
        let keys = options.root;
        let own = self.config.account.id.as_str();
        let access = self.terraform_root(keys, own)?;
        let existing = roots.make_existing(&access, &self.progress).await;
        let existing = existing.map_err(|error| self.explained(error))?;
        let mut outputs: Vec<(String, Outputs)> = Vec::new();
        let mut pipelines = Vec::new();
        let mut plan = None;
        let engine = Engine { client: &self.client, guard: &self.guard };
        let last = roots.all().len().saturating_sub(1);
        for (number, root) in roots.all().iter().enumerate() {
            let session = match &root.role {
                None => None,
                Some(role) => {
                    let before = existing.iter().map(|made| (EXISTING.to_owned(), made.clone()));
                    let before = Outputs::of_roots(before.chain(outputs.iter().cloned()).collect());
                    let (role_arn, session) =
                        self.become_pipeline(&root.name, role, &before).await?;
                    let is_elsewhere = role_arn.split(':').nth(4) != Some(&root.account);
                    if is_elsewhere && !self.config.accounts.is_empty() {
                        return Err(StackError::RoleOfAnotherAccount {
                            root: root.name.clone(),
                            role_arn,
                            account_id: root.account.clone(),
                        });
                    }
                    pipelines.push(Applied {
                        root: root.name.clone(),
                        role_arn,
                        access_key_id: session.access_key_id.clone(),
                    });
                    Some(session)
                }
            };
            let of_another = match root.account.as_str() {
                id if id == own || session.is_some() => None,
                id => Some(self.terraform_root(keys, id)?),
            };
            let access = session.as_ref().or(of_another.as_ref()).unwrap_or(&access);
            if options.planned && number == last {
                let made = roots.plan(root, access, &self.progress).await;
                plan = made.map_err(|error| self.explained(error))?;
                if plan.is_some() {
                    continue;
                }
            }
            let made = roots.apply(root, engine, access, &self.progress).await;
            outputs.push((root.name.clone(), made.map_err(|error| self.explained(error))?));
        }
        Ok(Made { outputs: Outputs::of_roots(outputs), pipelines, plan })
    }

    /// A session of a pipeline's role, had by a token of its workflow.
    async fn become_pipeline(
        &self,
        root: &str,
        role: &Pipeline,
        before: &Outputs,
    ) -> Result<(String, Access), StackError> {
        let field = format!("layer1.{root}.role.output");
        let role_arn =
            before.arn_of(&field, role.output.get_ref()).map_err(TerraformError::from)?;
        if !role_arn.contains(":role/") {
            let found = format!("`{role_arn}`, which is the ARN of no role");
            return Err(TerraformError::from(OutputError::Resource { field, found }).into());
        }
        let app = role.app(root);
        let subject = app.subject.as_ref().map(|subject| subject.get_ref().as_str());
        let run = || GithubRun::of(&app, role.environment.as_deref());
        let bearer = Bearer::of(&self.config, &app, subject, run);
        let session = self.assume_by(self.issuer_of(&app)?, &role_arn, &bearer).await?;
        Ok((role_arn, session))
    }

    /// What Terraform says of a refused call, with what decided it.
    fn explained(&self, error: TerraformError) -> TerraformError {
        error.explained(|id| {
            let entry = self.guard.journal().find(id)?;
            decided(&entry)
        })
    }
}

/// What refused a request, in the guard's words: of each permission that it lacks,
/// the statements that decided, or the layer where none did.
fn decided(entry: &Entry) -> Option<String> {
    let refused = entry.checks.iter().filter(|check| check.outcome != "allow").map(why);
    let all: Vec<String> = refused.collect();
    (!all.is_empty()).then(|| format!("({} calls: {})", entry.principal, all.join("; ")))
}

fn why(check: &Check) -> String {
    let statements = check.statements.iter().map(|statement| {
        let own = statement.sid.as_ref().map_or_else(
            || format!("statement {}", statement.index.saturating_add(1)),
            |sid| format!("statement {sid}"),
        );
        format!("{own} of {}", statement.policy)
    });
    let statements: Vec<String> = statements.collect();
    let by = if statements.is_empty() {
        format!("no statement of the {} policies allows it", check.layer)
    } else {
        format!("by {}", statements.join(", "))
    };
    format!("{} on {}: {}, {by}", check.action, check.resource, check.outcome)
}

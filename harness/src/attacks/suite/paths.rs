//! The known escalation paths, of deployers, code and whoever else there is.

use ringfence_guard::{Caller, Question};
use ringfence_wire::services::Iam;
use serde_json::{Value, json};

use super::{Selected, Suite};
use crate::attacks::actor::Actor;
use crate::attacks::attack::Step;
use crate::attacks::escalations::decided::{Candidate, Decided};
use crate::attacks::escalations::questions::Between;
use crate::attacks::facts::{DeployerFacts, Facts, FunctionFacts, RoleFacts};
use crate::attacks::finding::{Finding, Road};
use crate::attacks::granted::Granted;
use crate::attacks::probe_role::ProbeRole;
use crate::attacks::trust::SESSION;
use crate::attacks::{escalations, legitimate};

impl Suite<'_> {
    /// What a user may do, or a role that is neither a deployer's nor a function's.
    pub(super) async fn role(
        &self,
        role: &RoleFacts,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let granted = Granted::of(&self.platform, &role.arn, &self.facts).await?;
        if !role.is_user() {
            let caller = Caller::Role { arn: &role.arn, session: SESSION };
            return self.standing(role, caller, &granted, selected).await;
        }
        // A user is asked about by a key of its own, which nobody uses.
        let named = json!({"UserName": role.name});
        let made = self.platform.call(&Step::new(Iam, "CreateAccessKey", named.clone())).await;
        let key = match made.result {
            // One that it has, where it may have no more.
            Err(error) if error.code == "LimitExceeded" => {
                let step = Step::new(Iam, "ListAccessKeys", named);
                let keys = self.platform.call(&step).await.result?;
                let id = active(&keys).ok_or(error)?;
                return self.standing(role, Caller::Key(id), &granted, selected).await;
            }
            made => made?,
        };
        let id = key.pointer("/AccessKey/AccessKeyId").and_then(Value::as_str);
        let id = id.ok_or_else(|| anyhow::anyhow!("CreateAccessKey answered without a key"))?;
        let findings = self.standing(role, Caller::Key(id), &granted, selected).await;
        let delete = json!({"UserName": role.name, "AccessKeyId": id});
        self.platform.call(&Step::new(Iam, "DeleteAccessKey", delete)).await.result?;
        findings
    }

    /// The known escalation paths, decided for an identity of which no work of its
    /// own is known.
    pub(super) async fn standing(
        &self,
        role: &RoleFacts,
        caller: Caller<'_>,
        granted: &Granted,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let name = role.identity();
        let guard = self.stack.guard();
        let paths = escalations::paths().iter();
        let paths: Vec<_> =
            paths.filter(|path| selected(&path.finding_id(&name, Road::Api))).collect();
        let work = legitimate::work(guard, caller, granted).await?;
        let Some(may) = work else {
            let why = "its policies allow nothing, and so there is nothing that it might gain by";
            return Ok(paths.iter().map(|it| it.not_applicable(&name, Road::Api, why)).collect());
        };
        let canary = ProbeRole::canary(self, &name);
        let actor = canary.make().await?;
        let decided = Decided { guard, canary: Caller::Key(actor.access_key_id()) };
        let coveted = self.facts.coveted_by(&role.arn);
        let candidate = Candidate {
            name: &name,
            caller,
            road: Road::Api,
            between: Between { facts: &self.facts, app: "", own: &role.arn, coveted: &coveted },
            may,
        };
        let mut findings = Vec::new();
        for path in paths {
            findings.push(decided.run(path, &candidate).await);
        }
        canary.remove().await?;
        Ok(findings)
    }

    /// The escalation paths that a deployer cannot try by a call, decided.
    pub(super) async fn paths_of(
        &self,
        deployer: &DeployerFacts,
        may: Question,
        attacker: &Actor,
        canary: &Actor,
        selected: Selected<'_>,
    ) -> Vec<Finding> {
        let decided =
            Decided { guard: self.stack.guard(), canary: Caller::Key(canary.access_key_id()) };
        let candidate =
            self.deployer_candidate(deployer, Caller::Key(attacker.access_key_id()), may);
        let mut findings = Vec::new();
        for path in escalations::paths() {
            let chosen = selected(&path.finding_id(&deployer.name, Road::Api));
            if chosen && !escalations::calls::served(path, &self.facts, deployer) {
                findings.push(decided.run(path, &candidate).await);
            }
        }
        findings
    }

    /// All escalation paths for code in a function, decided.
    pub(super) async fn paths_of_code(
        &self,
        function: &FunctionFacts,
        selected: Selected<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let canary = ProbeRole::canary(self, &Facts::code_in(function));
        let actor = canary.make().await?;
        let decided =
            Decided { guard: self.stack.guard(), canary: Caller::Key(actor.access_key_id()) };
        let name = Facts::code_in(function);
        let coveted = self.facts.coveted_by(&function.role_arn);
        let Some(may) = self.work_of(function).await? else {
            canary.remove().await?;
            let why = "its role's policies allow nothing that it might gain by";
            let paths = escalations::paths().iter();
            let chosen = paths.filter(|path| selected(&path.finding_id(&name, Road::Function)));
            return Ok(chosen.map(|it| it.not_applicable(&name, Road::Function, why)).collect());
        };
        let candidate = self.code_candidate(function, &name, &coveted, may);
        let mut findings = Vec::new();
        for path in escalations::paths() {
            if selected(&path.finding_id(&name, Road::Function)) {
                findings.push(decided.run(path, &candidate).await);
            }
        }
        canary.remove().await?;
        Ok(findings)
    }

    /// A deployer whom escalation paths are decided for.
    pub(super) fn deployer_candidate<'b>(
        &'b self,
        deployer: &'b DeployerFacts,
        caller: Caller<'b>,
        may: Question,
    ) -> Candidate<'b> {
        let facts = &self.facts;
        Candidate {
            name: &deployer.name,
            caller,
            road: Road::Api,
            between: Between {
                facts,
                app: &deployer.app,
                own: &deployer.arn,
                coveted: facts.coveted(deployer),
            },
            may,
        }
    }

    /// Code in a function that escalation paths are decided for.
    pub(super) fn code_candidate<'b>(
        &'b self,
        function: &'b FunctionFacts,
        name: &'b str,
        coveted: &'b str,
        may: Question,
    ) -> Candidate<'b> {
        Candidate {
            name,
            caller: Caller::Role { arn: &function.role_arn, session: &function.name },
            road: Road::Function,
            between: Between {
                facts: &self.facts,
                app: function.owner(),
                own: &function.role_arn,
                coveted,
            },
            may,
        }
    }
}

/// A key in a list that is not switched off.
fn active(keys: &Value) -> Option<&str> {
    let keys = keys.get("AccessKeyMetadata")?.as_array()?;
    let active = keys.iter().find(|key| key.get("Status") == Some(&json!("Active")))?;
    active.get("AccessKeyId")?.as_str()
}

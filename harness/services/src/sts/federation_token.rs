//! `GetFederationToken`: a session under a name that the caller chooses, with
//! what its policies and the session's both allow
//! (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>).

use ringfence_wire::{Call, Reply, ServiceError};
use serde_json::json;

use super::session;
use super::tags::SessionTags;
use super::{Sts, check_input, no_randomness, session_credentials};
use crate::credentials::{FederatedUser, Identity, Session};

impl Sts {
    pub(super) async fn federation_token(
        &self,
        call: &Call,
        caller: &Session,
    ) -> Result<Reply, ServiceError> {
        let federator = caller.long_term().ok_or_else(|| session_credentials(call.name()))?;
        check_input(call, Some(caller))?;
        let name = call.text("Name").unwrap_or_default();
        let lifetime = session::own_duration(call, &federator)?;
        let policies = self.session_policies(call).await?;
        let tags = SessionTags::of_federation(call)?;
        let packed_percent = session::packed_percent(policies.as_ref(), &tags)?;
        let now = self.setting.now();
        let expiration = now + lifetime;
        let identity = Identity::FederatedUser(Box::new(FederatedUser {
            name: name.to_owned(),
            federator,
            session_policies: policies.map(|policies| policies.texts),
            tags: tags.tags,
            issued_at: now,
        }));
        let user = json!({ "FederatedUserId": identity.user_id(), "Arn": identity.arn() });
        self.setting.keyring.sweep(now);
        let credentials =
            self.setting.keyring.issue(identity, Vec::new(), expiration).map_err(no_randomness)?;
        let mut reply = json!({
            "Credentials": session::printed(&credentials, expiration),
            "FederatedUser": user,
        });
        // Also where there is no policy (recorded on AWS in LocalStack's
        // `test_get_federation_token`).
        if let Some(fields) = reply.as_object_mut() {
            let percent = packed_percent.unwrap_or_default();
            fields.insert("PackedPolicySize".to_owned(), percent.into());
        }
        Ok(Reply::fields(reply))
    }
}

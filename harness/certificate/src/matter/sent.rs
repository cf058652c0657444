//! Keys that no request for an action has, and those of which none has a list.

use ringfence_policy::catalog;
use ringfence_policy::symbolic::Action;

use super::Matter;
use crate::language::symbols;

impl Matter<'_> {
    /// Takes the keys that AWS never sends with an action for absent, where the policies name
    /// that action by itself: who else is of its class has any. Of keys that have one value
    /// at most there are no lists.
    pub fn without_unsent(&mut self) {
        let all = self.statements.iter().flat_map(|one| one.actions());
        let whole = all.filter_map(|(service, tokens)| {
            let name: Option<String> =
                symbols(&tokens).into_iter().map(|symbol| symbol.written()).collect();
            Some((service, name?.to_ascii_lowercase()))
        });
        self.named = Some(whole.collect());
    }

    /// Whether actions that the policies name by themselves are told apart.
    pub(crate) fn is_named(&self) -> bool {
        self.named.is_some()
    }

    /// Whether no request has a list of the key.
    pub(crate) fn is_single(&self, lower: &str) -> bool {
        self.named.is_some() && !self.caller.is_fixed(lower) && catalog::has_one_value(lower)
    }

    /// Of each key, whether no request for the action has it.
    pub(crate) fn unsent(&self, action: &str) -> Vec<bool> {
        let parsed = Action::parse(action);
        let service = parsed.service.to_ascii_lowercase();
        let name = parsed.name.to_ascii_lowercase();
        let is_named = self.named.as_ref().is_some_and(|named| {
            [None, Some(service.as_str())].into_iter().any(|of| named.contains(&(of, name.clone())))
        });
        let service = catalog::service(&service).filter(|_| is_named);
        let known = service.and_then(|service| Some((service, service.action(&name)?)));
        let is_unsent = |lower: &str| {
            !self.caller.is_fixed(lower)
                && known.is_some_and(|(service, action)| service.never_sends(action, lower))
        };
        self.keys.iter().map(|key| is_unsent(&key.lower)).collect()
    }
}

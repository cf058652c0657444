//! The operations of a service.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::needs::Needs;
use crate::service::Service;
use crate::shape::{Location, Member};

/// An operation of a service, from its model.
#[derive(Debug)]
pub struct Operation {
    /// The service.
    pub service: Service,
    /// `CreateRole`, ….
    pub name: &'static str,
    /// The HTTP method.
    pub method: http::Method,
    /// The path's template, with its fixed query part:
    /// `/2015-03-31/functions/{FunctionName}/policy`, `/{Bucket}?tagging`.
    pub uri: &'static str,
    /// The status of a success.
    pub status: u16,
    /// What stands before the service's host: `{AccountId}.`, `data-`.
    pub host_prefix: Option<&'static str>,
    /// Whether clients send the call without a signature.
    pub unsigned: bool,
    /// Whether the body is not signed.
    pub unsigned_payload: bool,
    /// Whether the operation has a successor.
    pub deprecated: bool,
    /// Whether another host than the service's own serves it.
    pub elsewhere: bool,
    /// The members of the input, by name.
    pub members: Arc<[Member]>,
    /// The element that the input is, where a body is XML.
    pub root: Option<&'static str>,
    /// The codes of the errors that the model names.
    pub errors: Vec<&'static str>,
    /// The actions that a call may need: one of the same name, or what an
    /// override says. Empty where it needs none, nothing where it is not known.
    pub actions: Option<Vec<ActionName>>,
    pub(crate) needs: OnceLock<Needs>,
}

/// An action by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActionName {
    /// `sqs`.
    pub prefix: &'static str,
    /// `SendMessage`.
    pub name: &'static str,
}

impl fmt::Display for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.prefix, self.name)
    }
}

impl Operation {
    /// The operation of this name, if the service has it.
    pub fn find(service: Service, name: &str) -> Option<&'static Self> {
        service.operation(name)
    }

    /// Whether the policy that its input may hold is no resource's.
    pub fn stores_no_policy(&self) -> bool {
        self.service.model().rules.stores_no_policy(self.name)
    }

    /// What a call of it needs.
    pub fn needs(&self) -> &Needs {
        self.needs.get_or_init(|| Needs::of(self))
    }

    /// The input's member of this name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The member whose value is the whole body, if there is one.
    pub fn payload(&self) -> Option<&Member> {
        self.members.iter().find(|member| member.location == Location::Payload)
    }

    /// The members at a place.
    pub fn members_in(&self, location: Location) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |member| member.location == location)
    }

    /// The path of the template, without its fixed query part.
    pub fn path(&self) -> &'static str {
        self.uri.split_once('?').map_or(self.uri, |(path, _)| path)
    }

    /// The fixed query parameters of the template: `list-type=2`, `tagging`.
    pub fn fixed_query(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let query = self.uri.split_once('?').map_or("", |(_, query)| query);
        query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    }
}

//! A resource of Terraform's state, and the ARNs by which calls name it.

use ringfence_guard::journal::Check;

use super::{Place, table};
use crate::terraform::Instance;

/// A resource with its ARNs.
#[derive(Debug)]
pub(super) struct Held<'a> {
    /// The resource.
    pub instance: &'a Instance,
    /// As its `arn` or its `id` says, or composed of its attributes.
    pub arns: Vec<String>,
    /// Where it is: as its `region` or its `arn` says, or that of the state.
    pub region: &'a str,
}

impl<'a> Held<'a> {
    pub(super) fn of(instance: &'a Instance, place: Place<'a>) -> Self {
        let own = ["arn", "id"].into_iter().filter_map(|name| instance.text(name));
        let own = own.filter(|text| text.starts_with("arn:")).map(str::to_owned);
        let mut arns: Vec<String> =
            own.chain(table::composed(instance, place.region, place.account)).collect();
        for arn in &mut arns {
            // Log groups, as Terraform had them.
            if let Some(short) = arn.strip_suffix(":*") {
                *arn = short.to_owned();
            }
        }
        arns.sort();
        arns.dedup();
        // `arn:aws:events:us-east-1:…`.
        let of_arn = |arn: &'a str| arn.split(':').nth(3).filter(|region| !region.is_empty());
        let region = instance.text("region").filter(|region| !region.is_empty());
        let region = region.or_else(|| instance.text("arn").and_then(of_arn));
        Self { instance, arns, region: region.unwrap_or(place.region) }
    }

    /// Whether a call can name it.
    pub(super) fn is_named(&self) -> bool {
        !self.arns.is_empty() || table::is_setting(&self.instance.kind)
    }

    /// Whether a permission was checked on it.
    pub(super) fn is(&self, check: &Check) -> bool {
        table::sets(&check.action, &self.instance.kind) || self.is_named_by(check)
    }

    /// The same by its ARN alone.
    pub(super) fn is_named_by(&self, check: &Check) -> bool {
        self.arns.iter().any(|arn| names(&check.resource, arn))
    }
}

/// Whether what was checked is an ARN, or a pattern of which it is one: of some
/// resources calls do not say the whole ARN. `*` alone names nothing.
fn names(resource: &str, arn: &str) -> bool {
    // The streams of a log group, as refusals of some of its actions name the group.
    let resource = resource.strip_suffix(":log-stream:").unwrap_or(resource);
    if !resource.contains('*') {
        return resource == arn;
    }
    if let Some(short) = resource.strip_suffix(":*")
        && short == arn
    {
        return true;
    }
    let mut parts = resource.split('*');
    let Some(mut rest) = parts.next().filter(|first| first.starts_with("arn:")).and_then(|first| {
        // A pattern that names no resource's type is of all resources.
        (first.split(':').count() > 5).then(|| arn.strip_prefix(first)).flatten()
    }) else {
        return false;
    };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

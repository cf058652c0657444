//! What a call asks for: written as a client writes it, read as the guard reads it, and
//! put to the guard's mapping, with a state that is supposed.

use http::Uri;
use ringfence_guard::recording::Asked;
use ringfence_guard::supposed::Supposed;
use ringfence_services::Session;
use ringfence_wire::{Operation, Secret, identify, request, signature};
use serde_json::{Map, Value};

/// Who calls, from where, and what is supposed to be there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) supposed: &'a Supposed,
    pub(crate) caller: &'a Session,
    pub(crate) region: &'a str,
}

/// Signs nothing: it tells a service by its name, as signatures do.
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

impl Asker<'_> {
    /// The permissions that a call asks for.
    ///
    /// # Errors
    /// Why it asks for none that is known: it is no call, or has no mapping.
    pub(crate) fn asked(
        &self,
        operation: &'static Operation,
        input: &Map<String, Value>,
    ) -> Result<Vec<Asked>, String> {
        let endpoint = Uri::from_static("http://127.0.0.1/");
        let mut written = request::encode(operation, input, None, &endpoint)
            .map_err(|error| error.message.clone())?;
        let service = operation.service.signing_name();
        let secret = Secret::new(KEY.to_owned());
        let (region, now) = (self.region, self.supposed.now);
        signature::sign(&mut written, KEY, &secret, None, service, region, now);
        let (parts, body) = written.into_parts();
        let call = identify::identify(&parts, &body, region).map_err(|error| error.message)?;
        if (call.service(), call.name()) != (operation.service, operation.name) {
            return Err(format!("it is read as {}:{}", call.service().name(), call.name()));
        }
        self.supposed.asked(&call, self.caller).map_err(|error| error.to_string())
    }
}

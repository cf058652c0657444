//! What a root module's dependency lock file pins: Terraform takes exactly that
//! version of a provider, and none where the constraints exclude it
//! (<https://developer.hashicorp.com/terraform/language/files/dependency-lock>).

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::hcl::File;

/// The lock file's name.
pub(super) const NAME: &str = ".terraform.lock.hcl";

/// The pinned providers of a root module.
#[derive(Debug, Default)]
pub(super) struct Locked {
    /// By the provider's address.
    providers: BTreeMap<String, Pin>,
}

/// A pinned version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pin {
    /// The version.
    pub version: String,
    /// Where the lock file says it.
    pub at: ringfence_text::Place,
}

impl Locked {
    /// Reads the lock file of a directory; nothing is pinned where there is none,
    /// and what is not Terraform's language is Terraform's matter.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub(super) fn of(directory: &Path) -> io::Result<Self> {
        let file = match File::read(&directory.join(NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            other => other?,
        };
        let blocks = file.map(|file| file.blocks).unwrap_or_default();
        let pins = blocks.iter().filter(|block| block.kind == "provider").filter_map(|block| {
            let version = block.attribute("version")?;
            let pin = Pin { version: version.value.text()?.to_owned(), at: version.at };
            Some((block.label(0).to_lowercase(), pin))
        });
        Ok(Self { providers: pins.collect() })
    }

    /// What is pinned of a provider.
    pub(super) fn pin(&self, address: &str) -> Option<&Pin> {
        self.providers.get(address)
    }
}

//! Aliases of the provider that act in another account than the root module's: where
//! there are several, what they make would be made in the wrong one, since the run's own
//! credentials stand in for those of each.

use std::io;
use std::path::Path;

use super::examine::place;
use crate::hcl::Module;
use crate::remark::{Outcome, Remark};

/// What says whose credentials an alias uses.
const ANOTHER: [&str; 4] =
    ["access_key", "assume_role", "assume_role_with_web_identity", "profile"];

/// The aliases of a root module that act as somebody of their own.
///
/// # Errors
/// When the directory cannot be read.
pub(crate) fn other_accounts(directory: &Path) -> io::Result<Vec<Remark>> {
    let module = Module::read(directory)?;
    let aliases = module
        .of("provider")
        .filter(|(_, block)| block.label(0) == "aws" && block.attribute("alias").is_some());
    let remarks = aliases.filter_map(|(file, block)| {
        let given =
            |name: &&&str| block.attribute(name).is_some() || block.of(name).next().is_some();
        let name = ANOTHER.iter().find(given)?;
        Some(Remark {
            place: place(file, block.at),
            construct: format!("{}.{name}", block.address()),
            outcome: Outcome::Unsupported,
            because: format!(
                "an alias of the provider with `{name}` may act in another account: where there \
                 are several, give what it makes a root module with `account`"
            ),
        })
    });
    Ok(remarks.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_that_acts_as_another_is_told_with_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let text = "provider \"aws\" {\n  assume_role {\n    role_arn = \"r\"\n  }\n}\n\
                    provider \"aws\" {\n  alias  = \"west\"\n  region = \"us-west-2\"\n}\n\
                    provider \"aws\" {\n  alias = \"prod\"\n  assume_role {\n    role_arn = \"r\"\n  }\n}\n";
        std::fs::write(directory.path().join("main.tf"), text).unwrap();
        let remarks = other_accounts(directory.path()).unwrap();
        let [remark] = &remarks[..] else { panic!("one remark: {remarks:?}") };
        assert_eq!((remark.place.line, remark.outcome), (10, Outcome::Unsupported));
        assert_eq!(remark.construct, "provider.aws.assume_role");
        assert!(remark.because.starts_with("an alias of the provider with `assume_role`"));
    }
}

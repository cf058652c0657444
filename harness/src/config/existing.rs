//! What exists outside the estate, and is there before it.

use serde::Deserialize;
use toml::Spanned;

/// The type of machine images: they are the upstream's to know.
pub(crate) const IMAGE: &str = "aws_ami";

/// Something that exists outside the estate: made before Layer 1 is applied.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Existing {
    /// What it is, by its type in Terraform's provider `aws`: `aws_vpc`.
    #[serde(rename = "type")]
    pub kind: Spanned<String>,
    /// How other entries refer to it (`${aws_vpc.shared.id}`); default
    /// `existing` with its number.
    #[serde(default)]
    pub name: Option<Spanned<String>>,
    /// Its arguments, as Terraform has them in JSON.
    #[serde(default)]
    pub properties: toml::Table,
}

impl Existing {
    /// How others refer to it, by its number from 1.
    pub(crate) fn name(&self, number: usize) -> String {
        let own = self.name.as_ref().map(|name| name.get_ref().clone());
        own.unwrap_or_else(|| format!("existing-{number}"))
    }

    /// What of it is wrong by itself, and where.
    pub(super) fn fault(&self) -> Option<(usize, String)> {
        let kind = self.kind.get_ref();
        let plain =
            |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        if !kind.starts_with("aws_") || !plain(kind) {
            let fault = format!(
                "`{kind}` is not a resource type of Terraform's provider `aws`, such as `aws_vpc`"
            );
            return Some((self.kind.span().start, fault));
        }
        let name = self.name.as_ref().filter(|name| {
            let starts = name.get_ref().starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            !starts || !plain(name.get_ref())
        });
        if let Some(name) = name {
            let fault = format!(
                "`{}` is not a name as Terraform's resources have: letters, digits, `-` and `_`",
                name.get_ref()
            );
            return Some((name.span().start, fault));
        }
        let named = self.properties.get("name").is_some_and(toml::Value::is_str);
        (kind == IMAGE && !named).then(|| {
            (self.kind.span().start, "an image needs a `name` among its properties".to_owned())
        })
    }
}

//! Terraform or OpenTofu from the PATH.

use std::path::PathBuf;

use serde::Deserialize;
use tokio::process::Command;

use super::ToolsError;
use crate::process;

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// HashiCorp's.
    Terraform,
    /// OpenTofu.
    OpenTofu,
}

/// The program that applies Layer 1.
#[derive(Debug, Clone)]
pub struct TerraformBinary {
    /// Where it is.
    pub path: PathBuf,
    /// Which of the two.
    pub product: Product,
    /// Its version.
    pub version: String,
    /// `linux_amd64` and the like.
    pub platform: String,
}

#[derive(Deserialize)]
struct Version {
    terraform_version: String,
    platform: String,
}

impl TerraformBinary {
    /// Finds `terraform`, else `tofu`, and asks for its version.
    ///
    /// # Errors
    /// When neither is there, or it does not answer.
    pub async fn find() -> Result<Self, ToolsError> {
        let search = std::env::var_os("PATH").unwrap_or_default();
        let found = [("terraform", Product::Terraform), ("tofu", Product::OpenTofu)]
            .into_iter()
            .find_map(|(name, product)| Some((process::which(name, &search)?, product)));
        let (path, product) = found.ok_or(ToolsError::NoTerraform)?;
        let broken =
            |message: String| ToolsError::Broken { tool: path.display().to_string(), message };
        let mut command = Command::new(&path);
        // A configuration file that is named and missing makes it warn on
        // standard output, before the JSON.
        command
            .args(["version", "-json"])
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_CLI_CONFIG_FILE");
        let text =
            process::output(&mut command).await.map_err(|error| broken(error.to_string()))?;
        let version: Version =
            serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
        Ok(Self {
            path: path.clone(),
            product,
            version: version.terraform_version,
            platform: version.platform,
        })
    }
}

//! What exists outside the estate: a root module of our own, made from the
//! entries of the configuration and applied before Layer 1.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::state::State;
use super::{Access, Diagnostic, Outputs, Reads, States, Terraform, TerraformError};
use crate::config::{Existing, IMAGE, Layer1, Place};
use crate::progress::Progress;
use crate::scratch::Scratch;
use crate::tools::TerraformBinary;

/// Who owns an image that does not say: Amazon.
const AMAZON: &str = "137112412989";

/// The root module, and where each entry stands.
#[derive(Debug)]
pub(super) struct Before {
    terraform: Terraform,
    /// The entries' places, each with what it is.
    places: Vec<(Place, String)>,
}

impl Before {
    /// Writes and initialises it; none where there is nothing to make. `number`
    /// is one that no root module of Layer 1 has.
    pub(super) async fn prepare(
        binary: &TerraformBinary,
        (entries, file): (&[Existing], &Path),
        number: usize,
        scratch: &Scratch,
        progress: &Progress,
    ) -> Result<Option<Self>, TerraformError> {
        if entries.iter().all(|entry| entry.kind.get_ref() == IMAGE) {
            return Ok(None);
        }
        let failed = |error: io::Error| TerraformError::Copy {
            directory: PathBuf::from("[[existing]]"),
            message: error.to_string(),
        };
        let phase = progress.phase("terraform init of what exists");
        let directory = scratch.subdirectory("existing").map_err(failed)?;
        write(entries, &directory).map_err(failed)?;
        let states = States::default();
        let reads = Reads { states: &states, number, files: &[] };
        let layer1 = Layer1::at(directory);
        let prepared = Terraform::prepare(binary.clone(), &layer1, reads, scratch, &phase).await;
        let places = places(entries, file);
        let terraform = prepared.map_err(|error| placed(error, &places))?;
        phase.done();
        Ok(Some(Self { terraform, places }))
    }

    /// Its state.
    pub(super) fn state(&self) -> io::Result<State> {
        self.terraform.state()
    }

    /// Makes all of it.
    pub(super) async fn apply(
        &self,
        access: &Access,
        progress: &Progress,
    ) -> Result<Outputs, TerraformError> {
        let phase = progress.phase("terraform apply of what exists");
        let applied = self.terraform.apply(access, &phase).await;
        let outputs = applied.map_err(|error| placed(error, &self.places))?;
        phase.done();
        Ok(outputs)
    }
}

fn places(entries: &[Existing], file: &Path) -> Vec<(Place, String)> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let each = (1..).zip(entries).map(|(number, entry)| {
        let place = Place::of(file, &text, entry.kind.span().start);
        (place, format!("{}.{}", entry.kind.get_ref(), entry.name(number)))
    });
    each.collect()
}

fn file_of(number: usize) -> String {
    format!("existing-{number}.tf.json")
}

/// A file for each entry, so that an error is an entry's.
fn write(entries: &[Existing], directory: &Path) -> io::Result<()> {
    let provider =
        "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\" }\n  }\n}\n";
    fs::write(directory.join("main.tf"), provider)?;
    for (number, entry) in (1..).zip(entries) {
        let kind = entry.kind.get_ref();
        if kind == IMAGE {
            continue;
        }
        let properties = serde_json::to_value(&entry.properties).map_err(io::Error::other)?;
        let resource = json!({"resource": {kind: {entry.name(number): properties}}});
        fs::write(directory.join(file_of(number)), format!("{resource:#}\n"))?;
    }
    Ok(())
}

/// An error, with the places of the entries in place of our own files'.
fn placed(error: TerraformError, places: &[(Place, String)]) -> TerraformError {
    let TerraformError::Failed { command, diagnostics, tail } = error else { return error };
    let mended = diagnostics.into_iter().map(|one| {
        let found = (1..).zip(places).find(|(number, (_, address))| {
            let own = file_of(*number);
            let file = one.place.as_ref().is_some_and(|(file, ..)| file.ends_with(&own));
            file || one.address.as_ref() == Some(address)
        });
        let Some((_, (_, address))) = found else { return one };
        Diagnostic {
            summary: format!(
                "this [[existing]] cannot be made; its `properties` are the arguments of Terraform's `{}`: {}",
                address.split('.').next().unwrap_or(address),
                one.summary
            ),
            detail: one.detail,
            address: Some(address.clone()),
            place: at(places, address),
        }
    });
    TerraformError::Failed { command, diagnostics: mended.collect(), tail }
}

fn at(places: &[(Place, String)], address: &str) -> Option<(PathBuf, u64, u64)> {
    let (place, _) = places.iter().find(|(_, own)| own == address)?;
    Some((place.file.clone(), u64::try_from(place.line).ok()?, u64::try_from(place.column).ok()?))
}

/// The machine images among entries, as the upstream is told of them.
pub fn images(entries: &[Existing]) -> Vec<Value> {
    let images = (1..).zip(entries).filter(|(_, entry)| entry.kind.get_ref() == IMAGE);
    let told = images.map(|(number, entry): (usize, &Existing)| {
        let mut image = json!({
            "ami_id": format!("ami-{number:017x}"),
            "state": "available",
            "public": true,
            "owner_id": AMAZON,
            "architecture": "x86_64",
            "virtualization_type": "hvm",
            "hypervisor": "xen",
            "image_type": "machine",
            "root_device_type": "ebs",
            "root_device_name": "/dev/sda1",
        });
        if let (Some(image), Ok(Value::Object(own))) =
            (image.as_object_mut(), serde_json::to_value(&entry.properties))
        {
            image.extend(own);
        }
        image
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    const ENTRIES: &str = "[layer1]\ndirectory='x'\n[[existing]]\ntype='aws_vpc'\nname='shared'\n\
        properties={ cidr_block='10.0.0.0/16' }\n\
        [[existing]]\ntype='aws_subnet'\nproperties={ vpc_id='${aws_vpc.shared.id}' }\n\
        [[existing]]\ntype='aws_ami'\nproperties={ name='ubuntu-22.04', owner_id='099720109477' }\n";

    fn config() -> (tempfile::TempDir, Config) {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("ringfence.toml");
        fs::write(&file, ENTRIES).unwrap();
        let config = Config::load(&file).unwrap();
        (place, config)
    }

    #[test]
    fn each_entry_is_a_resource_in_a_file_of_its_own_and_images_are_the_upstreams() {
        let (place, config) = config();
        write(&config.existing, place.path()).unwrap();
        let read = |name: &str| {
            let text = fs::read_to_string(place.path().join(name)).unwrap();
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let vpc = json!({"resource": {"aws_vpc": {"shared": {"cidr_block": "10.0.0.0/16"}}}});
        assert_eq!(read("existing-1.tf.json"), vpc);
        let subnet =
            json!({"resource": {"aws_subnet": {"existing-2": {"vpc_id": "${aws_vpc.shared.id}"}}}});
        assert_eq!(read("existing-2.tf.json"), subnet);
        assert!(!place.path().join("existing-3.tf.json").exists());
        let [image] = &images(&config.existing)[..] else { panic!("one image") };
        assert_eq!(
            (&image["name"], &image["owner_id"]),
            (&json!("ubuntu-22.04"), &json!("099720109477"))
        );
        assert_eq!(image["ami_id"], "ami-00000000000000003");
    }

    #[test]
    fn an_error_of_an_entry_is_told_at_its_place_in_the_configuration() {
        let (_place, config) = config();
        let places = places(&config.existing, &config.file);
        let told = |address: Option<&str>, file: Option<&str>| {
            let diagnostic = Diagnostic {
                summary: "Missing required argument".to_owned(),
                detail: String::new(),
                address: address.map(str::to_owned),
                place: file.map(|file| (PathBuf::from(file), 3, 1)),
            };
            let failed = TerraformError::Failed {
                command: "apply",
                diagnostics: vec![diagnostic],
                tail: Vec::new(),
            };
            placed(failed, &places).to_string()
        };
        for error in [
            told(None, Some("/run/existing/existing-2.tf.json")),
            told(Some("aws_subnet.existing-2"), None),
        ] {
            let expected = format!(
                "terraform apply failed: {}:8:6: aws_subnet.existing-2: this [[existing]] cannot be made; its `properties` are the arguments of Terraform's `aws_subnet`: Missing required argument",
                config.file.display()
            );
            assert_eq!(error, expected);
        }
    }
}

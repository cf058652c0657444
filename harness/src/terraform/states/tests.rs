use std::collections::BTreeMap;
use std::fs;

use rstest::rstest;

use super::*;
use crate::remark::unsupported;

const NETWORK: &str = "terraform {\n  backend \"s3\" {\n    bucket = \"states\"\n    key    = \"network.tfstate\"\n  }\n}\noutput \"vpc_id\" {\n  value = 1\n}\n";

fn reads(backend: &str, config: &str, output: &str) -> String {
    format!(
        "data \"terraform_remote_state\" \"net\" {{\n  backend = \"{backend}\"\n  config  = {config}\n}}\nlocals {{\n  x = data.terraform_remote_state.net.outputs.{output}\n}}\n"
    )
}

struct Estate {
    top: tempfile::TempDir,
    roots: Vec<Layer1>,
}

impl Estate {
    fn of(roots: &[(&str, &str)]) -> Self {
        let top = tempfile::tempdir().unwrap();
        let write = |(name, text): &(&str, &str)| {
            let directory = top.path().join(name);
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("main.tf"), text).unwrap();
            Layer1 { directory, ..Layer1::default() }
        };
        let roots = roots.iter().map(write).collect();
        Self { top, roots }
    }

    fn faults(&self) -> Vec<String> {
        let faults = unsupported(States::of(&self.roots, Path::new("r.toml")).unwrap().remarks());
        let told = faults.iter().map(|fault| {
            let file = &fault.place.file;
            let file = file.strip_prefix(self.top.path()).unwrap_or(file);
            format!("{}:{}: {}", file.display(), fault.place.line, fault.because)
        });
        told.collect()
    }

    fn edges(&self) -> Vec<(usize, usize)> {
        States::of(&self.roots, Path::new("r.toml")).unwrap().edges()
    }
}

#[rstest]
#[case::plain("s3", "{ bucket = \"states\", key = \"network.tfstate\" }")]
#[case::bucket_not_plain("s3", "{ bucket = var.b, key = \"network.tfstate\" }")]
#[case::key_of_a_local("s3", "{ key = \"${local.n}.tfstate\" }")]
#[case::key_in_part("s3", "{ bucket = \"states\", key = \"${var.b}.tfstate\" }")]
fn a_state_is_the_root_modules_that_keeps_it_there(#[case] backend: &str, #[case] config: &str) {
    let reader = reads(backend, config, "vpc_id") + "locals {\n  n = \"network\"\n}\n";
    let estate = Estate::of(&[("network", NETWORK), ("app", &reader)]);
    assert_eq!(estate.faults(), [""; 0]);
    assert_eq!(estate.edges(), [(1, 0)]);
}

#[rstest]
#[case("\"../network/terraform.tfstate\"")]
#[case("\"${path.module}/../network/terraform.tfstate\"")]
fn a_local_state_is_that_of_the_directory(#[case] path: &str) {
    let reader = reads("local", &format!("{{ path = {path} }}"), "vpc_id");
    let network = "output \"vpc_id\" {\n  value = 1\n}\n";
    let estate = Estate::of(&[("network", network), ("app", &reader)]);
    assert_eq!((estate.faults(), estate.edges()), (vec![], vec![(1, 0)]));
}

#[test]
fn a_workspace_of_hcp_terraform_is_known_by_its_name() {
    let network = "terraform {\n  cloud {\n    organization = \"o\"\n    workspaces {\n      name = \"net\"\n    }\n  }\n}\noutput \"vpc_id\" {\n  value = 1\n}\n";
    let config = "{ organization = \"o\", workspaces = { name = \"net\" } }";
    let estate = Estate::of(&[("network", network), ("app", &reads("remote", config, "vpc_id"))]);
    assert_eq!((estate.faults(), estate.edges()), (vec![], vec![(1, 0)]));
}

#[test]
fn what_nobody_keeps_there_is_told_with_its_place_and_what_to_do() {
    let config = "{ bucket = \"states\", key = \"other.tfstate\" }";
    let mut estate = Estate::of(&[("network", NETWORK), ("app", &reads("s3", config, "vpc_id"))]);
    let [fault] = &estate.faults()[..] else { panic!("one fault") };
    assert!(fault.starts_with("app/main.tf:1: no other root module here is known to"), "{fault}");
    assert!(fault.contains("{ 'data.terraform_remote_state.net' = \"NAME\" }"), "{fault}");
    for key in ["data.terraform_remote_state.net", "other.tfstate"] {
        estate.roots[1].reads =
            BTreeMap::from([(key.to_owned(), toml::Spanned::new(0..0, "network".to_owned()))]);
        assert_eq!((estate.faults(), estate.edges()), (vec![], vec![(1, 0)]), "{key}");
    }
}

#[test]
fn two_that_may_keep_it_there_are_told_by_name() {
    let other = NETWORK.replace("network.tfstate", "other.tfstate");
    let reader = reads("s3", "{ key = \"${var.x}.tfstate\" }", "vpc_id");
    let estate = Estate::of(&[("network", NETWORK), ("other", &other), ("app", &reader)]);
    let [fault] = &estate.faults()[..] else { panic!("one fault") };
    assert!(fault.starts_with("app/main.tf:1: network, other may keep their state there"));
}

#[test]
fn each_key_of_a_for_each_reads_the_root_module_that_is_named() {
    let other = NETWORK.replace("network.tfstate", "other.tfstate");
    let reader = "data \"terraform_remote_state\" \"net\" {\n  for_each = toset([\"a\", \"b\"])\n  backend  = \"s3\"\n  config   = { key = \"${each.key}.tfstate\" }\n}\nlocals {\n  x = data.terraform_remote_state.net[\"a\"].outputs.gone\n}\n";
    let mut estate = Estate::of(&[("network", NETWORK), ("other", &other), ("app", reader)]);
    let named = |key: &str, root: &str| {
        let key = format!("data.terraform_remote_state.net[\"{key}\"]");
        (key, toml::Spanned::new(0..0, root.to_owned()))
    };
    estate.roots[2].reads = BTreeMap::from([named("a", "network"), named("b", "other")]);
    assert_eq!(estate.edges(), [(2, 0), (2, 1)]);
    assert!(estate.faults().iter().all(|it| it.contains("has no output `gone`")));
    let states = States::of(&estate.roots, Path::new("r.toml")).unwrap();
    let (reader, copy) =
        (estate.roots[2].directory.canonicalize().unwrap(), tempfile::tempdir().unwrap());
    let files = ["/0", "/1"].map(PathBuf::from);
    overrides(copy.path(), states.of_module(2, &reader), &files).unwrap();
    let text = fs::read_to_string(copy.path().join("zz_ringfence_states_override.tf")).unwrap();
    assert!(text.contains("path = { \"a\" = \"/0\", \"b\" = \"/1\", }[each.key] }"), "{text}");
}

#[test]
fn an_output_that_is_not_there_is_told_where_it_is_read() {
    let config = "{ bucket = \"states\", key = \"network.tfstate\" }";
    let estate = Estate::of(&[("network", NETWORK), ("app", &reads("s3", config, "vpc"))]);
    assert_eq!(
        estate.faults(),
        ["app/main.tf:6: root module `network` has no output `vpc`; it has: vpc_id"]
    );
}

#[test]
fn who_reads_too_early_and_who_reads_in_a_circle_is_told() {
    let config = "{ bucket = \"states\", key = \"network.tfstate\" }";
    let app = reads("s3", config, "vpc_id");
    let estate = Estate::of(&[("app", &app), ("network", NETWORK)]);
    let [fault] = &estate.faults()[..] else { panic!("one fault") };
    assert!(fault.starts_with(
        "app/main.tf:1: `app` reads the state of `network`, which is applied after it: put"
    ));
    let back = NETWORK.to_owned()
        + "data \"terraform_remote_state\" \"app\" {\n  backend = \"local\"\n  config  = { path = \"../app/terraform.tfstate\" }\n}\n";
    let estate = Estate::of(&[("app", &app), ("network", &back)]);
    let faults = estate.faults();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[0].starts_with("app/main.tf:1: `app` reads the state of `network`, which reads")
    );
    assert!(faults[1].starts_with("network/main.tf:10: `network` reads the state of `app`, which"));
}

#[test]
fn an_address_that_names_no_data_source_is_told() {
    let mut estate = Estate::of(&[("network", NETWORK), ("app", "")]);
    let key = "data.terraform_remote_state.gone".to_owned();
    estate.roots[1].reads = BTreeMap::from([(key, toml::Spanned::new(0..0, "network".to_owned()))]);
    let [fault] = &estate.faults()[..] else { panic!("one fault") };
    assert!(fault.starts_with("r.toml:1: `reads` of `app` names `data.terraform_remote_state.gone`, which is no data source of it; it has: none"));
}

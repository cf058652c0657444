//! The copy that is worked in. The user's own tree is read alone.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::reach::Reach;
use crate::copying::{self, at};

/// A root module's copy.
#[derive(Debug)]
pub(super) struct Copied {
    /// Where the root module is in the copy.
    pub(super) root: PathBuf,
    /// The modules that it consists of: where each is, and where in the copy.
    pub(super) modules: Vec<(PathBuf, PathBuf)>,
}

/// Copies a root module, with what it reaches of its surroundings.
///
/// # Errors
/// What the system says, with the path.
pub(super) fn root_module(source: &Path, target: &Path) -> io::Result<Copied> {
    let root = source.canonicalize().map_err(|error| at(source, error))?;
    let reach = Reach::of(&root)?;
    let top = reach.top(&root);
    let copy_of = |path: &Path| target.join(path.strip_prefix(&top).unwrap_or(Path::new("")));
    fs::create_dir_all(target).map_err(|error| at(target, error))?;
    for path in &reach.copied {
        let copy = copy_of(path);
        let directory = if path.is_dir() { Some(copy.as_path()) } else { copy.parent() };
        if let Some(directory) = directory {
            fs::create_dir_all(directory).map_err(|error| at(directory, error))?;
        }
        match path.is_dir() {
            true => copying::tree(path, &copy)?,
            false => fs::copy(path, &copy).map(drop).map_err(|error| at(path, error))?,
        }
    }
    for path in &reach.made {
        let copy = copy_of(path);
        fs::create_dir_all(&copy).map_err(|error| at(&copy, error))?;
    }
    // A link that names its target from the top of the disk leads out of the copy.
    for (link, goal) in &reach.links {
        let (link, copy) = (copy_of(link), copy_of(goal));
        let leads_out = fs::read_link(&link).is_ok_and(|text| text.is_absolute());
        if leads_out && copy.exists() {
            fs::remove_file(&link).map_err(|error| at(&link, error))?;
            symlink(&copy, &link).map_err(|error| at(&link, error))?;
        }
    }
    let modules = reach.modules.iter().map(|module| (module.clone(), copy_of(module))).collect();
    Ok(Copied { root: copy_of(&root), modules })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(top: &Path, name: &str, text: &str) {
        let path = top.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The files below a directory, by their names from there.
    fn files(top: &Path) -> Vec<String> {
        fn walk(top: &Path, directory: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() && !path.is_symlink() {
                    true => walk(top, &path, found),
                    false => {
                        found.push(path.strip_prefix(top).unwrap().to_string_lossy().into_owned());
                    }
                }
            }
        }
        let mut found = Vec::new();
        walk(top, top, &mut found);
        found.sort();
        found
    }

    fn copied(top: &Path, root: &str) -> (tempfile::TempDir, Copied, Vec<String>) {
        let target = tempfile::tempdir().unwrap();
        let copied = root_module(&top.join(root), &target.path().join("layer1")).unwrap();
        let files = files(&target.path().join("layer1"));
        (target, copied, files)
    }

    #[test]
    fn modules_and_files_outside_the_directory_are_copied_and_nothing_else() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path();
        fs::create_dir(top.join(".git")).unwrap();
        write(top, "live/prod/main.tf", "module \"r\" {\n  source = \"../../modules/r\"\n}\n");
        write(
            top,
            "modules/r/main.tf",
            "module \"s\" {\n  source = \"../s\"\n}\nlocals {\n  z = \"${path.module}/../../dist/x.zip\"\n  f = file(\"${path.root}/../common.json\")\n}\n",
        );
        write(top, "modules/s/main.tf", "");
        write(top, "modules/unused/main.tf", "");
        write(top, "dist/x.zip", "zip");
        write(top, "dist/y.zip", "zip");
        write(top, "live/common.json", "{}");
        write(top, "live/staging/main.tf", "");
        let (_target, copied, files) = copied(top, "live/prod");
        assert_eq!(
            files,
            [
                "dist/x.zip",
                "live/common.json",
                "live/prod/main.tf",
                "modules/r/main.tf",
                "modules/s/main.tf"
            ]
        );
        assert!(copied.root.ends_with("live/prod"), "{copied:?}");
        assert_eq!(copied.modules.len(), 3);
    }

    #[test]
    fn what_a_path_does_not_say_plainly_is_copied_with_its_directory() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path();
        fs::create_dir(top.join(".git")).unwrap();
        let text = "locals {\n  a = \"${path.module}/../src/${var.name}/index.py\"\n  b = \"${path.module}/../dist/${var.name}.zip\"\n}\n";
        write(top, "infra/main.tf", text);
        write(top, "src/one/index.py", "");
        write(top, "src/two/index.py", "");
        write(top, "other/file", "");
        let (_target, copied, files) = copied(top, "infra");
        assert_eq!(files, ["infra/main.tf", "src/one/index.py", "src/two/index.py"]);
        // Where Terraform will write what is not there yet.
        assert!(copied.root.parent().unwrap().is_dir());
    }

    #[test]
    fn links_lead_to_copies() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path().canonicalize().unwrap();
        write(&top, "common/modules/m/main.tf", "locals { a = file(\"${path.module}/../n.txt\") }");
        write(&top, "common/modules/n.txt", "n");
        write(&top, "secret.txt", "s");
        write(&top, "root/main.tf", "module \"m\" {\n  source = \"./m\"\n}\n");
        symlink("../common/modules/m", top.join("root/m")).unwrap();
        symlink(top.join("secret.txt"), top.join("root/secret.txt")).unwrap();
        symlink("nowhere", top.join("root/dangling")).unwrap();
        symlink(".", top.join("root/self")).unwrap();
        let (_target, copied, files) = copied(&top, "root");
        assert!(files.contains(&"common/modules/n.txt".to_owned()), "{files:?}");
        let through = copied.root.join("m/../n.txt");
        assert_eq!(fs::read_to_string(through).unwrap(), "n");
        let link = fs::read_link(copied.root.join("secret.txt")).unwrap();
        assert!(!link.starts_with(&top), "{link:?}");
        assert_eq!(fs::read_to_string(copied.root.join("secret.txt")).unwrap(), "s");
        assert!(copied.root.join("dangling").is_symlink());
    }

    #[test]
    fn a_home_is_never_copied_for_a_path_that_names_it() {
        let text = "locals { a = \"${path.module}/../../../../../../../../${var.x}\" }";
        let top = tempfile::tempdir().unwrap();
        write(top.path(), "a/b/main.tf", text);
        let (_target, copied, files) = copied(top.path(), "a/b");
        assert_eq!(files, ["main.tf"]);
        assert!(copied.root.ends_with("layer1"));
    }
}

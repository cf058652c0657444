//! Root modules that read each other's state: which data source reads which
//! root module, told before anything runs.
//!
//! - [`kept`]: where a state is kept, and whether two places are one;
//! - [`known`]: what a module's variables and locals are, as far as they are plain;
//! - [`check`]: what does not come together: order, circles, outputs;
//! - [`write`]: the copy's data sources.

mod check;
mod kept;
mod known;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use self::kept::{Kept, Meeting};
use self::known::Known;
use super::examine::shown;
use super::reach::Reach;
use crate::config::{Layer1, Place};
use crate::hcl::{Block, Module};
use crate::remark::{Outcome, Remark};

pub(super) use self::write::overrides;

/// The data source that reads a state.
const DATA: &str = "terraform_remote_state";

/// What several root modules read of each other.
#[derive(Debug, Default)]
pub struct States {
    links: Vec<Link>,
    open: Vec<Open>,
    remarks: Vec<Remark>,
}

/// A data source of which the files do not tell whose state it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    /// The root module that reads.
    pub(crate) reader: usize,
    /// The data source's name.
    pub(crate) name: String,
}

/// A data source, and the root module whose state it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// The root module that reads.
    reader: usize,
    /// The canonical directory of the module that the data source stands in.
    module: PathBuf,
    /// The data source's name.
    name: String,
    /// Where it stands.
    place: Place,
    /// Whose state it reads.
    target: Target,
}

/// Whose state is read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    /// One root module's.
    One(usize),
    /// One root module's for each key of the data source's `for_each`.
    Each(Vec<(String, usize)>),
}

impl Link {
    fn targets(&self) -> Vec<usize> {
        match &self.target {
            Target::One(root) => vec![*root],
            Target::Each(roots) => roots.iter().map(|(_, root)| *root).collect(),
        }
    }

    fn remark(&self, outcome: Outcome, because: String) -> Remark {
        remark(&self.place, &self.name, outcome, because)
    }
}

fn remark(place: &Place, name: &str, outcome: Outcome, because: String) -> Remark {
    let construct = format!("data.{DATA}.{name}");
    Remark { place: place.clone(), construct, outcome, because }
}

/// A root module as its files are.
struct Root<'r> {
    layer1: &'r Layer1,
    name: String,
    directory: PathBuf,
    /// The modules that it consists of, by their canonical directories.
    modules: Vec<(PathBuf, Module)>,
    kept: Kept,
}

impl<'r> Root<'r> {
    fn read(layer1: &'r Layer1) -> io::Result<Self> {
        let directory = layer1.directory.canonicalize()?;
        if !layer1.is_terraform() {
            let kept = Kept::nowhere();
            return Ok(Self { layer1, name: layer1.name(), directory, modules: Vec::new(), kept });
        }
        let reach = Reach::of(&directory)?;
        let read = |path: PathBuf| Module::read(&path).map(|module| (path, module));
        let modules = reach.modules.into_iter().map(read).collect::<io::Result<Vec<_>>>()?;
        let empty = Module::default();
        let own = modules.iter().find(|(path, _)| *path == directory);
        let own = own.map_or(&empty, |(_, module)| module);
        let known = Known::of(layer1, &directory, &directory, own);
        let workspace = layer1.workspace.as_deref();
        let kept = Kept::of_root(&directory, own, workspace, &|value| known.text(value));
        Ok(Self { layer1, name: layer1.name(), directory, modules, kept })
    }

    fn own(&self) -> Option<&Module> {
        self.modules.iter().find(|(path, _)| *path == self.directory).map(|(_, module)| module)
    }

    fn place(&self, file: &Path, at: ringfence_text::Place) -> Place {
        let file = shown(&self.layer1.directory, &self.directory, file);
        Place { file, line: at.line, column: at.column }
    }
}

impl States {
    /// Looks at root modules in the order in which they are applied; `file` is
    /// the configuration that names them.
    ///
    /// # Errors
    /// When a directory or a file cannot be read.
    pub fn of(roots: &[Layer1], file: &Path) -> io::Result<Self> {
        let (mut states, roots) = Self::read(roots)?;
        states.remarks.extend(check::order(&states.links, &roots));
        states.remarks.extend(check::reads(&roots, file));
        Ok(states)
    }

    /// Looks at root modules that nobody put in an order.
    ///
    /// # Errors
    /// When a directory or a file cannot be read.
    pub fn unordered(roots: &[Layer1]) -> io::Result<Self> {
        let (mut states, roots) = Self::read(roots)?;
        states.remarks.extend(check::circles(&states.links, &roots));
        Ok(states)
    }

    fn read(layers: &[Layer1]) -> io::Result<(Self, Vec<Root<'_>>)> {
        let roots = layers.iter().map(Root::read).collect::<io::Result<Vec<_>>>()?;
        let mut states = Self::default();
        for (reader, root) in roots.iter().enumerate() {
            for (directory, module) in &root.modules {
                let known = Known::of(root.layer1, &root.directory, directory, module);
                for (file, block) in module.of("data").filter(|(_, it)| it.label(0) == DATA) {
                    let place = root.place(&file.path, block.at);
                    match target(&roots, reader, block, &known) {
                        Ok(target) => states.links.push(Link {
                            reader,
                            module: directory.clone(),
                            name: block.label(1).to_owned(),
                            place,
                            target,
                        }),
                        Err(because) => {
                            let name = block.label(1);
                            let fault = remark(&place, name, Outcome::Unsupported, because);
                            states.remarks.push(fault);
                            states.open.push(Open { reader, name: name.to_owned() });
                        }
                    }
                }
            }
        }
        let stand_ins = states.links.iter().map(|link| {
            let names: Vec<String> = link
                .targets()
                .into_iter()
                .filter_map(|root| Some(format!("`{}`", roots.get(root)?.name)))
                .collect();
            let because = format!("what this run applied of {} is read", names.join(", "));
            link.remark(Outcome::StandsIn, because)
        });
        let stand_ins: Vec<Remark> = stand_ins.collect();
        states.remarks.extend(stand_ins);
        states.remarks.extend(check::outputs(&states.links, &roots));
        Ok((states, roots))
    }

    /// What will not run as it is.
    pub fn remarks(&self) -> Vec<Remark> {
        self.remarks.clone()
    }

    /// The root modules that each one reads.
    pub(crate) fn edges(&self) -> Vec<(usize, usize)> {
        let edges = self
            .links
            .iter()
            .flat_map(|link| link.targets().into_iter().map(|target| (link.reader, target)));
        edges.collect()
    }

    /// The data sources of which the files do not tell whose state they read.
    pub(crate) fn open(&self) -> &[Open] {
        &self.open
    }

    /// The links of a module of a root module.
    pub(super) fn of_module<'s>(
        &'s self,
        reader: usize,
        module: &'s Path,
    ) -> impl Iterator<Item = &'s Link> {
        self.links.iter().filter(move |link| link.reader == reader && link.module == module)
    }
}

/// Whose state a data source reads: what `reads` says, else who keeps it there.
fn target(
    roots: &[Root<'_>],
    reader: usize,
    block: &Block,
    known: &Known<'_>,
) -> Result<Target, String> {
    let root = roots.get(reader).ok_or_else(|| "there is no such root module".to_owned())?;
    let address = format!("data.{DATA}.{}", block.label(1));
    let asked = Kept::asked(&root.directory, block, &|value| known.text(value));
    let index = |name: &str| roots.iter().position(|root| root.name == name);
    let named = |key: &str| root.layer1.reads.get(key).and_then(|name| index(name.get_ref()));
    if let Some(one) = named(&address).or_else(|| named(asked.key()?)) {
        return Ok(Target::One(one));
    }
    let start = format!("{address}[\"");
    let each = root.layer1.reads.iter().filter_map(|(key, name)| {
        let key = key.strip_prefix(&start)?.strip_suffix("\"]")?;
        Some((key.to_owned(), index(name.get_ref())?))
    });
    let each: Vec<(String, usize)> = each.collect();
    if !each.is_empty() {
        return Ok(Target::Each(each));
    }
    let workspace = block.attribute("workspace").map(|it| known.text(&it.value));
    let fits = |other: &Root<'_>| match (&workspace, &other.layer1.workspace) {
        (Some(asked), Some(own)) => asked == own || asked.contains('\0'),
        _ => true,
    };
    let others = roots.iter().enumerate().filter(|(at, other)| *at != reader && fits(other));
    let mut met: Vec<(usize, Meeting)> =
        others.filter_map(|(at, other)| Some((at, other.kept.meets(&asked)?))).collect();
    if met.iter().any(|(_, meeting)| *meeting == Meeting::Same) {
        met.retain(|(_, meeting)| *meeting == Meeting::Same);
    }
    let say = format!("name it in `reads` of the root module: {{ '{address}' = \"NAME\" }}");
    match met.as_slice() {
        [(one, _)] => Ok(Target::One(*one)),
        [] => Err(format!(
            "no other root module here is known to keep its state there: where one does, {say}; \
             else add its [[layer1]] before this one"
        )),
        several => {
            let names: Vec<&str> =
                several.iter().filter_map(|(at, _)| Some(roots.get(*at)?.name.as_str())).collect();
            Err(format!("{} may keep their state there: {say}", names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests;

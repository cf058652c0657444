//! One bundle out of the bundles of all shares of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ringfence_evidence::bundle::{
    DECISIONS, INPUTS, JOURNAL, merged_manifest, put, raw_path, write,
};
use ringfence_evidence::check::{Checked, Trust, check};
use ringfence_evidence::manifest::{MANIFEST, SIGNATURE, sha256};
use ringfence_evidence::merge::{Shared, Together, is_deployed, merge};
use ringfence_evidence::shown;
use ringfence_evidence::{Part, RunRecord};
use serde_json::{Map, Value};

use super::{catalogue_of, provenance};

/// Why bundles are not the shares of one run.
#[derive(Debug, thiserror::Error)]
#[error("nothing was merged:\n{}", .0.join("\n"))]
pub struct Unmergeable(pub Vec<String>);

/// Makes a bundle in `into`, which must not be there, of the bundles of all
/// shares. `trust` says who may have signed them.
///
/// # Errors
/// [`Unmergeable`] where they are damaged, not signed as they must be, or no
/// shares of one run; else that something cannot be read or written.
pub fn merge_bundles(
    directories: &[PathBuf],
    into: &Path,
    trust: Trust<'_>,
) -> anyhow::Result<RunRecord> {
    anyhow::ensure!(
        !into.exists(),
        "`{}` is there already: name a directory that is not",
        into.display()
    );
    let (mut shares, mut problems) = (Vec::new(), Vec::new());
    for directory in directories {
        match shared(directory, trust)? {
            Ok(share) => shares.push(share),
            Err(found) => {
                let name = directory.display();
                problems.extend(found.into_iter().map(|problem| format!("`{name}`: {problem}")));
            }
        }
    }
    if !problems.is_empty() {
        return Err(Unmergeable(problems).into());
    }
    let Together { mut record, origin } = merge(&shares).map_err(Unmergeable)?;
    let first = directories.first().context("no share was given")?;
    let catalogue = catalogue_of(first, &record)?;
    record.run_id = uuid::Uuid::new_v4().to_string();
    let own = provenance(Path::new(&record.configuration))?;
    record.provenance.actor = own.actor;
    record.provenance.command = own.command;
    record.provenance.platform = own.platform;
    record.provenance.ci = own.ci;
    record.provenance.previous_manifest_sha256 = None;
    record.provenance.signing_key = None;
    for input in &record.inputs {
        copy(first, into, Path::new(INPUTS).join(&input.path).as_path())?;
    }
    for (probe, place) in record.probes.iter().zip(origin) {
        let share = directories.get(place).context("a probe of no share")?;
        copy(share, into, Path::new(&raw_path(probe)))?;
    }
    for (directory, share) in directories.iter().zip(&shares) {
        if let Some(Part::Share { share, .. }) = share.record.part {
            let kept = into.join(merged_manifest(share));
            put(&kept, &fs::read(directory.join(MANIFEST))?)?;
            if directory.join(SIGNATURE).exists() {
                put(&kept.with_file_name(SIGNATURE), &fs::read(directory.join(SIGNATURE))?)?;
            }
        }
    }
    put(&into.join(JOURNAL), &journals(directories)?)?;
    if let Some(decisions) = decisions(directories)? {
        put(&into.join(DECISIONS), &decisions)?;
    }
    write(into, &record, &catalogue)?;
    Ok(record)
}

/// A share's bundle, or what is wrong with it.
fn shared(directory: &Path, trust: Trust<'_>) -> anyhow::Result<Result<Shared, Vec<String>>> {
    let Checked { problems, signer, record, .. } = check(directory, trust)?;
    let Some(record) = record.filter(|_| problems.is_empty()) else { return Ok(Err(problems)) };
    let deployed = record.inputs.iter().filter(|input| is_deployed(&input.path)).map(|input| {
        let path = directory.join(INPUTS).join(&input.path);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        Ok((input.path.clone(), text))
    });
    let deployed = deployed.collect::<anyhow::Result<BTreeMap<_, _>>>()?;
    Ok(Ok(Shared {
        name: directory.display().to_string(),
        manifest_sha256: sha256(&fs::read(directory.join(MANIFEST))?),
        signer: signer.map(|signer| signer.fingerprint),
        deployed,
        record,
    }))
}

fn copy(from: &Path, to: &Path, path: &Path) -> anyhow::Result<()> {
    let (from, to) = (from.join(path), to.join(path));
    let bytes = fs::read(&from).with_context(|| format!("cannot read `{}`", from.display()))?;
    Ok(put(&to, &bytes)?)
}

/// The journals of all shares, one after the other.
fn journals(directories: &[PathBuf]) -> anyhow::Result<Vec<u8>> {
    let mut all = Vec::new();
    for directory in directories {
        let path = directory.join(JOURNAL);
        let text = fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        all.extend_from_slice(&text);
        if !text.ends_with(b"\n") && !text.is_empty() {
            all.push(b'\n');
        }
    }
    Ok(all)
}

/// The decisions of all shares, each once; none where a share has none.
fn decisions(directories: &[PathBuf]) -> anyhow::Result<Option<Vec<u8>>> {
    let mut together: Option<Map<String, Value>> = None;
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let (mut documents, mut decisions) = (Map::new(), Vec::new());
    for directory in directories {
        let path = directory.join(DECISIONS);
        if !path.exists() {
            return Ok(None);
        }
        let unreadable = || format!("cannot read `{}`", path.display());
        let text = fs::read(&path).with_context(unreadable)?;
        let mut own: Map<String, Value> = serde_json::from_slice(&text).with_context(unreadable)?;
        if let Some(Value::Object(of_share)) = own.remove("documents") {
            documents.extend(of_share);
        }
        if let Some(Value::Array(of_share)) = own.remove("decisions") {
            decisions.extend(of_share.into_iter().filter(|one| seen.insert(one.to_string())));
        }
        let same = together.get_or_insert_with(|| own.clone());
        anyhow::ensure!(*same == own, "`{}` is of another form or account", path.display());
    }
    let Some(mut all) = together else { return Ok(None) };
    all.insert("documents".to_owned(), documents.into());
    all.insert("decisions".to_owned(), decisions.into());
    Ok(Some(shown::line(&all)?))
}

#[cfg(test)]
mod tests;

//! Files of this machine: one, or all below a folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::Context;
use pugmark_import::{File, Files, Open};

/// A file or folder. Links to folders below it are not followed, or a circle of them would have no end.
pub(super) struct Local(pub(super) PathBuf);

impl Files for Local {
    type Error = anyhow::Error;

    fn list(self, take: &mut dyn FnMut(File) -> bool) -> anyhow::Result<()> {
        // A mark has the same name from wherever the command is run.
        let root = fs::canonicalize(&self.0).with_context(|| format!("{}", self.0.display()))?;
        if !root.is_dir() {
            if let Some(file) = file(&root)? {
                take(file);
            }
            return Ok(());
        }
        // The folders of the way down, the deepest last; each with what is left of it.
        let mut open = vec![entries(&root)?];
        while let Some(rest) = open.last_mut() {
            let Some((path, is_folder)) = rest.pop() else {
                open.pop();
                continue;
            };
            if is_folder {
                open.push(entries(&path)?);
            } else if let Some(file) = file(&path)?
                && !take(file)
            {
                break;
            }
        }
        Ok(())
    }
}

/// What is in a folder, last name first; its files come off before its folders.
fn entries(folder: &Path) -> anyhow::Result<Vec<(PathBuf, bool)>> {
    let read = || -> io::Result<Vec<(PathBuf, bool)>> {
        fs::read_dir(folder)?
            .map(|entry| {
                let entry = entry?;
                Ok((entry.path(), entry.file_type()?.is_dir()))
            })
            .collect()
    };
    let mut found = read().with_context(|| format!("read {}", folder.display()))?;
    found.sort_by(|a, b| (b.1, &b.0).cmp(&(a.1, &a.0)));
    Ok(found)
}

/// A file as it is now; none if it is no file, or gone since it was listed.
fn file(path: &Path) -> anyhow::Result<Option<File>> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{}", path.display())),
    };
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(None);
    };
    if !metadata.is_file() {
        return Ok(None);
    }
    let changed = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    let path = path.to_owned();
    Ok(Some(File {
        folder: format!("{}/", folder.to_string_lossy().trim_end_matches('/')),
        name: name.to_string_lossy().into_owned(),
        size: metadata.len(),
        stamp: changed.as_nanos().to_string(),
        begin: Box::new(|| -> Open { Box::new(move || Ok(Box::new(fs::File::open(path)?))) }),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn listed(path: &Path) -> Vec<String> {
        let mut found = Vec::new();
        Local(path.to_owned())
            .list(&mut |file| {
                found.push(file.folder + &file.name);
                true
            })
            .unwrap();
        found
    }

    #[test]
    fn folders_are_walked_in_order_at_any_depth() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        for path in ["b/2.json", "b/1.json", "a/x/y/z/deep.gz", "top.json"] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), "{}").unwrap();
        }
        std::os::unix::fs::symlink(&root, root.join("b/circle")).unwrap();
        let expected = ["top.json", "a/x/y/z/deep.gz", "b/1.json", "b/2.json"];
        let expected: Vec<String> = expected
            .iter()
            .map(|it| root.join(it).to_string_lossy().into_owned())
            .collect();
        assert_eq!(listed(&root), expected);
        assert_eq!(listed(&root.join("b/1.json")), expected[2..3]);
        assert!(Local(root.join("none")).list(&mut |_| true).is_err());
    }
}

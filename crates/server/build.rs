//! Lists the console's built files (`console/dist`, made by `npm run build` in `console/`) for `src/console.rs`.
//!
//! Nothing is built here: without Node the list is empty, and the console's page says how to get it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hasher},
    path::{Path, PathBuf},
};

fn main() {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let dist = manifest.join("../../console/dist");
    // The folder is in the repository, so that cargo need not run this again and again when nothing was built.
    println!("cargo:rerun-if-changed={}", dist.display());
    println!("cargo:rerun-if-changed=build.rs");
    let mut files = BTreeMap::new();
    if dist.join("index.html").is_file() {
        list(&dist, &dist, &mut files);
    }
    let mut code = String::from("&[\n");
    for path in files.keys().filter(|path| !is_copy(path, &files)) {
        entry(&mut code, path, &files);
    }
    code.push_str("]\n");
    let out = Path::new(&variable("OUT_DIR")).join("console_assets.rs");
    if let Err(error) = fs::write(&out, code) {
        panic!("write {}: {error}", out.display());
    }
}

fn variable(name: &str) -> String {
    match std::env::var(name) {
        Ok(value) => value,
        Err(error) => panic!("cargo sets {name}: {error}"),
    }
}

/// All files below `folder`, by their path in URLs.
fn list(root: &Path, folder: &Path, files: &mut BTreeMap<String, PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            list(root, &path, files);
        } else if let (Ok(below), Ok(absolute)) = (path.strip_prefix(root), path.canonicalize()) {
            files.insert(format!("/{}", below.to_string_lossy()), absolute);
        }
    }
}

/// Whether this is the compressed copy of another file.
fn is_copy(path: &str, files: &BTreeMap<String, PathBuf>) -> bool {
    [".br", ".gz"].iter().any(|ending| {
        path.strip_suffix(ending)
            .is_some_and(|whole| files.contains_key(whole))
    })
}

/// One asset. What is there in both compressed forms is not kept a third time: `gzip` gives it back.
fn entry(code: &mut String, path: &str, files: &BTreeMap<String, PathBuf>) {
    let bytes = |ending: &str| match files.get(&format!("{path}{ending}")) {
        Some(file) => format!("Some(include_bytes!({file:?}))"),
        None => "None".to_owned(),
    };
    let (brotli, gzip) = (bytes(".br"), bytes(".gz"));
    let plain = if gzip == "None" {
        bytes("")
    } else {
        "None".to_owned()
    };
    let content = files.get(path).and_then(|file| fs::read(file).ok());
    let mut hasher = DefaultHasher::new();
    hasher.write(&content.unwrap_or_default());
    let _ = writeln!(
        code,
        "Asset {{ path: {path:?}, hash: {:?}, plain: {plain}, gzip: {gzip}, brotli: {brotli} }},",
        format!("{:016x}", hasher.finish())
    );
}

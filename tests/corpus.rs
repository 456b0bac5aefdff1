//! Replays the committed corpora through the bodies of the fuzz targets.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use mimikyu::fuzz::TARGETS;

fn fuzz_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// Names of what lies in a directory, without endings.
fn stems(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().into()).collect()
}

#[test]
fn every_corpus_file_holds() {
    let mut failed = Vec::new();
    for (target, body) in TARGETS {
        let directory = fuzz_directory().join("corpus").join(target);
        let names = stems(&directory);
        assert!(!names.is_empty(), "{} is empty", directory.display());
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            if catch_unwind(|| body(&input)).is_err() {
                failed.push(path);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn every_target_has_all_its_parts() {
    let expected: BTreeSet<String> = TARGETS.iter().map(|(target, _)| (*target).into()).collect();
    for part in ["corpus", "dictionaries", "fuzz_targets"] {
        assert_eq!(stems(&fuzz_directory().join(part)), expected, "fuzz/{part}");
    }
    let manifest = fs::read_to_string(fuzz_directory().join("Cargo.toml")).unwrap();
    for target in expected {
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target} is not in fuzz/Cargo.toml");
    }
}

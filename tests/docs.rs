//! The words of the documents against the program: what they quote, name and link must be there, and what they have one
//! type is run.

#[path = "docs/commands.rs"]
mod commands;
mod harness;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every document, by its path from the top.
fn documents() -> Vec<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md", "fuzz/README.md"]
            .map(|name| top.join(name))
            .into();
    let pages = fs::read_dir(top.join("docs")).expect("docs/").map(|entry| entry.expect("an entry").path());
    paths.extend(pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(top).expect("below the top").display().to_string();
        (name, fs::read_to_string(path).expect("a document"))
    };
    paths.into_iter().map(read).collect()
}

/// The text outside code blocks.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let outside = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    outside.collect::<Vec<_>>().join("\n")
}

/// Where `[text](target)` leads.
fn links(text: &str) -> Vec<&str> {
    let ends = text.match_indices("](").map(|(at, _)| &text[at + 2..]);
    ends.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// A heading's name in a link: lower case, without what is no letter, digit, space or dash.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.map(|character| if character == ' ' { '-' } else { character }).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, text) in documents() {
        for target in links(&prose(&text)).into_iter().filter(|target| !target.starts_with("http")) {
            let (path, section) = target.split_once('#').unwrap_or((target, ""));
            let at = top.join(&name);
            let leads_to = if path.is_empty() { at } else { at.parent().expect("a directory").join(path) };
            assert!(leads_to.exists(), "{name}: {target}");
            if !section.is_empty() {
                let there = fs::read_to_string(&leads_to).expect("text");
                let headings: BTreeSet<_> =
                    there.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
                assert!(headings.contains(section), "{name}: {target}");
            }
        }
    }
}

/// The source of the program, without its tests' own files.
fn source(directory: &Path, text: &mut String) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            source(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(path).expect("a file"));
        }
    }
}

#[test]
fn every_log_line_of_the_troubleshooting_table_is_one_that_is_written() {
    let mut program = String::new();
    source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut program);
    let (_, page) = documents().into_iter().find(|(name, _)| name == "docs/operations.md").expect("the page");
    let table =
        page.split("## Troubleshoot").nth(1).expect("the table").split("\n## ").next().expect("its text");
    let mut quoted = 0;
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<_> = row.trim_matches('|').split('|').collect();
        assert_eq!(cells.len(), 4, "{row}");
        if let Some(line) = cells[1].split('`').nth(1) {
            assert!(program.contains(&format!("\"{line}")), "{line}");
            quoted += 1;
        }
    }
    assert!(quoted > 10, "{quoted} lines");
}

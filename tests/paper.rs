//! Completions and the manual page: both know every flag.

mod harness;

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use harness::Mimikyu;

fn written(arguments: &[&str]) -> String {
    let output = Mimikyu::command(arguments).output().expect("it runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Every subcommand's words.
const COMMANDS: [&[&str]; 12] = [
    &["serve"],
    &["demo"],
    &["plan"],
    &["probe"],
    &["check"],
    &["doctor"],
    &["fleet", "check"],
    &["rollout", "status"],
    &["rollout", "preview"],
    &["top"],
    &["completions"],
    &["man"],
];

/// The flags that help shows.
fn flags(command: &[&str]) -> BTreeSet<String> {
    let help = written(&[command, &["--help"]].concat());
    let words = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter(|word| word.starts_with("--") && word.len() > 2).map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_flags() {
    let script = written(&["completions", "bash"]);
    let complete = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let (last, before) = (words[words.len() - 1], words[words.len() - 2]);
        let run = format!(
            "{script}\nCOMP_WORDS=({line}); COMP_CWORD={}; _mimikyu mimikyu '{last}' '{before}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.len() - 1
        );
        let output = Command::new("bash").args(["--norc", "-c", &run]).output().expect("bash");
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout)
            .expect("text")
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(complete("mimikyu serve --poll-i"), ["--poll-interval"]);
    assert_eq!(complete("mimikyu --max-s"), ["--max-shrink"]);
    assert_eq!(complete("mimikyu che"), ["check"]);
    assert_eq!(complete("mimikyu check --onl"), ["--online"]);
    assert_eq!(complete("mimikyu fleet check --set"), ["--settle"]);
    assert_eq!(complete("mimikyu completions fi"), ["fish"]);
    for command in COMMANDS {
        let line = format!("mimikyu {} --", command.join(" "));
        let offered: BTreeSet<_> = complete(&line).into_iter().collect();
        assert!(flags(command).is_subset(&offered), "{command:?}: {offered:?}");
    }
}

#[test]
fn other_shells_have_theirs() {
    for (shell, words) in [
        ("zsh", "#compdef mimikyu"),
        ("fish", "complete -c mimikyu"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = written(&["completions", shell]);
        for word in [words, "poll-interval", "fleet"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
}

#[test]
fn the_manual_page_names_every_flag_and_is_well_formed() {
    let page = written(&["man"]);
    let plain = page.replace("\\-", "-");
    let mut all = 0;
    for command in COMMANDS {
        for flag in flags(command) {
            assert!(plain.contains(&flag), "{command:?}: {flag} is not in the page");
            all += 1;
        }
        let heading = format!("MIMIKYU {}", command.join(" ").to_uppercase());
        assert!(plain.contains(&heading), "no {heading}");
    }
    assert!(all > 40, "only {all} flags");
    assert!(page.contains(".SH EXIT") || plain.contains("Exit codes: "), "exit codes are told");
    // Where a formatter is at hand, it has nothing to complain of, and the page is readable.
    let Ok(mut groff) = Command::new("groff")
        .args(["-man", "-Tascii", "-ww", "-P-cbou"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        return eprintln!("groff is not installed: the page is not formatted");
    };
    let mut stdin = groff.stdin.take().expect("piped");
    let feeding = std::thread::spawn(move || stdin.write_all(page.as_bytes()));
    let output = groff.wait_with_output().expect("groff");
    feeding.join().expect("no panic").expect("it reads");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.contains("FLEET CHECK") && shown.contains("settle"), "{shown}");
}

#[test]
fn an_output_that_takes_nothing_is_an_error_unless_its_reader_has_left() {
    for arguments in [
        &["man"][..],
        &["completions", "bash"],
        &["check", "--json", "a:1"],
        &["doctor"],
        &["plan", "--from", "a:1,b:1", "--to", "c:1,d:1", "--client", "jump"],
        &["fleet", "check", "--settle", "0s", "127.0.0.1:1"],
        &["--help"],
        &["--version"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device of Linux");
        let output = Mimikyu::command(arguments).stdout(full).output().expect("it runs");
        let error = String::from_utf8(output.stderr).expect("text");
        assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{arguments:?}: {error}");
        assert!(error.starts_with("mimikyu: can't write to standard output: No space left"), "{error}");
    }
    for arguments in [&["man"][..], &["completions", "zsh"], &["--help"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = Mimikyu::command(arguments).stdout(writer).output().expect("it runs");
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}

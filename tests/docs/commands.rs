//! Every command that a document shows is run, or said who runs it. A reader's names lead to endpoints of ours.
//!
//! What is run stands in blocks of `sh`, and behind `$ ` in blocks of `text`, whose output is an example.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::documents;
use super::harness::{Mimikyu, Upstream, until};

/// Commands that are not run here, by how they begin, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("cargo run --release -- demo", "tests/life.rs runs the demo"),
    ("tests/", "they run this test, or take long: each is a script that is looked for here"),
    ("cargo install", "it would install: what it builds is what is run here"),
    ("cargo bench", "tests/run runs all benches"),
    ("cargo test", "the tests that it names are looked for here"),
    ("HOSTILE_FULL=1 cargo test", "tests/run does"),
    ("cargo +nightly fuzz", "tests/run builds and runs every target"),
    ("rustup", "it would install"),
    ("mkdir -p fuzz/", "it is for the line below it"),
    ("contrib/package", "tests/packages runs it"),
    ("install ", "tests/packages starts what is installed so; the files that it names are looked for here"),
    ("systemctl", "tests/packages does where a systemd can be had"),
    ("apt ", "it would install"),
    ("docker", "there is no Docker in CI: tests/packages runs the image's root by runc"),
    ("kubectl", "there is no cluster in CI: tests/packages lints the manifests"),
    ("promtool", "tests/metrics.rs does where it is installed"),
];

/// First words by which a line of code is known for a command.
const PROGRAMS: [&str; 8] =
    ["mimikyu", "cargo", "curl", "pkill", "systemctl", "docker", "kubectl", "contrib/package"];

/// A piece of a document's code, in the order of the document.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// A command.
    Run(String),
    /// A command whose output is an example: it may come out otherwise here.
    Example(String),
    /// A file in TOML.
    Toml(String),
    /// Neither, and it looks like a command.
    Stray(String),
}

/// The code of a document.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut block: Option<(String, Vec<&str>)> = None;
    for line in text.lines() {
        match (&mut block, line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => block = Some((language.trim().to_owned(), Vec::new())),
            (Some(_), Some(_)) => {
                let (language, lines) = block.take().expect("a block");
                close(&language, &lines, &mut pieces);
            }
            (Some((_, lines)), None) => lines.push(line),
            (None, None) => {
                let code = line.strip_prefix("    ").map(str::trim_start).unwrap_or_default();
                let program = code.split(' ').next().unwrap_or_default();
                if PROGRAMS.contains(&program) {
                    pieces.push(Piece::Stray(code.to_owned()));
                }
            }
        }
    }
    pieces
}

fn close(language: &str, lines: &[&str], pieces: &mut Vec<Piece>) {
    match language {
        "sh" => {
            let joined = lines.join("\n").replace("\\\n", " ");
            let commands =
                joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            pieces.extend(commands.map(|command| Piece::Run(command.to_owned())));
        }
        "text" => {
            let commands = lines.iter().filter_map(|line| line.trim_start().strip_prefix("$ "));
            pieces.extend(commands.map(|command| Piece::Example(command.to_owned())));
        }
        "toml" => pieces.push(Piece::Toml(lines.join("\n"))),
        _ => {}
    }
}

/// A migration that the stage's daemon has before it, as late as one can be.
const ROLLOUT: &str =
    "\n[rollout]\nfrom = \"old\"\nto = \"new\"\nstart = 2099-12-31T00:00:00Z\ninterval = \"10m\"\n";

/// What a document's commands find: two endpoints, a daemon that is to lead from one to the other, a directory with
/// its file.
struct Stage {
    directory: tempfile::TempDir,
    upstreams: [Upstream; 2],
    daemon: Mimikyu,
    names: Vec<(String, String)>,
}

impl Stage {
    /// A stage with this configuration file.
    fn new(file: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let upstreams = [Upstream::list(7, "old1 old2"), Upstream::list(5, "new1 new2")];
        let [old, new] = [0, 1].map(|index| upstreams[index].address.to_string());
        let mut names: Vec<(String, String)> = Vec::new();
        let hosts = ["old.abc123.cfg.use1.cache.amazonaws.com", "OLD.cfg.example", "old.example", "OLD"];
        names.extend(hosts.map(|host| (format!("{host}:11211"), old.clone())));
        let hosts = ["new.abc123.cfg.use1.cache.amazonaws.com", "NEW.cfg.example", "new.example", "NEW"];
        names.extend(hosts.map(|host| (format!("{host}:11211"), new.clone())));
        let path = directory.path().join("mimikyu.toml");
        fs::write(&path, led(file, &names) + ROLLOUT).expect("a file");
        let mut command = Mimikyu::command(&["--config", "mimikyu.toml"]);
        command.current_dir(directory.path());
        command.env("MIMIKYU_LISTEN", "127.0.0.1:0").env("MIMIKYU_ADMIN", "127.0.0.1:0");
        let mut daemon = Mimikyu::spawn(command);
        daemon.ready();
        let address = daemon.address.to_string();
        for shown in ["127.0.0.1:11211", "10.0.0.7:11211", "10.0.0.8:11211", "10.0.0.9:11211"] {
            names.push((shown.into(), address.clone()));
        }
        names.push(("127.0.0.1:9211".into(), daemon.admin().to_string()));
        names.push(("pkill -HUP -x mimikyu".into(), format!("kill -HUP {}", daemon.id())));
        Self { directory, upstreams, daemon, names }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("mimikyu.toml")
    }

    /// A shell that runs this, in the directory, with the program that is tested.
    fn shell(&self, line: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_mimikyu")).parent().expect("a directory");
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
        let mut shell = Mimikyu::command(&[]);
        let environment: Vec<_> =
            shell.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
        shell = Command::new("timeout");
        // A page of the manual has a pager, a report a terminal: here they have neither.
        // In the foreground: else it passes a signal on twice, and the second one makes a daemon leave at once.
        shell.args(["--foreground", "-k", "5", "60", "bash", "-c", line]).current_dir(self.directory.path());
        for (name, value) in environment {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.env("PATH", path).env("MIMIKYU_LISTEN", "127.0.0.1:0").env("MIMIKYU_ADMIN", "none");
        shell.env("PAGER", "cat");
        shell
    }

    fn run(&self, line: &str) -> Output {
        self.shell(line).output().expect("a shell")
    }

    /// Waits until the file that was read is in force: what comes next is about that. So many reloads were told before.
    fn has_reloaded(&mut self, before: usize) {
        until("the reload", || (self.daemon.count("reload") > before).then_some(()));
        let rollouts = self.daemon.count("configuration reloaded rollout=");
        until("its rollout", || {
            let told = ["rollout is configured", "there is no rollout any more"];
            // The first one is that of the start.
            let told = told.map(|words| self.daemon.count(words)).iter().sum::<usize>() - 1;
            (told >= rollouts).then_some(())
        });
    }

    /// The daemon of this line starts, is ready, and leaves when it is told to.
    fn serves(&self, line: &str) {
        let mut daemon = Mimikyu::spawn(self.shell(&format!("exec {line}")));
        daemon.logged("ready");
        // `timeout` passes it on.
        daemon.signal("TERM");
        assert!(daemon.exit().success(), "{line}");
    }
}

/// With the names of our own endpoints in the place of a reader's.
fn led(text: &str, names: &[(String, String)]) -> String {
    names.iter().fold(text.to_owned(), |text, (shown, ours)| text.replace(shown, ours))
}

/// Whether a command goes on until it is told to stop.
fn is_serving(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let commands = [
        "check",
        "doctor",
        "fleet",
        "probe",
        "plan",
        "rollout",
        "completions",
        "man",
        "top",
        "--help",
        "--version",
    ];
    words.next() == Some("mimikyu") && !words.next().is_some_and(|word| commands.contains(&word))
}

/// What a command names of this project is there.
fn names_what_is_there(document: &str, line: &str) {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    for word in line.split_whitespace().take_while(|word| !word.starts_with('#')) {
        let word = word.trim_start_matches("seccomp=");
        if ["contrib/", "tests/", "fuzz/corpus/", "fuzz/dictionaries/"]
            .iter()
            .any(|start| word.starts_with(start))
        {
            assert!(top.join(word).exists(), "{document}: {word}");
        }
    }
    // What follows `--` is the test's or the bench's own.
    let mut words = line.split_whitespace().take_while(|word| *word != "--" && !word.starts_with('#'));
    while let Some(word) = words.next() {
        if let ("--test" | "--bench", Some(name)) = (word, words.clone().next()) {
            let place = if word == "--test" { "tests" } else { "benches" };
            let is_there = [format!("{place}/{name}.rs"), format!("{place}/{name}/main.rs")];
            assert!(is_there.iter().any(|path| top.join(path).exists()), "{document}: {line}");
        }
    }
}

#[test]
fn every_command_is_run() {
    let all = documents();
    let readme = &all.iter().find(|(name, _)| name == "README.md").expect("the README").1;
    let first = pieces(readme).into_iter().find_map(|piece| match piece {
        Piece::Toml(text) => Some(text),
        _ => None,
    });
    let first = first.expect("a configuration in the README");
    let (mut run, mut elsewhere) = (0, 0);
    for (document, text) in &all {
        let pieces = pieces(text);
        let is_any = pieces.iter().any(|piece| !matches!(piece, Piece::Toml(_)));
        let stage = is_any.then(|| Stage::new(&first));
        let Some(mut stage) = stage else { continue };
        for piece in pieces {
            let (line, is_example) = match piece {
                Piece::Stray(line) => panic!("{document}: {line:?} is a command in no block of sh"),
                Piece::Toml(text) => {
                    put(&stage, &text);
                    continue;
                }
                Piece::Run(line) => (line, false),
                Piece::Example(line) => (line, true),
            };
            if ELSEWHERE.iter().any(|(start, _)| line.starts_with(start)) {
                names_what_is_there(document, &line);
                elsewhere += 1;
                continue;
            }
            let ours = led(&line, &stage.names).replace("> /", "> ./").replace("> ~/", "> ./");
            if let Some((_, place)) = ours.split_once("> ./") {
                let parent = stage.directory.path().join(place);
                fs::create_dir_all(parent.parent().expect("a directory")).expect("a directory");
            }
            run += 1;
            if is_serving(&ours) {
                stage.serves(ours.split('#').next().unwrap_or_default());
                continue;
            }
            let reloads = line.starts_with("pkill -HUP").then(|| stage.daemon.count("reload"));
            let output = stage.run(&ours);
            if let Some(before) = reloads {
                stage.has_reloaded(before);
            }
            let code = output.status.code();
            let is_understood = is_example && matches!(code, Some(0 | 1 | 3 | 78));
            assert!(
                output.status.success() || is_understood,
                "{document}: {line}\n(as {ours}) ends with {code:?}\n{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        drop(stage.daemon);
        drop(stage.upstreams);
    }
    assert!(run > 20 && elsewhere > 5, "{run} run, {elsewhere} elsewhere");
}

/// A file of a document takes the place of the stage's, tables of it are added below.
fn put(stage: &Stage, text: &str) {
    let ours = led(text, &stage.names);
    if text.starts_with("# mimikyu.toml") {
        fs::write(stage.file(), ours).expect("a file");
    } else if text.starts_with("[[source]]") {
        let before = fs::read_to_string(stage.file()).expect("a file");
        fs::write(stage.file(), format!("{before}\n{ours}\n")).expect("a file");
    }
}

#[test]
fn a_command_outside_its_block_is_noticed() {
    let text =
        "a\n\n    mimikyu man\n\n```sh\na \\\n  b\n# c\n```\n```text\n$ d\ne\n```\n   ```sh\n   f\n   ```\n";
    let run = |text: &str| Piece::Run(text.into());
    let expected = [Piece::Stray("mimikyu man".into()), run("a    b"), Piece::Example("d".into()), run("f")];
    assert_eq!(pieces(text), expected);
}

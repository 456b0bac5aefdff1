//! When the configuration file is read again, and what reads it.

#[path = "reload/configured.rs"]
mod configured;
mod harness;

use std::fs;
use std::os::unix::fs::symlink;

use configured::{Configured, Control, forget, hang_up, text};
use harness::{Mimikyu, Upstream};

#[test]
fn a_watched_file_is_taken_over_when_the_link_to_it_is_swapped() {
    let (alpha, beta) = (Upstream::list(5, "a"), Upstream::list(7, "b"));
    let configured = Configured::new();
    let directory = configured.directory.path();
    // As Kubernetes mounts a ConfigMap: mimikyu.toml → ..data/mimikyu.toml, ..data → ..1.
    let swap = |version: &str, text: &str| {
        fs::create_dir(directory.join(version)).unwrap();
        fs::write(directory.join(version).join("mimikyu.toml"), text).unwrap();
        symlink(version, directory.join("..data_tmp")).unwrap();
        fs::rename(directory.join("..data_tmp"), directory.join("..data")).unwrap();
    };
    swap("..1", &text("", &[("alpha", &alpha)]));
    symlink("..data/mimikyu.toml", &configured.file).unwrap();
    let mut command = configured.command(&[]);
    command.env("MIMIKYU_WATCH", "true");
    let mut mimikyu = Mimikyu::spawn(command);
    mimikyu.ready();
    let control = Control::of(mimikyu.address);
    swap("..2", &text("", &[("alpha", &alpha), ("beta", &beta)]));
    mimikyu.until_hosts("a b");
    mimikyu.logged("INFO configuration reloaded added=\"beta\"");
    forget(&mut mimikyu);
    swap("..3", "nonsense\n");
    mimikyu.logged("ERROR reload refused: mimikyu.toml:1: not TOML");
    fs::remove_file(directory.join("..data")).unwrap();
    mimikyu.logged("ERROR reload refused: cannot be read");
    swap("..4", &text("", &[("alpha", &alpha), ("beta", &beta)]));
    mimikyu.logged("INFO nothing has changed");
    assert_eq!(mimikyu.count("ERROR"), 2, "a line a change of state");
    assert_eq!(control.end(), ["1000005: a", "1000012: a b"]);
}

#[test]
fn what_can_not_be_watched_or_read_again_is_said() {
    let (code, written) = harness::process::run(Mimikyu::command(&["serve", "--watch", "a:1"]));
    assert_eq!(code, Some(2), "{written}");
    assert_eq!(
        written,
        "mimikyu: --watch: there is no configuration file to watch; give one with --config\n"
    );
    let mut mimikyu = Mimikyu::start(&["--static", "edge=127.0.0.1:9"]);
    hang_up(&mut mimikyu, "WARN SIGHUP: no configuration file to read again");
    assert_eq!(mimikyu.list().hosts(), "127.0.0.1");
}

#[test]
fn a_file_that_takes_for_ever_to_read_holds_up_nothing() {
    let (alpha, beta) = (Upstream::list(5, "a"), Upstream::list(7, "b"));
    let configured = Configured::new();
    configured.write("", &[("alpha", &alpha)]);
    let mut mimikyu = configured.start(&["--watch"]);
    let control = Control::of(mimikyu.address);
    // Nobody writes to it, so whoever opens it waits.
    fs::remove_file(&configured.file).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&configured.file).status();
    assert!(made.unwrap().success());
    (0..3).for_each(|_| mimikyu.signal("HUP"));
    mimikyu.logged("WARN configuration file takes long to read");
    alpha.set_list(6, "a2");
    mimikyu.until_hosts("a2");
    // In one piece, before the next look opens it again.
    let wanted = text("", &[("alpha", &alpha), ("beta", &beta)]);
    let next = configured.directory.path().join("next");
    fs::write(&next, &wanted).unwrap();
    let mut writer = fs::File::options().write(true).open(&configured.file).unwrap();
    fs::rename(&next, &configured.file).unwrap();
    std::io::Write::write_all(&mut writer, wanted.as_bytes()).unwrap();
    drop(writer);
    mimikyu.until_hosts("a2 b");
    assert_eq!(control.end(), ["1000005: a", "1000006: a2", "1000013: a2 b"]);
    assert_eq!(mimikyu.count("ERROR"), 0);
    fs::remove_file(&configured.file).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&configured.file).status();
    assert!(made.unwrap().success());
    mimikyu.signal("HUP");
    mimikyu.signal("TERM");
    assert_eq!(mimikyu.exit().code(), Some(0), "nor its end");
}

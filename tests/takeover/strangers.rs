//! Who may not take over, or not have its door where it wants: one line, and whoever runs goes on.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::*;

/// Users that nobody needs to have made.
const ONE: u32 = 65_533;
const OTHER: u32 = 65_534;

/// Whether this process may become other users.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The same place for every user, and a copy of the binary that every user may run.
fn open_to_all() -> (Place, PathBuf) {
    let place = Place::new();
    fs::set_permissions(place.directory.path(), Permissions::from_mode(0o777)).unwrap();
    let binary = place.directory.path().join("mimikyu");
    // By another process: a file that this one has open for writing while another test forks can't be run.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_mimikyu")).arg(&binary).status().unwrap();
    assert!(copied.success());
    fs::set_permissions(&binary, Permissions::from_mode(0o755)).unwrap();
    (place, binary)
}

/// It as this user.
fn command(binary: &Path, user: u32, path: &Path, listen: &str) -> Command {
    let mut command = Command::new(binary);
    command.args(["serve", "--static", "s=127.0.0.1:9", "--listen", listen, "--takeover"]).arg(path);
    command.uid(user).gid(user).env_clear().env("NO_COLOR", "1");
    command
}

#[track_caller]
fn is_refused(command: Command, words: &str) {
    let (code, written) = run(command);
    assert_eq!((code, written.lines().count()), (Some(1), 1), "{written}");
    assert!(words.split('…').all(|words| written.contains(words)), "{written}");
}

#[test]
fn another_user_does_not_take_over() {
    if !is_root() {
        return eprintln!("not run: it takes root to be other users");
    }
    let (place, binary) = open_to_all();
    let path = &place.path;
    let mut old = Mimikyu::spawn(command(&binary, ONE, path, "127.0.0.1:0"));
    old.ready();
    let listen = old.address.to_string();
    // The door is its user's alone.
    is_refused(
        command(&binary, OTHER, path, &listen),
        "Permission denied…give a path in a directory of this user",
    );
    // Were it open, the new one would not trust who is there,
    fs::set_permissions(path, Permissions::from_mode(0o666)).unwrap();
    is_refused(command(&binary, OTHER, path, &listen), "is another user's (uid 65533)…run as that user");
    assert_eq!(old.count("another process asks to take over"), 0);
    // Root may ask, and goes away again.
    let mut stream = place.knock();
    stream.write_all(b"mimikyu-takeover 1\n").unwrap();
    BufReader::new(&stream).read_line(&mut String::new()).unwrap();
    drop(stream);
    old.logged("another process asks to take over");
    assert_eq!(old.list().hosts(), "127.0.0.1");
    // Its own user does.
    let mut new = Mimikyu::spawn(command(&binary, ONE, path, &listen));
    new.ready();
    assert!(old.exit().success());
    assert_eq!(new.list().hosts(), "127.0.0.1");
}

#[test]
fn roots_daemon_is_not_taken_over_by_another_user() {
    if !is_root() {
        return eprintln!("not run: it takes root to be other users");
    }
    let (place, binary) = open_to_all();
    let mut old = place.start(&["--static", "s=127.0.0.1:9"]);
    fs::set_permissions(&place.path, Permissions::from_mode(0o666)).unwrap();
    let listen = old.address.to_string();
    is_refused(
        command(&binary, OTHER, &place.path, &listen),
        "does not hand over: uid 65534 is not the user of this daemon…it goes on serving",
    );
    old.logged("WARN not taken over: going on uid 65534");
    assert_eq!(old.list().hosts(), "127.0.0.1");
}

#[test]
fn a_directory_that_can_not_be_written_to_is_said_at_the_start() {
    let (place, binary) = open_to_all();
    fs::set_permissions(place.directory.path(), Permissions::from_mode(0o555)).unwrap();
    // Root may write anywhere.
    let user = if is_root() { OTHER } else { rustix::process::geteuid().as_raw() };
    let mut command = command(&binary, user, &place.path, "127.0.0.1:0");
    if !is_root() {
        command.gid(rustix::process::getegid().as_raw());
    }
    is_refused(command, "Permission denied…give a path in a directory of this user, or leave --takeover out");
    fs::set_permissions(place.directory.path(), Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn one_that_can_not_have_its_door_leaves_the_old_one_as_it_was() {
    if !is_root() {
        return eprintln!("not run: it takes root to be other users");
    }
    let (place, binary) = open_to_all();
    let mut old = Mimikyu::spawn(command(&binary, ONE, &place.path, "127.0.0.1:0"));
    old.ready();
    let listen = old.address.to_string();
    fs::set_permissions(place.directory.path(), Permissions::from_mode(0o555)).unwrap();
    is_refused(command(&binary, ONE, &place.path, &listen), "Permission denied…give a path in a directory");
    old.logged("WARN not taken over: going on left before it was ready");
    assert_eq!(old.list().hosts(), "127.0.0.1");
}

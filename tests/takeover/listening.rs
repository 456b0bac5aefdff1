//! What can go wrong with an address that is not inherited goes wrong before the old process stops.

use std::process::Command;

use super::*;

#[test]
fn a_new_address_that_can_not_be_listened_on_leaves_the_old_one_as_it_was() {
    let place = Place::new();
    let upstream = Upstream::list(1, "n1");
    let source = format!("alpha={}", upstream.address);
    let mut old = place.start(&["--upstream", &source, "--workers", "2"]);
    let listen = old.address.to_string();
    let binary = Mimikyu::command(&[
        "serve",
        "--takeover",
        place.path.to_str().unwrap(),
        "--listen",
        &listen,
        "--listen",
        "127.0.0.3:0",
        "--upstream",
        &source,
        "--log-level",
        "error",
    ]);
    // It is bound, as a port can be that somebody else is about to listen on, who is then first. Sockets that are
    // inherited listen already, so that this one is the first that is listened on.
    let mut command = Command::new("strace");
    command.args(["-f", "-e", "trace=listen", "-e", "inject=listen:error=EADDRINUSE"]);
    command.arg("-o").arg(place.directory.path().join("trace")).arg(binary.get_program());
    command.args(binary.get_args()).env("NO_COLOR", "1").env("MIMIKYU_ADMIN", "none").env_remove("RUST_LOG");
    let (code, written) = run(command);
    assert_eq!((code, written.lines().count()), (Some(1), 1), "{written}");
    assert!(
        written.contains("can't listen on 127.0.0.3:") && written.contains("another process"),
        "{written}"
    );
    let trace = fs::read_to_string(place.directory.path().join("trace")).unwrap();
    assert_eq!(trace.matches("INJECTED").count(), 1, "{trace}");
    old.logged("WARN not taken over: going on left before it was ready");
    assert_eq!(old.count("taken over: answering"), 0);
    assert_eq!(old.list().hosts(), "n1");
    upstream.set_list(2, "n2");
    old.until_hosts("n2");
    assert!(place.is_tidy());
    // And the next one takes over.
    let new = place.start(&["--listen", &listen, "--listen", "127.0.0.3:0", "--upstream", &source]);
    assert!(old.exit().success());
    assert_eq!(new.list().hosts(), "n2");
}

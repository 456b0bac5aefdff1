//! Real clients, real nodes: what a step costs is what was predicted.

use std::path::Path;
use std::process::Command;

/// What `measured.py` ends with where a client was too slow to see every step.
const MISSED: i32 = 3;

#[test]
fn a_step_costs_real_clients_what_was_predicted() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python =
        std::env::var("CLIENTS_PYTHON").map_or(home.join("target/clients/python/bin/python"), Into::into);
    assert!(python.exists(), "{} is missing: tests/run installs it", python.display());
    // A slow machine needs longer to go through all keys between two steps.
    for interval in ["3", "9", "27"] {
        let mut command = Command::new(&python);
        command.arg(home.join("tests/rollout/measured.py")).arg(env!("CARGO_BIN_EXE_mimikyu"));
        command.args(["--nodes", "3", "--keys", "3000", "--interval", interval]);
        let output = command.output().expect("python runs");
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        match output.status.code() {
            Some(0) => return,
            Some(MISSED) => eprintln!("{said}"),
            code => panic!("{code:?}: {said}"),
        }
    }
    panic!("a step every 27 seconds was too fast");
}

//! A migration in steps, as what is configured.

use mimikyu::status::{Configuration, Origin};

use super::configured::{Configured, hang_up, reload};
use super::harness::Upstream;
use super::harness::admin::get;

const ROLLOUT: &str =
    "[rollout]\nfrom = \"alpha\"\nto = \"beta\"\nstart = 2099-12-01T03:00:00+01:00\ninterval = \"10m\"\n";

#[test]
fn a_reload_tells_what_of_a_rollout_is_another_and_the_configuration_is_shown() {
    let (alpha, beta) = (Upstream::list(5, "a"), Upstream::list(7, "b"));
    let sources = [("alpha", &alpha), ("beta", &beta)];
    let configured = Configured::new();
    configured.write("", &sources);
    let mut mimikyu = configured.start(&["--admin", "127.0.0.1:0"]);
    let admin = mimikyu.admin();
    let shown = || serde_json::from_str::<Configuration>(&get(admin, "/config").body).unwrap().rollout;
    assert_eq!(shown(), None);

    configured.write(ROLLOUT, &sources);
    let line = reload(&mut mimikyu);
    let whole = "rollout=\"from=alpha to=beta strategy=swap batch=1 start=2099-12-01T02:00:00Z interval=10m \
                 clients=libmemcached-ketama,libmemcached-modula max_move=off\"";
    assert!(line.contains(whole) && !line.contains("keys=") && !line.contains("sources="), "{line}");
    let given = shown().expect("a rollout");
    assert_eq!(given.settings["start"], "2099-12-01T02:00:00Z");
    assert_eq!((given.settings["batch"].as_str(), given.settings.get("hold_at")), ("1", None));
    let place = format!("{}:4", configured.file.display());
    assert_eq!((given.origin, given.place), (Origin::File, Some(place)));

    configured.write(&format!("{ROLLOUT}hold_at = 0\nbatch = \"20%\"\n"), &sources);
    let line = reload(&mut mimikyu);
    assert!(line.contains("rollout=\"batch=20% hold_at=0\""), "{line}");
    configured.write(&format!("{ROLLOUT}batch = \"20%\"\n"), &sources);
    let line = reload(&mut mimikyu);
    assert!(line.contains("rollout=\"hold_at=none\""), "{line}");
    let line = reload(&mut mimikyu);
    assert!(line.contains("nothing has changed"), "{line}");

    // A source that it needs is not taken away under it.
    configured.write(ROLLOUT, &sources[..1]);
    let line = hang_up(&mut mimikyu, "ERROR reload refused:");
    assert!(
        line.contains("mimikyu.toml:6: to: there is no source \"beta\"; the sources are alpha"),
        "{line}"
    );
    assert_eq!(shown().expect("what was in force").settings["batch"], "20%");

    configured.write("", &sources);
    let line = reload(&mut mimikyu);
    assert!(line.contains("rollout=\"none\"") && !line.contains("sources="), "{line}");
    assert_eq!(shown(), None);
}

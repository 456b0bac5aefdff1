//! `/metrics`: the form of the page, that everything counted is on it, and that whoever names a metric names one that exists.

#[path = "metrics/page.rs"]
mod page;
#[path = "metrics/told.rs"]
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use mimikyu::exposition::text;
use mimikyu::metrics::{ControlMetrics, Counter, Metrics, WorkerMetrics};
use mimikyu::status::{Progress, State, Status};
use page::{Family, parse};
use told::status;

fn families(metrics: &Metrics, status: &Status) -> BTreeMap<String, Family> {
    parse(&text(metrics, status))
}

/// Every counter of a worker, by name. Names every field, so that a new one is not forgotten.
fn of_worker(worker: &WorkerMetrics) -> Vec<(String, &Counter)> {
    let WorkerMetrics {
        accepted,
        closed,
        refused,
        refused_per_ip,
        not_allowed,
        accept_failures,
        requests,
        replies,
        latency: _,
        bytes_received,
        bytes_sent,
        idle_closed,
        late_closed,
        pauses,
        buffers_exhausted,
        enters,
        completions,
        rearms,
        overflows,
        clients_unknown,
        clients_untracked,
    } = worker;
    let single = [
        ("accepted", accepted),
        ("closed", closed),
        ("refused", refused),
        ("refused_per_ip", refused_per_ip),
        ("not_allowed", not_allowed),
        ("accept_failures", accept_failures),
        ("bytes_received", bytes_received),
        ("bytes_sent", bytes_sent),
        ("idle_closed", idle_closed),
        ("late_closed", late_closed),
        ("pauses", pauses),
        ("buffers_exhausted", buffers_exhausted),
        ("enters", enters),
        ("completions", completions),
        ("rearms", rearms),
        ("overflows", overflows),
        ("clients_unknown", clients_unknown),
        ("clients_untracked", clients_untracked),
    ];
    let requests =
        requests.iter().flatten().enumerate().map(|(n, counter)| (format!("requests {n}"), counter));
    let replies = replies.iter().enumerate().map(|(n, counter)| (format!("replies {n}"), counter));
    single
        .map(|(name, counter)| (name.to_owned(), counter))
        .into_iter()
        .chain(requests)
        .chain(replies)
        .collect()
}

fn of_control(control: &ControlMetrics) -> Vec<(String, &Counter)> {
    let ControlMetrics {
        announced,
        announce_failures,
        hit_rate_polls,
        hit_rate_failures,
        reloads,
        reloads_refused,
    } = control;
    let all = [
        ("announced", announced),
        ("announce_failures", announce_failures),
        ("hit_rate_polls", hit_rate_polls),
        ("hit_rate_failures", hit_rate_failures),
        ("reloads", reloads),
        ("reloads_refused", reloads_refused),
    ];
    all.map(|(name, counter)| (name.to_owned(), counter)).into()
}

/// What is different between two pages: the samples that have another value.
fn changed(before: &BTreeMap<String, Family>, after: &BTreeMap<String, Family>) -> Vec<String> {
    let samples = |page: &BTreeMap<String, Family>| -> BTreeMap<String, f64> {
        page.values().flat_map(|family| family.samples.clone()).collect()
    };
    let (before, after) = (samples(before), samples(after));
    after.into_iter().filter(|(key, value)| before.get(key) != Some(value)).map(|(key, _)| key).collect()
}

#[test]
fn every_counter_moves_one_number_of_its_own() {
    let (metrics, status) = (Metrics::new(2), status());
    let mut moved = BTreeSet::new();
    let counters = of_worker(metrics.worker(1)).into_iter().chain(of_control(metrics.control()));
    for (name, counter) in counters {
        let before = families(&metrics, &status);
        counter.add(3);
        let changed = changed(&before, &families(&metrics, &status));
        assert_eq!(changed.len(), 1, "{name}: {changed:?}");
        assert!(
            changed[0].split('{').next().is_some_and(|key| key.ends_with("_total")),
            "{name}: {changed:?}"
        );
        assert!(moved.insert(changed[0].clone()), "{name}: {changed:?} is another's");
    }
    metrics.open_connection(1);
    assert_eq!(
        families(&metrics, &status)["mimikyu_connections_open"].samples["mimikyu_connections_open"],
        1.0
    );
}

#[test]
fn times_are_a_histogram_in_seconds() {
    let metrics = Metrics::new(2);
    metrics.worker(0).latency.count(Duration::from_micros(3), 16);
    metrics.worker(1).latency.count(Duration::from_secs(2), 1);
    let page = text(&metrics, &status());
    let samples = &parse(&page)["mimikyu_request_duration_seconds"].samples;
    let value = |key: &str| samples[&format!("mimikyu_request_duration_seconds{key}")];
    let bucket = |end: f64| {
        let found = samples.iter().find(|(key, _)| {
            let le = key.split_once("le=\"").and_then(|(_, rest)| rest.trim_end_matches("\"}").parse().ok());
            le == Some(end)
        });
        *found.unwrap_or_else(|| panic!("{end}: {page}")).1
    };
    assert_eq!((bucket(2e-6), bucket(4e-6), bucket(1.048576)), (0.0, 16.0, 16.0));
    assert_eq!((value("_count"), value("_bucket{le=\"+Inf\"}")), (17.0, 17.0));
    assert!((value("_sum") - 2.000048).abs() < 1e-9);
}

#[test]
fn what_operators_are_told_is_on_the_page() {
    let page = text(&Metrics::new(1), &status());
    for line in [
        "mimikyu_build_info{version=\"0.1.0\"} 1",
        "process_start_time_seconds 1795334400.5",
        "mimikyu_ready 1",
        "mimikyu_troubles{severity=\"severe\"} 0",
        "mimikyu_troubles{severity=\"warning\"} 1",
        "mimikyu_served_version 1000012",
        "mimikyu_served_nodes 1",
        "mimikyu_served_bytes 679",
        "mimikyu_served_info{digest=\"ab12\"} 1",
        "mimikyu_polls_total{source=\"beta\",outcome=\"failed\"} 3",
        "mimikyu_source_last_good_seconds{source=\"alpha\"} 3.25",
        "mimikyu_source_state{source=\"alpha\",state=\"fresh\"} 1",
        "mimikyu_source_state{source=\"beta\",state=\"fresh\"} 0",
        "mimikyu_source_state{source=\"beta\",state=\"failing\"} 1",
        "mimikyu_rollout_info{from=\"alpha\",to=\"beta\",strategy=\"swap\"} 1",
        "mimikyu_rollout_step 3",
        "mimikyu_rollout_steps 6",
        "mimikyu_rollout_held 1",
        "mimikyu_rollout_done 0",
        "mimikyu_rollout_behind_steps 2",
        "mimikyu_rollout_next_step_timestamp_seconds 1795338600.5",
        "mimikyu_rollout_hit_rate 0.84",
        "mimikyu_clients_seen 40",
        "mimikyu_clients_current 39",
        "mimikyu_clients_silent 3",
        "mimikyu_limit_used{limit=\"connections\"} 3",
        "mimikyu_limit_max{limit=\"connections\"} 65536",
    ] {
        assert!(page.lines().any(|told| told == line), "{line}\n{page}");
    }
}

#[test]
fn before_there_is_a_list_the_page_is_as_well_formed() {
    let mut status = Status { list: None, ready: false, started: "whenever".to_owned(), ..status() };
    for source in &mut status.sources {
        (source.version, source.last_good_age, source.state) = (None, None, State::Waiting);
    }
    let page = families(&Metrics::new(1), &status);
    assert!(!page.keys().any(|name| name.starts_with("mimikyu_served")));
    assert!(!page.contains_key("mimikyu_source_last_good_seconds"));
    assert_eq!(page["mimikyu_ready"].samples["mimikyu_ready"], 0.0);
}

#[test]
fn a_rollout_is_on_the_page_where_there_is_one_and_what_is_not_known_of_it_is_not() {
    let of = |change: fn(&mut Status)| {
        let mut status = status();
        change(&mut status);
        let page = families(&Metrics::new(1), &status);
        let told = page.values().flat_map(|family| family.samples.clone());
        told.filter(|(key, _)| key.starts_with("mimikyu_rollout")).collect::<BTreeMap<_, _>>()
    };
    assert!(of(|status| status.rollout = None).is_empty());
    let done = of(|status| {
        let rollout = status.rollout.as_mut().unwrap();
        (rollout.progress, rollout.step, rollout.next, rollout.hit_rate) = (Progress::Done, 6, None, None);
    });
    assert_eq!((done["mimikyu_rollout_held"], done["mimikyu_rollout_done"]), (0.0, 1.0));
    assert_eq!(done.len(), 6, "{done:?}");
    let unknown = of(|status| {
        let rollout = status.rollout.as_mut().unwrap();
        rollout.next.as_mut().unwrap().at = None;
        rollout.hit_rate.as_mut().unwrap().rate = None;
    });
    assert_eq!(unknown.len(), 6, "{unknown:?}");
}

#[test]
fn the_reader_sees_what_is_wrong() {
    let good = "# HELP a_b x.\n# TYPE a_b counter\na_b_total{c=\"d\"} 1\n# EOF\n";
    assert_eq!(parse(good)["a_b"].samples.len(), 1);
    for (from, to) in [
        ("# EOF\n", ""),
        ("_total", ""),
        ("counter", "gauge"),
        ("x.", "x"),
        ("} 1", "} one"),
        ("c=\"d\"", "c=\"d\",c=\"e\""),
        ("# EOF", "a_b_total{c=\"d\"} 2\n# EOF"),
        ("# TYPE a_b counter", "# TYPE b_a counter"),
        ("a_b", "a_seconds"),
    ] {
        let bad = good.replace(from, to);
        assert!(std::panic::catch_unwind(|| parse(&bad)).is_err(), "{bad}");
    }
}

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names of metrics that a text has in it.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|at: char| !(at.is_ascii_alphanumeric() || at == '_' || at == ':'));
    words.filter(|word| word.starts_with("mimikyu_") || *word == "process_start_time_seconds").collect()
}

#[test]
fn the_dashboard_and_the_alerts_name_metrics_that_exist() {
    let page = families(&Metrics::new(1), &status());
    let samples = page.values().flat_map(|family| family.samples.keys());
    let known: BTreeSet<&str> = samples.filter_map(|key| key.split('{').next()).collect();
    let dashboard: serde_json::Value =
        serde_json::from_str(&file("contrib/grafana.json")).expect("it is JSON");
    let panels = dashboard["panels"].as_array().expect("it has panels");
    let exprs: Vec<_> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .map(|target| target["expr"].as_str().expect("a question").to_owned())
        .collect();
    assert!(exprs.len() > 20, "{exprs:?}");
    let dashboard = exprs.join("\n");
    let alerts = file("contrib/alerts.yml");
    // Its descriptions are for people, its rules begin each name with the whole of it.
    for (what, text) in [("the dashboard", &dashboard), ("the alerts", &alerts)] {
        let unknown: Vec<_> = named(text).into_iter().filter(|name| !known.contains(name)).collect();
        assert!(unknown.is_empty(), "{what}: {unknown:?}");
    }
    let shown = named(&dashboard);
    let missing: Vec<_> = page
        .iter()
        .filter(|(_, family)| {
            !family.samples.keys().any(|key| shown.contains(key.split('{').next().unwrap_or_default()))
        })
        .map(|(name, _)| name)
        .collect();
    assert!(missing.is_empty(), "no panel shows {missing:?}");
}

#[test]
fn the_document_says_what_the_page_says() {
    let mut table = String::from("| metric | type | labels | what it tells |\n|---|---|---|---|\n");
    for (name, Family { kind, help, samples, .. }) in families(&Metrics::new(1), &status()) {
        let suffix = match kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let mut labels = BTreeSet::new();
        for key in samples.keys().filter(|_| kind != "histogram") {
            let inner = key.split_once('{').map_or("", |(_, rest)| rest);
            labels.extend(inner.split("\",").filter_map(|label| label.split_once('=')).map(|(name, _)| name));
        }
        let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
        writeln!(table, "| `{name}{suffix}` | {kind} | {} | {help} |", labels.join(", ")).expect("a string");
    }
    let document = file("docs/metrics.md");
    assert!(document.contains(&table), "docs/metrics.md is to have this table:\n{table}");
}

/// Where Prometheus' own tool is installed (Debian: `prometheus`), it looks at the rules.
#[test]
fn promtool_finds_no_fault_with_the_alerts() {
    let tool = std::env::var("PROMTOOL").unwrap_or_else(|_| "promtool".to_owned());
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/alerts.yml");
    match Command::new(&tool).args(["check", "rules", "--lint-fatal"]).arg(&rules).output() {
        Ok(told) => assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr)),
        Err(_) => println!("skipped: no promtool (Debian's package prometheus has it)"),
    }
}

/// Where the reader of Prometheus' own library is installed (Debian: `python3-prometheus-client`), it reads the page.
#[test]
fn the_makers_of_the_format_read_the_page() {
    let metrics = Metrics::new(1);
    of_worker(metrics.worker(0)).iter().for_each(|(_, counter)| counter.add(1));
    metrics.worker(0).latency.count(Duration::from_micros(30), 7);
    let directory = tempfile::tempdir().expect("a directory");
    let page = directory.path().join("metrics");
    std::fs::write(&page, text(&metrics, &status())).expect("a file");
    // The system's own first: Debian's packages are for that one.
    let pythons =
        [std::env::var("PROMETHEUS_PYTHON").unwrap_or_default(), "/usr/bin/python3".into(), "python3".into()];
    let has = |python: &&String| {
        let told = Command::new(python).args(["-c", "import prometheus_client"]).output();
        told.is_ok_and(|told| told.status.success())
    };
    let Some(python) = pythons.iter().find(has) else {
        println!("skipped: no prometheus_client (Debian's package python3-prometheus-client has it)");
        return;
    };
    let program = "import sys\nfrom prometheus_client.openmetrics.parser import text_string_to_metric_families as read\n\
                   print(len(list(read(open(sys.argv[1]).read()))))";
    let told = Command::new(python).args(["-c", program]).arg(&page).output().expect("it ran before");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let families = families(&metrics, &status()).len();
    assert_eq!(String::from_utf8_lossy(&told.stdout).trim(), families.to_string());
}

//! Reads OpenMetrics text naively, and complains of whatever Prometheus might not like.

use std::collections::{BTreeMap, BTreeSet};

/// A family of metrics.
#[derive(Debug, Default, PartialEq)]
pub struct Family {
    pub kind: String,
    pub help: String,
    pub unit: Option<String>,
    /// By name and labels, as they are written.
    pub samples: BTreeMap<String, f64>,
}

/// All families by name. Panics where the text is not what it should be.
pub fn parse(text: &str) -> BTreeMap<String, Family> {
    let body = text.strip_suffix("# EOF\n").expect("it ends with its end");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut last = String::new();
    for line in body.lines() {
        let mut words = line.splitn(4, ' ');
        if let ("#", what @ ("HELP" | "TYPE" | "UNIT"), name, rest) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        ) {
            let is_new = what == "HELP";
            assert_eq!(is_new, !families.contains_key(name), "{line}: a family is told at once, and once");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
            let family = families.entry(name.to_owned()).or_default();
            assert!(family.samples.is_empty(), "{line}: after its samples");
            match what {
                "HELP" => family.help = rest.to_owned(),
                "TYPE" => family.kind = rest.to_owned(),
                _ => family.unit = Some(rest.to_owned()),
            }
            last = name.to_owned();
            continue;
        }
        let (key, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}: no number"));
        let name = key.split('{').next().unwrap_or_default();
        labels(key);
        let family = families.get_mut(&last).unwrap_or_else(|| panic!("{line}: of no family"));
        let suffixes: &[&str] = match family.kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_sum", "_count"],
            kind => panic!("{last}: what is a {kind}?"),
        };
        let of_family = suffixes.iter().any(|suffix| name == format!("{last}{suffix}"));
        assert!(of_family, "{line}: not of {last}, a {}", family.kind);
        assert!(family.samples.insert(key.to_owned(), value).is_none(), "{line}: twice");
    }
    families.iter().for_each(|(name, family)| check(name, family));
    families
}

/// `{name="value",…}`, without the same name twice.
fn labels(key: &str) {
    let Some((_, rest)) = key.split_once('{') else { return };
    let inner = rest.strip_suffix('}').unwrap_or_else(|| panic!("{key}"));
    let mut names = BTreeSet::new();
    for label in inner.split("\",").filter(|label| !label.is_empty()) {
        let (name, value) = label.split_once("=\"").unwrap_or_else(|| panic!("{key}: {label}"));
        assert!(names.insert(name), "{key}: {name} twice");
        assert!(!value.trim_end_matches('"').contains('"'), "{key}");
    }
}

fn check(name: &str, family: &Family) {
    assert!(!family.samples.is_empty(), "{name}: without a value");
    assert!(family.help.ends_with('.') && !family.help.contains("  "), "{name}: {:?}", family.help);
    match &family.unit {
        Some(unit) => assert!(name.ends_with(&format!("_{unit}")), "{name} in {unit}"),
        None => {
            assert!(!name.ends_with("_seconds") && !name.ends_with("_bytes"), "{name}: its unit is not told")
        }
    }
    if family.kind == "histogram" {
        histogram(name, family);
    }
}

fn histogram(name: &str, family: &Family) {
    let ends = |key: &str| {
        let end = key.split_once("le=\"").and_then(|(_, rest)| rest.split('"').next())?;
        end.replace("+Inf", "inf").parse::<f64>().ok()
    };
    let mut buckets: Vec<_> =
        family.samples.iter().filter_map(|(key, value)| Some((ends(key)?, *value))).collect();
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert!(buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{name}: {buckets:?}");
    let last = buckets.last().copied().unwrap_or_default();
    assert_eq!(last, (f64::INFINITY, family.samples[&format!("{name}_count")]), "{name}");
}

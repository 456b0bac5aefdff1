//! Settings from environment variables: `MIMIKYU_` and the name of a flag.
//!
//! Lists are split at white space, an empty value is no value. A variable that we do not know is
//! worth a warning and no more: the environment is shared, and Kubernetes fills it with variables
//! named after every Service, one called `mimikyu` included.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::error::{Error, Fault, Origin, quoted};
use super::faults::Faults;
use super::key::{Key, nearest};
use super::layer::Layer;

const PREFIX: &str = "MIMIKYU_";
/// Names the configuration file; no setting, since a file cannot name itself.
const CONFIG: &str = "MIMIKYU_CONFIG";
/// Has that file looked at all the time; no setting either.
const WATCH: &str = "MIMIKYU_WATCH";

/// What the environment says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The settings. Sources are listed endpoints first, then static lists, then DNS names.
    pub layer: Layer,
    /// The configuration file that `MIMIKYU_CONFIG` names.
    pub config: Option<PathBuf>,
    /// Whether that file is looked at all the time, as `MIMIKYU_WATCH` says.
    pub watch: bool,
    /// A line for each variable that looks like ours and is not.
    pub warnings: Vec<String>,
}

/// Reads the variables that concern us, in an order that does not depend on the environment's.
pub fn from_env<K, V>(variables: impl IntoIterator<Item = (K, V)>) -> Result<Environment, Error>
where
    K: Into<OsString>,
    V: Into<OsString>,
{
    let (environment, faults) = all_from_env(variables);
    faults.unless(environment)
}

/// The same, with everything that is wrong; what it is wrong with is left out.
pub fn all_from_env<K, V>(variables: impl IntoIterator<Item = (K, V)>) -> (Environment, Faults)
where
    K: Into<OsString>,
    V: Into<OsString>,
{
    let mut environment = Environment::default();
    let mut faults = Faults::default();
    let mut ours = BTreeMap::new();
    for (name, value) in variables {
        let (name, value) = (name.into(), value.into());
        // A name that is not UTF-8 is not ours.
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        if !value.is_empty() {
            ours.insert(name.to_owned(), value);
        }
    }
    environment.config = ours.remove(CONFIG).map(PathBuf::from);
    if let Some(value) = ours.remove(WATCH) {
        environment.watch = faults.note(watch(&value)).unwrap_or_default();
    }
    for key in Key::ALL {
        let variable = key.variable();
        if let Some(value) = ours.remove(&variable) {
            take(&mut environment.layer, key, &value, &Origin::Environment(variable), &mut faults);
        }
    }
    let unknown = ours.iter().filter(|(name, value)| !is_from_kubernetes(name, &value.to_string_lossy()));
    environment.warnings = unknown.map(|(name, _)| warning(name)).collect();
    (environment, faults)
}

fn take(layer: &mut Layer, key: Key, value: &OsStr, origin: &Origin, faults: &mut Faults) {
    let Some(text) = value.to_str() else {
        layer.lacks_sources |= key.is_source();
        return faults.push(Fault::new("the value is not UTF-8", "correct it").at(origin.clone()));
    };
    let mut set = |item| {
        faults.note(layer.set(key, item, origin.clone()));
    };
    if key.is_list() {
        return text.split_whitespace().for_each(set);
    }
    match text.trim() {
        "" => {}
        text => set(text),
    }
}

/// Reads a yes or a no.
fn watch(value: &OsStr) -> Result<bool, Error> {
    match value.to_string_lossy().trim() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => {
            let fault = Fault::new(format!("{} is not a choice", quoted(other)), "write true or false");
            Err(fault.at(Origin::Environment(WATCH.into())))
        }
    }
}

fn warning(name: &str) -> String {
    let known = Key::ALL.map(Key::variable);
    let shown = quoted(name);
    // Without the prefix, which all of them share.
    let rest = |name: &'_ str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    let known: Vec<_> = known.iter().map(String::as_str).chain([CONFIG, WATCH]).map(rest).collect();
    match nearest(&rest(name), known.iter().map(String::as_str)) {
        Some(meant) => {
            format!("environment variable {shown} is unknown and ignored; did you mean {PREFIX}{meant}?")
        }
        None => format!("environment variable {shown} is unknown and ignored; see mimikyu serve --help"),
    }
}

/// Whether the variable describes a Service named `mimikyu` or `mimikyu-…`, such as
/// `MIMIKYU_SERVICE_HOST`, `MIMIKYU_PORT=tcp://10.0.0.1:11211` or `MIMIKYU_PORT_11211_TCP_ADDR`.
fn is_from_kubernetes(name: &str, value: &str) -> bool {
    // With the underscore kept, MIMIKYU_PORT and MIMIKYU_ADMIN_PORT end alike.
    let rest = &name[PREFIX.len() - 1..];
    let port = rest.split("_PORT_").skip(1).any(|after| {
        let mut words = after.split('_');
        let number = words.next().is_some_and(|word| word.parse::<u16>().is_ok());
        number && words.next().is_some_and(|word| matches!(word, "TCP" | "UDP" | "SCTP"))
    });
    rest == "_PORT"
        || rest.ends_with("_PORT") && value.contains("://")
        || rest.ends_with("_SERVICE_HOST")
        || rest.ends_with("_SERVICE_PORT")
        || rest.contains("_SERVICE_PORT_")
        || port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_lists_split() {
        let environment = from_env([
            ("MIMIKYU_STATIC", "s=n1:1,n2:1"),
            ("MIMIKYU_UPSTREAM", " a=alpha:1\tb=beta:2\n"),
            ("MIMIKYU_LISTEN", "127.0.0.1:0 [::1]:0"),
            ("MIMIKYU_POLL_INTERVAL", " 1m 30s "),
            ("MIMIKYU_WORKERS", ""),
            ("MIMIKYU_STATE", " "),
            ("MIMIKYU_CONFIG", "/etc/mimikyu.toml"),
            ("PATH", "/bin"),
        ])
        .unwrap();
        let layer = environment.layer;
        let names: Vec<_> = layer.sources.iter().map(|source| source.value.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "s"]);
        assert_eq!(layer.listen.len(), 2);
        assert_eq!(layer.poll_interval.unwrap().value.as_secs(), 90);
        assert_eq!((layer.workers, layer.state), (None, None));
        assert_eq!(environment.config, Some("/etc/mimikyu.toml".into()));
        assert_eq!(environment.warnings, [""; 0]);
    }

    #[test]
    fn every_setting_has_a_variable() {
        for key in Key::ALL {
            let error = from_env([(key.variable(), "\u{1}")]);
            match key {
                Key::State | Key::Takeover => assert!(error.is_ok()),
                _ => assert!(error.unwrap_err().to_string().starts_with(&key.variable())),
            }
        }
    }

    #[test]
    fn a_wrong_value_names_its_variable() {
        let error = from_env([("MIMIKYU_POLL_INTERVAL", "10")]).unwrap_err();
        assert_eq!(error.to_string(), "MIMIKYU_POLL_INTERVAL: 10 has no unit; write 10s");
        assert_eq!(error.exit_code(), 78);
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_refused_in_ours_only() {
        use std::os::unix::ffi::OsStringExt;
        let bad = OsString::from_vec(vec![0xff]);
        assert!(from_env([(OsString::from("OTHER"), bad.clone()), (bad.clone(), bad.clone())]).is_ok());
        let error = from_env([("MIMIKYU_LISTEN", bad)]).unwrap_err();
        assert_eq!(error.to_string(), "MIMIKYU_LISTEN: the value is not UTF-8; correct it");
    }

    #[test]
    fn unknown_variables_are_warned_of() {
        let warnings = from_env([("MIMIKYU_WORKER", "4"), ("MIMIKYU_COLOUR", "1")]).unwrap().warnings;
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].contains("MIMIKYU_COLOUR") && warnings[0].contains("--help"), "{warnings:?}");
        assert!(warnings[1].contains("did you mean MIMIKYU_WORKERS?"), "{warnings:?}");
    }

    #[test]
    fn what_kubernetes_adds_is_ignored() {
        for (name, value) in [
            ("MIMIKYU_SERVICE_HOST", "10.96.0.7"),
            ("MIMIKYU_SERVICE_PORT", "11211"),
            ("MIMIKYU_SERVICE_PORT_MEMCACHED", "11211"),
            ("MIMIKYU_PORT", "tcp://10.96.0.7:11211"),
            ("MIMIKYU_PORT_11211_TCP", "tcp://10.96.0.7:11211"),
            ("MIMIKYU_PORT_11211_TCP_PROTO", "tcp"),
            ("MIMIKYU_PORT_11211_TCP_PORT", "11211"),
            ("MIMIKYU_PORT_11211_TCP_ADDR", "10.96.0.7"),
            ("MIMIKYU_ADMIN_SERVICE_HOST", "10.96.0.8"),
            ("MIMIKYU_ADMIN_PORT", "tcp://10.96.0.8:80"),
            ("MIMIKYU_ADMIN_PORT_80_TCP_ADDR", "10.96.0.8"),
        ] {
            assert_eq!(from_env([(name, value)]).unwrap(), Environment::default(), "{name}");
        }
        for (name, value) in [("MIMIKYU_ADMIN_PORT", "80"), ("MIMIKYU_PORT_X_TCP", "1")] {
            assert_eq!(from_env([(name, value)]).unwrap().warnings.len(), 1, "{name}");
        }
    }
}

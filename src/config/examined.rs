//! What shows only when all layers are known: that a name is used twice, say.

use std::net::SocketAddr;

use ipnet::IpNet;

use super::error::{Fault, Origin};
use super::faults::Faults;
use super::key::nearest;
use super::layer::{Layer, Setting, lay};
use super::{Admin, Config};
use crate::limits::{NETWORKS_MAX, SOURCES_MAX};

/// A configuration that was looked at as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What is in force and where it was given: the layers laid over each other.
    pub top: Layer,
    /// The same with the defaults. It is to be used only where nothing is wrong: there may be no source in it.
    pub config: Config,
    /// What is wrong.
    pub faults: Faults,
}

/// Lays the layers over each other, the first on top, and looks for what does not go together.
pub fn examine(layers: impl IntoIterator<Item = Layer>) -> Examined {
    let top = lay(layers);
    let mut faults = Faults::default();
    check_sources(&top, &mut faults);
    check_rollout(&top, &mut faults);
    check_listen(&top.listen, &mut faults);
    check_allow(&top.allow, &mut faults);
    let config = top.clone().complete();
    check_admin(&top, &config, &mut faults);
    Examined { config, top, faults }
}

/// At least one source, not too many, each with a name of its own.
fn check_sources(layer: &Layer, faults: &mut Faults) {
    let Some(last) = layer.sources.last() else {
        // One that was given and is wrong is a fault already.
        if !layer.lacks_sources {
            faults.push(match &layer.file {
                None => Fault::new(
                    "no source of nodes",
                    "give the address of a configuration endpoint (HOST:PORT), --upstream, --static or --dns, \
                     or try mimikyu demo",
                )
                .at(Origin::Unset),
                Some(path) => Fault::new("no source of nodes", "add a [[source]] table").at(Origin::File {
                    path: path.clone(),
                    line: None,
                    key: None,
                }),
            });
        }
        return;
    };
    if layer.sources.len() > SOURCES_MAX {
        let what = format!("{} sources are too many", layer.sources.len());
        faults.push(Fault::new(what, format!("give at most {SOURCES_MAX}")).at(last.origin.clone()));
        return;
    }
    for (index, setting) in layer.sources.iter().enumerate() {
        let name = &setting.value.name;
        if let Some(first) = layer.sources[..index].iter().find(|first| first.value.name == *name) {
            faults.push(name_twice(name, &first.origin).at(setting.origin.clone()));
        }
    }
}

/// A name that another source has.
pub(super) fn name_twice(name: &str, first: &Origin) -> Fault {
    let what = format!("the name {name:?} is already used by {first}");
    Fault::new(what, "give each source a name of its own")
}

/// From one source to another, both of which there are.
fn check_rollout(layer: &Layer, faults: &mut Faults) {
    let Some(Setting { value: rollout, .. }) = &layer.rollout else { return };
    let is_same = rollout.from == rollout.to;
    if is_same {
        let fault = Fault::new(
            format!("{:?} is the source whose nodes leave (from)", rollout.to),
            "name the one whose nodes come",
        );
        faults.push(fault.at(layer.rollout_origin("to")));
    }
    // Where a source could not be read it may be the one that is missed, and without any that is the fault.
    if layer.lacks_sources || layer.sources.is_empty() {
        return;
    }
    let names: Vec<_> = layer.sources.iter().map(|source| source.value.name.as_str()).collect();
    let ends = [("from", &rollout.from), ("to", &rollout.to)];
    for (key, name) in ends.into_iter().take(if is_same { 1 } else { 2 }) {
        if !names.contains(&name.as_str()) {
            let cure = match nearest(name, names.iter().copied()) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => format!("the sources are {}", names.join(", ")),
            };
            let fault = Fault::new(format!("there is no source {name:?}"), cure);
            faults.push(fault.at(layer.rollout_origin(key)));
        }
    }
}

/// No address twice, unless the kernel chooses the port and the two become different.
fn check_listen(listen: &[Setting<SocketAddr>], faults: &mut Faults) {
    for (index, setting) in listen.iter().enumerate() {
        let same = |first: &&Setting<SocketAddr>| first.value == setting.value;
        if setting.value.port() != 0 && listen[..index].iter().any(|first| same(&first)) {
            let what = format!("the address {} is given twice", setting.value);
            faults.push(Fault::new(what, "give it once").at(setting.origin.clone()));
        }
    }
}

/// Every client that comes is held against each of the networks.
fn check_allow(allow: &[Setting<IpNet>], faults: &mut Faults) {
    if let Some(first) = allow.get(NETWORKS_MAX) {
        let what = format!("{} networks are too many", allow.len());
        faults.push(Fault::new(what, format!("give at most {NETWORKS_MAX}")).at(first.origin.clone()));
    }
}

/// An address is for clients or for operators. The usual one, which nobody has asked for, gives way instead.
fn check_admin(top: &Layer, config: &Config, faults: &mut Faults) {
    if let Some(Setting { value: admin @ Admin::At(address), origin }) = &top.admin
        && let Some(listen) = admin.overlap(&config.listen)
    {
        let what = match listen == *address {
            true => format!("the address {address} is one that clients connect to (listen)"),
            false => format!("the address {address} overlaps {listen}, which clients connect to (listen)"),
        };
        faults.push(Fault::new(what, "give another port, or none").at(origin.clone()));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Key, from_bytes};
    use super::*;

    /// What is wrong with a rollout of a file, below sources that were given by flags.
    fn faults(ends: &str, sources: &[&str]) -> Vec<String> {
        let mut flags = Layer::default();
        for source in sources {
            flags.set(Key::Static, source, Origin::Flag("--static".into())).unwrap();
        }
        let text = format!("[rollout]\n{ends}\nstart = 2026-12-01T03:00:00Z\ninterval = '1m'\n");
        let file = from_bytes(Path::new("m.toml"), text.as_bytes()).unwrap();
        let examined = examine([flags, file]);
        examined.faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_rollout_is_from_a_source_that_there_is_to_another() {
        let sources = ["alpha=n:1", "beta=m:1"];
        for (ends, lines) in [
            ("from = 'alpha'\nto = 'beta'", &[][..]),
            ("from = 'beta'\nto = 'alpha'", &[]),
            (
                "to = 'bet'\nfrom = 'gamma'",
                &[
                    "m.toml:3: from: there is no source \"gamma\"; the sources are alpha, beta",
                    "m.toml:2: to: there is no source \"bet\"; did you mean \"beta\"?",
                ],
            ),
            (
                "from = 'alpha'\nto = 'alpha'",
                &[
                    "m.toml:3: to: \"alpha\" is the source whose nodes leave (from); name the one whose nodes come",
                ],
            ),
            (
                "from = 'gamma'\nto = 'gamma'",
                &[
                    "m.toml:3: to: \"gamma\" is the source whose",
                    "m.toml:2: from: there is no source \"gamma\"; ",
                ],
            ),
        ] {
            let found = faults(ends, &sources);
            assert_eq!(found.len(), lines.len(), "{ends}: {found:#?}");
            for (found, line) in found.iter().zip(lines) {
                assert!(found.starts_with(line), "{ends}: {found} instead of {line}");
            }
        }
        // Without any source that is what is wrong.
        assert_eq!(faults("from = 'alpha'\nto = 'beta'", &[]).len(), 1);
    }

    #[test]
    fn a_rollout_and_the_places_of_its_keys_are_of_one_layer() {
        let file = |name: &str, text: &str| {
            let text = format!(
                "{text}[rollout]\nfrom = 'a'\nto = 'b'\nstart = 2026-12-01T03:00:00Z\ninterval = '1m'\n"
            );
            from_bytes(Path::new(name), text.as_bytes()).unwrap()
        };
        let origin = |layers: [Layer; 3]| lay(layers).rollout_origin("to").to_string();
        let (upper, lower) = (file("upper.toml", ""), file("lower.toml", "\n"));
        assert_eq!(origin([Layer::default(), upper.clone(), lower.clone()]), "upper.toml:3");
        assert_eq!(origin([lower, Layer::default(), upper]), "lower.toml:4");
    }
}

//! One source of nodes: its name, and what it is.

use std::collections::HashSet;

use super::error::{Fault, quoted};
use super::key::Key;
use super::{HostPort, Source, SourceKind};
use crate::limits::{NODES_MAX, SOURCE_NAME_BYTES_MAX};

/// Reads `NAME=HOST:PORT` as [`Key::Upstream`] and [`Key::Dns`] have it, or `NAME=HOST:PORT,HOST:PORT…` as
/// [`Key::Static`] has it.
pub fn named(key: Key, text: &str) -> Result<Source, Fault> {
    let Some((name, place)) = text.split_once('=') else {
        return Err(Fault::new(
            format!("{} has no name", quoted(text)),
            "write NAME=HOST:PORT, like primary=cache.example:11211",
        ));
    };
    let name = check_name(name)?.to_owned();
    let kind = match key {
        Key::Static => {
            SourceKind::Static(check_nodes(place.split(',').map(str::parse).collect::<Result<_, _>>()?)?)
        }
        Key::Dns => SourceKind::Dns(place.parse()?),
        _ => SourceKind::Endpoint(place.parse()?),
    };
    Ok(Source::new(name, kind))
}

/// A name that is safe in a log line, a file and a metric's label.
pub fn check_name(name: &str) -> Result<&str, Fault> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() {
        return Err(Fault::new("the name of the source is empty", "give one, like primary"));
    }
    if name.len() > SOURCE_NAME_BYTES_MAX {
        return Err(Fault::new(
            format!("the name {} is too long", quoted(name)),
            format!("use at most {SOURCE_NAME_BYTES_MAX} characters"),
        ));
    }
    if !name.bytes().all(legal) {
        return Err(Fault::new(
            format!("{} is not a name for a source", quoted(name)),
            "use letters, digits, '.', '_' and '-' only",
        ));
    }
    Ok(name)
}

/// A list of nodes that is neither empty nor too long and names no node twice.
pub fn check_nodes(nodes: Vec<HostPort>) -> Result<Vec<HostPort>, Fault> {
    if nodes.is_empty() {
        return Err(Fault::new("the list of nodes is empty", "give at least one HOST:PORT"));
    }
    if nodes.len() > NODES_MAX {
        return Err(Fault::new(
            format!("{} nodes are too many", nodes.len()),
            format!("give a source at most {NODES_MAX}"),
        ));
    }
    let mut seen = HashSet::new();
    // Names of hosts have no case.
    match nodes.iter().find(|node| !seen.insert((node.host.to_ascii_lowercase(), node.port))) {
        Some(node) => Err(Fault::new(format!("the node {node} is given twice"), "give it once")),
        None => Ok(nodes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> HostPort {
        text.parse().unwrap()
    }

    #[test]
    fn sources_from_one_text() {
        for (key, text, name, kind) in [
            (Key::Upstream, "a=alpha:1", "a", SourceKind::Endpoint(node("alpha:1"))),
            (Key::Dns, "d.1=[::1]:2", "d.1", SourceKind::Dns(node("[::1]:2"))),
            (Key::Static, "s_-=b:1,a:1", "s_-", SourceKind::Static(vec![node("b:1"), node("a:1")])),
        ] {
            assert_eq!(named(key, text), Ok(Source::new(name, kind)));
        }
    }

    #[test]
    fn faults_say_what_to_write() {
        let long = format!("{}=alpha:1", "n".repeat(SOURCE_NAME_BYTES_MAX + 1));
        for (key, text, message) in [
            (Key::Upstream, "alpha:1", r#""alpha:1" has no name; write NAME=HOST:PORT"#),
            (Key::Upstream, "=alpha:1", "the name of the source is empty; give one"),
            (Key::Upstream, "a b=alpha:1", r#""a b" is not a name for a source; use letters"#),
            (Key::Upstream, &long, r#""nnnn"#),
            (Key::Upstream, "a=alpha", r#""alpha" is not HOST:PORT; give a port"#),
            (Key::Upstream, "a=b:1,c:1", r#""b:1,c:1" is not HOST:PORT; "#),
            (Key::Dns, "a=", r#""" is not HOST:PORT"#),
            (Key::Static, "a=b:1,", r#""" is not HOST:PORT"#),
            (Key::Static, "a=b:1,B:1", "the node B:1 is given twice; give it once"),
        ] {
            let fault = named(key, text).unwrap_err().to_string();
            assert!(fault.contains(message), "{text}: {fault}");
        }
    }

    #[test]
    fn bounds_are_crossed_by_one() {
        let longest = "n".repeat(SOURCE_NAME_BYTES_MAX);
        assert!(check_name(&longest).is_ok());
        assert!(check_name(&format!("{longest}n")).unwrap_err().cure.contains("at most 64"));

        let nodes = |count: usize| (0..count).map(|i| node(&format!("node{i}:1"))).collect();
        assert!(check_nodes(nodes(NODES_MAX)).is_ok());
        let fault = check_nodes(nodes(NODES_MAX + 1)).unwrap_err().to_string();
        assert_eq!(fault, "1025 nodes are too many; give a source at most 1024");
        assert!(check_nodes(vec![]).unwrap_err().what.contains("empty"));
    }
}

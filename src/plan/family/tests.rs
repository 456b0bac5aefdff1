//! Agreement with what real clients chose.

use std::collections::HashMap;

use serde_json::Value;

use super::*;

const VECTORS: &str = include_str!("../../../tests/data/hash/vectors.json");
const JUMP: &str = include_str!("../../../tests/data/hash/jump.json");

fn nodes(vectors: &Value, set: &str) -> Vec<Node> {
    let names = vectors["sets"][set].as_array().unwrap();
    let node = |name: &Value| {
        let node = &vectors["nodes"][name.as_str().unwrap()];
        let port = node[2].as_u64().unwrap() as u16;
        Node::new(node[0].as_str().unwrap(), node[1].as_str().unwrap(), port)
    };
    names.iter().map(node).collect()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn places(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|place| place.as_u64().unwrap() as usize).collect()
}

#[test]
fn every_family_agrees_with_its_real_client_for_every_key() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let keys = strings(&vectors["keys"]);
    let mut agreed: HashMap<&str, usize> = HashMap::new();
    for (family, answers) in vectors["families"].as_object().unwrap() {
        let family = Family::named(family).unwrap_or_else(|| panic!("{family} is missing"));
        for set in ["old", "merged", "new", "three"] {
            let picker = family.picker(&nodes(&vectors, set));
            let chosen = places(&answers[set]);
            assert_eq!(chosen.len(), keys.len());
            for (key, chosen) in keys.iter().zip(chosen) {
                assert_eq!(picker.pick(key), chosen, "{} over {set}: {key}", family.name());
                *agreed.entry(family.name()).or_default() += 1;
            }
        }
    }
    assert_eq!((keys.len(), agreed.len()), (300, Family::ALL.len() - 1));
    assert!(agreed.values().all(|look_ups| *look_ups == 1200), "{agreed:?}");
}

#[test]
fn jump_agrees_with_another_implementation_for_every_key() {
    let (vectors, jump): (Value, Value) =
        (serde_json::from_str(VECTORS).unwrap(), serde_json::from_str(JUMP).unwrap());
    let keys = strings(&vectors["keys"]);
    for (set, chosen) in jump["sets"].as_object().unwrap() {
        let picker = Family::Jump.picker(&nodes(&vectors, set));
        assert_eq!(keys.iter().map(|key| picker.pick(key)).collect::<Vec<_>>(), places(chosen), "{set}");
    }
    for (buckets, chosen) in jump["wide"].as_object().unwrap() {
        let nodes = vec![Node::new("a", "", 1); buckets.parse().unwrap()];
        let picker = Family::Jump.picker(&nodes);
        assert_eq!(keys.iter().map(|key| picker.pick(key)).collect::<Vec<_>>(), places(chosen), "{buckets}");
    }
}

#[test]
fn names_are_unique_and_found() {
    for family in Family::ALL {
        assert_eq!(Family::named(family.name()), Some(family));
    }
    assert_eq!(Family::named("ketama"), None);
}

/// No key of the vectors has a CRC-32 with 15 zeros there; the real client's own line says `or 1`.
#[test]
fn python_memcached_takes_1_for_0() {
    let key = (0..).map(|n| format!("key:{n}")).find(|key| crc32(key) >> 16 & 0x7fff == 0).unwrap();
    let nodes = [Node::new("a", "", 1), Node::new("b", "", 1)];
    assert_eq!(Family::PythonMemcached.picker(&nodes).pick(&key), 1);
}

/// What changes when only a node's text does: the order of the list, the host, the ip.
#[test]
fn a_family_knows_nodes_by_what_it_says() {
    let nodes = |suffix: &str, network: u8| -> Vec<Node> {
        let node = |n: u8| Node::new(format!("cache-{n}{suffix}"), format!("10.0.{network}.{n}"), 11211);
        (1..=5).map(node).collect()
    };
    let keys: Vec<String> = (0..500).map(|n| format!("user:{n}")).collect();
    for family in Family::ALL {
        let (before, renamed, moved) = (nodes("", 0), nodes(".x", 0), nodes("", 1));
        let reversed: Vec<Node> = before.iter().rev().cloned().collect();
        let owners = |nodes: &[Node]| -> Vec<u16> {
            let picker = family.picker(nodes);
            let last = |node: &Node| node.ip.rsplit('.').next().unwrap().parse().unwrap();
            keys.iter().map(|key| last(&nodes[picker.pick(key)])).collect()
        };
        let changes = [&reversed, &renamed, &moved].map(|after| owners(after) != owners(&before));
        let expected = match family.known_by() {
            KnownBy::Place => [true, false, false],
            KnownBy::Host => [false, true, false],
            KnownBy::Ip => [false, false, true],
        };
        assert_eq!(changes, expected, "{}", family.name());
    }
}

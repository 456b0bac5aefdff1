//! The bytes that clients are answered, read by hand.

use mimikyu::cluster::{Cluster, Node};
use mimikyu::protocol::{Parsed, answer};
use mimikyu::snapshot::Snapshot;

/// Whether the snapshot's replies are whole, exact in their lengths, and this list.
pub fn check(snapshot: &Snapshot, served: Option<&Cluster>) -> Result<(), String> {
    let (list, served) = match (&snapshot.list, served) {
        (None, None) => return Ok(()),
        (Some(list), Some(served)) => (list, served),
        (list, _) => {
            return Err(format!("the snapshot has {} list", if list.is_some() { "a" } else { "no" }));
        }
    };
    let cas = served.version.to_string();
    for (reply, header, cas) in [
        (&list.config, "CONFIG cluster 0 ", None),
        (&list.value, "VALUE AmazonElastiCache:cluster 0 ", None),
        (&list.value_cas, "VALUE AmazonElastiCache:cluster 0 ", Some(cas.as_str())),
    ] {
        let bytes = reply.once();
        let text = str::from_utf8(bytes).map_err(|_| "a reply is not text")?;
        let read = read(text, header, cas).ok_or_else(|| format!("a reply is malformed: {text:?}"))?;
        if read != (served.version.number(), served.nodes.clone()) {
            return Err(format!("a reply is of another list: {text:?}"));
        }
        if cas.is_none() {
            match answer::parse(bytes) {
                Parsed::Complete { value: Ok(cluster), used }
                    if used == bytes.len() && cluster == *served => {}
                other => return Err(format!("a reply is read as {other:?}")),
            }
        }
    }
    Ok(())
}

/// Version and nodes of a reply, if it has the form to the byte.
fn read(text: &str, header: &str, cas: Option<&str>) -> Option<(u32, Vec<Node>)> {
    let (first, rest) = text.strip_prefix(header)?.split_once("\r\n")?;
    let length = match cas {
        Some(cas) => first.strip_suffix(cas)?.strip_suffix(' ')?,
        None => first,
    };
    let length: usize = length.parse().ok()?;
    let payload = rest.get(..length)?;
    if rest.get(length..)? != "\r\nEND\r\n" {
        return None;
    }
    let (version, nodes) = payload.strip_suffix('\n')?.split_once('\n')?;
    let node = |word: &str| {
        let fields: Vec<&str> = word.split('|').collect();
        let [host, ip, port] = fields[..] else { return None };
        Some(Node::new(host, ip, port.parse().ok()?))
    };
    Some((version.parse().ok()?, nodes.split(' ').map(node).collect::<Option<_>>()?))
}

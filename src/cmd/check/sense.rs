//! Settings that are good each and make no sense together.

use std::net::SocketAddr;
use std::path::Path;

use ipnet::IpNet;
use mimikyu::config::{
    Admin, Config, Examined, Fault, HostPort, Layer, Origin, Setting, Share, Source, SourceKind,
};
use mimikyu::limits::DROP_POLLS;

use super::remark::Remark;

/// Everything of that kind; `file` is the configuration file.
pub fn look(Examined { top, config, .. }: &Examined, file: Option<&Path>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    own_files(top, file, &mut remarks);
    sources(top, config, &mut remarks);
    nodes(&top.sources, &mut remarks);
    times(top, config, &mut remarks);
    addresses(top, config, &mut remarks);
    clients(top, config, &mut remarks);
    remarks
}

/// The state file and the socket replace what is at their paths.
fn own_files(top: &Layer, file: Option<&Path>, remarks: &mut Vec<Remark>) {
    let same = |one: &Path, other: &Path| one == other;
    if let Some(state) = top.state.as_ref().filter(|state| file.is_some_and(|file| same(file, &state.value)))
    {
        let fault = Fault::new("the state would be written over the configuration file", "name another file");
        remarks.push(Remark::at(&state.origin, fault));
    }
    if let (Some(takeover), Some(state)) = (&top.takeover, &top.state)
        && same(&takeover.value, &state.value)
    {
        let fault = Fault::new("the state file has this path", "name another path");
        remarks.push(Remark::at(&takeover.origin, fault));
    }
}

fn sources(top: &Layer, config: &Config, remarks: &mut Vec<Remark>) {
    let ports: Vec<_> = config.listen.iter().collect();
    for (index, setting) in top.sources.iter().enumerate() {
        let Setting { value: source, origin } = setting;
        let mut warn = |what: String, cure: &str| remarks.push(Remark::warning(&of(origin), what, cure));
        let name = &source.name;
        let only = top.sources.len() == 1 && !top.lacks_sources;
        if let Some(drop_after) = source.drop_after {
            let polls = config.poll_interval * DROP_POLLS;
            if only {
                let what = format!("drop_after of {name:?} has no effect: it is the only source");
                warn(what, "leave it out, or add a source that answers then");
            } else if drop_after < polls {
                let polls = humantime::format_duration(polls);
                let what =
                    format!("drop_after of {name:?} is over before {DROP_POLLS} polls have failed ({polls})");
                warn(what, "make it longer, or poll_interval shorter");
            }
        }
        let same = |first: &&Setting<Source>| first.value.kind == source.kind;
        let is_asked = !matches!(source.kind, SourceKind::Static(_));
        if let Some(first) = top.sources[..index].iter().find(same).filter(|_| is_asked) {
            let what = format!("{name:?} asks the same place as {:?}", first.value.name);
            warn(what, "leave one of them out");
        }
        if let SourceKind::Endpoint(target) = &source.kind
            && let Some(own) = ports.iter().find(|own| is_own(target, own))
        {
            let what = format!("{name:?} asks {target}, where mimikyu itself listens ({own})");
            warn(what, "give the endpoint of a cluster");
        }
    }
    let all_static = top.sources.iter().all(|source| matches!(source.value.kind, SourceKind::Static(_)));
    if let Some(max_shrink) = top.max_shrink.as_ref().filter(|share| share.value != Share::OFF)
        && all_static
        && !top.sources.is_empty()
        && !top.lacks_sources
    {
        let what = "it has no effect: static sources do not shrink";
        remarks.push(Remark::warning(&max_shrink.origin, what, "leave it out"));
    }
}

/// A source is remembered with the place of its name; what is said of it is about the whole.
fn of(origin: &Origin) -> Origin {
    match origin.clone() {
        Origin::File { path, line, .. } => Origin::File { path, line, key: None },
        other => other,
    }
}

/// Whether asking there is asking ourselves, as far as the address is written down.
fn is_own(target: &HostPort, own: &SocketAddr) -> bool {
    if target.port != own.port() {
        return false;
    }
    let loopback = target.host.eq_ignore_ascii_case("localhost");
    match target.host.parse::<std::net::IpAddr>() {
        Ok(ip) => ip == own.ip() || ip.is_unspecified() || own.ip().is_unspecified() && ip.is_loopback(),
        Err(_) => loopback && (own.ip().is_loopback() || own.ip().is_unspecified()),
    }
}

/// Nodes that several static sources have.
fn nodes(sources: &[Setting<Source>], remarks: &mut Vec<Remark>) {
    let mut seen: Vec<(&HostPort, &str)> = Vec::new();
    for Setting { value: source, origin } in sources {
        let SourceKind::Static(nodes) = &source.kind else { continue };
        for node in nodes {
            let first = seen
                .iter()
                .find(|(known, _)| known.port == node.port && known.host.eq_ignore_ascii_case(&node.host));
            if let Some((_, first)) = first {
                let what = format!(
                    "the node {node} of {:?} is one of {first:?} too, and is listed there",
                    source.name
                );
                remarks.push(Remark::warning(&of(origin), what, "give it once"));
            } else {
                seen.push((node, &source.name));
            }
        }
    }
}

fn times(top: &Layer, config: &Config, remarks: &mut Vec<Remark>) {
    let shown = humantime::format_duration;
    let (interval, timeout) = (config.poll_interval, config.poll_timeout);
    if let Some(setting) = top.poll_timeout.as_ref().or(top.poll_interval.as_ref())
        && timeout > interval
    {
        let what =
            format!("a poll may take {}, longer than to the next one ({})", shown(timeout), shown(interval));
        remarks.push(Remark::warning(&setting.origin, what, "make poll_timeout the shorter one"));
    }
    let grace = config.startup_grace;
    // None at all is a choice.
    if let Some(setting) = top.startup_grace.as_ref().or(top.poll_timeout.as_ref())
        && !grace.is_zero()
        && grace < timeout
    {
        let what = format!(
            "startup_grace ({}) is over before a slow source may answer ({})",
            shown(grace),
            shown(timeout)
        );
        remarks.push(Remark::warning(&setting.origin, what, "make startup_grace at least poll_timeout"));
    }
}

/// Addresses of which one has the other's clients too.
fn addresses(top: &Layer, config: &Config, remarks: &mut Vec<Remark>) {
    // One that was asked for is a fault.
    if config.admin == Admin::Usual
        && let (Some(listen), Some(first)) = (config.admin.overlap(&config.listen), top.listen.first())
    {
        let setting = top.listen.iter().find(|setting| setting.value == listen).unwrap_or(first);
        let what = format!("operators are not answered at {}: clients connect to {listen}", config.admin);
        remarks.push(Remark::warning(&setting.origin, what, "give another address as admin, or none"));
    }
    for one in &top.listen {
        let all = |other: &&Setting<SocketAddr>| {
            let (one, other) = (one.value, other.value);
            let is_of_family = one.is_ipv4() == other.is_ipv4();
            other.ip().is_unspecified() && other != one && is_of_family && one.port() == other.port()
        };
        if let Some(other) = top.listen.iter().find(all).filter(|_| one.value.port() != 0) {
            let what = format!("{} overlaps {}, which takes its clients too", one.value, other.value);
            remarks.push(Remark::warning(&one.origin, what, "leave one of them out"));
        }
    }
}

fn clients(top: &Layer, config: &Config, remarks: &mut Vec<Remark>) {
    if let (Some(per_ip), Some(max)) = (&top.connections_per_ip_max, &top.connections_max)
        && per_ip.value >= max.value
    {
        let what = format!("it has no effect: connections_max is {}", max.value);
        remarks.push(Remark::warning(&per_ip.origin, what, "make it smaller, or leave it out"));
    }
    for (index, network) in top.allow.iter().enumerate() {
        let others = top.allow.iter().enumerate().filter(|(other, _)| *other != index);
        let holds = |(at, other): &(usize, &Setting<IpNet>)| {
            other.value.contains(&network.value) && (other.value != network.value || *at < index)
        };
        if let Some((_, other)) = others.clone().find(holds) {
            let what = format!("{} is a part of {}, which is allowed", network.value, other.value);
            remarks.push(Remark::warning(&network.origin, what, "leave it out"));
        }
    }
    // `[::]` takes IPv4 too, and so its clients count as what they are.
    let reaches = |network: &IpNet| {
        config.listen.iter().any(|listen| match listen {
            SocketAddr::V4(_) => matches!(network, IpNet::V4(_)),
            SocketAddr::V6(listen) => matches!(network, IpNet::V6(_)) || listen.ip().is_unspecified(),
        })
    };
    if let Some(last) = top.allow.last()
        && !config.allow.iter().any(reaches)
    {
        let what = "no client of these networks can reach an address of listen: one is IPv4, the other IPv6";
        remarks.push(Remark::warning(&last.origin, what, "add a network, or an address to listen on"));
    }
}

#[cfg(test)]
mod tests {
    use mimikyu::config::{all_from_bytes, examine};

    use super::*;

    fn looked_at(text: &str) -> Vec<String> {
        let (layer, faults) = all_from_bytes(Path::new("m.toml"), text.as_bytes());
        assert!(faults.is_empty(), "{faults:?}");
        let remarks = look(&examine([layer]), Some(Path::new("m.toml")));
        remarks.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_makes_sense_is_not_remarked_on() {
        let upstream = "[[source]]\nname = 'a'\nupstream = 'alpha:11211'\ndrop_after = '1h'\n";
        let statics = "[[source]]\nname = 's'\nstatic = ['n:1']\n";
        for text in [
            format!("max_shrink = '50%'\n{upstream}{statics}"),
            format!(
                "startup_grace = 0\nallow = ['10.0.0.0/8', '::/0']\nlisten = ['127.0.0.1:0', '127.0.0.1:0', '0.0.0.0:0']\n{statics}"
            ),
            format!("listen = ['[::]:1', '0.0.0.0:1', '0.0.0.0:2']\nallow = '10.0.0.1'\n{statics}"),
        ] {
            assert_eq!(looked_at(&text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_makes_none_is_named_with_its_place() {
        let upstream = "[[source]]\nname = 'a'\nupstream = 'alpha:1'\n";
        let statics = "[[source]]\nname = 's'\nstatic = ['n:1', 'm:1']\n";
        for (text, line) in [
            (
                format!("{upstream}drop_after = '1h'"),
                "m.toml:2: warning: drop_after of \"a\" has no effect: it is the only source; ",
            ),
            (
                format!("{statics}{upstream}drop_after = '29s'"),
                "m.toml:5: warning: drop_after of \"a\" is over before 3 polls have failed (30s); ",
            ),
            (
                format!("{upstream}{}", upstream.replace("'a'", "'b'")),
                "m.toml:5: warning: \"b\" asks the same place as \"a\"; ",
            ),
            (
                format!("listen = ':1'\n{}", upstream.replace("alpha", "localhost")),
                "m.toml:3: warning: \"a\" asks localhost:1, where mimikyu itself listens (0.0.0.0:1); ",
            ),
            (
                format!("listen = '10.0.0.1:1'\n{}", upstream.replace("alpha", "10.0.0.1")),
                "m.toml:3: warning: \"a\" asks 10.0.0.1:1, where",
            ),
            (
                format!("{statics}{}", statics.replace("'s'", "'t'").replace("m:", "o:").replace("n:", "N:")),
                "m.toml:5: warning: the node N:1 of \"t\" is one of \"s\" too, and is listed there; ",
            ),
            (
                format!("max_shrink = '50%'\n{statics}"),
                "m.toml:1: warning: max_shrink: it has no effect: static sources",
            ),
            (
                format!("poll_timeout = '11s'\nstartup_grace = '20s'\n{statics}"),
                "m.toml:1: warning: poll_timeout: a poll may take 11s, longer than to the next one (10s); ",
            ),
            (
                format!("startup_grace = '1s'\n{statics}"),
                "m.toml:1: warning: startup_grace: startup_grace (1s) is over before a slow source may answer (2s); ",
            ),
            (
                format!("listen = ['0.0.0.0:1', '10.0.0.1:1']\n{statics}"),
                "m.toml:1: warning: listen: 10.0.0.1:1 overlaps 0.0.0.0:1, which takes its clients too; ",
            ),
            (
                format!("listen = ['127.0.0.1:1', '0.0.0.0:9211']\n{statics}"),
                "m.toml:1: warning: listen: operators are not answered at 127.0.0.1:9211: clients connect to 0.0.0.0:9211; ",
            ),
            (
                format!("connections_max = 5\nconnections_per_ip_max = 5\n{statics}"),
                "m.toml:2: warning: connections_per_ip_max: it has no effect: connections_max is 5; ",
            ),
            (
                format!("allow = ['10.0.0.0/8', '10.1.0.0/16']\n{statics}"),
                "m.toml:1: warning: allow: 10.1.0.0/16 is a part of 10.0.0.0/8, which is allowed; ",
            ),
            (
                format!("allow = ['10.0.0.0/8', '10.0.0.0/8']\n{statics}"),
                "m.toml:1: warning: allow: 10.0.0.0/8 is a part of",
            ),
            (
                format!("allow = '::/0'\n{statics}"),
                "m.toml:1: warning: allow: no client of these networks can reach",
            ),
            (
                format!("state = 'm.toml'\n{statics}"),
                "m.toml:1: state: the state would be written over the configuration file; ",
            ),
            (
                format!("state = 'x'\ntakeover = 'x'\n{statics}"),
                "m.toml:2: takeover: the state file has this path; ",
            ),
        ] {
            let found = looked_at(&text);
            assert!(found.len() == 1 && found[0].starts_with(line), "{text}: {found:#?}");
        }
    }
}

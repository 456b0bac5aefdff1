//! How the descriptors that the process may open are shared out.

use std::fmt;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;
use crate::limits::{CONNECTIONS_FEW, CONNECTIONS_MAX, DESCRIPTORS_LEAST, DESCRIPTORS_RESERVED, REFUSED_MAX};

/// Who gets how many. The rest is for the control plane: upstreams, files, rings, listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    /// Connections of clients, over all workers.
    pub connections_max: usize,
    /// Connections of a worker that were refused and linger.
    pub refused_max: usize,
}

/// The process may open too few descriptors to start at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFew {
    limit: usize,
    least: usize,
}

impl fmt::Display for TooFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, least } = self;
        write!(
            f,
            "the descriptor limit is {limit} and at least {least} are needed; raise it (ulimit -Hn, LimitNOFILE=)"
        )
    }
}

/// What the descriptor limit comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreseen {
    /// The limit that is in force now; `None` is no limit.
    pub soft: Option<u64>,
    /// What it can be raised to, which a start does.
    pub hard: Option<u64>,
    /// Descriptors that are needed for as many connections as are wanted.
    pub needed: usize,
    /// As many as are configured, else the default.
    pub wanted: usize,
    /// As many as the limit allows.
    pub fitting: usize,
}

/// What a start with this configuration will find, without raising anything.
pub fn foresee(config: &Config, workers: usize) -> Result<Foreseen, TooFew> {
    let (addresses, sources) = (config.listen.len(), config.sources.len());
    let wanted = config.connections_max.unwrap_or(CONNECTIONS_MAX);
    let needed = wanted + reserved(workers, addresses, sources) + REFUSED_MAX * workers;
    let Rlimit { current: soft, maximum: hard } = getrlimit(Resource::Nofile);
    let limit = hard.unwrap_or(u64::MAX).min((needed as u64).max(soft.unwrap_or(u64::MAX)));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let least = DESCRIPTORS_LEAST + own(workers, addresses);
    if limit < least {
        return Err(TooFew { limit, least });
    }
    let fitting = share(limit, wanted, workers, addresses, sources).connections_max;
    Ok(Foreseen { soft, hard, needed, wanted, fitting })
}

/// Raises the descriptor limit to what is needed and allowed, and shares it out. `inherited` listening sockets are here
/// already.
pub(super) fn share_out(config: &Config, workers: usize, inherited: usize) -> Result<Shares, TooFew> {
    let (configured, addresses, sources) =
        (config.connections_max, config.listen.len(), config.sources.len());
    let wanted = configured.unwrap_or(CONNECTIONS_MAX);
    let needed = wanted + inherited + reserved(workers, addresses, sources) + REFUSED_MAX * workers;
    let limit = getrlimit(Resource::Nofile);
    let mut current = limit.current.unwrap_or(u64::MAX);
    if current < needed as u64 {
        let raised = (needed as u64).min(limit.maximum.unwrap_or(u64::MAX));
        if setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }).is_ok() {
            current = raised;
        }
    }
    let current = usize::try_from(current).unwrap_or(usize::MAX);
    let least = DESCRIPTORS_LEAST + own(workers, addresses) + inherited;
    if current < least {
        return Err(TooFew { limit: current, least });
    }
    let shares = share(current.saturating_sub(inherited), wanted, workers, addresses, sources);
    let fitting = shares.connections_max;
    if fitting < wanted && (configured.is_some() || fitting < CONNECTIONS_FEW) {
        tracing::warn!(
            wanted,
            fitting,
            "the descriptor limit allows fewer connections: raise it (ulimit -Hn, LimitNOFILE=)"
        );
    }
    Ok(shares)
}

/// A source has a conversation, and a name server's answer to wait for.
fn reserved(workers: usize, addresses: usize, sources: usize) -> usize {
    DESCRIPTORS_RESERVED + own(workers, addresses) + 2 * sources
}

/// What the workers need for themselves: a ring, a bell and the listeners, which are there twice until they listen.
fn own(workers: usize, addresses: usize) -> usize {
    workers * (2 + 2 * addresses)
}

fn share(limit: usize, wanted: usize, workers: usize, addresses: usize, sources: usize) -> Shares {
    // Under a very low limit, clients and the rest get a half each.
    let clients = limit - reserved(workers, addresses, sources).min(limit / 2);
    // Those who are refused have a descriptor each while they linger: a small share of what there is.
    let refused_max = (clients / 16 / workers.max(1)).min(REFUSED_MAX);
    let fitting = clients - refused_max * workers;
    Shares { connections_max: fitting.clamp(1, wanted.max(1)), refused_max }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_the_refused_and_the_rest_fit_the_limit_together() {
        for limit in [2, 20, 64, 256, 1024, 4096, 20_000, 1_048_576] {
            for (workers, addresses) in [(1, 1), (2, 1), (40, 2), (256, 4)] {
                let sources = 3;
                let shares = share(limit, 65_536, workers, addresses, sources);
                let clients = shares.connections_max + shares.refused_max * workers;
                assert!(shares.connections_max >= 1 && shares.connections_max <= 65_536);
                assert!(
                    clients + reserved(workers, addresses, sources).min(limit / 2) <= limit,
                    "{limit} {shares:?}"
                );
            }
        }
        assert_eq!(share(usize::MAX, 10, 2, 1, 1), Shares { connections_max: 10, refused_max: REFUSED_MAX });
        assert_eq!(share(256, 1000, 1, 1, 1), Shares { connections_max: 145, refused_max: 9 });
    }
}

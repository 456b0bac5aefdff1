//! Our own counters, in the form of memcached's `stats`.

use std::fmt::Write;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use crate::metrics::Metrics;
use crate::session::Command;

/// What answers `stats` where no upstream could.
#[derive(Debug, Clone)]
pub struct Own {
    /// The counters.
    pub metrics: Metrics,
    /// The version that `version` answers too.
    pub version: String,
    /// Most connections held at a time.
    pub connections_max: usize,
    /// When the daemon started.
    pub started: Instant,
}

impl Own {
    /// The answer to `stats` with these arguments; there is none but to the plain one.
    pub fn answer(&self, arguments: &str) -> Bytes {
        let mut answer = String::new();
        if arguments.is_empty() {
            for (name, value) in self.counters() {
                // Writing to a string does not fail.
                let _ = write!(answer, "STAT {name} {value}\r\n");
            }
        }
        answer.push_str("END\r\n");
        answer.into()
    }

    fn counters(&self) -> Vec<(&'static str, String)> {
        let metrics = &self.metrics;
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        vec![
            ("pid", std::process::id().to_string()),
            ("uptime", self.started.elapsed().as_secs().to_string()),
            ("time", time.as_secs().to_string()),
            ("version", self.version.clone()),
            ("pointer_size", usize::BITS.to_string()),
            ("max_connections", self.connections_max.to_string()),
            ("curr_connections", metrics.open().to_string()),
            ("total_connections", metrics.sum(|worker| &worker.accepted).to_string()),
            ("rejected_connections", metrics.rejected().to_string()),
            ("rejected_per_ip", metrics.sum(|worker| &worker.refused_per_ip).to_string()),
            ("rejected_not_allowed", metrics.sum(|worker| &worker.not_allowed).to_string()),
            ("idle_kicks", metrics.sum(|worker| &worker.idle_closed).to_string()),
            ("request_timeouts", metrics.sum(|worker| &worker.late_closed).to_string()),
            ("cmd_config_get", metrics.commands(Command::ConfigGet).to_string()),
            ("cmd_get", metrics.commands(Command::Get).to_string()),
            ("cmd_version", metrics.commands(Command::Version).to_string()),
            ("cmd_stats", metrics.commands(Command::Stats).to_string()),
            ("cmd_errors", metrics.errors().to_string()),
            ("bytes_read", metrics.sum(|worker| &worker.bytes_received).to_string()),
            ("bytes_written", metrics.sum(|worker| &worker.bytes_sent).to_string()),
            ("node_lists_stored", metrics.control().announced.value().to_string()),
            ("node_list_failures", metrics.control().announce_failures.value().to_string()),
            ("threads", metrics.workers().to_string()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_memcacheds_form() {
        let metrics = Metrics::new(1);
        metrics.worker(0).requests[0][Command::ConfigGet as usize].add(3);
        let own = Own { metrics, version: "1.6.22".into(), connections_max: 10, started: Instant::now() };
        let answer = String::from_utf8(own.answer("").to_vec()).unwrap();
        assert!(answer.contains("STAT cmd_config_get 3\r\n") && answer.contains("STAT version 1.6.22\r\n"));
        let lines: Vec<_> = answer.split_terminator("\r\n").collect();
        assert_eq!(lines.last(), Some(&"END"));
        for line in &lines[..lines.len() - 1] {
            assert_eq!(line.split(' ').count(), 3, "{line}");
        }
        assert_eq!(own.answer("items"), "END\r\n");
    }
}

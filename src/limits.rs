//! Every bound of the daemon, in one place, with the arithmetic beside it.
//!
//! A bound that an operator may want to move is a default here and a key in [`crate::config`]; the
//! others are constants. Each has a test that crosses it by one.

use std::time::Duration;

/// Longest command line a client may send, in bytes, without its line ending (memcached's own limit).
pub const LINE_BYTES_MAX: usize = 2048;

/// Largest body of a binary request, in bytes: no key or argument that is served comes near it.
pub const PACKET_BYTES_MAX: usize = LINE_BYTES_MAX;

/// Bytes owed to one client above which its next request waits until it has read.
///
/// A reply in text is sent from shared memory, so this bounds time and kernel buffers, not ours.
pub const OWED_BYTES_MAX: usize = 256 * 1024;

/// The same for responses in packets, which are the client's own copies; one of them may be longer (a whole list, or
/// an answer to `stats`).
pub const OWED_PACKETS_BYTES_MAX: usize = 16 * 1024;

/// Runs of unlike replies owed to one client above which its next request waits.
///
/// 64 runs of 48 bytes are 3 KiB. What was received before a receive could be stopped comes on top (the receive
/// buffers of one batch at most), and so do answers to `stats`, which clients that ask the same share.
pub const OWED_RUNS_MAX: usize = 64;

/// Input kept for a client that waits for `stats`, in bytes, above which no more of it is received.
///
/// What has already been received comes on top: at most the receive buffers of one batch, 2 MiB.
pub const UNREAD_BYTES_MAX: usize = 16 * 1024;

/// Size of the buffer that holds one reply many times over, in bytes, unless a single one is longer.
pub const REPEATED_BYTES_MAX: usize = 64 * 1024;

/// Most times a reply is repeated in that buffer.
pub const REPEATS_MAX: usize = 64;

/// Largest answer to `config get cluster` taken from an upstream, in bytes.
///
/// 1,024 nodes with names of 200 bytes are 256 KiB less a little.
pub const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Most nodes taken from one source.
pub const NODES_MAX: usize = 1024;

/// Longest host or address field of a node, in bytes (a DNS name has 253 at most).
pub const HOST_BYTES_MAX: usize = 255;

/// Most sources in a configuration.
pub const SOURCES_MAX: usize = 64;

/// Longest name of a source, in bytes.
pub const SOURCE_NAME_BYTES_MAX: usize = 64;

/// Most workers.
pub const WORKERS_MAX: usize = 256;

/// Most addresses of one upstream name that a poll tries.
pub const ADDRESSES_MAX: usize = 16;

/// Most nodes that a finding names; the others are counted.
pub const NODES_NAMED_MAX: usize = 8;

/// Largest configuration file that is read, in bytes.
pub const CONFIG_BYTES_MAX: u64 = 1024 * 1024;

/// Largest state file that is read, in bytes.
///
/// 65 lists (64 sources and the one served, up to 64 × 1,024 nodes itself) of long names fit well below.
pub const STATE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Time between two looks at a configuration file that is watched; what was the same in two of them counts.
pub const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// How long a look at the configuration file takes before that is worth a line in the log.
pub const CONFIG_WAIT: Duration = Duration::from_secs(5);

/// Longest that a start waits for the state file to be read.
pub const LOAD_WAIT: Duration = Duration::from_secs(5);

/// Longest that publishing a list waits for the state file to reach the disk.
pub const SAVE_WAIT: Duration = Duration::from_secs(1);

/// Longest wait between two polls of an upstream that fails.
pub const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// Shortest wait before a failing upstream is asked again, unless polls are more frequent than that.
pub const BACKOFF_MIN: Duration = Duration::from_secs(1);

/// Polls in a row that must show the same older (or same-version, yet different) list before it is taken.
pub const STALE_POLLS: u32 = 3;

/// Longest silence of a source that is believed of a state file; a longer one is a clock that was set. Also the longest
/// `drop_after`.
pub const SILENCE_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// Failed polls in a row, in this run and with another source that answers, before the nodes of a source that is silent
/// for too long are taken off: a restart, a clock that was set, or a network of ours that comes back takes off nothing.
pub const DROP_POLLS: u32 = 3;

/// Most nodes that are told the list at a time.
pub const ANNOUNCEMENTS_MAX: usize = 16;

/// Largest answer to `stats` that is passed back, in bytes.
pub const STATS_BYTES_MAX: usize = 1024 * 1024;

/// Most clients that wait for a `stats` answer at a time; one more is told so.
pub const STATS_WAITERS_MAX: usize = 1024;

/// Most different questions for `stats` under way at a time, the plain one not counted; one more is told so.
pub const STATS_QUESTIONS_MAX: usize = 32;

/// Longest that a client waits for a `stats` answer, over all upstreams.
pub const STATS_DEADLINE: Duration = Duration::from_secs(5);

/// Longest that a closed connection's unread input is taken in, so that the last reply is not lost to a reset.
pub const LINGER: Duration = Duration::from_secs(2);

/// Most input thrown away while a closed connection lingers, in bytes.
pub const LINGER_BYTES_MAX: usize = 64 * 1024;

/// Most refused connections of a worker that linger at a time; above it they are closed at once.
pub const REFUSED_MAX: usize = 128;

/// Longest that a stopping daemon answers what was asked before it cuts what is left.
pub const DRAIN: Duration = Duration::from_secs(5);

/// How long a bind that finds its address in use tries again: the kernel frees a ring's port some
/// 5–14 ms after its process is gone.
pub const BIND_RETRY: Duration = Duration::from_millis(500);

/// How long a worker whose system calls fail for want of memory tries again before it gives up, and with it the daemon.
pub const ENTER_RETRY: Duration = Duration::from_secs(10);

/// Connections held at a time unless configured, as far as the descriptor limit allows.
pub const CONNECTIONS_MAX: usize = 65_536;

/// Longest that a client may take over one request unless configured, from its first byte to its last.
///
/// The longest has 2 KiB: even a modem needs a third of a second for it.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Most networks that clients may be allowed from: each client that comes is held against them, which for all of them
/// is some 256 × 2 ns.
pub const NETWORKS_MAX: usize = 256;

/// Connections below which a start says that the descriptor limit is low (memcached's own default is 1,024).
pub const CONNECTIONS_FEW: usize = 1000;

/// Descriptors without which there is no start: the process's own, one upstream and one client.
pub const DESCRIPTORS_LEAST: usize = 15;

/// Descriptors kept for the control plane: the process's own (some 12), questions for `stats` and nodes that are told
/// the list. Two for each source and each worker's ring, bell and listeners come on top.
pub const DESCRIPTORS_RESERVED: usize = 64;

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

/// Memory that the connections of a worker may have let go of before the allocator is asked to give back what it keeps, in
/// bytes. That costs some 100 µs for each of these, in which as many bytes of requests have been read.
pub const FREED_BYTES_MAX: usize = 1024 * 1024;

/// Memory that the allocator may keep above what a thread uses, in bytes.
pub const TOP_BYTES_MAX: i32 = 512 * 1024;

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

/// Most replicas that are compared: each is asked on a thread of its own.
pub const REPLICAS_MAX: usize = 256;

/// Most faults of a configuration that are told; a file that has more is no configuration.
pub const FAULTS_MAX: usize = 100;

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

/// Most nodes that are asked for their counters at a time. Half of these at most are ones that failed last time, so that
/// nodes which hang delay no others.
pub const HIT_RATE_CONVERSATIONS_MAX: usize = 16;

/// Most names of nodes that are looked up for that at a time, each on a thread of its own, also those that were given up
/// and go on by themselves.
pub const HIT_RATE_LOOKUPS_MAX: usize = 8;

/// Times within its window that a node is asked.
pub const HIT_RATE_POLLS: u32 = 6;

/// Least time between two questions to one node.
pub const HIT_RATE_INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Answers of a node that are kept: those of its window, and as many again for what comes late and at once.
pub const HIT_RATE_SAMPLES_MAX: usize = 2 * (HIT_RATE_POLLS as usize + 1);

/// Least time between two reckonings of the hit rate, each of which looks at every node.
pub const HIT_RATE_RECKONING: Duration = Duration::from_millis(10);

/// Clients that are remembered with the version they were served last unless configured, by all workers together: some
/// 100 bytes each, so 1.6 MiB.
pub const CLIENTS_TRACKED_MAX: usize = 16_384;

/// How long a client that was served a list counts as one that has seen it: most ask every minute.
pub const CENSUS_WINDOW: Duration = Duration::from_secs(120);

/// Least time between two questions to the workers for what clients have seen.
pub const CENSUS_INTERVAL: Duration = Duration::from_secs(1);

/// Longest wait for their answers: they take microseconds, unless a worker hangs.
pub const CENSUS_WAIT: Duration = Duration::from_secs(1);

/// Most clients that have not seen the current version and are named, of those seen lately and of the others each; the
/// rest is counted.
pub const CENSUS_BEHIND_MAX: usize = 100;

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

/// Connections that the kernel queues for one listener; it takes no more than `net.core.somaxconn`.
pub const BACKLOG: i32 = 65_535;

/// How long a bind that finds its address in use tries again: the kernel frees a ring's port some
/// 5–14 ms after its process is gone.
pub const BIND_RETRY: Duration = Duration::from_millis(500);

/// Longest time that a ring is tried to be made where there is not enough memory that may be locked, and the wait between two tries.
pub const RING_RETRY: Duration = Duration::from_millis(500);
/// See [`RING_RETRY`].
pub const RING_PAUSE: Duration = Duration::from_millis(10);

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

/// Descriptors kept for the control plane: the process's own (some 12), nodes that are told the list (16), nodes that are
/// asked for their counters and their names (16 + 8), questions for `stats`, and operators. Two for each source and each
/// worker's ring, bell and listeners come on top.
pub const DESCRIPTORS_RESERVED: usize = 64 + 1 + ADMIN_CONNECTIONS_MAX;

/// Longest path of the socket for takeovers, in bytes: the kernel takes 107, and ours ends in a process id while it is made.
pub const TAKEOVER_PATH_BYTES_MAX: usize = 96;

/// Longest line of the conversation between the two processes of a takeover, in bytes: the addresses are on one.
pub const TAKEOVER_LINE_BYTES_MAX: usize = 16 * 1024;

/// Most listening sockets that are handed over: 256 workers with 16 addresses.
pub const TAKEOVER_SOCKETS_MAX: usize = 4096;

/// Most listening sockets that a service manager may pass (`LISTEN_FDS`).
pub const ACTIVATED_MAX: usize = 64;

/// Longest wait for the first line of who connects to the socket for takeovers: others wait behind it.
pub const TAKEOVER_HELLO: Duration = Duration::from_secs(2);

/// Longest wait for the sockets and the list of the daemon that is taken over: it may be saving its state.
pub const TAKEOVER_ANSWER: Duration = Duration::from_secs(10);

/// Longest that a daemon holds its list still for the one that takes it over, from its first line until it is ready.
pub const TAKEOVER: Duration = Duration::from_secs(60);

/// Longest wait for workers to stop accepting, and for the word of that: both take milliseconds. Also how long a daemon
/// that is told to leave waits for the next one, which has its sockets already, to be ready.
pub const TAKEOVER_STOP: Duration = Duration::from_secs(1);

/// Time between two looks at what the service manager is to be told.
pub const NOTIFY_INTERVAL: Duration = Duration::from_secs(1);

/// How far a start without a list puts off the end that the service manager has set it.
pub const NOTIFY_EXTENSION: Duration = Duration::from_secs(30);

/// Longest status that a service manager is told, in bytes: systemd throws away messages of more than 4096.
pub const NOTIFY_STATUS_BYTES_MAX: usize = 1024;

/// Most messages that wait for a service manager which does not read; it has room for as many as 512 itself.
pub const NOTIFY_WAITING_MAX: usize = 16;

/// Changes of what is served that are remembered for operators.
pub const HISTORY_MAX: usize = 100;

/// Nodes that one of these names; the others are counted. A hundred full ones with the longest names are 3.3 MB.
pub const HISTORY_NODES_MAX: usize = 128;

/// Connections of operators held at a time. For one more, the one that has been without a request for longest is closed.
pub const ADMIN_CONNECTIONS_MAX: usize = 31;

/// Longest that an operator's connection may be without a whole request, from its start or the last answer on.
pub const ADMIN_REQUEST: Duration = Duration::from_secs(20);

/// Longest line and headers of an operator's request, in bytes (the least that the HTTP library can be told).
pub const ADMIN_REQUEST_BYTES_MAX: usize = 8192;

/// Most headers of an operator's request: browsers send some 15.
pub const ADMIN_HEADERS_MAX: usize = 64;

/// Longest that an operator may take to read an answer, from its first byte to its last.
pub const ADMIN_RESPONSE: Duration = Duration::from_secs(20);

/// Longest that a worker may take to show that it lives: a batch takes milliseconds.
pub const ADMIN_ALIVE: Duration = Duration::from_secs(2);

/// Longest that an answer may take to be made.
pub const ADMIN_ANSWER: Duration = Duration::from_secs(5);

/// Largest answer that is read from an admin address, in bytes: 65,536 nodes are some 12 MB.
pub const ADMIN_ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Longest key of memcached's, in bytes: its own limit.
pub const KEY_BYTES_MAX: usize = 250;

/// Keys that a plan is reckoned with where none are given: shares of them are true to some tenths of a point.
pub const PLAN_KEYS: usize = 100_000;

/// Most keys that a plan is reckoned with. Each is hashed once a client family: 12 times 8 bytes for a million are 96 MB.
pub const PLAN_KEYS_MAX: usize = 1_000_000;

/// Largest file of keys that a plan reads, in bytes: a million keys of 66 bytes.
pub const PLAN_KEYS_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Seeded keys that the steps of a rollout are reckoned with: they tell a share to half a percent.
pub const ROLLOUT_KEYS: usize = 10_000;

/// Most nodes, over all lists of a rollout, up to which the keys that its steps move are reckoned.
///
/// 60 nodes added and 60 drained one by one are 120 lists and some 11,000 nodes. The control thread reckons so much in a
/// fraction of a second for two kinds of clients, once a change of a source's list.
pub const ROLLOUT_RECKONED_MAX: usize = 20_000;

/// More than the steps that a rollout may have, and what the end of one counts in the version: no more than what comes to the
/// nodes of two sources, one at a time, twice over, and as many more to put them in order.
pub const ROLLOUT_STEPS_MAX: usize = 8 * NODES_MAX;

/// Longest time for which a rollout does not look at the clock, which may be set.
pub const ROLLOUT_PAUSE: Duration = Duration::from_secs(1);

/// How far a clock may be set back without a rollout taking notice, so that mending one does not undo a step.
pub const ROLLOUT_CLOCK_BACK: Duration = Duration::from_secs(10);

/// Steps that a rollout does not take because most of the nodes that are to come are gone; then they are believed to be gone.
pub const ROLLOUT_LACKS_STEPS: i64 = 3;

/// After so long without a look at the clock, which takes one every [`ROLLOUT_PAUSE`], a process has stood still, or its clock was
/// set: then nodes are asked anew before a step is taken.
pub const ROLLOUT_STALE: Duration = Duration::from_secs(3);

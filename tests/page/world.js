// What a daemon would say: `/status` and `/history` of a made-up one, which a test changes as it goes.
//
// Knows nothing of HTTP. The fields are those of `src/status/`; `tests/page.rs` holds them to it.

'use strict';

const { createHash } = require('node:crypto');

const node = (host, ip, source) => ({ host, ip, port: 11211, sources: [].concat(source) });

const cluster = (name, network, count) =>
  Array.from({ length: count }, (_, n) => node(`${name}-${n + 1}.cache.example`, `10.0.${network}.${n + 1}`, name));

const source = (name, more) => ({
  name, kind: 'upstream', target: `${name}.cfg.cache.example:11211`, state: 'fresh', state_age: 5000, version: 7, nodes: 0,
  is_stand_in: false, last_good_age: 4.2, last_error: null, next_poll: 5.8, address: '10.0.1.9:11211',
  polls_good: 501, polls_doubted: 0, polls_failed: 0, ...more,
});

class World {
  constructor({ clusters = { alpha: 3, beta: 2 } } = {}) {
    this.began = Date.now() - 5_000_000;
    this.version = 1_000_009;
    this.nodes = Object.entries(clusters).flatMap(([name, count], network) => cluster(name, network + 1, count));
    this.sources = Object.keys(clusters).map((name, network) =>
      source(name, { nodes: clusters[name], address: `10.0.${network + 1}.9:11211` }));
    this.audience = { window: 120, seen: 34, current: 33, behind: [{ address: '10.9.8.7', version: 1_000_008, age: 31 }], behind_count: 1, silent: [{ address: '10.9.8.1', version: 1_000_007, age: 431 }], silent_count: 1, tracked: 41, tracked_max: 16_384, untracked: 0 };
    this.traffic = { requests: 120_000, lists: 118_000, errors: 12, accepted: 4000, rejected: 3, open: 36, bytes_received: 2_600_000, bytes_sent: 41_000_000 };
    this.limits = [{ name: 'connections', used: 36, max: 65_536 }, { name: 'sources', used: 2, max: 64 }, { name: 'nodes_of_a_source', used: 3, max: 1024 }, { name: 'clients_tracked', used: 41, max: 16_384 }, { name: 'descriptors', used: 71, max: 1_048_576 }];
    this.troubles = [];
    this.rollout = null;
    this.ready = true;
    this.waits_for = null;
    this.since = this.at(0);
    this.changes = [this.entry('beta answered its first list', { added: ['beta-1.cache.example:11211', 'beta-2.cache.example:11211'] })];
  }

  at(secondsAgo) {
    return new Date(Date.now() - secondsAgo * 1000).toISOString();
  }

  entry(why, deltas) {
    return { at: this.at(0), version: this.version, nodes: this.nodes.length, why, added: [], removed: [], moved: [], readdressed: [], omitted: 0, ...deltas };
  }

  // Another list is served from now on.
  change(nodes, why, deltas) {
    this.nodes = nodes;
    this.version += 1;
    this.since = this.at(0);
    for (const source of this.sources) source.nodes = nodes.filter(({ sources }) => sources.includes(source.name)).length;
    this.changes = [this.entry(why, deltas), ...this.changes].slice(0, 100);
  }

  add(host, name) {
    this.change([...this.nodes, node(host, '10.0.7.7', name)], `${name} answered another list`, { added: [`${host}:11211`] });
  }

  fail(name, what) {
    Object.assign(this.source(name), { state: 'failing', state_age: 0, last_error: { what, age: 0 }, polls_failed: 1 });
  }

  heal(name) {
    Object.assign(this.source(name), { state: 'fresh', state_age: 0, last_good_age: 0 });
  }

  trouble(what, severity = 'warning') {
    this.troubles.push({ what, severity, since: this.at(65) });
  }

  // A rollout is half way from alpha to beta, and so on, but for what is said of it.
  roll(more) {
    const next = {
      step: 4, at: new Date(Date.now() + 485_000).toISOString(), nodes: 6, added: ['beta-4.cache.example:11211'], removed: ['alpha-4.cache.example:11211'], moved: [],
      moves: [{ client: 'libmemcached-modula', share: 0.1665 }],
    };
    const hits = { rate: 0.9127, requests: 120_345, floor: 0.85, resume: 0.87, window: 300, is_good: true, why: null };
    this.rollout = {
      from: 'alpha', to: 'beta', strategy: 'swap', batch: '1', start: this.at(1315), interval: 600, progress: 'running', step: 3, steps: 6, hold_at: null, hold: null, behind: 0,
      start_to_agree: null, next, hit_rate: hits, ...this.rollout, ...more,
    };
  }

  source(name) {
    return this.sources.find(source => source.name === name);
  }

  status() {
    const uptime = (Date.now() - this.began) / 1000;
    const list = { version: this.version, digest: createHash('sha256').update(JSON.stringify([this.version, this.nodes])).digest('hex'), bytes: 52 + 40 * this.nodes.length, since: this.since, nodes: this.nodes };
    const { seen, current } = this.audience;
    return {
      mimikyu: '0.1.0', now: this.at(0), started: new Date(this.began).toISOString(), uptime, ready: this.ready, waits_for: this.waits_for,
      listen: ['127.0.0.1:11211'], troubles: this.troubles, list: this.version ? list : null, sources: this.sources,
      rollout: this.rollout, audience: { ...this.audience, share: seen ? current / seen : null },
      traffic: this.traffic, workers: { count: 2, ring_features: ['multishot_accept', 'buffer_ring', 'multishot_recv', 'inline_send', 'defer_taskrun'] }, limits: this.limits,
    };
  }

  history() {
    return { changes: this.changes };
  }
}

module.exports = { World, cluster, node, source };

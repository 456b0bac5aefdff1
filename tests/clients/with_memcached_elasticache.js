'use strict';

const Memcached = require('memcached-elasticache');
const { run, promised, POLL_MILLISECONDS } = require('./conversation');

run({
  library: 'memcached-elasticache',
  discover(endpoint) {
    this.client = new Memcached(endpoint, { autoDiscoverInterval: POLL_MILLISECONDS });
    // Until it has found the nodes, it takes the endpoint itself for one.
    return new Promise((resolve, reject) => {
      this.client.on('autoDiscover', (nodes) => {
        this.found = nodes;
        resolve();
      });
      this.client.on('autoDiscoverFailure', reject);
    });
  },
  nodes() {
    return this.found;
  },
  set(key, value) {
    return promised((done) => this.client.set(key, value, 0, done));
  },
  get(key) {
    return promised((done) => this.client.get(key, done));
  },
});

'use strict';

const { Memcache } = require('memcache');
const { run, POLL_MILLISECONDS } = require('./conversation');

run({
  library: 'memcache',
  async discover(endpoint) {
    this.client = new Memcache({
      nodes: [],
      autoDiscover: { enabled: true, configEndpoint: endpoint, pollingInterval: POLL_MILLISECONDS },
    });
    this.client.on('autoDiscoverError', (error) => console.error(error));
    await this.client.connect();
  },
  nodes() {
    return this.client.nodeIds;
  },
  set(key, value) {
    return this.client.set(key, value);
  },
  get(key) {
    return this.client.get(key);
  },
});

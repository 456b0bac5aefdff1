'use strict';

const MemcachePlus = require('memcache-plus');
const { run } = require('./conversation');

run({
  library: 'memcache-plus',
  async discover(endpoint) {
    this.client?.disconnect();
    this.client = new MemcachePlus({ hosts: [endpoint], autodiscover: true, netTimeout: 5000 });
    // What is asked for before it has found the nodes waits for that.
    await this.client.get('any');
  },
  nodes() {
    return this.client.hosts;
  },
  async set(key, value) {
    await this.client.set(key, value);
    return true;
  },
  get(key) {
    return this.client.get(key);
  },
});

'use strict';

const Ecad = require('ecad');
const Memcached = require('memcached');
const { run, promised } = require('./conversation');

// It only finds the nodes. What it finds is used with `memcached`.
run({
  library: 'ecad',
  async discover(endpoint) {
    const ecad = new Ecad({ endpoints: [endpoint], timeout: 5000 });
    this.found = await promised((done) => ecad.fetch(done));
    this.client = new Memcached(this.found);
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

// A stand-in for the daemon's admin address: the page, and a world's JSON, under the strictest policy that the page can live with.

'use strict';

const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const http = require('node:http');
const path = require('node:path');

const PAGE = path.join(__dirname, '../../src/admin/page.html');

const hash = text => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

function policy(page) {
  const [script] = page.match(/(?<=<script type="module">)[^]*?(?=<\/script>)/), [style] = page.match(/(?<=<style>)[^]*?(?=<\/style>)/);
  return `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; connect-src 'self'; img-src data:; `
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
}

class Fake {
  // Starts on a free port, and on the same again after a stop.
  static async start(world) {
    const fake = new Fake();
    fake.world = world;
    fake.port = 0;
    fake.asked = [];
    fake.answers = {};
    await fake.come();
    return fake;
  }

  async come() {
    this.server = http.createServer((request, response) => this.answer(request, response));
    await new Promise((resolve, reject) => this.server.once('error', reject).listen(this.port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
  }

  async go() {
    const gone = new Promise(resolve => this.server.close(resolve));
    this.server.closeAllConnections();
    await gone;
  }

  get url() {
    return `http://127.0.0.1:${this.port}/`;
  }

  answer(request, response) {
    this.asked.push(request.url);
    const send = (status, type, text, more) => response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...more }).end(text);
    const json = value => send(200, 'application/json', JSON.stringify(value));
    if (this.answers[request.url]) return this.answers[request.url](response, send);
    switch (request.url) {
      case '/': {
        const page = readFileSync(PAGE, 'utf8');
        return send(200, 'text/html; charset=utf-8', page, { 'content-security-policy': policy(page), 'x-content-type-options': 'nosniff' });
      }
      case '/status': return json(this.world.status());
      case '/history': return json(this.world.history());
      default: return send(404, 'text/plain', 'no such page\n');
    }
  }
}

module.exports = { Fake };

// What tests/clients.rs and a driver of a Node library say to each other: see conversation.py.

'use strict';

const readline = require('readline');

// How often a library that polls does so.
const POLL_MILLISECONDS = 100;

async function answer(client, command, endpoint) {
  const [verb, ...keys] = command.split(' ');
  switch (verb) {
    case 'nodes':
      return { nodes: await client.nodes() };
    case 'discover':
      await client.discover(endpoint);
      return {};
    case 'store':
      for (const key of keys) {
        if (!(await client.set(key, `value of ${key}`))) throw new Error(`${key} was not stored`);
      }
      return {};
    case 'read':
      for (const key of keys) {
        const value = await client.get(key);
        if (value !== `value of ${key}`) throw new Error(`${key} is read as ${value}`);
      }
      return {};
    default:
      throw new Error(`what is ${command}?`);
  }
}

// `discover` is told the endpoint as host:port, since all of these libraries want it so.
async function run(client) {
  const [host, port] = process.argv.slice(2);
  const endpoint = `${host}:${port}`;
  const say = async (said) => {
    try {
      said = await said;
    } catch (error) {
      console.error(error);
      said = { error: String(error) };
    }
    process.stdout.write(`${JSON.stringify(said)}\n`);
  };
  await say(
    Promise.resolve(client.discover(endpoint)).then(() => ({
      version: require(`${client.library}/package.json`).version,
    })),
  );
  for await (const command of readline.createInterface({ input: process.stdin })) {
    await say(answer(client, command, endpoint));
  }
  // Some libraries have timers and connections that would keep the process.
  process.exit(0);
}

// A promise of what a function with a callback gives.
function promised(call) {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)));
  });
}

module.exports = { run, promised, POLL_MILLISECONDS };

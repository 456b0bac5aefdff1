// Shows the page at the URL that is the first argument, and does what a test says: a line of JSON in, a line of JSON out.
//
//   ["says", SELECTOR, WORDS]   waits until that part of the page has these words
//   ["text", SELECTOR]          its words
//   ["axe"]                     what axe-core finds wrong
//   ["gone"]                    that the server is gone is no fault of the page's: forgets the browser's own complaints of it
//   ["innocent"]                complains unless the page has complained of nothing, asked nobody else and stayed
//
// `{"answer": …}` or `{"error": …}`; ends with its input.

'use strict';

const readline = require('node:readline');
const { axe, innocent, launch, open, says, text } = require('./browser.js');

const say = what => process.stdout.write(`${JSON.stringify(what)}\n`);

(async () => {
  const url = process.argv[2], browser = await launch();
  try {
    const view = await open(browser, url);
    const commands = {
      says: async (selector, words) => { await says(view.page, selector, words); },
      text: selector => text(view.page, selector),
      axe: () => axe(view.page),
      gone: async () => { view.seen.complaints = view.seen.complaints.filter(complaint => !complaint.includes('net::ERR_')); },
      innocent: () => innocent(view, url),
    };
    say({ answer: 'shown' });
    for await (const line of readline.createInterface({ input: process.stdin })) {
      const [command, ...values] = JSON.parse(line);
      await commands[command](...values).then(answer => say({ answer: answer ?? null }), error => say({ error: error.message }));
    }
  } finally {
    await browser.close();
  }
})();

// A browser for a file of tests, and what each of them finds: a world, its server and a page that shows it.

'use strict';

const { after, before, test } = require('node:test');
const { launch, open, until } = require('./browser.js');
const { Fake } = require('./fake.js');
const { World } = require('./world.js');

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const shows = (name, options, body) => test(name, async () => {
  const world = new World(options), fake = await Fake.start(world);
  options.change?.(world);
  const view = await open(browser, fake.url, options);
  try {
    await until(view.page, () => document.querySelector('#bounds li'));
    await body({ ...view, view, fake, world });
  } finally {
    await view.close();
    await fake.go();
  }
});

module.exports = { shows };

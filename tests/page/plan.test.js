// The page of `mimikyu plan --format html`: what it shows is what was reckoned, for everybody, from a file and nothing else.
//
// `tests/page.rs` names the program in MIMIKYU.

'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { after, before, test } = require('node:test');
const { axe, innocent, launch, open, text } = require('./browser.js');

const SCHEMES = ['light', 'dark'].map(value => ({ name: 'prefers-color-scheme', value }));
const STRATEGIES = ['swap', 'add-then-drain', 'merge-then-drain', 'cut'];
const SHORT = cluster => Array.from({ length: 3 }, (_, n) => `${cluster}-${n}.x|10.0.${cluster.length}.${n}|11211`).join();
// Names as long as they may be, and steps that are too many for marks.
const LONG = cluster => Array.from({ length: 60 }, (_, n) => `${cluster}-${n}.${'x'.repeat(60)}.${'y'.repeat(60)}.cache.amazonaws.com||11211`).join();

let browser, directory, keys;
before(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'mimikyu-plan-'));
  // The only name in the page that may have anything in it.
  keys = path.join(directory, '<img src=x onerror="globalThis.harm=1">&lt;b&gt;');
  writeFileSync(keys, Array.from({ length: 1000 }, (_, n) => `key:${n}\n`).join(''));
  browser = await launch();
});
after(async () => {
  await browser.close();
  rmSync(directory, { recursive: true });
});

const plan = (format, ...words) => execFileSync(process.env.MIMIKYU, ['plan', '--keys', keys, '--format', format, ...words], { encoding: 'utf8', maxBuffer: 2 ** 26 });

// The page of a plan between lists of this kind, its URL, and what was reckoned.
const shows = (name, { list = SHORT, words = [], ...options }, body) => test(name, async () => {
  const all = ['--from', list('old'), '--to', list('newer'), ...words];
  const file = path.join(directory, 'plan.html'), url = pathToFileURL(file).href;
  writeFileSync(file, plan('html', ...all));
  const view = await open(browser, url, options);
  try {
    await view.page.$$eval('details', all => all.forEach(details => { details.open = true; }));
    await body({ ...view, reckoned: () => JSON.parse(plan('json', ...all)) });
    await innocent(view, url);
  } finally {
    await view.close();
  }
});

// A chart's points as shares of its own grid, by strategy.
const charted = (page, client) => page.$eval(`#${client} > svg`, chart => {
  const grid = [...chart.querySelectorAll('.grid')].map(line => line.getBBox().y), [bottom, top] = [Math.max(...grid), Math.min(...grid)];
  return Object.fromEntries([...chart.querySelectorAll('g')].map(group => {
    const line = group.querySelector('polyline'), marks = group.querySelectorAll('.mark').length;
    const places = line ? [...line.points] : [...group.querySelectorAll('.mark')].map(mark => mark.getBBox()).map(box => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 }));
    return [group.getAttribute('class'), { marks, stroke: line && getComputedStyle(line).stroke, dashes: line && getComputedStyle(line).strokeDasharray, xs: places.map(({ x }) => x), shares: places.map(({ y }) => (bottom - y) / (bottom - top)) }];
  }));
});

// In this page a table or a chart may be wider than the window, within a place of its own.
const sideways = page => page.evaluate(() => {
  const { scrollWidth, clientWidth } = document.scrollingElement;
  const far = [...document.querySelectorAll('body *')].filter(element => !element.matches('.wide *') && element.getBoundingClientRect().right > innerWidth + 1);
  return [scrollWidth - clientWidth, ...far.map(element => element.outerHTML.slice(0, 80))];
});

shows('it has the advice, and a chart for each client with a line for each strategy', {}, async ({ page, reckoned }) => {
  const { advice, courses } = reckoned(), clients = [...new Set(courses.map(({ client }) => client))];
  assert.equal(clients.length, 12);
  assert.equal(await text(page, '.advice'), `Advice: ${advice.text}`);
  assert.match(advice.text, /^[a-z-]+, \d+ steps?: /);
  assert.deepEqual(await page.$$eval('section', all => all.map(({ id }) => id)), clients);
  assert.deepEqual(await page.$$eval('.legend span', all => all.map(span => span.innerText.trim())), STRATEGIES);
  for (const client of clients) {
    const chart = await charted(page, client);
    assert.deepEqual(Object.keys(chart), STRATEGIES, client);
    for (const { strategy, steps } of courses.filter(course => course.client === client)) {
      const { marks, xs, shares } = chart[strategy], moved = steps.map(({ moved }) => moved);
      assert.equal(marks, steps.length);
      assert.deepEqual(xs, [...xs].sort((one, other) => one - other));
      assert.equal(shares.length, moved.length);
      shares.forEach((share, step) => assert.ok(Math.abs(share - moved[step]) < 0.015, `${client}, ${strategy}, step ${step + 1}: ${share} is drawn for ${moved[step]}`));
    }
    const rows = await page.$$eval(`#${client} tr`, rows => rows.slice(1).map(row => [row.cells[0].innerText, row.cells[1].innerText, row.cells[3].innerText]));
    const told = courses.filter(course => course.client === client).flatMap(({ strategy, steps }) => steps.map(({ moved }, step) => [strategy, `${step + 1}`, `${(moved * 100).toFixed(1)} %`]));
    assert.deepEqual(rows.map(row => row.slice(0, 2)), told.map(row => row.slice(0, 2)));
    rows.forEach((row, at) => assert.ok(Math.abs(parseFloat(row[2]) - parseFloat(told[at][2])) < 0.11, `${row} is said of ${told[at]}`));
  }
  const drawn = Object.values(await charted(page, clients[0])).filter(({ stroke }) => stroke);
  assert.equal(new Set(drawn.map(({ stroke }) => stroke)).size, 3, 'a colour each');
  assert.equal(new Set(drawn.map(({ dashes }) => dashes)).size, 3, 'and told apart without it');
});

shows('it has what was asked for, and no more', { words: ['--client', 'dalli', '--strategy', 'swap,cut'] }, async ({ page }) => {
  assert.deepEqual(await page.$$eval('section', all => all.map(({ id }) => id)), ['dalli']);
  assert.deepEqual(Object.keys(await charted(page, 'dalli')), ['swap', 'cut']);
  assert.equal(await page.$$eval('.legend span', all => all.length), 2);
});

shows('names are text, whatever is in them', { words: ['--client', 'dalli'] }, async ({ page }) => {
  assert.ok((await text(page, 'main')).includes('<img src=x onerror="globalThis.harm=1">&lt;b&gt;'));
  assert.deepEqual(await page.evaluate(() => [document.querySelectorAll('img, script').length, globalThis.harm ?? 'none']), [0, 'none']);
});

for (const scheme of SCHEMES) {
  for (const width of [320, 1280]) {
    shows(`axe finds nothing wrong: ${scheme.value}, ${width} pixels`, { width, features: [scheme] }, async ({ page }) => {
      assert.deepEqual(await axe(page), []);
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).every(part => part < 128));
      assert.equal(ground, scheme.value === 'dark');
    });
  }
}

for (const width of [320, 1280]) {
  shows(`nothing scrolls sideways in a window of ${width} pixels, and what a chart says can be read`, { list: LONG, width, words: ['--client', 'libmemcached-modula'] }, async ({ page }) => {
    assert.deepEqual(await sideways(page), [0]);
    const chart = await charted(page, 'libmemcached-modula');
    assert.deepEqual(STRATEGIES.map(strategy => chart[strategy].shares.length), [60, 120, 61, 1]);
    assert.deepEqual(STRATEGIES.map(strategy => chart[strategy].marks), [0, 0, 0, 1]);
    const words = await page.$$eval('section svg text', all => all.map(word => {
      const box = word.getBoundingClientRect(), { left, right, bottom } = word.ownerSVGElement.getBoundingClientRect();
      return { word: word.textContent, height: box.height, fits: box.left >= left && box.right <= right && box.bottom <= bottom };
    }));
    assert.ok(words.length >= 15);
    for (const { word, height, fits } of words) assert.ok(height >= 10 && fits, `${word}: ${height} pixels high, ${fits}`);
  });
}

// The page follows what the daemon says, without a reload.

'use strict';

const assert = require('node:assert/strict');
const { innocent, says, text, until } = require('./browser.js');
const { shows: staged } = require('./stage.js');
const { node } = require('./world.js');

const shows = (name, body, options = {}) => staged(name, options, body);

const rows = page => page.$$eval('#node-rows tr', rows => rows.map(row => [row.cells[0], row.cells[1].firstChild, row.cells[2]].map(part => part.innerText.trim()).join(' ')));

shows('it says whether all is well, and shows everything', async ({ page, view, fake }) => {
  assert.equal(await text(page, 'h1'), 'All is well');
  assert.equal(await text(page, '#detail'), 'Version 1000009 with 5 nodes is served to 34 clients.');
  assert.equal(await page.title(), 'All is well – mimikyu');
  assert.deepEqual(await rows(page), ['1 alpha-1.cache.example:11211 alpha', '2 alpha-2.cache.example:11211 alpha', '3 alpha-3.cache.example:11211 alpha',
    '4 beta-1.cache.example:11211 beta', '5 beta-2.cache.example:11211 beta']);
  assert.equal(await text(page, '#node-rows th small'), '10.0.1.1');
  assert.equal(await text(page, '#seen'), '97 % of the 34 clients seen in the last two minutes have version 1000009.');
  assert.equal(await text(page, '#silent'), 'And 1 not seen since, last with an older version: 10.9.8.1 (1000007).');
  assert.equal(await text(page, '#behind-title'), '1 client has another version');
  const alpha = await text(page, '#source-rows tr');
  for (const words of ['alpha', 'upstream alpha.cfg.cache.example:11211', 'fresh', 'for 1 h 23 min', '7', '3', '10.0.1.9:11211', '501 good']) assert.ok(alpha.includes(words), `${words} in ${alpha}`);
  // A moment may have passed since.
  assert.match(alpha, /\b\d+ s ago[^]*in \d+ s\b/);
  assert.match(await text(page, '#changes li'), /beta answered its first list[^]*version 1000009, 5 nodes[^]*\+ added beta-1/);
  assert.match(await text(page, '#limits'), /connections\s+36 of 65,536[^]*descriptors/);
  await innocent(view, fake.url);
});

shows('a change of the list and a failure of an upstream appear without a reload', async ({ page, view, fake, world }) => {
  await page.evaluate(() => {
    globalThis.told = [];
    new MutationObserver(() => told.push(document.querySelector('#news').textContent.replaceAll('\u00a0', ' ')))
      .observe(document.querySelector('#news'), { childList: true, characterData: true, subtree: true });
  });
  world.add('beta-3.cache.example', 'beta');
  await says(page, '#detail', 'Version 1000010 with 6 nodes');
  assert.equal((await rows(page)).at(-1), '6 beta-3.cache.example:11211 beta');
  assert.match(await text(page, '#changes li'), /beta answered another list[^]*\+ added beta-3\.cache/);
  world.fail('beta', 'connection refused');
  await says(page, 'h1', 'Clients are served, but source beta is failing');
  assert.match(await text(page, '#problems'), /Source beta gives no answer that can be taken. Its last good list \(3 nodes\) stays.\s+connection refused/);
  const seen = fake.asked.length;
  world.heal('beta');
  await says(page, 'h1', 'All is well');
  assert.equal(await text(page, '#problems'), '');
  // Ages and rates have changed in the meantime, which are no news.
  await page.waitForFunction(seen => performance.getEntriesByType('resource').length >= seen + 4, { timeout: 20_000 }, seen);
  assert.deepEqual(await page.evaluate(() => told), ['Version 1000010 with 6 nodes is served: 1 added.',
    'Source beta gives no answer that can be taken. Its last good list (3 nodes) stays.', 'Source beta is fresh.']);
  await innocent(view, fake.url);
});

shows('every kind of change and of trouble has its words', async ({ page, world }) => {
  const [first, ...others] = world.nodes;
  world.change([...others.slice(1), { ...first, ip: '10.0.9.9' }], 'configuration reloaded', { removed: [`${others[0].host}:11211`], moved: [`${first.host}:11211`], readdressed: [`${first.host}:11211`], omitted: 9 });
  await says(page, '#changes', 'configuration reloaded');
  assert.match(await text(page, '#changes li'), /− removed alpha-2[^]*↕ moved alpha-1[^]*→ readdressed alpha-1[^]*and 9 nodes for whose/);
  for (const [state, words] of [['stale', 'older than, or contradicts'], ['shrunk', 'lacks too many nodes'], ['dropped', 'its nodes are off the list'], ['failing', 'no answer that can be taken']]) {
    world.source('alpha').state = state;
    await says(page, '#problems', words);
    assert.equal(await text(page, 'h1'), `Clients are served, but source alpha is ${state}`);
    assert.equal(await page.$eval('#state', state => state.dataset.tone), state === 'dropped' ? 'bad' : 'warn');
  }
  world.fail('beta', 'no route to host');
  await says(page, 'h1', '2 of 2 sources are in trouble');
  world.limits[0].used = world.limits[0].max;
  await says(page, '#problems', '65,536 of 65,536 connections are in use');
  Object.assign(world, { ready: false, waits_for: 'no source has answered yet', version: null });
  await says(page, 'h1', 'Clients are not served a list');
  assert.equal(await text(page, '#detail'), 'Waiting: no source has answered yet');
  assert.equal(await text(page, '#list-sum'), 'There is none yet.');
});

shows('what is wrong with the whole is not called well', async ({ page, world }) => {
  const tone = () => page.$eval('#state', state => state.dataset.tone);
  await page.evaluate(() => {
    globalThis.told = [];
    new MutationObserver(() => told.push(document.querySelector('#news').textContent))
      .observe(document.querySelector('#news'), { childList: true, characterData: true, subtree: true });
  });
  world.trouble('the state file is not written (disk full)');
  await says(page, 'h1', 'Clients are served, but something is wrong');
  assert.equal(await tone(), 'warn');
  assert.match(await text(page, '#problems li[data-tone=warn]'), /^The state file is not written \(disk full\)\.\s+For 1 min\./);
  world.trouble('the last reload was refused');
  await says(page, 'h1', 'Clients are served, but 2 things are wrong');
  // A source that fails is the nearer cause; what leaves clients without servers is worse than it.
  world.fail('beta', 'connection refused');
  await says(page, 'h1', 'Clients are served, but source beta is failing');
  world.trouble('the list hurts some clients: R6 it is too long', 'severe');
  await says(page, 'h1', 'Clients are served a list that some can’t use');
  assert.equal(await tone(), 'bad');
  assert.match(await text(page, '#problems li[data-tone=bad]:last-child, #problems li[data-tone=bad] ~ li[data-tone=bad]'), /^The list hurts some clients: R6/);
  assert.equal(await page.$$eval('#problems li', rows => rows.length), 4);
  world.heal('beta');
  world.troubles = [];
  await says(page, 'h1', 'All is well');
  assert.equal(await text(page, '#problems'), '');
  await says(page, '#news', 'Nothing of that is wrong any more.');
  assert.ok((await page.evaluate(() => told)).includes('The state file is not written (disk full).'));
});

shows('a rollout is followed step by step, and its section is there only as long as it is', async ({ page, view, fake, world }) => {
  assert.equal(await page.$eval('#rollout', section => section.hidden), true);
  world.roll();
  await says(page, '#rollout-step', 'Step 3 of 6');
  assert.equal(await text(page, '#rollout-title'), 'Rollout: swap alpha → beta');
  assert.match(await text(page, '#rollout-plan'), /^1 node a step, every 10 min from .*\d\d:\d\d:\d\d on$/);
  assert.match(await text(page, '#rollout-next'), /^Next: step 4 at .*\d\d:\d\d:\d\d, in [78] min$/);
  assert.match(await text(page, '#rollout-nodes'), /^\+ new beta-4\.cache\.example:11211\s+− leaving alpha-4\.cache\.example:11211$/);
  assert.equal(await text(page, '#rollout-moves'), 'It moves 17 % of the keys of libmemcached-modula.');
  assert.match(await text(page, '#rollout-waits'), /The hit rate is 91\.2 % of 120,345 requests in the last 5 minutes, its floor 85 %\.\s+97 % of the 34 clients seen in the last two minutes have version 1000009\.$/);
  assert.deepEqual(await page.$eval('#rollout-bar', bar => ['role', 'aria-valuemin', 'aria-valuenow', 'aria-valuemax', 'aria-valuetext'].map(name => bar.getAttribute(name))), ['progressbar', '0', '3', '6', 'Step 3 of 6']);
  assert.equal(await text(page, 'h1'), 'All is well');
  world.roll({ step: 4 });
  await says(page, '#news', 'Step 4 of 6 of the rollout is served.');
  const { hit_rate: hits, next } = world.rollout, why = '82.1 % of the requests hit, and 85 % must';
  world.roll({ progress: 'held', hold: why, behind: 2, start_to_agree: '2026-11-22T10:09:00.000Z', hit_rate: { ...hits, rate: 0.8214, is_good: false, why }, next: { ...next, at: null } });
  await says(page, 'h1', 'Clients are served, but the rollout is held');
  await says(page, '#news', `The rollout is held: ${why}.`);
  assert.equal(await text(page, '#rollout-step'), 'Step 4 of 6, held');
  assert.equal(await text(page, '#rollout-hold'), `Held: ${why}.`);
  assert.equal(await text(page, '#rollout-behind'), 'It is 2 steps behind. A replica that starts anew agrees with start = 2026-11-22T10:09:00.000Z.');
  assert.equal(await text(page, '#rollout-next'), 'Next: step 4');
  await says(page, '#rollout-waits li:first-child', 'in the last 5 minutes, its floor 85 %. It goes on from 87 %.');
  world.roll({ hit_rate: { ...hits, rate: null, is_good: false, why: 'beta-1 does not answer' } });
  await says(page, '#rollout-waits li:first-child', 'The hit rate is not known: beta-1 does not answer. Its floor is 85 %.');
  // Where it was told to stay, staying is no trouble.
  world.roll({ hold_at: 4, hold: 'hold_at = 4', behind: 0, hit_rate: null });
  await says(page, 'h1', 'All is well');
  assert.match(await text(page, '#rollout-plan'), /, not beyond step 4$/);
  world.roll({ progress: 'waiting', step: 0, hold: null, hold_at: null, batch: '20%', next: { ...next, step: 1, at: '2030-02-03T10:00:00.000Z', moves: [...next.moves, { client: 'jump', share: 0.001 }] } });
  await says(page, '#rollout-step', 'Step 0 of 6, it has not begun');
  assert.match(await text(page, '#rollout-next'), /^Next: step 1 at 0\d\/02\/2030 .*, in \d+ d/);
  assert.match(await text(page, '#rollout-plan'), /^20 % of the nodes a step/);
  assert.equal(await text(page, '#rollout-moves'), 'It moves 17 % of the keys of libmemcached-modula, less than 1 % of jump.');
  world.roll({ progress: 'done', step: 6, next: null });
  await says(page, '#rollout-step', 'Done: all of the 6 steps are taken');
  assert.equal(await page.$eval('#rollout-next', next => next.hidden), true);
  assert.equal(await text(page, '#rollout-nodes'), '');
  world.rollout = null;
  await until(page, () => document.querySelector('#rollout').hidden);
  await innocent(view, fake.url);
});

shows('a fault that is over does not look like one, and nobody is waited for to answer for a static source', async ({ page, world }) => {
  const fault = '#source-rows tr:first-child td small:last-child';
  world.fail('alpha', 'connection refused');
  await says(page, fault, 'connection refused, 0 s ago');
  assert.ok(await page.$eval(fault, fault => fault.classList.contains('fault')));
  world.heal('alpha');
  world.source('alpha').last_error.age = 3700;
  await says(page, fault, 'Last error, 1 h 1 min ago: connection refused');
  assert.ok(!await page.$eval(fault, fault => fault.classList.contains('fault')));
  const answeredBy = '#source-rows tr:first-child td[data-label="Answered by"]';
  world.source('alpha').address = null;
  await says(page, answeredBy, 'nobody yet');
  world.source('alpha').kind = 'static';
  await says(page, answeredBy, '–');
});

shows('shares are never rounded up to all, nor down to none', async ({ page, world }) => {
  for (const [seen, current, words] of [[1000, 999, '99 % of'], [1000, 1, 'less than 1 % of'], [100, 29, '29 % of'], [3, 3, 'All of the 3 clients'], [1, 1, 'The one client seen in the last two minutes has version'], [1, 0, 'The one client seen in the last two minutes does not have'], [0, 0, 'No client has asked']]) {
    Object.assign(world.audience, { seen, current });
    await says(page, '#seen', words);
  }
});

shows('rates are differences, and a restart is no negative one', async ({ page, world }) => {
  await page.evaluate(() => {
    globalThis.rates = [];
    new MutationObserver(() => rates.push(document.querySelector('#requests-now').textContent))
      .observe(document.querySelector('#requests-now'), { childList: true, characterData: true, subtree: true });
  });
  const began = Date.now(), requests = world.traffic.requests;
  Object.defineProperty(world.traffic, 'requests', { enumerable: true, configurable: true, get: () => requests + Math.round((Date.now() - began) / 2) });
  await until(page, () => Math.abs(Number(document.querySelector('#requests-now').textContent) - 500) < 5);
  Object.defineProperty(world.traffic, 'requests', { enumerable: true, value: 3 });
  world.began = Date.now();
  await says(page, '#requests-now', '–');
  await says(page, '#requests-now', '0');
  assert.deepEqual((await page.evaluate(() => rates)).filter(rate => rate.startsWith('-') || Number(rate) > 700), []);
  assert.match(await page.$eval('#requests-chart .curve', path => path.getAttribute('d')), /^M[\d.]+ [\d.]+(L[^M]+)?M/);
});

shows('a server that is gone is said to be, since when, and comes back by itself', async ({ page, view, fake, world, seen }) => {
  await fake.go();
  await says(page, 'h1', 'No answer from mimikyu since');
  assert.match(await text(page, '#detail'), /^That is \d+ s: it can’t be reached\. This page goes on asking/);
  const age = () => page.$eval('#source-rows td:nth-child(3)', cell => parseInt(cell.innerText, 10));
  const then = await age();
  await until(page, then => parseInt(document.querySelector('#source-rows td:nth-child(3)').innerText, 10) >= then + 3, then);
  assert.match(await text(page, '#source-rows td:nth-child(4)'), /unknown/);
  assert.equal((await rows(page)).length, 5, 'what was known stays');
  world.add('beta-3.cache.example', 'beta');
  await fake.come();
  await says(page, 'h1', 'All is well');
  await says(page, '#news', 'mimikyu answers again. Version 1000010 with 6 nodes is served: 1 added.');
  // The browser itself writes that nobody answered.
  seen.complaints = seen.complaints.filter(complaint => !complaint.includes('ERR_CONNECTION'));
  await innocent(view, fake.url);
});

shows('an answer that is an error, no JSON, or of another shape is told apart', async ({ page, fake, world }) => {
  for (const [answer, words] of [
    [(_, send) => send(503, 'text/plain', 'no'), 'it answers status with 503'],
    [(_, send) => send(200, 'text/html', '<p>a proxy'), 'what it answers is no JSON'],
    [(_, send) => send(200, 'application/json', '{"list":{}}'), 'this page does not understand its answer'],
  ]) {
    fake.answers['/status'] = answer;
    await says(page, '#detail', words);
  }
  delete fake.answers['/status'];
  world.nodes = [node('other.example', '', [])];
  await says(page, '#node-rows', 'other.example');
  await says(page, '#node-rows', 'not known yet');
  assert.equal(await text(page, 'h1'), 'All is well');
});

shows('it asks less often while nobody answers, and not at all in a tab that is hidden', async ({ page, fake }) => {
  const hide = state => page.evaluate(state => {
    Object.defineProperty(document, 'hidden', { configurable: true, value: state });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);
  await hide(true);
  const asked = fake.asked.length;
  await page.evaluate(() => new Promise(resolve => setTimeout(resolve, 3000)));
  assert.ok(fake.asked.length <= asked + 1, 'one may have been on its way');
  await hide(false);
  await until(page, () => document.querySelector('h1').textContent === 'All is well');
  const times = [];
  fake.answers['/status'] = response => { times.push(Date.now()); response.destroy(); };
  // The browser asks again by itself at once where a connection is lost, so that the shortest pauses say nothing.
  const pauses = () => times.slice(1).map((time, index) => time - times[index]);
  const deadline = Date.now() + 30_000;
  while (!pauses().some(pause => pause > 3000) && Date.now() < deadline) {
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  assert.ok(pauses().some(pause => pause > 3000), `${pauses()}`);
});

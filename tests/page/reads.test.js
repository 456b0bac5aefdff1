// The page is for everybody: keyboard, screen reader, phone, dark and light; and nothing that it shows can harm.

'use strict';

const assert = require('node:assert/strict');
const { axe, innocent, overflows, says, text } = require('./browser.js');
const { shows } = require('./stage.js');
const { node, source } = require('./world.js');

const LIGHT = { name: 'prefers-color-scheme', value: 'light' }, DARK = { name: 'prefers-color-scheme', value: 'dark' };
const STILL = { name: 'prefers-reduced-motion', value: 'reduce' };
const BIG = { clusters: { alpha: 60, beta: 60, gamma: 60 } };

// All that can be wrong, at once.
function trouble(world) {
  world.fail('beta', 'connection refused (os error 111)');
  world.source('alpha').state = 'shrunk';
  world.sources.push(source('gamma', { state: 'waiting', version: null, last_good_age: null, address: null, next_poll: null, is_stand_in: true }), source('delta', { state: 'dropped' }), source('epsilon', { state: 'stale', polls_doubted: 2 }));
  world.limits[0].used = 65_000;
  world.audience.untracked = 7;
  world.trouble('the list hurts some clients: R8 the ip field is empty', 'severe');
  world.trouble('the state file is not written');
  const why = '82.1 % of the requests hit, and 85 % must';
  world.roll({ progress: 'held', hold: why, behind: 2, start_to_agree: world.at(0) });
  Object.assign(world.rollout.hit_rate, { rate: 0.8214, is_good: false, why });
  const names = Array.from({ length: 60 }, (_, n) => `alpha-${n}.cache.example:11211`);
  world.change(world.nodes, 'alpha answered another list', { added: names, removed: names, moved: names.slice(0, 2) });
}

for (const scheme of [LIGHT, DARK]) {
  for (const [name, change] of [['all is well', undefined], ['much is wrong', trouble], ['nothing is served', world => Object.assign(world, { ready: false, version: null, sources: [], nodes: [], changes: [] })]]) {
    shows(`axe finds nothing wrong: ${name}, ${scheme.value}`, { change, features: [scheme, STILL] }, async ({ page }) => {
      await page.$$eval('details', all => all.forEach(details => { details.open = true; }));
      assert.deepEqual(await axe(page), []);
      const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).every(part => part < 128));
      assert.equal(ground, scheme === DARK);
    });
  }
}

shows('axe finds nothing wrong on a phone, nor where the server is gone', { width: 360, height: 740, change: trouble, features: [STILL] }, async ({ page, fake }) => {
  assert.deepEqual(await axe(page), []);
  await fake.go();
  await says(page, 'h1', 'No answer');
  assert.deepEqual(await axe(page), []);
  await fake.come();
});

for (const width of [320, 360, 700, 1280]) {
  shows(`nothing is wider than a window of ${width} pixels, however long the names are`, { ...BIG, width, height: 740, features: [STILL], change: world => {
    trouble(world);
    const long = 'x'.repeat(255), name = 'y'.repeat(64);
    Object.assign(world.source('beta'), { name, target: `${long}:11211`, address: '[2001:db8:1111:2222:3333:4444:5555:6666]:11211', version: 2_147_483_647, polls_good: 123_456_789, last_error: { what: 'z'.repeat(500), age: 1 } });
    world.add(long, name);
    world.roll({ from: name, to: name, hold: 'w'.repeat(500) });
    Object.assign(world.rollout.next, { added: Array(60).fill(`${long}:11211`), removed: [`${long}:11211`], moves: Array(9).fill({ client: name, share: 0.5 }) });
    world.audience.behind = [{ address: '2001:db8:1111:2222:3333:4444:5555:6666', version: 2_147_483_646, age: 100 }];
    world.traffic.requests = 2 ** 53;
  } }, async ({ page }) => {
    await page.$$eval('details', all => all.forEach(details => { details.open = true; }));
    assert.deepEqual(await overflows(page), []);
  });
}

shows('names are text, whatever is in them', { change: world => {
  const evil = '<img src=x onerror="globalThis.harm=1"><script>globalThis.harm=1</script>&lt;b&gt;\u202e';
  world.nodes = [node(evil, evil, [evil]), node(evil, evil, [evil]), node('__proto__', 'constructor', ['__proto__'])];
  Object.assign(world.sources[0], { name: evil, target: evil, kind: evil, address: evil, state: 'failing', last_error: { what: evil, age: 1 } });
  world.trouble(evil);
  world.changes = [world.entry(evil, { added: [evil], removed: Array(9).fill(evil) })];
  world.limits.push({ name: evil, used: 9, max: 9 });
  world.roll({ from: evil, to: evil, strategy: evil, progress: 'held', hold: evil });
  Object.assign(world.rollout.next, { added: [evil], moves: [{ client: evil, share: 1 }] });
  Object.assign(world, { waits_for: evil });
} }, async ({ page, view, fake, world }) => {
  await says(page, '#node-rows', '<img src=x onerror="globalThis.harm=1"><script>');
  assert.equal(await page.$$eval('#node-rows tr', rows => rows.length), 3, 'also one that is listed twice');
  world.ready = false;
  await says(page, '#detail', '<img');
  assert.deepEqual(await page.evaluate(() => [document.querySelectorAll('img, body script:not([type=module])').length, globalThis.harm ?? 'none']), [0, 'none']);
  for (const where of ['#source-rows', '#changes', '#limits', '#problems', '#rollout-title', '#rollout-hold', '#rollout-nodes', '#rollout-moves']) assert.match(await text(page, where), /<img src=x[^]*<\/script>&lt;b/);
  await innocent(view, fake.url);
});

shows('a keyboard reaches everything, in order, and sees where it is', { ...BIG, features: [STILL], change: trouble }, async ({ page }) => {
  const walk = [];
  for (let step = 0; step < 20; step += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
      return { name: element.id || element.textContent.trim(), seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.top >= 0 && box.bottom <= innerHeight && box.width > 0, end: element === document.body };
    });
    if (at.end) break;
    assert.ok(at.seen, `${at.name} is focused and that is not seen`);
    walk.push(at.name.replace(/ alpha-.*/, ''));
  }
  assert.deepEqual(walk, ['Skip to the content', 'behind-title', 'find', 'more-nodes', '+ 60 added', '− 60 removed', 'status', 'history', 'rollout', 'config', 'metrics']);
  assert.equal(await page.$eval('#find', input => input.labels[0]?.textContent), 'Show only nodes or sources that contain');
  await page.focus('.skip');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  assert.equal(await page.$eval('#behind', details => details.open), true);
  assert.match(await text(page, '#behind-rows'), /10\.9\.8\.7\s+1000008\s+3\d s ago/);
});

shows('focus, selection, what was typed and opened outlive updates', { features: [STILL], change: trouble }, async ({ page, fake, world }) => {
  await page.$eval('#changes details', details => { details.open = true; });
  await page.type('#find', 'ALPHA');
  await page.evaluate(() => {
    globalThis.kept = [...document.querySelectorAll('#node-rows tr, #source-rows tr, #changes li')];
    document.querySelector('#find').setSelectionRange(1, 3);
    globalThis.selected = document.createRange();
    selected.selectNodeContents(document.querySelector('#source-rows b'));
    document.querySelector('#find').focus();
  });
  world.add('beta-3.cache.example', 'beta');
  await says(page, '#list-sum', 'Version 1000011, 6 nodes, 3 shown');
  world.change([...world.nodes].reverse(), 'beta answered another list', { moved: ['all'] });
  await says(page, '#list-sum', 'Version 1000012');
  assert.deepEqual(await page.evaluate(() => [kept.every(row => row.isConnected), document.activeElement.id, document.querySelector('#find').selectionStart,
    String(selected), document.querySelector('#changes li:nth-child(3) details').open]), [true, 'find', 1, 'alpha', true]);
  assert.deepEqual(await page.$$eval('#node-rows th span', names => names.map(name => name.textContent.slice(0, 7))), ['alpha-3', 'alpha-2', 'alpha-1']);
  // With nothing new but times, nothing but the words that tell them is touched.
  const asked = fake.asked.length;
  await page.evaluate(() => {
    globalThis.touched = [];
    new MutationObserver(all => touched.push(...all.filter(({ type }) => type === 'childList').map(({ target }) => target.id || target.className || target.tagName)))
      .observe(document.body, { childList: true, subtree: true });
  });
  await page.waitForFunction(asked => performance.getEntriesByType('resource').length >= asked + 3, { timeout: 20_000 }, asked - 1);
  assert.deepEqual(await page.evaluate(() => touched), []);
});

shows('three sources of sixty nodes stay usable', BIG, async ({ page }) => {
  assert.equal(await page.$$eval('#node-rows tr', rows => rows.length), 100);
  assert.equal(await text(page, '#more-nodes'), 'Show 80 more nodes');
  await page.click('#more-nodes');
  assert.equal(await page.$$eval('#node-rows tr', rows => rows.length), 180);
  assert.equal(await page.$eval('#more-nodes', button => button.hidden), true);
  await page.type('#find', 'gamma-60');
  assert.match(await text(page, '#node-rows'), /^180\s+gamma-60\.cache\.example:11211/);
  assert.equal(await page.$$eval('#node-rows tr', rows => rows.length), 1);
});

// 64 sources of 1,024 nodes: SOURCES_MAX and NODES_MAX of src/limits.rs.
shows('the greatest list there can be is shown in parts', { change: world => {
  world.sources = Array.from({ length: 64 }, (_, n) => source(`s${n}`, { nodes: 1024 }));
  world.nodes = world.sources.flatMap(({ name }) => Array.from({ length: 1024 }, (_, n) => node(`${name}-${n}.cache.example`, '10.0.0.1', name)));
} }, async ({ page, world }) => {
  assert.match(await text(page, '#list-sum'), /65,536 nodes/);
  assert.equal(await page.$$eval('#node-rows tr', rows => rows.length), 100);
  await page.type('#find', 's63-1023');
  await says(page, '#node-rows', '65536');
  world.fail('s63', 'connection refused');
  await says(page, 'h1', 's63 is failing');
});

shows('nothing moves for who wants stillness', { features: [STILL] }, async ({ page, world }) => {
  const moves = () => page.evaluate(() => document.getAnimations().length);
  world.add('beta-3.cache.example', 'beta');
  await says(page, '#node-rows', 'beta-3');
  assert.equal(await moves(), 0);
  await page.emulateMediaFeatures([]);
  world.add('beta-4.cache.example', 'beta');
  await says(page, '#node-rows', 'beta-4');
  assert.ok(await moves() > 0, 'else it moves a little');
});

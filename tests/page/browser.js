// A headless Chromium, and a page in it that is watched for all it complains of and all it asks for.

'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const puppeteer = require('puppeteer-core');

const PATIENCE = 20_000;

// Chromium's sandbox does not work for root. Its shared memory may be small in a container.
const launch = () => puppeteer.launch({
  executablePath: process.env.PAGE_CHROMIUM || '/usr/bin/chromium',
  args: ['--disable-dev-shm-usage', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])],
});

// Opens `url` in a profile of its own.
async function open(browser, url, { width = 1280, height = 900, features = [], before } = {}) {
  const context = await browser.createBrowserContext(), page = await context.newPage();
  const seen = { complaints: [], requests: [] };
  page.on('console', message => ['error', 'warn', 'issue'].includes(message.type()) && seen.complaints.push(message.text()));
  page.on('pageerror', error => seen.complaints.push(String(error)));
  page.on('dialog', dialog => { seen.complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', request => seen.requests.push(request.url()));
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures(features);
  if (before) await page.evaluateOnNewDocument(before);
  await page.goto(url);
  // Seen from within, since a violation is not always written to the console.
  await page.evaluate(() => {
    globalThis.violations = [];
    document.addEventListener('securitypolicyviolation', event => violations.push(`${event.violatedDirective} ${event.blockedURI}`));
    globalThis.unmoved = true;
  });
  return { page, seen, close: () => context.close() };
}

// Waits until a condition within the page holds.
const until = (page, condition, ...args) => page.waitForFunction(condition, { timeout: PATIENCE, polling: 50 }, ...args);

const text = (page, selector) => page.$eval(selector, element => element.innerText.replaceAll('\u00a0', ' ').trim());

const says = (page, selector, words) =>
  until(page, (selector, words) => document.querySelector(selector)?.textContent.replaceAll('\u00a0', ' ').includes(words), selector, words)
    .catch(async error => assert.fail(`${error.message}: ${selector} never said ${JSON.stringify(words)} but ${JSON.stringify(await text(page, selector))}`));

// Complained of nothing, asked nobody else, and was never loaded anew.
async function innocent({ page, seen }, url) {
  assert.deepEqual(seen.complaints, []);
  assert.deepEqual(seen.requests.filter(request => !request.startsWith(url) && !request.startsWith('data:')), []);
  assert.deepEqual(await page.evaluate(() => [globalThis.unmoved, violations]), [true, []]);
}

// What axe-core finds wrong, in the words of a list.
async function axe(page) {
  await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = await page.evaluate(() => axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  return violations.flatMap(({ id, nodes }) => nodes.map(node => `${id}: ${node.html} ${node.failureSummary}`));
}

// What is wider than the window or than its own place, by its tag, class and name.
const overflows = page => page.evaluate(() => [document.scrollingElement, ...document.querySelectorAll('body *')]
  .filter(element => !element.closest('thead, .unseen'))
  .filter(element => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1 && getComputedStyle(element).display !== 'inline'
    || element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('svg'))
  .map(element => `${element.tagName}.${element.className}#${element.id}`));

module.exports = { axe, innocent, launch, open, overflows, says, text, until };

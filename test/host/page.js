/* Drives web/index.html in Chromium, in the guest. A line of the standard output is a TAP result or an order to a
 * board (test/host/lib.sh). node page.js FIRMWARE CRASHER IMAGE WORK: folder, two files,
 * temporary folder; the cable is pulled while IMAGE is downloaded */
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');
const {chromium} = require('playwright-core');

const [firmware, crasher, image, work] = process.argv.slice(2);
const web = path.join(__dirname, '../../web');
const PATIENCE_MS = 180000; /* the guest is slow */
const ARGS = ['--no-sandbox', '--disable-gpu', '--no-zygote', '--in-process-gpu', '--disable-dev-shm-usage',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];

const serve = (q, s) => {
  const name = q.url === '/' ? 'index.html' : path.basename(q.url);
  fs.readFile(path.join(web, name), (e, bytes) => {
    s.writeHead(e ? 404 : 200, {'content-type': name.endsWith('.js') ? 'text/javascript' : 'text/html'});
    s.end(bytes);
  });
};

async function check(name, what) {
  try {
    await what();
    console.log(`ok - ${name}`);
  } catch (e) {
    console.log(`not ok - ${name}\n${String(e.message).replace(/^/gm, '# ')}`);
  }
}

(async () => {
  const server = http.createServer(serve).listen(8000, 'localhost');
  const browser = await chromium.launchPersistentContext(path.join(work, 'profile'),
    {executablePath: '/usr/lib/chromium/chromium', args: ARGS, timeout: 0}); /* the guest's own limit ends it */
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const shows = async (id, text) => {
    try {
      await page.waitForFunction(([i, t]) => document.getElementById(i).textContent.includes(t), [id, text]);
    } catch (e) {
      throw new Error(`waited in vain for "${text}", and saw "${await page.textContent('#' + id)}"`);
    }
  };
  const send = async (file) => {
    await page.setInputFiles('#file', file);
    await shows('said', path.basename(file));
    if (await page.isEnabled('#flash'))
      await page.click('#flash');
  };
  const enter = () => page.evaluate(async () => {
    const pause = (ms) => new Promise((done) => setTimeout(done, ms));
    let ports;
    for (let i = 0; i < 600 && !(ports = await navigator.serial.getPorts()).length; i++)
      await pause(100);
    await leaveBy(ports[0]);
  });

  await page.goto('file://' + path.join(web, 'index.html'));
  await check('a page from a file may use USB', async () => {
    if (!await page.evaluate(() => isSecureContext && !!navigator.usb))
      throw new Error('no WebUSB');
  });
  await page.goto('http://localhost:8000/');
  await check('a board that was let in once', () => shows('state', 'sureboot 1.0: no application, serial number '));
  await check('what it says', () => shows('report', 'verdict: No application: download one'));
  await check('a file that cannot run', async () => {
    await send(`${firmware}/cdc.elf`);
    await shows('said', 'An ELF file: convert it with objcopy -O binary.');
  });
  await check('is in the report, too', () => shows('report', 'last download: An ELF file'));
  await check('an empty file', async () => {
    fs.writeFileSync(path.join(work, 'empty'), '');
    await send(path.join(work, 'empty'));
    await shows('said', 'empty is empty');
    if (await page.isEnabled('#flash'))
      throw new Error('it can be sent');
  });
  await check('an application', async () => {
    await page.evaluate(() => { /* all that is said: on a busy PC we look too seldom */
      const said = document.getElementById('said');
      window.heard = '';
      new MutationObserver(() => { window.heard += said.textContent; }).observe(said, {childList: true});
    });
    await send(`${firmware}/cdc.bin`);
    await shows('said', 'It was started.');
    await shows('state', 'No board in the bootloader.');
    if (!(await page.evaluate(() => window.heard)).includes('Written, read back and recorded. It starts.'))
      throw new Error('it does not say what it has done');
  });
  await check('by its serial port into the bootloader', async () => {
    await enter();
    await shows('state', 'sureboot 1.0: ready');
  });
  await check('a file that was written anew since is not sent as it was', async () => {
    const built = path.join(work, 'built.bin');
    fs.copyFileSync(`${firmware}/cdc.bin`, built);
    await page.setInputFiles('#file', built);
    await shows('said', 'built.bin: ');
    fs.copyFileSync(`${firmware}/blink.bin`, built);
    await page.click('#flash');
    await shows('said', 'It did not work: built.bin has changed since: choose it again.');
  });
  await check('one that crashes is back', async () => {
    await send(crasher);
    await shows('said', 'It is back in the bootloader');
    await shows('report', 'Not confirmed: three starts');
    await shows('report', 'crash: 00000003');
  });
  await check('a cable that is pulled', async () => {
    await send(image);
    await shows('said', 'It did not work: ');
    await shows('state', 'No board in the bootloader.');
  });
  await check('and plugged again', async () => {
    console.log('@nucleo usb plug');
    await shows('state', 'sureboot 1.0: download unfinished');
    await send(`${firmware}/cdc.bin`);
    await shows('said', 'It was started.');
  });
  await browser.close();
  server.close();
})().catch((e) => {
  console.log(`not ok - the browser: ${String(e.message).split('\n')[0]}`);
  process.exit(1);
});

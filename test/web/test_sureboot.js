#!/usr/bin/env node
/* web/sureboot.js against a board: what it asks, what it makes of the answers, and how long it waits. */
'use strict';
const assert = require('assert');
const {Board, Page, REPORT, tests} = require('./rig.js');

const bytes = (n) => Uint8Array.from({length: n}, (_, i) => i * 7 + (i >> 8));

/* A board, opened by a page that has no other; and what it does in the time that it takes. */
async function opened(differs) {
  const page = new Page();
  await page.settle();
  const board = new Board(differs), s = new (page.run('Sureboot'))(board);
  await page.clock.run(s.open());
  const to = [];
  const download = (data) => page.clock.run(s.download(data, (n) => to.push(n)));
  return {page, board, s, to, download, run: (p) => page.clock.run(p)};
}

const fails = (promise, type, message) => assert.rejects(promise, (e) => {
  assert.strictEqual(e.constructor.name, type);
  assert.strictEqual(e.message, message);
  return true;
});

const dfu = (protocol) => ({interfaceClass: 0xFE, interfaceSubclass: 1, interfaceProtocol: protocol});

tests({
  async 'who is one'() {
    const is = new Page().run('Sureboot').is;
    for (const [name, wanted] of [['sureboot 1.0: no application', true], ['STM32  BOOTLOADER', false],
      ['my sureboot 1', false], ['sureboots', false], [undefined, false], ['', false]])
      assert.strictEqual(is({productName: name}), wanted, name);
  },

  async 'the interface for DFU among others is opened, set, and asked'() {
    const others = [{interfaceClass: 0xFF, interfaceSubclass: 1, interfaceProtocol: 2},
      {interfaceClass: 0xFE, interfaceSubclass: 2, interfaceProtocol: 2}, dfu(1), dfu(2)];
    const {board, s, run} = await opened({
      interfaces: others.map((a, i) => ({interfaceNumber: i + 4, alternates: [a]}))});
    assert.strictEqual(board.claimed, 7);
    assert.strictEqual(await run(s.report()), REPORT);
  },

  async 'a device without one is refused'() {
    await fails(opened({interfaces: [{interfaceNumber: 0, alternates: [dfu(1)]}]}), 'Error',
      'the device has no DFU interface');
  },

  async 'a configuration that is there stays'() {
    const board = {configuration: {interfaces: new Board().interfaces}, selectConfiguration: assert.fail};
    await opened(board);
  },

  async 'the report, whatever the last host has left'() {
    for (const state of [2, 5, 9, 10]) {
      const {board, s, run} = await opened();
      board.state = state;
      assert.strictEqual(await run(s.report()), REPORT);
    }
  },

  async 'the longest report'() {
    const report = 'x'.repeat(1024);
    const {board, s, run} = await opened({report});
    assert.strictEqual(await run(s.report()), report);
    assert.strictEqual(await run(s.report()), report); /* and what an upload has left is ended */
    assert.strictEqual(board.pointer, 0xF0000000);
  },

  async 'a board that does not get ready'() {
    const {board, s, run} = await opened();
    board.state = 7;
    board.controlTransferOut = async () => ({status: 'stall'});
    await fails(run(s.report()), 'Error', 'the board does not get ready');
  },

  async 'what is downloaded, and how it is told'() {
    for (const size of [1, 5, 2047, 2048, 2049, 3 * 2048, 10000]) {
      const {board, to, download} = await opened({busy: 2});
      await download(bytes(size));
      assert.deepStrictEqual(board.flash, [...bytes(size)]);
      assert(board.sealed && board.state === 2);
      assert.deepStrictEqual(to, Array.from({length: Math.ceil(size / 2048)}, (_, i) => Math.min(2048 * (i + 1), size)));
    }
  },

  async 'what is too large for the slot does not get there'() {
    const {board, download} = await opened();
    await fails(download(bytes(118 * 2048 + 1)), 'Error', 'the file has 241665 bytes, and the slot 241664');
    assert.deepStrictEqual([board.flash, board.asked], [[], 0]);
    await download(bytes(118 * 2048));
    assert.strictEqual(board.flash.length, 118 * 2048);
  },

  async 'nor does what was linked for another address, though its vectors lie in the slot'() {
    const beginnings = [0xB580, 0xE92D, 0xE7FE, 0x4770];
    const program = (count, base) => {
      const view = new DataView(new ArrayBuffer(0x8000));
      const point = (n, to) => {
        view.setUint32(0x4200 + 4 * n, to + 0x4401 + 0x100 * n, true);
        view.setUint16(0x4400 + 0x100 * n, beginnings[n % 4], true);
      };
      view.setUint32(0, base === 0x08000000 ? 0x20010000 : 0x10004000, true);
      for (let n = 0; n < count; n++)
        point(n, base);
      view.setUint32(0x4300, base + 0x4401, true); /* the first one again */
      view.setUint32(0x4304, base + 0x4400, true); /* data that looks like code */
      return {point, bytes: new Uint8Array(view.buffer)};
    };
    for (const base of [0x08000000, 0x08008000, 0x0803A800]) {
      const {download, board} = await opened(), {bytes: data, point} = program(8, base);
      const refused = () => fails(download(data), 'Error', 'by the addresses in it, the file was linked at ' +
        `0x0${base.toString(16).toUpperCase()}, not at 0x08004000`);
      await refused();
      point(8, 0x08004000); /* one by chance */
      await refused();
      assert.deepStrictEqual([board.flash, board.asked], [[], 0]);
      point(9, 0x08004000); /* two: those are another program's, as data */
      await download(data);
      assert.strictEqual(board.flash.length, 0x8000);
    }
    const wordy = (words) => {
      const {bytes: data} = program(8, 0x08000000), view = new DataView(data.buffer);
      for (let n = 0; n < words; n++)
        view.setUint32(0x6000 + 4 * n, 0x0800B001 + 2 * n, true);
      return {bytes: data};
    };
    await fails((await opened()).download(wordy(55).bytes), 'Error', 'by the addresses in it, the file was linked at ' +
      '0x08000000, not at 0x08004000');
    const elf = program(8, 0x08000000);
    elf.bytes.set([0x7F, 0x45, 0x4C, 0x46]); /* of which the board has a sentence of its own */
    for (const few of [program(7, 0x08000000), program(20, 0x08004000), wordy(56), elf]) {
      const {download, board} = await opened();
      await download(few.bytes);
      assert.strictEqual(board.flash.length, 0x8000);
    }
  },

  async 'where the slot is not named, the board says what is too large'() {
    const {board, download} = await opened({refuses: 118, interfaces: [{interfaceNumber: 0, alternates: [dfu(2)]}]});
    await fails(download(bytes(118 * 2048 + 1)), 'Refusal', 'The sentence 22.');
    assert.strictEqual(board.flash.length, 118 * 2048);
  },

  async 'it waits as long as the board says'() {
    const {page, board, download} = await opened({busy: 3, poll: 1000});
    await download(bytes(2048));
    assert.strictEqual(board.asked, 7); /* idle, four times busy, done, sealed */
    assert.strictEqual(page.clock.now, 1 + 4000);
  },

  async 'but no longer than makes sense'() {
    for (const poll of [0xFFFFFF, 0x10000]) { /* three bytes */
      const {page, download} = await opened({poll});
      await download(bytes(2048));
      assert.strictEqual(page.clock.now, 1 + 5000);
    }
  },

  async 'nor for ever'() {
    const {page, board, download} = await opened({busy: 1e9, poll: 0});
    await fails(download(bytes(1)), 'Error', 'the board is busy for too long');
    assert(page.clock.now > 20000 && page.clock.now < 20100, `${page.clock.now}`);
    assert(board.asked > 10000);
  },

  async 'a refusal is in the words of the board'() {
    const {board, to, download} = await opened({refuses: 2});
    await fails(download(bytes(10000)), 'Refusal', 'The sentence 22.');
    assert.deepStrictEqual(to, [2048, 4096]);
    assert(!board.sealed);
    board.refuses = -1;
    await download(bytes(10)); /* and does not stay */
  },

  async 'a refusal in the end, too'() {
    const {download} = await opened({refuses: 'seal'});
    await fails(download(bytes(10)), 'Refusal', 'The sentence 43.');
  },

  async 'a sentence that cannot be had'() {
    for (const answer of [{status: 'stall', data: null}, {status: 'ok', data: new DataView(new ArrayBuffer(0))}]) {
      const {board, download} = await opened({refuses: 0});
      board.descriptor = () => answer;
      await fails(download(bytes(10)), 'Refusal', 'The board does not say why.');
    }
  },

  async 'answers that make no sense'() {
    let {board, download} = await opened();
    board.status = () => ({status: 'stall', data: null});
    await fails(download(bytes(10)), 'Error', 'the board refuses to answer request 3');
    ({board, download} = await opened());
    board.status = () => ({status: 'ok', data: new DataView(new ArrayBuffer(5))});
    await fails(download(bytes(10)), 'Error', 'the board answers with half a status');
    ({board, download} = await opened());
    const status = board.status;
    board.status = function (length) {
      const s = status.call(this, length);
      if (this.state === 5)
        s.data.setUint8(4, 9);
      return s;
    };
    await fails(download(bytes(10)), 'Error', 'the board is in state 9 and not in 5');
  },

  async 'closed once'() {
    const {board, s, run} = await opened();
    await run(s.close());
    await run(s.close());
    assert.deepStrictEqual(board.log, ['close']);
  },
});

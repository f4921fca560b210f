#!/usr/bin/env node
/* web/page.js: which boards it takes, what it says, and what can be clicked when. */
'use strict';
const assert = require('assert');
const {Board, Chosen, Page, REPORT, notFound, tests} = require('./rig.js');

const NOBODY = 'No board in the bootloader.';
const NAME = 'sureboot 1.0: ready, serial number 0123456789ABCDEF01234567';
const app = (size = 5000) => new Chosen('app.bin', Array.from({length: size}, (_, i) => i & 0xFF));
const cleared = (page) => [page.$('flash'), page.$('connect'), page.$('enter')].map((b) => !b.disabled);

async function opened(options) {
  const page = new Page(options);
  await page.settle();
  return page;
}
const withBoard = async (board = new Board()) => ({board, page: await opened({boards: [board]})});

/* The board leaves the bus, as after a download. */
async function sent(differs) {
  const {page, board} = await withBoard(new Board(differs));
  await page.choose(app());
  await page.click('flash');
  return {page, board};
}

const says = (page, text, kind) => assert.deepStrictEqual([page.text('said'), page.$('said').className], [text, kind]);

tests({
  async 'without a board'() {
    const page = await opened();
    assert.strictEqual(page.text('state'), NOBODY);
    assert.strictEqual(page.text('report'), '');
    assert.deepStrictEqual(cleared(page), [false, true, true]);
    says(page, '', '');
  },

  async 'a board that was let in once'() {
    const {page} = await withBoard();
    assert.strictEqual(page.text('state'), NAME);
    assert.strictEqual(page.text('report'), REPORT);
    says(page, '', '');
  },

  async 'of several none is taken, and no stranger'() {
    assert.strictEqual((await opened({boards: [new Board(), new Board()]})).text('state'), NOBODY);
    const stranger = new Board({productName: 'STM32  BOOTLOADER'});
    assert.strictEqual((await opened({boards: [stranger]})).text('state'), NOBODY);
    assert.strictEqual((await opened({boards: [stranger, new Board()]})).text('state'), NAME);
  },

  async 'the chooser offers DFU mode, whatever the ids are'() {
    const page = await opened();
    page.choice = new Board();
    await page.click('connect');
    assert.strictEqual(page.text('state'), NAME);
    assert.strictEqual(JSON.stringify(page.filters),
      JSON.stringify([{classCode: 0xFE, subclassCode: 1, protocolCode: 2}]));
  },

  async 'and a stranger chosen there is not opened'() {
    const page = await opened();
    page.choice = new Board({productName: 'STM32  BOOTLOADER'});
    await page.click('connect');
    says(page, 'It did not work: this is no sureboot, but "STM32  BOOTLOADER"', 'bad');
    assert(!page.choice.opened);
    assert.strictEqual(page.text('state'), NOBODY);
  },

  async 'a chooser that is closed is nothing to talk about'() {
    const {page} = await withBoard();
    await page.click('connect');
    page.port = null;
    await page.click('enter');
    says(page, '', '');
    assert.strictEqual(page.text('state'), NAME);
  },

  async 'who works by keyboard stays where he was'() {
    const {page, board} = await withBoard();
    await page.choose(app());
    for (const id of ['connect', 'flash']) {
      page.$(id).focus();
      await page.click(id);
      assert.strictEqual(page.document.activeElement, page.$(id));
    }
    page.$('flash').fire('click');
    page.$('file').focus(); /* meanwhile */
    await page.settle();
    assert.strictEqual(page.document.activeElement, page.$('file'));
    for (const clicked of [false, true]) { /* the board starts what it has got, and comes back */
      page.$('flash').focus();
      await page.unplug(board);
      assert.strictEqual(page.document.activeElement, page.document.body);
      if (clicked)
        page.document.fire('pointerdown');
      await page.plug(board);
      assert.strictEqual(page.document.activeElement, clicked ? page.document.body : page.$('flash'));
    }
  },

  async 'a page that nobody sees leaves the board to others'() {
    const {page, board} = await sent({refuses: 1});
    const words = page.text('said');
    await page.turn(true);
    assert(!board.opened);
    assert.deepStrictEqual([page.text('state'), page.text('report')], [NOBODY, '']);
    await page.plug(board);
    assert.strictEqual(board.opens, 1); /* not for a moment: that would end what another host has begun */
    await page.turn(false);
    assert(board.opened);
    assert.deepStrictEqual([page.text('state'), page.text('report')], [NAME, REPORT]);
    says(page, words, 'bad');
    await page.turn(true);
    await page.unplug(board);
    await page.turn(false); /* it has been away */
    says(page, '', '');
  },

  async 'and takes none before it is seen'() {
    const board = new Board(), page = await opened({boards: [board], hidden: true});
    assert.strictEqual(board.opens, 0);
    await page.turn(false);
    assert.strictEqual(page.text('state'), NAME);
  },

  async 'but not amid a download, and not what is about to leave'() {
    const {page, board} = await withBoard(new Board({busy: 3}));
    await page.choose(app());
    page.$('flash').fire('click');
    await page.turn(true);
    assert(board.sealed);
    await page.turn(false);
    assert.strictEqual(board.opens, 1);
    says(page, 'Written, read back and recorded. It starts.', 'good');
    await page.unplug(board);
    await page.turn(true);
    await page.turn(false);
    await page.plug(board);
    says(page, 'It is back in the bootloader, and would start.', '');
  },

  async 'seen again before it has given the board back'() {
    const {page, board} = await withBoard();
    for (const hidden of [true, false]) {
      page.document.hidden = hidden;
      page.document.fire('visibilitychange');
    }
    await page.settle();
    assert.strictEqual(board.opens, 2);
    assert.strictEqual(page.text('state'), NAME);
  },

  async 'of several it takes the one again that it had'() {
    const page = await opened({boards: [new Board({serialNumber: 'FFFF'}), new Board()]});
    page.choice = page.boards[1];
    await page.click('connect');
    await page.turn(true);
    await page.turn(false);
    assert.strictEqual(page.text('state'), NAME);
  },

  async 'a board that another has meanwhile'() {
    const {page, board} = await withBoard();
    await page.turn(true);
    board.claimInterface = async () => { throw new DOMException('Unable to claim interface.'); };
    await page.turn(false);
    says(page, 'It did not work: Unable to claim interface. Another page or program has the board.', 'bad');
    assert(!board.opened); /* or nobody else could have it for as long as the page is there */
    delete board.claimInterface;
    await page.turn(true);
    await page.turn(false);
    assert.strictEqual(page.text('state'), NAME);
    says(page, '', '');
  },

  async 'a cable that is pulled while the board is given back'() {
    const {page, board} = await withBoard();
    board.close = async () => { throw new DOMException('The device was disconnected.'); };
    await page.turn(true);
    says(page, '', '');
  },

  async 'another board in place of the first'() {
    const {page, board} = await withBoard();
    page.choice = new Board({serialNumber: 'FFFF'});
    await page.click('connect');
    assert(!board.opened && page.choice.opened);
    assert.strictEqual(page.text('state'), 'sureboot 1.0: ready, serial number FFFF');
  },

  async 'a board that may not be opened'() {
    const page = await opened();
    page.choice = new Board({open: async () => { throw new DOMException('Access denied.'); }});
    await page.click('connect');
    says(page, 'It did not work: Access denied. On Linux, you need a udev rule (docs/messages.md); elsewhere another ' +
      'program has the board.', 'bad');
    page.choice.open = async () => { throw new DOMException('Unable to claim interface.'); };
    await page.click('connect');
    says(page, 'It did not work: Unable to claim interface. Another page or program has the board.', 'bad');
    assert.strictEqual(page.text('state'), NOBODY);
    assert.deepStrictEqual(cleared(page), [false, true, true]);
  },

  async 'a board comes and goes'() {
    const page = await opened(), board = new Board(), other = new Board({serialNumber: 'FFFF'});
    await page.plug(new Board({productName: 'mouse'}));
    assert.strictEqual(page.text('state'), NOBODY);
    await page.plug(board);
    assert.strictEqual(page.text('state'), NAME);
    await page.plug(other);
    await page.unplug(other);
    assert.strictEqual(page.text('state'), NAME);
    await page.unplug(board);
    assert.strictEqual(page.text('state'), NOBODY);
    assert.strictEqual(page.text('report'), '');
  },

  async 'a file wants a board, and a board a file'() {
    const page = await opened(), board = new Board();
    await page.choose(app());
    says(page, 'app.bin: 5000 bytes.', '');
    assert(page.$('flash').disabled);
    await page.plug(board);
    assert(!page.$('flash').disabled);
    page.$('file').value = 'app.bin';
    page.$('file').fire('click'); /* so that the same one can be chosen again */
    assert.strictEqual(page.$('file').value, '');
    assert(page.$('flash').disabled);
    await page.choose(app());
    await page.choose(null);
    assert(page.$('flash').disabled);
  },

  async 'a file that is dropped'() {
    const {page} = await withBoard();
    let kept = 0;
    const preventDefault = () => { kept++; };
    page.document.fire('dragover', {preventDefault});
    page.document.fire('drop', {preventDefault, dataTransfer: {files: [app(7)]}});
    await page.settle();
    assert.strictEqual(kept, 2);
    says(page, 'app.bin: 7 bytes.', '');
    assert(!page.$('flash').disabled);
  },

  async 'files that are of no use'() {
    const {page} = await withBoard(), broken = app();
    await page.choose(app(0));
    says(page, 'app.bin is empty.', '');
    assert(page.$('flash').disabled);
    broken.broken = new Error('it is a folder');
    await page.choose(broken);
    says(page, 'It cannot be read: it is a folder', 'bad');
    assert(page.$('flash').disabled);
  },

  async 'the file that was chosen last, also if it is read first'() {
    const {page, board} = await withBoard(), slow = app(9);
    for (const broken of [null, new Error('it is a folder')]) {
      slow.slice = () => ({arrayBuffer: async () => {
        await new Promise((done) => page.clock.later(done, 5000));
        if (broken)
          throw broken;
      }});
      page.$('file').files = [slow];
      page.$('file').fire('change');
      await page.choose(app(7));
      await page.clock.pass(6000);
      says(page, 'app.bin: 7 bytes.', '');
    }
    await page.click('flash');
    assert.strictEqual(board.flash.length, 7);
  },

  async 'a file that is being sent, also if the next one is chosen meanwhile'() {
    for (const broken of [null, new Error('NotReadableError')]) {
      const {page, board} = await withBoard(), file = app(9);
      await page.choose(file);
      file.arrayBuffer = async () => {
        page.$('file').fire('click');
        return file.read(file.bytes);
      };
      file.broken = broken;
      await page.click('flash');
      assert.strictEqual(board.flash.length, broken ? 0 : 9);
      if (broken)
        says(page, 'It did not work: app.bin has changed since: choose it again.', 'bad');
      else
        says(page, 'Written, read back and recorded. It starts.', 'good');
    }
  },

  async 'a download, step by step'() {
    const {page, board} = await withBoard(new Board({busy: 1, poll: 1000}));
    await page.choose(app());
    page.$('flash').fire('click');
    const seen = [];
    for (let i = 0; i < 7; i++) {
      page.$('flash').fire('click'); /* nothing comes of it */
      await page.clock.pass(900);
      if (!i) {
        says(page, 'Downloading app.bin, 5000 bytes.', '');
        assert.deepStrictEqual(cleared(page), [false, false, false]);
      }
      assert.strictEqual(page.$('progress').max, 5000);
      seen.push(page.$('progress').value);
    }
    assert.deepStrictEqual(seen.filter((n, i) => n !== seen[i - 1]), [0, 2048, 4096, 5000]);
    assert.strictEqual(board.flash.length, 5000);
    assert(board.sealed);
    says(page, 'Written, read back and recorded. It starts.', 'good');
  },

  async 'the next one begins at 0 again'() {
    const {page} = await sent();
    await page.choose(app(4000));
    page.$('flash').fire('click');
    await page.clock.pass(5);
    assert.deepStrictEqual([page.$('progress').value, page.$('progress').max], [0, 4000]);
  },

  async 'what was started is told after some time'() {
    const {page, board} = await sent();
    says(page, 'Written, read back and recorded. It starts.', 'good');
    await page.unplug(board);
    await page.clock.pass(3000);
    says(page, 'Written, read back and recorded. It starts.', 'good');
    await page.clock.pass(1000);
    says(page, 'It was started.', 'good');
  },

  async 'one that is back'() {
    const {page, board} = await sent();
    await page.unplug(board);
    const report = REPORT.replace('Ready: the application starts at the next reset.', 'Not confirmed: three starts.');
    await page.plug(new Board({report}));
    says(page, 'It is back in the bootloader: see what it says.', 'bad');
    assert.strictEqual(page.text('report'), report);
    await page.clock.pass(5000);
    says(page, 'It is back in the bootloader: see what it says.', 'bad');
  },

  async 'one that was led back'() {
    const {page, board} = await sent();
    await page.unplug(board);
    await page.plug(new Board());
    says(page, 'It is back in the bootloader, and would start.', '');
    const other = new Board({serialNumber: 'FFFF'});
    await page.unplug(page.run('board').device);
    await page.plug(other);
    says(page, '', '');
  },

  async 'another one that comes meanwhile'() {
    const {page, board} = await sent();
    await page.unplug(board);
    await page.plug(new Board({serialNumber: 'FFFF'}));
    says(page, '', '');
    await page.clock.pass(5000);
    says(page, '', '');
  },

  async 'a refusal is told in the words of the board, and in its report'() {
    const board = new Board({refuses: 1, report: REPORT});
    const {page} = await withBoard(board);
    await page.choose(app());
    board.report = REPORT + 'last download: what it was\n';
    await page.click('flash');
    says(page, 'The sentence 22.', 'bad');
    assert.strictEqual(page.text('report'), board.report);
    assert.deepStrictEqual(cleared(page), [true, true, true]);
    await page.clock.pass(5000);
    says(page, 'The sentence 22.', 'bad');
  },

  async 'a board that is lost while the file is read'() {
    const {page, board} = await withBoard(), file = app();
    await page.choose(file);
    file.arrayBuffer = async () => {
      page.usb.fire('disconnect', {device: board});
      return file.read(file.bytes);
    };
    board.controlTransferIn = board.controlTransferOut = async () => {
      throw notFound('The device was disconnected.');
    };
    await page.click('flash');
    says(page, 'It did not work: The device was disconnected.', 'bad');
  },

  async 'a board that is lost on the way'() {
    const {page, board} = await withBoard(new Board({busy: 1, poll: 1000}));
    await page.choose(app());
    page.$('flash').fire('click');
    await page.clock.pass(900);
    let tries = 0;
    board.controlTransferIn = async () => {
      throw new Error(tries++ ? 'A transfer is too late.' : 'The device was disconnected.');
    };
    await page.settle();
    says(page, 'It did not work: The device was disconnected.', 'bad');
    await page.unplug(board);
    says(page, 'It did not work: The device was disconnected.', 'bad');
    assert.strictEqual(page.text('state'), NOBODY);
    assert.deepStrictEqual(cleared(page), [false, true, true]);
  },

  async 'a file that has changed since it was chosen'() {
    const {page, board} = await withBoard(), file = app();
    file.name = 'reclaimer.bin'; /* which has "claim" in it */
    await page.choose(file);
    file.broken = new Error('NotReadableError');
    await page.click('flash');
    says(page, 'It did not work: reclaimer.bin has changed since: choose it again.', 'bad');
    assert.deepStrictEqual(board.flash, []);
  },

  async 'a file of gigabytes, which no browser reads'() {
    const {page, board} = await withBoard(), file = app();
    file.size = 3e9;
    file.arrayBuffer = async () => { throw new Error('NotReadableError'); };
    await page.choose(file);
    await page.click('flash');
    says(page, 'It did not work: the file has 3000000000 bytes, and the slot 241664', 'bad');
    assert.deepStrictEqual(board.flash, []);
  },

  async 'an application by its serial port'() {
    const {page, board} = await sent();
    await page.unplug(board);
    await page.click('enter');
    assert.deepStrictEqual(page.port.log, ['open 1200', 'write aa', 'release', 'close']);
    says(page, 'The application was asked to make room. Connect the board now.', '');
    await page.plug(new Board()); /* that it is back is what was asked for */
    says(page, '', '');
  },

  async 'a serial port that takes nothing is closed'() {
    const page = await opened();
    page.port.broken = new Error('The port is broken.');
    await page.click('enter');
    says(page, 'It did not work: The port is broken.', 'bad');
    assert.deepStrictEqual(page.port.log, ['open 1200', 'release', 'close']);
  },

  async 'a browser without WebUSB'() {
    const page = await opened({usb: false});
    assert.match(page.text('said'), /^This browser has no WebUSB: /);
    assert.strictEqual(page.$('said').className, 'bad');
    assert(['connect', 'enter', 'file'].every((id) => page.$(id).disabled));
  },

  async 'a browser without serial ports'() {
    assert.strictEqual((await opened({serial: false})).$('enter').hidden, true);
    assert.strictEqual((await opened()).$('enter').hidden, false);
  },
});

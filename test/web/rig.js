/* web/index.html without a browser: its scripts in a context with what they use of one, a board that speaks DFU as
 * the bootloader does, and time that passes only when everybody waits. */
'use strict';
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const vm = require('vm');

const web = path.join(__dirname, '../../web');
const html = fs.readFileSync(path.join(web, 'index.html'), 'utf8');

/* ---- time -------------------------------------------------------------------------------- */

class Clock {
  now = 0;
  timers = [];

  later = (what, ms) => {
    assert(ms >= 0 && ms < 1e6, `a timer of ${ms} ms`);
    this.timers.push({at: this.now + Math.max(1, ms), what}); /* a browser has none below 1 ms */
  };

  /* Lets time pass, at most `ms`, until the promise is settled; returns what became of it. */
  async run(promise, ms = 60000) {
    const end = this.now + ms;
    let settled = false;
    promise.then(() => { settled = true; }, () => { settled = true; });
    for (;;) {
      for (let i = 0; i < 3; i++)
        await new Promise((done) => setImmediate(done)); /* what can go on without time */
      if (settled)
        return promise;
      this.timers.sort((a, b) => a.at - b.at);
      if (!this.timers.length || this.timers[0].at > end) {
        this.now = end;
        throw new Error(`nothing came of it in ${ms} ms`);
      }
      const timer = this.timers.shift();
      this.now = timer.at;
      timer.what();
    }
  }

  /* Lets so much time pass. */
  pass(ms) {
    return this.run(new Promise((done) => this.later(done, ms)), ms + 1);
  }
}

/* ---- a board ----------------------------------------------------------------------------- */

const REPORT = 'sureboot 1.0\nverdict: Ready: the application starts at the next reset.\nin DFU by: token\n';
const LAYOUT = '@Internal Flash   /0x08004000/118*002Kg/0xF0000000/01*001Ka';
const DFU_MODE = {interfaceClass: 0xFE, interfaceSubclass: 1, interfaceProtocol: 2, interfaceName: LAYOUT};
const STALL = {status: 'stall', data: null};
const IDLE = 2, SYNC = 3, DNBUSY = 4, DNLOAD_IDLE = 5, MANIFEST_SYNC = 6, UPLOAD_IDLE = 9, ERROR = 10;

const reply = (bytes) => ({status: 'ok', data: new DataView(Uint8Array.from(bytes).buffer)});
/* A view into a larger buffer, as a browser may give. */
const view = (bytes) => {
  const all = new Uint8Array(bytes.length + 3);
  all.set(bytes, 3);
  return {status: 'ok', data: new DataView(all.buffer, 3)};
};

/* A USBDevice. What goes wrong: refuses (number of the block), busy (so often GETSTATUS says dfuDNBUSY), poll. */
class Board {
  productName = 'sureboot 1.0: ready';
  serialNumber = '0123456789ABCDEF01234567';
  configuration = null;
  opened = false;
  opens = 0;
  report = REPORT;
  busy = 0;
  poll = 20;
  refuses = -1;
  interfaces = [{interfaceNumber: 0, alternates: [DFU_MODE]}];
  state = IDLE;
  flash = [];
  sealed = false;
  asked = 0;
  log = [];

  constructor(differs = {}) {
    Object.assign(this, differs);
  }

  async open() { this.opened = true; this.claimed = false; this.opens++; }
  async close() { await null; this.opened = false; this.log.push('close'); }
  async selectConfiguration(value) {
    assert.strictEqual(value, 1);
    this.configuration = {interfaces: this.interfaces};
  }
  async claimInterface(number) {
    assert(this.configuration, 'not configured');
    this.claimed = number;
  }
  async selectAlternateInterface(number, alternate) {
    assert.deepStrictEqual([number, alternate], [this.claimed, 0]);
    if (this.state !== ERROR)
      this.state = IDLE;
    this.ready = true;
  }

  error(string) {
    this.state = ERROR;
    this.string = string;
  }

  wrong() {
    this.error(0x13 + 0x10);
    return STALL;
  }

  async controlTransferOut(setup, data) {
    this.check(setup);
    const bytes = data ? new Uint8Array(data.buffer ? data.buffer : data, data.byteOffset || 0, data.byteLength) : [];
    switch (setup.request) {
    case 1: return this.download(setup.value, bytes);
    case 4: return this.state === ERROR ? this.becomes(IDLE) : this.wrong();
    case 6: return this.state === ERROR ? this.wrong() : this.becomes(IDLE);
    default: return this.wrong();
    }
  }

  becomes(state) {
    this.state = state;
    return {status: 'ok', bytesWritten: 0};
  }

  check(setup) {
    assert(this.opened && this.ready, 'not opened, or not claimed and set');
    assert.deepStrictEqual([setup.requestType, setup.recipient, setup.index], ['class', 'interface', this.claimed]);
  }

  download(value, bytes) {
    if (this.state !== IDLE && this.state !== DNLOAD_IDLE || bytes.length > 2048)
      return this.wrong();
    if (!bytes.length) {
      this.sealed = true;
      return this.becomes(MANIFEST_SYNC);
    }
    if (value === 0 && bytes.length === 5 && bytes[0] === 0x21) {
      this.pointer = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true);
      this.left = 1; /* the first question carries it out */
      return this.becomes(SYNC);
    }
    if (value === 0)
      this.flash = [], this.block = 0, this.sealed = false;
    if (value !== this.block++ || value === this.refuses) {
      this.error(value === this.refuses ? 0x16 : 0x21);
      return {status: 'ok', bytesWritten: bytes.length};
    }
    this.flash.push(...bytes);
    this.left = 1 + this.busy;
    return this.becomes(SYNC);
  }

  async controlTransferIn(setup, length) {
    if (setup.requestType === 'standard')
      return this.descriptor(setup, length);
    this.check(setup);
    if (setup.request === 3)
      return this.status(length);
    if (setup.request !== 2 || this.state !== IDLE || setup.value !== 2 || this.pointer !== 0xF0000000)
      return this.wrong();
    const text = [...this.report].map((c) => c.charCodeAt(0)).slice(0, length);
    this.state = text.length < length ? IDLE : UPLOAD_IDLE;
    return view(text);
  }

  status(length) {
    assert.strictEqual(length, 6);
    this.asked++;
    let poll = 0;
    if (this.state === SYNC || this.state === DNBUSY) {
      this.state = this.left-- > 0 ? DNBUSY : DNLOAD_IDLE;
      poll = this.state === DNBUSY ? this.poll : 0;
    } else if (this.state === MANIFEST_SYNC) {
      this.state = this.refuses === 'seal' ? ERROR : IDLE;
      this.string = 0x2B;
    }
    const failed = this.state === ERROR;
    return reply([failed ? 2 : 0, poll & 0xFF, poll >> 8 & 0xFF, poll >> 16, this.state, failed ? this.string : 0]);
  }

  descriptor(setup, length) {
    assert.deepStrictEqual([setup.recipient, setup.request, setup.index, length], ['device', 6, 0x0409, 255]);
    assert.strictEqual(setup.value, 0x300 | this.string);
    const text = [...`The sentence ${this.string}.`].flatMap((c) => [c.charCodeAt(0), 0]);
    return view([text.length + 2, 3, ...text]);
  }
}

/* ---- the browser ------------------------------------------------------------------------- */

class Element {
  textContent = '';
  className = '';
  value = '';
  files = [];
  off = false;
  hidden = false;
  heard = {};
  constructor(document = null) { this.document = document; }
  get disabled() { return this.off; }
  set disabled(off) {
    this.off = off;
    if (off && this.document.activeElement === this)
      this.document.activeElement = this.document.body;
  }
  focus() {
    if (!this.off)
      this.document.activeElement = this;
  }
  addEventListener(name, what) { this.heard[name] = what; }
  /* What the listener starts goes on behind. */
  fire(name, event = {}) { this.heard[name]({preventDefault() {}, ...event}); }
}

/* A File. */
class Chosen {
  constructor(name, bytes) {
    Object.assign(this, {name, bytes: Uint8Array.from(bytes), size: bytes.length, broken: null});
  }
  async read(bytes) {
    if (this.broken)
      throw this.broken;
    return bytes.slice().buffer;
  }
  arrayBuffer() { return this.read(this.bytes); }
  slice(from, to) { return {arrayBuffer: () => this.read(this.bytes.slice(from, to))}; }
}

/* What a browser says of a chooser that was closed, and of a device that has gone. */
const notFound = (text) => Object.assign(new Error(text), {name: 'NotFoundError'});
const closed = () => { throw notFound('No device selected.'); };

/* The page with these boards let in once; usb: false, a browser without. */
class Page {
  constructor({boards = [], usb = true, serial = true, hidden = false} = {}) {
    this.clock = new Clock();
    this.document = new Element();
    this.document.hidden = hidden;
    this.document.activeElement = this.document.body = new Element(this.document);
    this.elements = new Map([...html.matchAll(/ id="(\w+)"/g)].map((m) => [m[1], new Element(this.document)]));
    this.document.getElementById = (id) => this.elements.get(id);
    this.boards = boards;
    this.usb = Object.assign(new Element(), {
      getDevices: async () => this.boards,
      requestDevice: async ({filters}) => {
        this.filters = filters;
        return this.choice || closed();
      },
    });
    this.port = {
      log: [],
      open: async (options) => this.port.log.push(`open ${options.baudRate}`),
      writable: {getWriter: () => ({
        write: async (bytes) => {
          if (this.port.broken)
            throw this.port.broken;
          this.port.log.push(`write ${Buffer.from(bytes).toString('hex')}`);
        },
        releaseLock: () => this.port.log.push('release'),
      })},
      close: async () => { this.port.log.push('close'); throw new Error('The device has been lost.'); },
    };
    this.context = vm.createContext({
      document: this.document,
      navigator: {usb: usb ? this.usb : undefined, serial: serial ? {requestPort: async () => this.port || closed()} : undefined},
      performance: {now: () => this.clock.now},
      setTimeout: this.clock.later,
      DOMException, TextDecoder, Uint8Array, DataView, ArrayBuffer,
    });
    for (const [, name] of html.matchAll(/<script src="([^"]*)"/g))
      this.run(fs.readFileSync(path.join(web, name), 'utf8'), name);
  }

  run(code, filename) { return vm.runInContext(code, this.context, {filename}); }
  $(id) { return this.elements.get(id); }
  text(id) { return this.$(id).textContent; }

  /* All that was started is over. */
  async settle(ms = 60000) {
    const idle = async () => {
      do
        await new Promise((done) => this.clock.later(done, 1));
      while (this.run('busy'));
    };
    await this.clock.run(idle(), ms);
  }
  async click(id) {
    assert(!this.$(id).disabled, `${id} cannot be clicked`);
    this.$(id).fire('click');
    await this.settle();
  }
  async choose(file) {
    this.$('file').files = file ? [file] : [];
    this.$('file').fire('change');
    await this.settle();
  }
  async plug(board) {
    this.usb.fire('connect', {device: board});
    await this.settle();
  }
  /* Another tab comes in front of it (hidden), or goes. */
  async turn(hidden) {
    this.document.hidden = hidden;
    this.document.fire('visibilitychange');
    await this.settle();
  }
  async unplug(board) {
    this.usb.fire('disconnect', {device: board});
    await this.settle();
  }
}

/* ---- tests ------------------------------------------------------------------------------- */

/* Runs functions by name and prints TAP. */
async function tests(all) {
  console.log(`1..${Object.keys(all).length}`);
  process.exitCode = 1; /* also where a promise is lost and node ends for want of work */
  let failed = 0;
  for (const [name, test] of Object.entries(all)) {
    try {
      await test();
      console.log(`ok - ${name}`);
    } catch (e) {
      failed++;
      console.log(`not ok - ${name}\n${String(e.stack).replace(/^/gm, '# ')}`);
    }
  }
  process.exitCode = failed ? 1 : 0;
}

module.exports = {Board, Chosen, Clock, Page, REPORT, notFound, tests};

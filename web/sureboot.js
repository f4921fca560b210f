/* A sureboot in DFU mode, by WebUSB: what it says of itself, and an application for it. Plain DFU 1.1 ("Universal
 * Serial Bus Device Class Specification for Device Firmware Upgrade"), whose hosts hear what came of a download
 * before the device leaves; the report is an upload by DfuSe (AN3156) from its address. */
'use strict';

const DFU = {
  DNLOAD: 1, UPLOAD: 2, GETSTATUS: 3, CLRSTATUS: 4, ABORT: 6,
  IDLE: 2, DNBUSY: 4, DNLOAD_IDLE: 5, ERROR: 10,
  BLOCK: 2048,
  SET_ADDRESS: 0x21, REPORT: 0xF0000000, REPORT_SIZE: 1024,
};

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const hex = (addr) => `0x${addr.toString(16).toUpperCase().padStart(8, '0')}`;

/* The board's own sentence about what it refuses. */
class Refusal extends Error {}

class Sureboot {
  /* What the browser's chooser is to offer: DFU mode, whatever BOOT_VID and BOOT_PID are. */
  static FILTERS = [{classCode: 0xFE, subclassCode: 1, protocolCode: 2}];

  /* Whether a USBDevice is one; "sureboot 1.0: no application" is what it calls itself. */
  static is(device) {
    return (device.productName || '').startsWith('sureboot ');
  }

  constructor(device) {
    this.device = device;
  }

  async open() {
    await this.device.open();
    try {
      await this.claim();
    } catch (e) {
      await this.close().catch(() => {});
      throw e;
    }
  }

  async claim() {
    const device = this.device;
    if (!device.configuration)
      await device.selectConfiguration(1);
    const found = device.configuration.interfaces.find((i) => {
      const a = i.alternates[0];
      return a.interfaceClass === 0xFE && a.interfaceSubclass === 1 && a.interfaceProtocol === 2;
    });
    if (!found)
      throw new Error('the device has no DFU interface');
    this.interface = found.interfaceNumber;
    /* "@Internal Flash   /0x08004000/118*002Kg/...": the slot comes first */
    const slot = /\/0x([0-9A-Fa-f]+)\/(\d+)\*(\d+)K/.exec(found.alternates[0].interfaceName);
    this.slot = slot ? parseInt(slot[1], 16) : undefined;
    this.room = slot ? slot[2] * slot[3] * 1024 : Infinity;
    await device.claimInterface(this.interface);
    await device.selectAlternateInterface(this.interface, 0); /* ends what another host has begun */
  }

  async close() {
    if (this.device.opened)
      await this.device.close();
  }

  /* ---- requests ---- */

  setup(request, value) {
    return {requestType: 'class', recipient: 'interface', request, value, index: this.interface};
  }

  /* A stall is no error: the status tells why. */
  async send(request, value, data) {
    return this.device.controlTransferOut(this.setup(request, value), data);
  }

  async receive(request, value, length) {
    const r = await this.device.controlTransferIn(this.setup(request, value), length);
    if (r.status !== 'ok')
      throw new Error(`the board refuses to answer request ${request}`);
    return new Uint8Array(r.data.buffer, r.data.byteOffset, r.data.byteLength);
  }

  async ask() {
    const s = await this.receive(DFU.GETSTATUS, 0, 6);
    if (s.length !== 6)
      throw new Error('the board answers with half a status');
    return {poll: s[1] | s[2] << 8 | s[3] << 16, state: s[4], string: s[5]};
  }

  /* Asks until it is busy no more. */
  async settled() {
    const until = performance.now() + 20000;
    for (;;) {
      const s = await this.ask();
      if (s.state !== DFU.DNBUSY)
        return s;
      if (performance.now() > until)
        throw new Error('the board is busy for too long');
      await pause(Math.min(s.poll, 5000));
    }
  }

  async sentence(index) {
    const get = {requestType: 'standard', recipient: 'device', request: 6, value: 3 << 8 | index, index: 0x0409};
    const r = await this.device.controlTransferIn(get, 255);
    if (r.status !== 'ok' || r.data.byteLength < 2)
      return 'The board does not say why.';
    let text = '';
    for (let at = 2; at + 1 < r.data.byteLength; at += 2)
      text += String.fromCharCode(r.data.getUint16(at, true));
    return text;
  }

  /* Into dfuIDLE, whatever the last host has left. */
  async idle() {
    const s = await this.ask();
    if (s.state === DFU.IDLE)
      return;
    await this.send(s.state === DFU.ERROR ? DFU.CLRSTATUS : DFU.ABORT, 0);
    if ((await this.ask()).state !== DFU.IDLE)
      throw new Error('the board does not get ready');
  }

  async expect(state) {
    const s = await this.settled();
    if (s.state === DFU.ERROR)
      throw new Refusal(await this.sentence(s.string));
    if (s.state !== state)
      throw new Error(`the board is in state ${s.state} and not in ${state}`);
  }

  /* ---- what is asked of it ---- */

  /* The report: one line a fact (docs/messages.md). */
  async report() {
    const command = new DataView(new ArrayBuffer(5));
    command.setUint8(0, DFU.SET_ADDRESS);
    command.setUint32(1, DFU.REPORT, true);
    await this.idle();
    await this.send(DFU.DNLOAD, 0, command);
    await this.expect(DFU.DNLOAD_IDLE);
    await this.idle();
    return new TextDecoder().decode(await this.receive(DFU.UPLOAD, 2, DFU.REPORT_SIZE));
  }

  /* Throws if it is too large: the board would say so when it has written all that there is room for. */
  fits(size) {
    if (size > this.room)
      throw new Error(`the file has ${size} bytes, and the slot ${this.room}`);
  }

  /* Downloads a raw binary that begins at the start of the slot. When this returns, it is written, read back and
   * recorded, and half a second later the board leaves the bus and starts it. A Refusal is the board's. */
  async download(bytes, progress) {
    this.fits(bytes.length);
    const linked = this.slot && linkedAt(bytes, this.slot); /* the board looks at its vectors only */
    if (linked !== this.slot)
      throw new Error(`by the addresses in it, the file was linked at ${hex(linked)}, not at ${hex(this.slot)}`);
    let block = 0;
    await this.idle();
    for (let at = 0; at < bytes.length; at += DFU.BLOCK) {
      await this.send(DFU.DNLOAD, block++, bytes.subarray(at, at + DFU.BLOCK));
      await this.expect(DFU.DNLOAD_IDLE);
      progress(Math.min(at + DFU.BLOCK, bytes.length));
    }
    await this.send(DFU.DNLOAD, block);
    await this.expect(DFU.IDLE);
  }
}

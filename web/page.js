/* The page: which board is there, what it says, and a file for it. */
'use strict';

const $ = (id) => document.getElementById(id);
const SETTLES_MS = 3000; /* so long after a start nothing is said of it */

let board = null;  /* an open Sureboot */
let wanted = null; /* a File that was chosen */
let file = null;   /* the same, if it can be sent; it is read anew for each download */
let busy = false;
let left = null;   /* the button that had the focus until it was disabled: it gets it back */
let started = null; /* serial number of the board that has left to start what was downloaded */
let lent = null;    /* serial number of the board that was given back while nobody saw the page */
let away = true;    /* nobody has looked for boards since the page was hidden, or opened */

function show() {
  const had = document.activeElement;
  $('state').textContent = board ? `${board.device.productName}, serial number ${board.device.serialNumber}` :
                                   'No board in the bootloader.';
  $('flash').disabled = !board || !file || busy;
  $('connect').disabled = busy;
  $('enter').disabled = busy;
  if (had.disabled)
    left = had;
  if (left && !left.disabled) {
    if (document.activeElement === document.body)
      left.focus();
    left = null;
  }
}

/* kind: "", "good" or "bad". */
function say(text, kind = '') {
  $('said').textContent = text;
  $('said').className = kind;
}

/* What a browser does not say. The page's own errors have names of files and boards in them. */
function hint(e) {
  if (!(e instanceof DOMException))
    return '';
  if (/claim/i.test(e.message))
    return ' Another page or program has the board.';
  return /access denied/i.test(e.message) ?
    ' On Linux, you need a udev rule (docs/messages.md); elsewhere another program has the board.' : '';
}

/* What a chooser gives; nothing if it was closed. The same error later is a board that has gone. */
async function picked(chooser) {
  try {
    return await chooser;
  } catch (e) {
    if (e.name !== 'NotFoundError')
      throw e;
    return null;
  }
}

/* What somebody has asked for, one at a time; an error becomes a sentence. */
async function act(what) {
  if (busy)
    return;
  busy = true;
  show();
  try {
    await what();
  } catch (e) {
    say(e instanceof Refusal ? e.message : `It did not work: ${e.message}${hint(e)}`, 'bad');
  } finally {
    busy = false;
    show();
    tend();
  }
}

/* A page that nobody sees leaves the board to other pages and programs, and looks for boards when it is seen again.
 * One that is about to leave by itself is not given back, or it would be found once more before it does. */
function tend() {
  if (busy)
    return;
  if (document.hidden) {
    away = true;
    if (board && started !== board.device.serialNumber)
      act(giveBack);
  } else if (away) {
    away = false;
    act(find);
  }
}

async function giveBack() {
  const from = board;
  board = null;
  lent = from.device.serialNumber;
  $('report').textContent = '';
  await from.close().catch(() => {}); /* it may have been pulled */
}

/* Who was let in once comes by itself. */
async function find() {
  const devices = (await navigator.usb.getDevices()).filter(Sureboot.is);
  const device = devices.find((d) => d.serialNumber === lent) || (devices.length === 1 && devices[0]);
  if (!board && device)
    await take(device);
}

async function tellReport() {
  $('report').textContent = board ? await board.report() : '';
}

async function take(device) {
  const next = new Sureboot(device), same = lent === device.serialNumber;
  lent = null;
  await next.open();
  board = next;
  await tellReport();
  if (started === device.serialNumber) {
    if ($('report').textContent.includes('\nverdict: Ready'))
      say('It is back in the bootloader, and would start.');
    else
      say('It is back in the bootloader: see what it says.', 'bad');
  } else if (!same) { /* what was said of that one stays */
    say('');
  }
  started = null;
}

async function connect() {
  const device = await picked(navigator.usb.requestDevice({filters: Sureboot.FILTERS}));
  if (!device)
    return;
  if (!Sureboot.is(device))
    throw new Error(`this is no sureboot, but "${device.productName}"`);
  if (board) {
    await board.close();
    board = null;
  }
  await take(device);
}

/* A browser reads no file that has been written since it was chosen, as by the next build. */
async function read(chosen) {
  try {
    return new Uint8Array(await chosen.arrayBuffer());
  } catch (e) {
    throw new Error(`${chosen.name} has changed since: choose it again.`);
  }
}

async function flash() {
  const to = board, serial = to.device.serialNumber, {name} = file; /* either may be gone once it is read */
  to.fits(file.size); /* one of gigabytes cannot even be read */
  const bytes = await read(file);
  $('progress').max = bytes.length;
  $('progress').value = 0;
  say(`Downloading ${name}, ${bytes.length} bytes.`);
  try {
    await to.download(bytes, (n) => { $('progress').value = n; });
  } catch (e) {
    if (e instanceof Refusal)
      await tellReport();
    throw e;
  }
  started = serial;
  say('Written, read back and recorded. It starts.', 'good');
  setTimeout(() => {
    if (started === serial)
      say('It was started.', 'good');
  }, 500 + SETTLES_MS);
}

/* A running application by its serial port, as the application kit has it: the byte 0xAA, and the port closed while
 * it is at 1200 bit/s. */
async function enter() {
  const port = await picked(navigator.serial.requestPort());
  if (port)
    await leaveBy(port);
}

async function leaveBy(port) {
  await port.open({baudRate: 1200});
  const writer = port.writable.getWriter();
  try {
    await writer.write(new Uint8Array([0xAA]));
  } finally {
    writer.releaseLock();
    await port.close().catch(() => {}); /* it may have left by now */
  }
  started = null;
  say('The application was asked to make room. Connect the board now.');
}

async function choose(chosen) {
  wanted = chosen;
  file = null;
  show();
  if (!chosen)
    return;
  try {
    await chosen.slice(0, 1).arrayBuffer(); /* a folder has a size, too */
  } catch (e) {
    if (wanted === chosen)
      say(`It cannot be read: ${e.message}`, 'bad');
    return;
  }
  if (wanted !== chosen) /* another one by now */
    return;
  file = chosen.size ? chosen : null;
  say(file ? `${chosen.name}: ${chosen.size} bytes.` : `${chosen.name} is empty.`);
  show();
}

function begin() {
  if (!navigator.usb) {
    say('This browser has no WebUSB: take Chrome, Edge or another Chromium, and open the page from a file, https or localhost.', 'bad');
    for (const id of ['connect', 'enter', 'file'])
      $(id).disabled = true;
    return;
  }
  $('connect').addEventListener('click', () => act(connect));
  $('flash').addEventListener('click', () => act(flash));
  $('enter').addEventListener('click', () => act(enter));
  $('enter').hidden = !navigator.serial;
  $('file').addEventListener('click', () => { /* so that the same one can be chosen again */
    $('file').value = '';
    choose(null);
  });
  $('file').addEventListener('change', () => choose($('file').files[0]));
  document.addEventListener('pointerdown', () => { left = null; });
  document.addEventListener('dragover', (e) => e.preventDefault());
  document.addEventListener('drop', (e) => {
    e.preventDefault();
    choose(e.dataTransfer.files[0]);
  });
  navigator.usb.addEventListener('connect', (e) => {
    if (!board && !document.hidden && Sureboot.is(e.device))
      act(() => take(e.device));
  });
  document.addEventListener('visibilitychange', tend);
  navigator.usb.addEventListener('disconnect', (e) => {
    if (lent === e.device.serialNumber)
      lent = null;
    if (board && e.device === board.device) {
      board = null;
      $('report').textContent = '';
      show();
    }
  });
  tend();
}

begin();

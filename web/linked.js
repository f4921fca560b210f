/* For which address a raw binary was linked: many of the pointers in it have a function's beginning there. The same
 * rule as in tools/linked.c, which says why. */
'use strict';

/* Of bytes that are to go to `addr`. The answer is `addr` unless they say otherwise themselves; what does not begin
 * with a stack pointer is another kind of file. */
function linkedAt(bytes, addr) {
  const FLASH = 0x08000000, FLASH_END = 0x08040000, PAGE = 2048, ENOUGH = 8, TIMES = 4, SHARE = 8;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  /* PUSH, PUSH.W, B to itself, BX LR */
  const begins = (half) => half >> 9 === 0x5A || half === 0xE92D || half === 0xE7FE || half === 0x4770;
  if (bytes[3] !== 0x20 && bytes[3] !== 0x10)
    return addr;
  const seen = new Set(), hits = new Map([[addr, 0]]);
  for (let at = 0; at + 4 <= bytes.length; at += 4) {
    const to = view.getUint32(at, true);
    if (to < FLASH || to >= FLASH_END || to % 2 === 0 || seen.has(to))
      continue;
    seen.add(to);
    for (let base = FLASH; base < to; base += PAGE) {
      const offset = to - 1 - base;
      if (offset + 2 <= bytes.length && begins(view.getUint16(offset, true)))
        hits.set(base, (hits.get(base) || 0) + 1);
    }
  }
  let best = addr;
  for (const [base, n] of hits)
    if (n > hits.get(best))
      best = base;
  const most = hits.get(best);
  return most >= ENOUGH && most > TIMES * hits.get(addr) && SHARE * most > seen.size ? best : addr;
}

/* Sessions: DfuSe commands and data, plain DFU data, completion. */
#include "boot/core/session.h"
#include "boot/core/dfu.h"
#include "boot/core/image.h"

void session_init(struct session *s, const struct ledger *l, enum message verdict)
{
    writer_init(&s->writer, l, verdict);
    s->pointer = SLOT_ADDR;
}

static void begin(struct session *s, bool plain)
{
    const struct ledger_record *r = &s->writer.ledger.newest;
    if (s->active)
        return;
    s->active = true;
    s->why = MESSAGE_READY;
    s->plain = plain;
    s->suspended = s->has_start = s->straight = false;
    s->old_length =
        !s->broken && ledger_is_seal(r) && writer_verdict(&s->writer) == MESSAGE_READY ? r->length : 0;
    s->length = 0;
    s->next_block = 0;
}

/* ---- data -------------------------------------------------------------------------------- */

uint32_t session_address(const struct session *s, uint32_t number, uint32_t stride)
{
    /* The largest sum, 0xF0000400 + 65533 * 2048, is below 2^32. */
    return s->pointer + (number - 2) * stride;
}

/* It looks as if this were all. Hosts of DfuSe do not ask what came of a leave and have to hear it before.
 * Plain DFU has no erase requests that would tell how much is to come, and its hosts do ask. */
static bool looks_complete(const struct session *s)
{
    return s->active && !s->plain && s->length && s->last && !writer_owes(&s->writer);
}

/* Hands what is in rx to the writer as far as it takes it. */
static void pump(struct session *s)
{
    if (!s->rx_left)
        return;
    do {
        uint32_t n = (uint32_t)writer_put(&s->writer, s->rx_addr + s->rx_at, s->rx + s->rx_at, s->rx_left);
        if (n == 0)
            return;
        s->rx_at += n;
        s->rx_left -= n;
    } while (s->rx_left);
    if (looks_complete(s))
        writer_flush(&s->writer);
}

void session_flash_done(struct session *s, enum port_flash_result result)
{
    writer_flash_done(&s->writer, result);
    pump(s); /* a buffer may have become free */
}

static enum message data(struct session *s, uint32_t addr, uint32_t size)
{
    if (addr < SLOT_ADDR || addr >= SLOT_END)
        return addr == SLOT_END && s->length ? MESSAGE_TOO_LARGE : MESSAGE_ADDRESS;
    if (size > SLOT_END - addr)
        return MESSAGE_TOO_LARGE;
    enum message m = image_lint(s->rx, size);
    if (addr == SLOT_ADDR) {
        if (m != MESSAGE_READY)
            return m;
        s->has_start = true;
    } else if (m == MESSAGE_READY && size >= 8 && !s->length) {
        return MESSAGE_PART; /* it begins as an application does, but not where that has to begin */
    }
    if (!s->length)
        s->block_size = size;
    s->straight = true;
    uint32_t end = addr + size;
    s->last = size < s->block_size || end % PAGE_SIZE == 0;
    if (end - SLOT_ADDR > s->length)
        s->length = end - SLOT_ADDR;
    s->rx_addr = addr;
    s->rx_at = 0;
    s->rx_left = size;
    pump(s);
    return MESSAGE_READY;
}

bool session_ready(const struct session *s)
{
    return !s->rx_left && !s->writer.flush && !(looks_complete(s) && writer_busy(&s->writer));
}

uint32_t session_wait_ms(const struct session *s)
{
    return session_ready(s) ? 0 : writer_wait_ms(&s->writer, !s->rx_left);
}

/* ---- DNLOAD ------------------------------------------------------------------------------ */

static enum message erase_all(struct session *s)
{
    enum message m = MESSAGE_READY;
    for (uint32_t page = SLOT_ADDR; page < SLOT_END && m == MESSAGE_READY; page += PAGE_SIZE)
        m = writer_mark(&s->writer, page, false); /* no page in particular is waiting for data */
    if (m == MESSAGE_READY)
        writer_flush(&s->writer); /* at once, AN3156 */
    return m;
}

static enum message command(struct session *s, uint32_t size)
{
    uint32_t argument;
    __builtin_memcpy(&argument, s->rx + 1, sizeof argument); /* a load, of any alignment */
    bool has_argument = size == 5;
    s->straight = false;
    switch (s->rx[0]) {
    case DFUSE_SET_ADDRESS:
        if (!has_argument)
            return MESSAGE_COMMAND;
        /* The bootloader can be read: STM32CubeProgrammer does when it connects. */
        if ((argument < FLASH_ADDR || argument >= SLOT_END) &&
            (argument < DFU_REPORT_ADDR || argument >= DFU_REPORT_ADDR + DFU_REPORT_SIZE))
            return MESSAGE_ADDRESS;
        s->pointer = argument;
        s->pointer_set = BOOT_DFU11; /* nobody asks otherwise */
        s->plain = false;
        s->stride = 0;
        return MESSAGE_READY;
    case DFUSE_ERASE:
        begin(s, false);
        return has_argument ? writer_mark(&s->writer, argument, true) : erase_all(s);
    case DFUSE_UNPROTECT: return has_argument ? MESSAGE_COMMAND : MESSAGE_UNPROTECT;
    default: return MESSAGE_COMMAND;
    }
}

static enum message plain_block(struct session *s, uint32_t number, uint32_t size)
{
    begin(s, true);
    if (number != s->next_block)
        return MESSAGE_BLOCK;
    s->next_block++;
    /* There are no erase requests: every page that is reached is erased as if there were. */
    uint32_t end = SLOT_ADDR + s->length, from = end + (PAGE_SIZE - 1), to = end + size;
    for (uint32_t page = from - from % PAGE_SIZE; page < to && page < SLOT_END; page += PAGE_SIZE) {
        enum message m = writer_mark(&s->writer, page, true);
        if (m != MESSAGE_READY)
            return m;
    }
    return data(s, end, size);
}

enum message session_block(struct session *s, uint32_t number, uint32_t size)
{
    s->suspended = false;
    if (s->active && s->plain)
        return plain_block(s, number, size);
    if (number >= 2) {
        begin(s, false);
        /* AN3156 takes the length of this very block, which puts a shorter last one in the wrong place. */
        if (s->stride == 0)
            s->stride = size;
        return data(s, session_address(s, number, s->stride), size);
    }
    if (number == 0 && (size == 1 || size == 5))
        return command(s, size);
    if (number == 0 && size > 5 && !s->active)
        return plain_block(s, number, size);
    return number == 0 && size < 5 ? MESSAGE_COMMAND : MESSAGE_BLOCK;
}

/* ---- the end ----------------------------------------------------------------------------- */

enum message session_close(struct session *s, bool abort)
{
    s->suspended = false;
    if (!s->active)
        return MESSAGE_READY;
    bool complete = s->length && (s->last || s->straight) && !writer_owes(&s->writer);
    if (s->plain) {
        if (abort) { /* in this dialect the host takes the download back */
            session_end(s);
            return MESSAGE_READY;
        }
        complete = true; /* the host has said so */
    }
    if (!complete) {
        if (!abort && s->length)
            return MESSAGE_NOT_DONE;
        writer_flush(&s->writer);
        /* Old versions of dfu-util send ABORT after every command, and then go on. */
        s->active = abort;
        return MESSAGE_READY;
    }
    s->active = false;
    uint32_t length = s->has_start ? s->length : s->old_length;
    if (!length)
        return MESSAGE_PART;
    s->broken = false;
    writer_seal(&s->writer, length);
    return MESSAGE_READY;
}

static void drop(struct session *s)
{
    s->broken |= s->active;
    s->why = MESSAGE_UNFINISHED; /* who knows better says so */
    s->active = s->suspended = false;
    s->rx_left = 0;
}

void session_end(struct session *s)
{
    if (!s->active)
        return;
    drop(s);
    writer_end(&s->writer);
}

void session_fail(struct session *s)
{
    drop(s);
    writer_forget(&s->writer);
}

/* The writer: page buffers, and the steps of a page from buffer to flash. */
#include "boot/core/writer.h"
#include "boot/core/content.h"
#include <string.h>

/* Typical times of DS11449 "Flash memory characteristics", rounded up. */
enum {
    ERASE_MS = 23,
    PROGRAM_MS = 21,
    CRC_PER_MS = 32768 /* bytes */
};

enum {
    IDLE,
    PAUSE,
    LEDGER,  /* appending a record, then after_ledger */
    ERASE,   /* start erasing */
    ERASING, /* until it ends */
    PROGRAM, /* start programming */
    PROGRAMMING,
    VERIFY,
    SEAL_CHECK, /* writer_work looks at the image */
    SEALED
};

/* ---- pages ------------------------------------------------------------------------------- */

enum { PAGES = FLASH_SIZE / PAGE_SIZE };
_Static_assert(FLASH_ADDR % FLASH_SIZE == 0, "the number of a page is in its address");

static uint8_t *flags_of(struct writer *w, uint32_t addr)
{
    return &w->pages[addr / PAGE_SIZE % PAGES];
}

static void drop_flags(struct writer *w, unsigned flags)
{
    for (unsigned i = 0; i < PAGES; i++)
        w->pages[i] &= (uint8_t)~flags;
}

static unsigned count(const struct writer *w, unsigned flag)
{
    unsigned n = 0;
    for (unsigned i = 0; i < PAGES; i++)
        n += (w->pages[i] & flag) != 0;
    return n;
}

/* ---- the steps of a job ------------------------------------------------------------------ */

static void takes(struct writer *w, uint32_t ms)
{
    w->since = port_ms();
    w->takes = ms;
}

/* What has come of a page is dropped. */
static void empty(struct writer *w)
{
    w->fill->page = 0;
    w->closed = false;
}

static void fail(struct writer *w, enum message why)
{
    writer_forget(w);
    w->error = (uint8_t)why;
    w->step = IDLE;
}

static void record(struct writer *w, const struct ledger_record *content, unsigned then)
{
    ledger_append(&w->append, &w->ledger, content);
    w->after_ledger = (uint8_t)then;
    w->step = LEDGER;
}

/* The ledger says it: here it goes on. */
static void recorded(struct writer *w)
{
    port_forget_image();
    w->verdict = MESSAGE_UNFINISHED;
    w->step = w->after_ledger;
}

/* Before the first change of a download the ledger has to say that there is one. */
static void change(struct writer *w, unsigned step)
{
    static const struct ledger_record begun = {.type = LEDGER_BEGUN};
    w->after_ledger = (uint8_t)step;
    if (w->ledger.newest.type == LEDGER_BEGUN && w->ledger.newest.magic)
        recorded(w);
    else
        record(w, &begun, step);
}

/* Begins to write a buffer, or (NULL) to erase a marked page. */
static void begin(struct writer *w, struct page_buffer *b, uint32_t page)
{
    uint8_t *flags = flags_of(w, page);
    w->page = page;
    w->data = b ? b->data : NULL;
    w->retried = false;

    if (b)
        page_complete(b, *flags & PAGE_MARKED);
    *flags &= (uint8_t)~PAGE_MARKED;
    enum page_look look = page_look(page, w->data);
    bool erase = look == LOOK_UNUSABLE || (w->careful && !(*flags & PAGE_SOUND));
    if (look == LOOK_SAME && !erase)
        return;
    takes(w, (erase ? ERASE_MS : 0u) + (b ? PROGRAM_MS : 0u));
    change(w, erase ? ERASE : PROGRAM);
}

static bool pick(struct writer *w)
{
    if (w->closed) {
        struct page_buffer *b = w->fill;
        w->fill = &w->buffer[b == w->buffer];
        empty(w);
        begin(w, b, b->page);
        return true;
    }
    if (!w->flush)
        return false;
    for (uint32_t page = SLOT_ADDR; page < SLOT_END; page += PAGE_SIZE) {
        if (*flags_of(w, page) & PAGE_MARKED) {
            begin(w, NULL, page);
            return w->step != IDLE; /* blank already: others get their turn, writer_work goes on */
        }
    }
    w->flush = false;
    if (!w->seal_length)
        return false;
    w->sealing = w->seal_length;
    w->seal_length = 0;
    takes(w, w->sealing / CRC_PER_MS + 1);
    w->step = SEAL_CHECK;
    return true;
}

/* Looking at a page takes 0.1 ms. Whoever has done that goes on in another interrupt, behind USB's: a host
 * gives up after three SETUPs without an answer. */
static bool make_way(struct writer *w)
{
    w->step = PAUSE;
    port_flash_program(SLOT_ADDR, w, 0);
    return false;
}

/* One step that needs no waiting; false if there is nothing to do or an operation is pending. `result`
 * belongs to the flash operation that has just ended. */
static bool advance(struct writer *w, enum port_flash_result result)
{
    switch (w->step) {
    case PAUSE: w->step = IDLE; return true;
    case IDLE:
        if (w->error != MESSAGE_READY || !pick(w))
            return false;
        return w->step != IDLE || make_way(w); /* nothing had to be done with that page */

    case LEDGER:
        switch (ledger_append_next(&w->append, result == PORT_FLASH_OK)) {
        case LEDGER_ERASE: port_flash_erase(w->append.addr); return false;
        case LEDGER_PROGRAM: port_flash_program(w->append.addr, w->append.data, w->append.size); return false;
        case LEDGER_FAILED: fail(w, MESSAGE_LEDGER); return true;
        default: recorded(w); return true;
        }

    case ERASE:
        w->step = ERASING;
        port_flash_erase(w->page);
        return false;

    case ERASING:
        if (result != PORT_FLASH_OK) {
            fail(w, result == PORT_FLASH_PROTECTED ? MESSAGE_PROTECTED : MESSAGE_ERASE);
            return true;
        }
        w->retried = true;
        *flags_of(w, w->page) |= PAGE_SOUND;
        w->step = PROGRAM;
        return true;

    case PROGRAM:
        w->step = PROGRAMMING;
        if (!w->data)
            return true;
        port_flash_program(w->page, w->data, PAGE_SIZE);
        return false;

    case PROGRAMMING:
        if (result == PORT_FLASH_OK)
            w->step = VERIFY;
        else if (result != PORT_FLASH_PROTECTED && !w->retried)
            w->step = ERASE; /* it looked blank and was not */
        else
            fail(w, result == PORT_FLASH_PROTECTED ? MESSAGE_PROTECTED : MESSAGE_PROGRAM);
        return true;

    case VERIFY:
        if (page_look(w->page, w->data) == LOOK_SAME)
            return make_way(w);
        if (!w->retried)
            w->step = ERASE;
        else
            fail(w, w->data ? MESSAGE_VERIFY : MESSAGE_ERASE);
        return true;

    case SEALED:
        w->careful = false;
        w->verdict = MESSAGE_READY;
        drop_flags(w, PAGE_SOUND);
        w->step = IDLE;
        return true;

    default: return false; /* SEAL_CHECK: writer_work */
    }
}

static void run(struct writer *w, enum port_flash_result result)
{
    while (advance(w, result))
        result = PORT_FLASH_OK;
}

/* There may be something to do now. */
static void kick(struct writer *w)
{
    if (w->step == IDLE)
        run(w, PORT_FLASH_OK);
}

void writer_flash_done(struct writer *w, enum port_flash_result result)
{
    run(w, result);
}

/* ---- sealing ----------------------------------------------------------------------------- */

/* What has not been sealed may be something that no repetition would mend. */
static void look_closer(struct writer *w)
{
    if (w->verdict == MESSAGE_UNFINISHED)
        w->verdict = (uint8_t)content_unsealed();
}

void writer_work(struct writer *w)
{
    if (w->step == IDLE && w->flush) {
        port_lock();
        kick(w);
        port_unlock();
    }
    if (w->step != SEAL_CHECK)
        return;
    struct ledger_record r = {.type = LEDGER_SEALED, .length = w->sealing};
    enum message m = content_examine(&r);
    if (m != MESSAGE_READY)
        look_closer(w);

    port_lock();
    const struct ledger_record *old = &w->ledger.newest;
    if (m != MESSAGE_READY) {
        fail(w, m);
    } else if (ledger_is_seal(old) && old->type != LEDGER_START && old->length == r.length &&
               old->crc == r.crc) {
        w->step = SEALED; /* nothing has changed */
    } else {
        record(w, &r, SEALED);
    }
    run(w, PORT_FLASH_OK);
    port_unlock();
}

/* ---- what DFU asks for ------------------------------------------------------------------- */

void writer_init(struct writer *w, const struct ledger *l, enum message verdict)
{
    w->verdict = (uint8_t)verdict;
    look_closer(w);
    memcpy(&w->ledger, l, sizeof *l);
    w->fill = w->buffer;
    w->careful = l->newest.type == LEDGER_BEGUN;
}

enum message writer_mark(struct writer *w, uint32_t addr, bool owed)
{
    if (addr < SLOT_ADDR || addr >= SLOT_END)
        return MESSAGE_ADDRESS;
    if (port_flash_protected(addr))
        return MESSAGE_PROTECTED;
    /* What was put there before, and is not being written, is gone. */
    if (w->fill->page == addr - addr % PAGE_SIZE)
        empty(w);
    *flags_of(w, addr) |= owed ? PAGE_MARKED | PAGE_OWED : PAGE_MARKED;
    return MESSAGE_READY;
}

size_t writer_put(struct writer *w, uint32_t addr, const uint8_t *data, size_t size)
{
    uint32_t page = addr - addr % PAGE_SIZE, low = addr - page;
    uint32_t high = low + (uint32_t)size < PAGE_SIZE ? low + (uint32_t)size : PAGE_SIZE;
    struct page_buffer *b = w->fill;

    if (b->page && (b->page != page || low > b->high || high < b->low))
        w->closed = true; /* neither goes on there nor overwrites it */
    kick(w);
    if (w->closed)
        return 0;
    b = w->fill;
    if (!b->page) {
        b->page = page;
        b->low = b->high = low;
    }
    memcpy(b->data + low, data, high - low);
    b->low = low < b->low ? low : b->low;
    b->high = high > b->high ? high : b->high;
    *flags_of(w, addr) &= (uint8_t)~PAGE_OWED;
    w->closed = b->high == PAGE_SIZE;
    kick(w);
    return high - low;
}

void writer_flush(struct writer *w)
{
    w->closed = w->fill->page != 0;
    w->flush = true;
    kick(w);
}

void writer_seal(struct writer *w, uint32_t length)
{
    w->seal_length = length;
    writer_flush(w);
}

static void drop(struct writer *w, unsigned flags)
{
    empty(w);
    drop_flags(w, flags);
    w->seal_length = 0;
}

void writer_end(struct writer *w)
{
    drop(w, PAGE_OWED);
    writer_flush(w);
}

void writer_forget(struct writer *w)
{
    drop(w, PAGE_OWED | PAGE_MARKED);
    w->flush = false;
    w->error = MESSAGE_READY;
}

/* ---- what DFU wants to know -------------------------------------------------------------- */

enum message writer_verdict(const struct writer *w)
{
    return w->verdict;
}

bool writer_is_marked(const struct writer *w, uint32_t addr)
{
    return w->pages[addr / PAGE_SIZE % PAGES] & PAGE_MARKED;
}

bool writer_owes(const struct writer *w)
{
    return count(w, PAGE_OWED) > 0;
}

bool writer_busy(const struct writer *w)
{
    if (w->step != IDLE)
        return true;
    return w->error == MESSAGE_READY && w->flush;
}

uint32_t writer_wait_ms(const struct writer *w, bool all)
{
    uint32_t ms = 0;
    if (w->step != IDLE) {
        uint32_t gone = port_ms() - w->since;
        ms = gone < w->takes ? w->takes - gone : 1;
    }
    if (all)
        ms += (w->fill->page ? ERASE_MS + PROGRAM_MS : 0u) + count(w, PAGE_MARKED) * ERASE_MS;
    return ms;
}

/* The oracle of the power-cut sweep. Ledger: docs/ledger.md. ECC: the chip's own, since what a program can
 * read is the chip's affair. */
#include "cutoracle.h"
#include "board.h"
#include "board/crc32.h"
#include "chip/ecc.h"
#include "chip/machine.h"
#include "chip/memory.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void breach(struct cutoracle *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void breach(struct cutoracle *o, const char *format, ...)
{
    if (o->wrong[0])
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(o->wrong, sizeof o->wrong, format, args);
    va_end(args);
}

/* ---- records ----------------------------------------------------------------------------- */

static void put(uint8_t *at, uint32_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t get(const uint8_t *at, unsigned bytes)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint32_t)at[i] << (8 * i);
    return v;
}

void co_record_bytes(const struct co_record *r, uint8_t bytes[CO_RECORD])
{
    put(bytes, 0x5B1E, 2);
    put(bytes + 2, r->type, 1);
    put(bytes + 3, r->starts, 1);
    put(bytes + 4, r->sequence, 4);
    put(bytes + 8, r->length, 4);
    put(bytes + 12, r->crc, 4);
    put(bytes + 16, r->version, 4);
    put(bytes + 20, ~crc32_more(CRC32_START, bytes, 20), 4);
}

static bool readable(struct vboard *b, uint32_t addr, uint8_t bytes[8])
{
    uint8_t check = chip_nvm_look(board_chip(b))->flash_ecc[(addr - CO_FLASH) / 8];
    uint64_t data;
    if (!vboard_peek(b, addr, bytes, 8))
        return false;
    memcpy(&data, bytes, sizeof data);
    return ecc_decode(&data, &check) != ECC_BAD;
}

static uint32_t place_address(unsigned page, unsigned place)
{
    return CO_LEDGER + page * CO_PAGE + place * CO_RECORD;
}

/* The record at a place (0 to 84) of a ledger page (0 or 1), read with the eyes of the chip: ECC counts. */
static struct co_record co_record_at(struct vboard *b, unsigned page, unsigned place)
{
    uint8_t bytes[CO_RECORD];
    for (unsigned i = 0; i < CO_RECORD; i += 8)
        if (!readable(b, place_address(page, place) + i, bytes + i))
            return (struct co_record){.type = CO_NONE};
    if (get(bytes, 2) != 0x5B1E || bytes[2] < CO_BEGUN || bytes[2] > CO_CONFIRMED ||
        get(bytes + 20, 4) != (uint32_t)~crc32_more(CRC32_START, bytes, 20))
        return (struct co_record){.type = CO_NONE};
    return (struct co_record){.type = (enum co_type)bytes[2],
                              .starts = bytes[3],
                              .sequence = get(bytes + 4, 4),
                              .length = get(bytes + 8, 4),
                              .crc = get(bytes + 12, 4),
                              .version = get(bytes + 16, 4)};
}

struct co_record co_newest(struct vboard *b, unsigned *page, unsigned *place)
{
    struct co_record newest = {.type = CO_NONE};
    for (unsigned p = 0; p < 2; p++)
        for (unsigned i = 0; i < CO_PLACES; i++) {
            struct co_record r = co_record_at(b, p, i);
            if (r.type == CO_NONE || (newest.type != CO_NONE && (int32_t)(r.sequence - newest.sequence) <= 0))
                continue;
            newest = r;
            if (page)
                *page = p;
            if (place)
                *place = i;
        }
    return newest;
}

/* ---- the log ----------------------------------------------------------------------------- */

static uint32_t target_size(const struct cutoracle *o)
{
    return o->program ? 8 : CO_PAGE;
}

static bool in_ledger(uint32_t addr)
{
    return addr >= CO_LEDGER && addr < CO_FLASH + CO_FLASH_SIZE;
}

static void sealed(struct cutoracle *o)
{
    uint32_t pages = (o->target_size + CO_PAGE - 1) / CO_PAGE;
    o->sealed_at = o->operations;
    o->unfinished = false;
    o->sealed = o->target;
    o->starts = 0;
    o->confirmed = false;
    if (!o->target || !co_slot_is(o, o->target))
        breach(o, "operation %u sealed what is not in the slot", o->operations);
    for (uint32_t i = 0; o->interrupted && i < pages; i++)
        if (!o->erased[CO_SLOT_PAGE + i])
            breach(o, "operation %u sealed although page %u was not erased after the interrupted download",
                   o->operations, (unsigned)(CO_SLOT_PAGE + i));
    o->interrupted = false;
}

/* A START or CONFIRMED: of an image that wants it, of what is in the slot, each start one more, at most
 * three. */
static void counted(struct cutoracle *o, const struct co_record *r)
{
    static uint8_t now[CO_SLOT_SIZE];
    bool start = r->type == CO_START;
    if (o->unfinished || !o->wants || o->confirmed)
        breach(o, "operation %u counts a start that is not to be counted", o->operations);
    if (start ? r->starts != o->starts + 1 || r->starts > 3 : r->starts != 0 || o->starts == 0)
        breach(o, "operation %u records start %u after %u", o->operations, r->starts, o->starts);
    if (r->length > sizeof now || !vboard_peek(o->board, CO_SLOT, now, sizeof now) ||
        r->crc != (uint32_t)~crc32_more(CRC32_START, now, r->length))
        breach(o, "operation %u records an image that is not in the slot", o->operations);
    o->starts = r->starts;
    o->confirmed = !start;
}

/* The place under o->record holds three double words: it says what it says, if it reads as whole. */
static void record_written(struct cutoracle *o)
{
    uint32_t offset = o->record - CO_LEDGER;
    struct co_record r = co_record_at(o->board, offset / CO_PAGE, offset % CO_PAGE / CO_RECORD);
    o->record = 0;
    switch (r.type) {
    case CO_NONE: break; /* given up */
    case CO_BEGUN:
        o->begun_at = o->operations;
        o->unfinished = true;
        break;
    case CO_SEALED: sealed(o); break;
    default: counted(o, &r);
    }
}

/* The operation under way has ended, whole. */
static void completed(struct cutoracle *o)
{
    if (!o->pending)
        return;
    o->pending = false;
    (void)vboard_peek(o->board, o->addr, o->flash + (o->addr - CO_FLASH), target_size(o));
    if (!o->program) {
        o->erased[(o->addr - CO_FLASH) / CO_PAGE] = true;
        o->record = 0;
    } else if (in_ledger(o->addr)) {
        if ((o->addr - CO_LEDGER) % CO_PAGE % CO_RECORD == 0) {
            o->record = o->addr;
            o->done = 0;
        }
        if (o->record && o->addr == o->record + 8 * o->done && ++o->done == 3)
            record_written(o);
    }
}

void co_power_on(struct cutoracle *o)
{
    (void)vboard_peek(o->board, CO_FLASH, o->flash, sizeof o->flash);
    memset(o->erased, 0, sizeof o->erased);
    o->interrupted = o->unfinished;
    o->pending = false;
    o->record = 0;
    o->operations = o->begun_at = o->sealed_at = o->turns = 0;
    o->target = NULL;
}

void co_download(struct cutoracle *o, const uint8_t *target, uint32_t size)
{
    o->target = target;
    o->target_size = size;
}

void co_quiet(struct cutoracle *o)
{
    completed(o);
}

/* The rules for an operation that begins. */
static void check_operation(struct cutoracle *o)
{
    unsigned page = (o->addr - CO_FLASH) / CO_PAGE, n = o->operations;
    if (page < CO_SLOT_PAGE || page >= CO_PAGES) {
        breach(o, "operation %u at 0x%08x is outside slot and ledger", n, (unsigned)o->addr);
    } else if (page < CO_LEDGER_PAGE) {
        if (!o->unfinished)
            breach(o, "operation %u changes page %u, and no BEGUN is there", n, page);
        if (o->program && o->interrupted && !o->erased[page])
            breach(o, "operation %u programs page %u, not erased after the interrupted download", n, page);
    } else if (!o->program) {
        unsigned newest = 2;
        o->turns++;
        if (co_newest(o->board, &newest, NULL).type != CO_NONE && newest == page - CO_LEDGER_PAGE)
            breach(o, "operation %u erases the ledger page with the newest record", n);
    }
}

void co_operation(struct cutoracle *o, const struct vboard_event *e)
{
    completed(o);
    o->operations++;
    o->program = strcmp(e->name, "program") == 0;
    if (!o->program && strcmp(e->name, "erase") != 0) {
        breach(o, "operation %u is '%s'", o->operations, e->name);
        return;
    }
    o->addr = o->program ? e->a : CO_FLASH + e->a * CO_PAGE;
    o->pending = true;
    check_operation(o);
}

void co_cut(struct cutoracle *o, enum vboard_cut model)
{
    if (model == CUT_AFTER) {
        completed(o);
    } else if (model == CUT_BEFORE) {
        o->pending = false;
    } else if (o->pending && o->program && o->record && o->done == 2 && o->addr == o->record + 16) {
        record_written(o); /* of a record that was torn at its end, whatever can be read counts */
    }
}

bool co_untouched(struct cutoracle *o)
{
    static uint8_t now[CO_FLASH_SIZE];
    (void)vboard_peek(o->board, CO_FLASH, now, sizeof now);
    if (o->pending)
        memcpy(o->flash + (o->addr - CO_FLASH), now + (o->addr - CO_FLASH), target_size(o));
    o->pending = false;
    return memcmp(now, o->flash, sizeof now) == 0;
}

bool co_slot_is(struct cutoracle *o, const uint8_t *content)
{
    static uint8_t now[CO_SLOT_SIZE];
    return vboard_peek(o->board, CO_SLOT, now, sizeof now) && memcmp(now, content, sizeof now) == 0;
}

/* The ledger: finding the newest record, appending one. See docs/ledger.md. */
#include "boot/core/ledger.h"
#include "port/port.h"

_Static_assert(sizeof(struct ledger_record) == 24, "records are three double words");
_Static_assert(LEDGER_SIZE == 2 * PAGE_SIZE && LEDGER_ADDR % LEDGER_SIZE == 0, "two pages, one bit apart");

/* Places that must be left in the page for a record to go there: itself and what may follow it before
 * the next BEGUN, with one or two to spare for torn places. So the boot path never has to erase. */
static unsigned places_needed(unsigned type)
{
    return type < LEDGER_START ? 10 - 2 * type : 1;
}

static const uint64_t zero;

static uint32_t place(uint32_t page, unsigned n)
{
    return page + n * (uint32_t)sizeof(struct ledger_record);
}

static bool is_blank(uint32_t addr)
{
    uint32_t is[2];
    return port_flash_read(addr, is, sizeof is, NULL) && (is[0] & is[1]) == UINT32_MAX;
}

/* The first double word alone tells of most places that hold none: each one that cannot be read costs. */
static bool is_record(uint32_t addr, struct ledger_record *r)
{
    return port_flash_read(addr, r, 8, NULL) && r->magic == LEDGER_MAGIC &&
           port_flash_read(addr, r, sizeof *r, NULL) && r->type < LEDGER_TYPES && r->type != LEDGER_NONE &&
           r->check == port_crc(0, r, offsetof(struct ledger_record, check));
}

/* Whether a place without a record may have held a BEGUN that was whole, and that something else than a
 * power cut has spoiled: its last double word is not blank, and its first one says BEGUN or nothing. */
static bool was_begun(uint32_t addr)
{
    struct ledger_record r;
    if (is_blank(addr + 16))
        return false;
    return !port_flash_read(addr, &r, 8, NULL) || (r.magic == LEDGER_MAGIC && r.type == LEDGER_BEGUN);
}

/* The newest record of a page; type LEDGER_NONE if there is none, and then `torn` is whether there may have
 * been a BEGUN. */
static void find_in_page(struct ledger *l, uint32_t page)
{
    unsigned low = 0, high = LEDGER_PLACES;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        /* A place is used once its first double word is not blank: it is programmed first, and is neither
         * all ones in a record nor in a place that was given up. */
        if (is_blank(place(page, middle)))
            high = middle;
        else
            low = middle + 1;
    }
    l->page = page;
    l->next = (uint8_t)low;
    l->torn = false;
    bool begun = false;
    while (low > 0) {
        uint32_t addr = place(page, --low);
        if (is_record(addr, &l->newest))
            return;
        l->torn = true;
        begun = begun || was_begun(addr);
    }
    l->torn = begun;
    memset(&l->newest, 0, sizeof l->newest); /* LEDGER_NONE */
}

void ledger_find(struct ledger *l)
{
    struct ledger other;
    find_in_page(l, LEDGER_ADDR);
    find_in_page(&other, LEDGER_ADDR + PAGE_SIZE);
    bool none = l->newest.type == LEDGER_NONE, other_none = other.newest.type == LEDGER_NONE;
    bool lost = (none && l->torn) || (other_none && other.torn);
    if (!other_none && (none || (int32_t)(other.newest.sequence - l->newest.sequence) > 0))
        memcpy(l, &other, sizeof *l);
    if (lost) {
        l->torn = true;
        if (none && other_none)
            l->newest.type = LEDGER_BEGUN;
    }
}

enum { TURN, ERASED, WRITE, WRITTEN, GIVEN_UP };

void ledger_append(struct ledger_append *a, struct ledger *l, const struct ledger_record *content)
{
    a->ledger = l;
    a->tries = 0;
    a->turned = false;
    ledger_copy(&a->record, content);
    a->record.magic = LEDGER_MAGIC;
    a->record.sequence = l->newest.sequence + 1;
    a->record.check = port_crc(0, &a->record, offsetof(struct ledger_record, check));
    a->step = LEDGER_PLACES - l->next < places_needed(a->record.type) ? TURN : WRITE;
}

static enum ledger_step program(struct ledger_append *a, uint32_t addr, const void *data, uint32_t size)
{
    a->addr = addr;
    a->data = data;
    a->size = size;
    return LEDGER_PROGRAM;
}

enum ledger_step ledger_append_next(struct ledger_append *a, bool ok)
{
    struct ledger *l = a->ledger;
    struct ledger_record now;

    switch (a->step) {
    case ERASED:
        if (!ok)
            return LEDGER_FAILED;
        l->page ^= PAGE_SIZE;
        l->next = 0;
        break;
    case WRITTEN:
        if (is_record(a->addr, &now) && now.check == a->record.check) {
            ledger_copy(&l->newest, &a->record);
            l->torn = false;
            return LEDGER_DONE;
        }
        /* A place that looked blank and was not, after a power cut. All zeros can always be programmed
         * (RM0394 "FLASH programming error"), and mark it as used for the search. */
        a->step = GIVEN_UP;
        return program(a, a->addr, &zero, sizeof zero);
    default: break;
    }

    if (a->step == TURN || l->next >= LEDGER_PLACES || a->tries >= 4) {
        if (a->turned)
            return LEDGER_FAILED;
        a->turned = true;
        a->tries = 0;
        a->step = ERASED;
        a->addr = l->page ^ PAGE_SIZE;
        return LEDGER_ERASE;
    }
    a->tries++;
    a->step = WRITTEN;
    return program(a, place(l->page, l->next++), &a->record, sizeof a->record);
}

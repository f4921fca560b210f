/* Looks at an image as the bootloader would, and further: the bootloader sees one block at a time, a tool
 * has the whole file. */
#include "examine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/bytes.h"
#include "board/crc32.h"
#include "boot/core/config.h"
#include "factory.h"
#include "linked.h"
#include "vtor.h"

static const struct {
    enum finding_code code;
    const char *name, *sentence;
} table[] = {
#define X(number, name, status, led, sentence) {FINDING_##name, #name, sentence},
#include "boot/core/messages.inc"
#undef X
};

static size_t row_of(enum finding_code code)
{
    size_t i = 0;
    while (i < sizeof table / sizeof *table - 1 && table[i].code != code)
        i++;
    return i;
}

const char *finding_name(enum finding_code code)
{
    return table[row_of(code)].name;
}

const char *finding_sentence(enum finding_code code)
{
    return table[row_of(code)].sentence;
}

__attribute__((format(printf, 4, 5))) static void add(struct findings *f, enum finding_code code,
                                                      enum severity severity, const char *detail, ...)
{
    for (unsigned i = 0; i < f->count; i++)
        if (f->list[i].code == code)
            return; /* the first of a kind says enough */
    if (f->count == FINDINGS_MAX)
        return;
    struct finding *new = &f->list[f->count++];
    *new = (struct finding){.code = code, .severity = severity};
    va_list args;
    va_start(args, detail);
    (void)vsnprintf(new->detail, sizeof new->detail, detail, args);
    va_end(args);
}

bool will_run(const struct findings *f)
{
    for (unsigned i = 0; i < f->count; i++)
        if (f->list[i].severity == ERROR)
            return false;
    return true;
}

/* ---- where it is ------------------------------------------------------------------------- */

static bool in_slot(const struct image_part *p)
{
    return p->addr >= SLOT_ADDR && p->addr < SLOT_END && p->size <= SLOT_END - p->addr;
}

/* SRAM, where nothing can be downloaded to. */
static bool in_ram(uint32_t addr)
{
    return (addr >= RAM_ADDR && addr < RAM_ADDR + RAM_SIZE) ||
           (addr >= SRAM2_ADDR && addr < SRAM2_ADDR + SRAM2_SIZE);
}

static void look_at_parts(struct findings *f, const struct image *image)
{
    f->first = image->parts[0].addr;
    for (size_t i = 0; i < image->count; i++) {
        const struct image_part *p = &image->parts[i];
        const uint32_t last = p->addr + (p->size - 1);
        f->last = last;
        f->bytes += p->size;
        if (in_slot(p)) {
            if (i > 0 && in_slot(&image->parts[i - 1]))
                add(f, FINDING_GAP, NOTE, "%u bytes before 0x%08X",
                    p->addr - (image->parts[i - 1].addr + image->parts[i - 1].size), p->addr);
        } else if (in_ram(f->first)) { /* all of it: linked to be run there */
            add(f, FINDING_NOT_HERE, ERROR, "it begins at 0x%08X", f->first);
        } else if (in_ram(p->addr)) {
            add(f, FINDING_IN_RAM, ERROR, "%u bytes at 0x%08X", p->size, p->addr);
        } else if (p->addr == SLOT_ADDR) {
            add(f, FINDING_TOO_LARGE, ERROR, "%u bytes of %u", p->size, SLOT_SIZE);
        } else if (p->addr >= FLASH_ADDR && p->addr < SLOT_ADDR) {
            add(f, FINDING_NOT_HERE, ERROR, "it begins at 0x%08X", p->addr);
        } else {
            add(f, FINDING_ADDRESS, ERROR, "%u bytes from 0x%08X to 0x%08X", p->size, p->addr, last);
        }
    }
}

/* ---- the vector table -------------------------------------------------------------------- */

static const struct image_part *part_at(const struct image *image, uint32_t addr)
{
    for (size_t i = 0; i < image->count; i++)
        if (addr >= image->parts[i].addr && addr - image->parts[i].addr < image->parts[i].size)
            return &image->parts[i];
    return NULL;
}

static bool is_reserved(unsigned v)
{
    return (v >= 7 && v <= 10) || v == 13;
}

/* The processor's own exceptions; how far the table goes beyond them nobody says. A program that has none
 * ends it behind the reset vector, and what follows is code: no word of that looks like a vector. */
static void look_at_handlers(struct findings *f, const struct image *image, const struct image_part *head)
{
    unsigned good = 0, wrong = 0;
    for (unsigned v = 2; v < 16 && 4 * v + 4 <= head->size; v++) {
        uint32_t vector = le32(head->bytes + 4 * v);
        if (is_reserved(v))
            continue;
        if (vector == 0 || (vector % 2 != 0 && (in_ram(vector) || part_at(image, vector & ~1u))))
            good++;
        else if (!wrong && !in_ram(vector))
            wrong = v;
    }
    if (wrong && good)
        add(f, FINDING_VECTOR, ERROR, "vector %u is 0x%08X", wrong, le32(head->bytes + 4 * (size_t)wrong));
}

/* Which vector is meant by "linked elsewhere": the reset vector, unless that is right. */
static unsigned vector_elsewhere(const struct image_part *head, uint32_t reset)
{
    if (reset % 2 != 0 && reset >= SLOT_ADDR && reset < SLOT_END)
        for (unsigned v = 2; v < 16 && 4 * v + 4 <= head->size; v++) {
            uint32_t vector = le32(head->bytes + 4 * v);
            if (!is_reserved(v) && vector >= FLASH_ADDR && vector < SLOT_ADDR)
                return v;
        }
    return 1;
}

static void look_at_vectors(struct findings *f, const struct image *image, const struct image_part *head)
{
    enum message m = image_lint(head->bytes, head->size);
    f->stack = head->size >= 4 ? le32(head->bytes) : 0;
    f->reset = head->size >= 8 ? le32(head->bytes + 4) : 0;
    if (head->size < 8) {
        add(f, FINDING_CUT_SHORT, ERROR, "%u bytes are not even a stack pointer and a reset vector",
            head->size);
        return;
    }
    if (m != MESSAGE_READY) {
        /* The numbers are the same: one table. */
        enum finding_code code = m == MESSAGE_EMPTY ? FINDING_BLANK_FILE : (enum finding_code)m;
        unsigned v = m == MESSAGE_NOT_HERE ? vector_elsewhere(head, f->reset) : 1;
        if (v == 1)
            add(f, code, ERROR, "stack pointer 0x%08X, reset vector 0x%08X", f->stack, f->reset);
        else
            add(f, code, ERROR, "vector %u is 0x%08X", v, le32(head->bytes + 4 * (size_t)v));
        return;
    }
    f->has_vectors = true;
    if (!part_at(image, f->reset)) { /* the second byte there */
        add(f, FINDING_CUT_SHORT, ERROR, "the reset handler is at 0x%08X", f->reset & ~1u);
        return;
    }
    look_at_handlers(f, image, head);
}

struct stores {
    uint32_t to_slot, back, elsewhere, elsewhere_value;
};

static void on_store(void *arg, uint32_t at, uint32_t value)
{
    struct stores *s = arg;
    if (value == SLOT_ADDR)
        s->to_slot = at;
    else if (value == FLASH_ADDR)
        s->back = at;
    else if (value >= FLASH_ADDR && value < FLASH_ADDR + FLASH_SIZE) {
        s->elsewhere = at;
        s->elsewhere_value = value;
    }
}

static void look_at_vtor(struct findings *f, const struct image *image)
{
    struct stores s = {0};
    for (size_t i = 0; i < image->count; i++)
        if (in_slot(&image->parts[i]))
            vtor_stores(image->parts[i].bytes, image->parts[i].size, image->parts[i].addr, on_store, &s);
    /* One that sets it right as well, later perhaps, gets the benefit of the doubt. */
    if (s.back && !s.to_slot)
        add(f, FINDING_VTOR_BACK, NOTE, "at 0x%08X", s.back);
    if (s.elsewhere && !s.to_slot)
        add(f, FINDING_VTOR_ELSEWHERE, WARNING, "0x%08X, at 0x%08X", s.elsewhere_value, s.elsewhere);
}

/* ---- the information block --------------------------------------------------------------- */

uint8_t *image_slot(const struct image *image, uint32_t *size)
{
    uint32_t end = SLOT_ADDR;
    for (size_t i = 0; i < image->count; i++) {
        if (!in_slot(&image->parts[i]))
            return NULL;
        end = image->parts[i].addr + image->parts[i].size;
    }
    uint8_t *slot = malloc(end - SLOT_ADDR + 1u);
    if (!slot)
        return NULL;
    memset(slot, 0xFF, end - SLOT_ADDR + 1u);
    for (size_t i = 0; i < image->count; i++)
        memcpy(slot + (image->parts[i].addr - SLOT_ADDR), image->parts[i].bytes, image->parts[i].size);
    *size = end - SLOT_ADDR;
    return slot;
}

uint32_t image_crc(const uint8_t *slot, uint32_t length, uint32_t info_address)
{
    uint32_t hole = info_address - SLOT_ADDR + (uint32_t)offsetof(struct image_info, crc);
    return ~crc32_more(crc32_more(CRC32_START, slot, hole), slot + hole + 4, length - (hole + 4));
}

static void look_at_info(struct findings *f, const uint8_t *slot, uint32_t size)
{
    struct image_head head;
    if (size < sizeof head)
        return;
    memcpy(&head, slot, sizeof head);
    uint32_t at = image_info_address(&head);
    if (!at || at - SLOT_ADDR > size || size - (at - SLOT_ADDR) < sizeof f->info)
        return;
    memcpy(&f->info, slot + (at - SLOT_ADDR), sizeof f->info);
    if (!image_info_valid(&f->info))
        return;
    f->has_info = true;
    f->info_address = at;
    if (image_info_board(&f->info) != MESSAGE_READY)
        add(f, FINDING_WRONG_BOARD, ERROR, "board id 0x%08X, here it is 0x%08X", f->info.board,
            (unsigned)BOARD_ID);
    if ((f->info.flags & IMAGE_WANTS_CONFIRM) && !(f->info.flags & IMAGE_HAS_MAILBOX))
        add(f, FINDING_CANNOT_CONFIRM, WARNING, "flags %u", f->info.flags);
    f->packed = image_info_packed(&f->info, at);
    if (!f->packed) {
        add(f, FINDING_NOT_PACKED, NOTE, "length %u", f->info.length);
        return;
    }
    f->crc_right = f->info.length <= size && image_crc(slot, f->info.length, at) == f->info.crc;
    if (!f->crc_right)
        add(f, FINDING_DAMAGED, ERROR, "%u bytes, CRC 0x%08X; the file has %u bytes", f->info.length,
            f->info.crc, size);
}

/* Linked for another bootloader, behind which the vector table has another place. */
static bool is_table(const struct image *image, const struct image_part *p)
{
    if (p->size < 8)
        return false;
    uint32_t stack = le32(p->bytes), reset = le32(p->bytes + 4);
    return in_ram(stack - 4) && reset % 2 != 0 && part_at(image, reset & ~1u) != NULL;
}

static void look_at_application(struct findings *f, const struct image *image)
{
    look_at_parts(f, image);
    if (image->other_core[0])
        add(f, FINDING_OTHER_CORE, WARNING, "for %s", image->other_core);
    const struct image_part *head = part_at(image, SLOT_ADDR);
    if (!head) {
        if (will_run(f))
            add(f, is_table(image, image->parts) ? FINDING_NOT_HERE : FINDING_NO_VECTORS, ERROR,
                "it begins at 0x%08X", f->first);
        return;
    }
    if (head->addr == SLOT_ADDR)
        look_at_vectors(f, image, head);
    if (!f->has_vectors)
        return;
    if (image->headers.size > 0 && image->headers.addr >= FLASH_ADDR && image->headers.addr < SLOT_ADDR)
        add(f, FINDING_HEADERS, NOTE, "%u bytes at 0x%08X", image->headers.size, image->headers.addr);
    look_at_vtor(f, image);
    uint32_t size;
    uint8_t *slot = image_slot(image, &size);
    if (slot) {
        uint32_t linked = image->format == IMAGE_ELF ? SLOT_ADDR : linked_at(slot, size, SLOT_ADDR);
        if (linked != SLOT_ADDR)
            add(f, FINDING_NOT_HERE, ERROR, "by the addresses in it, it was linked at 0x%08X", linked);
        look_at_info(f, slot, size);
    }
    free(slot);
}

void examine(struct findings *f, const struct image *image)
{
    struct image_part part;
    bool whole;
    memset(f, 0, sizeof *f);
    f->factory = factory_image(image, &part, &whole);
    if (!f->factory) {
        look_at_application(f, image);
        return;
    }
    struct image application = *image; /* all else that is known of the file */
    application.parts = &part;
    application.count = 1;
    look_at_application(f, &application);
    add(f, FINDING_FACTORY, NOTE, "the application has %u bytes", part.size);
    if (!whole)
        add(f, FINDING_CHANGED, ERROR, "the application has not the CRC of its seal");
}

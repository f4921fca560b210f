/* What sureboot reads in code without running it, against the processor that runs it: pieces in which VTOR is
 * set in every form it knows, with random instructions in between. Each store that it tells of is done, with
 * the value it told; with nothing in between it tells of each. */
#include "bare_cpu.h"
#include "cmocka_first.h"
#include "cpu_encodings.h"
#include <string.h>

#include "board/bytes.h"
#include "vtor.h"

enum { CASES = 50000, CODE = BARE_FLASH + 0x4000, ROOM = 512, POOL = 256, MOST = 64 };

/* ---- code -------------------------------------------------------------------------------- */

static uint8_t code[ROOM];
static uint32_t end, pool; /* offsets: behind the last instruction, of the next literal */
static uint8_t conditional[ROOM];
static unsigned under_it; /* that many more instructions are conditional */

static void put_half(uint32_t at, uint32_t value)
{
    code[at] = (uint8_t)value;
    code[at + 1] = (uint8_t)(value >> 8);
}

static void put(uint32_t op)
{
    bool wide = op > 0xFFFF;
    conditional[end] = under_it > 0;
    under_it -= under_it > 0;
    put_half(end, wide ? op >> 16 : op);
    if (wide)
        put_half(end + 2, op);
    end += wide ? 4 : 2;
}

/* Any instruction at all but those that hold the processor up. */
static void put_any(void)
{
    const struct cpu_row *row;
    do
        row = &cpu_rows[rnd() % cpu_row_count];
    while (strncmp(row->name, "WF", 2) == 0 || strncmp(row->name, "BKPT", 4) == 0 ||
           strncmp(row->name, "UDF", 3) == 0 || strncmp(row->name, "SVC", 3) == 0 ||
           (under_it && strncmp(row->name, "IT", 2) == 0));
    uint32_t op = cpu_row_random(row);
    put(op);
    if (strncmp(row->name, "IT", 2) == 0)
        under_it = 4 - (unsigned)__builtin_ctz(op & 15);
}

/* Not often more than two in a piece, or little of it is left to be told. */
static void put_some(bool some)
{
    while (some && rnd() % 5 == 0 && end < POOL - 48)
        put_any();
}

static uint32_t literal(uint32_t value)
{
    put_half(pool, value);
    put_half(pool + 2, value >> 16);
    pool += 4;
    return pool - 4;
}

/* imm12 of MOV.W as the manual has it, A5.3.2; its value in *value. */
static uint32_t modified(uint32_t *value)
{
    uint32_t imm12 = rnd() & 0xFFF, byte = imm12 & 0xFF, rotate = imm12 >> 7;
    static const uint32_t pattern[] = {1, 0x00010001, 0x01000100, 0x01010101};
    if (imm12 >> 10 == 0) {
        *value = byte * pattern[imm12 >> 8];
    } else {
        byte |= 0x80;
        *value = byte << (32 - rotate) | (rotate < 32 ? byte >> rotate : 0);
    }
    return imm12;
}

static uint32_t with_imm12(uint32_t op, unsigned rd, uint32_t imm12)
{
    return op | (imm12 >> 11 & 1) << 26 | (imm12 >> 8 & 7) << 12 | rd << 8 | (imm12 & 0xFF);
}

static uint32_t from_pool(uint32_t value, unsigned rd, bool wide)
{
    uint32_t at = literal(value), pc = (end + 4) & ~3u;
    return wide ? 0xF8DF0000 | rd << 12 | (at - pc) : 0x4800 | rd << 8 | (at - pc) / 4;
}

/* Makes a low register hold this, with bystanders in between. */
static void make(unsigned rd, uint32_t value, bool some)
{
    switch (rnd() % 4) {
    case 0: put(from_pool(value, rd, false)); break;
    case 1: put(from_pool(value, rd, true)); break;
    case 2:
        put(with_imm12(0xF2400000 | (value >> 12 & 15) << 16, rd, value & 0xFFF));
        put_some(some);
        put(with_imm12(0xF2C00000 | value >> 28 << 16, rd, value >> 16 & 0xFFF));
        break;
    default: {
        uint32_t n = rnd() & 0xFF;
        bool up = rnd() & 1;
        put(from_pool(up ? value - n : value + n, rd, false));
        put_some(some);
        put((up ? 0x3000 : 0x3800) | rd << 8 | n);
        break;
    }
    }
}

/* Any value, in the forms that have not every value; or as make(). */
static void make_any(unsigned rd, bool some)
{
    uint32_t value;
    switch (rnd() % 4) {
    case 0: put(with_imm12(0xF04F0000 | (rnd() & 1) << 20, rd, modified(&value))); break;
    case 1:
        put(0x2000 | rd << 8 | (rnd() & 0xFF));
        put_some(some);
        put((1 + rnd() % 31) << 6 | rd << 3 | rd);
        break;
    default: make(rd, rnd(), some);
    }
}

/* Returns where the store is. */
static uint32_t piece(uint32_t n, bool some)
{
    rnd_seed = (uint64_t)n << 32;
    unsigned rn = rnd() % 8, rt = (rn + 1 + rnd() % 7) % 8;
    bool wide = rnd() & 1, over = rnd() & 1;
    uint32_t offset = wide ? rnd() & 0xFFF : (rnd() & 31) * 4;
    end = 0;
    pool = POOL;
    under_it = 0;
    memset(code, 0, sizeof code);
    put_some(some);
    make(rn, VTOR - offset, some);
    put_some(some);
    make_any(rt, some);
    put_some(some);
    if (over) { /* by way of another register, a high one too */
        unsigned r = rnd() % 13;
        while (r == rn || r == rt)
            r = (r + 1) % 13;
        put(0x4600 | (r & 8) << 4 | rt << 3 | (r & 7));
        put_some(some);
        if (wide || r < 8)
            rt = r;
    }
    uint32_t at = end;
    put(wide ? 0xF8C00000 | rn << 16 | rt << 12 | offset : 0x6000 | offset / 4 << 6 | rn << 3 | rt);
    put_some(some);
    put(BX(14));
    if (end % 4)
        put(NOP);
    return at;
}

/* ---- what it tells ----------------------------------------------------------------------- */

static struct {
    uint32_t at, value;
} told[MOST];
static unsigned tells, done; /* in a piece; in all, and by the processor */

static void found(void *arg, uint32_t at, uint32_t value)
{
    (void)arg;
    assert_true(tells < MOST);
    told[tells].at = at;
    told[tells++].value = value;
}

/* ---- and what is done -------------------------------------------------------------------- */

static void any_register(unsigned r)
{
    set(r, rnd() % 4 ? BARE_RAM + BARE_RAM_SIZE / 2 + (rnd() & 0xFFC) : rnd());
}

/* Goes to the next instruction as somebody else who comes from elsewhere. */
static void come_from_elsewhere(const char *left_by)
{
    bool call = strncmp(left_by, "BL", 2) == 0;
    for (unsigned r = 0; r < 13; r++)
        if (!call || r < 4 || r == 12)
            any_register(r);
}

static void run(uint32_t piece)
{
    bare_start(bare);
    memcpy(bare->flash + (CODE - BARE_FLASH), code, ROOM);
    cpu_code_changed(bare->cpu, CODE, ROOM);
    for (unsigned r = 0; r < 13; r++)
        any_register(r);
    set(13, BARE_RAM + BARE_RAM_SIZE / 2);
    set(14, CODE | 1);
    bare->faulted = 0;
    unsigned next = 0;
    for (uint32_t at = 0; at < end;) {
        uint32_t first = le16(code + at),
                 op = first >> 11 >= 0x1D ? first << 16 | le16(code + at + 2) : first;
        uint32_t size = op > 0xFFFF ? 4 : 2;
        const char *name = cpu_row_of(op, 8 * size)->name;
        const uint32_t before = 0x20000000 + (rnd() & 0xFFFF80);
        bool tell = next < tells && told[next].at == CODE + at;
        if (tell)
            bare_store(bare, VTOR, before);
        set(15, CODE + at);
        if (cpu_step(bare->cpu) != CPU_RAN || bare->faulted || (bare_ppb(bare, ICSR) & 0x1FF))
            return; /* whatever it did, it was not a store to VTOR */
        if (tell) {
            uint32_t now = bare_ppb(bare, VTOR);
            if (now != (told[next].value & 0xFFFFFF80) && !(conditional[at] && now == before))
                fail_msg("piece %u, %s at 0x%x: VTOR is %08x, told was %08x", piece, name, at, now,
                         told[next].value);
            next++;
            done++;
        }
        at += size;
        bool falls_through =
            strncmp(name, "CB", 2) == 0 || strcmp(name, "B T1") == 0 || strcmp(name, "B T3") == 0;
        if (reg(15) != CODE + at && !falls_through)
            come_from_elsewhere(name);
    }
}

static void nothing_in_between(void **state)
{
    (void)state;
    done = 0;
    for (uint32_t n = 0; n < CASES; n++) {
        uint32_t at = piece(n, false);
        tells = 0;
        vtor_stores(code, pool, CODE, found, NULL);
        if (tells == 0 || told[0].at != CODE + at)
            fail_msg("piece %u: nothing is told of 0x%x", n, at);
        run(n);
    }
    assert_in_range(done, CASES, UINT32_MAX);
}

static void others_in_between(void **state)
{
    (void)state;
    done = 0;
    for (uint32_t n = 0; n < CASES; n++) {
        piece(n, true);
        tells = 0;
        vtor_stores(code, end, CODE, found, NULL);
        run(n);
    }
    assert_true(done > CASES / 20); /* jumps and faults leave so many */
}

int main(void)
{
    cpu_rows_prepare();
    const struct CMUnitTest tests[] = {TEST(nothing_in_between), TEST(others_in_between)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

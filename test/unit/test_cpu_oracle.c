/* The processor against libunicorn, instruction by instruction: random cases for every row of
 * cpu_encodings.inc, random words that no row knows, and random sequences with IT blocks.
 *
 * libunicorn 2.0.1 needs UC_MODE_THUMB with the CPU model set; UC_MODE_MCLASS is another processor.
 * What it cannot do is proven elsewhere: see the last column of the rows. */
#include "bare_cpu.h"
#include "cpu_encodings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unicorn/unicorn.h>

enum { CASES = 500, CODE = BARE_FLASH + BARE_FLASH_SIZE / 2, CENTRE = BARE_RAM + BARE_RAM_SIZE / 2 };

static uc_engine *uc;
static uint8_t uc_ram[BARE_RAM_SIZE], uc_flash[BARE_FLASH_SIZE];

/* ---- random numbers ---------------------------------------------------------------------- */

static uint32_t pick(const uint32_t *from, size_t n)
{
    return from[rnd() % n];
}
#define PICK(array) pick(array, sizeof(array) / sizeof *(array))

static uint32_t extreme(void)
{
    static const uint32_t v[] = {0,          1,          2,          0x7fff,     0x8000,
                                 0xffff,     0x10000,    0x7fffffff, 0x80000000, 0x80000001,
                                 0xffffffff, 0xfffffffe, 0x7fff8000, 0x80007fff, 0x80008000,
                                 0x7fff7fff, 0xffff8000, 0x00017fff, 0x40000000, 0xc0000000};
    return rnd() % 3 ? PICK(v) : rnd();
}

static uint32_t lanes(void)
{
    static const uint8_t v[] = {0, 1, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff};
    uint32_t w = 0;
    for (int i = 0; i < 4; i++)
        w = w << 8 | (rnd() % 3 ? v[rnd() % 8] : rnd() & 0xff);
    return w;
}

/* Zeros, denormals, infinities, NaNs of both kinds, numbers near every border, and pairs whose
 * exponents are close enough to cancel. */
static uint32_t float_bits(void)
{
    static const uint32_t v[] = {0x00000000, 0x00000001, 0x007fffff, 0x00800000, 0x00800001, 0x00ffffff,
                                 0x01000000, 0x3effffff, 0x3f000000, 0x3f7fffff, 0x3f800000, 0x3f800001,
                                 0x40490fdb, 0x4b7fffff, 0x4b800000, 0x4effffff, 0x4f000000, 0x4f7fffff,
                                 0x4f800000, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fbfffff, 0x7fc00000,
                                 0x7fffffff, 0x47000000, 0x477fe000, 0x477ff000, 0x477fffff, 0x33000000,
                                 0x33800000, 0x38800000, 0x387fc000, 0x387fffff, 0x1f000000};
    switch (rnd() % 5) {
    case 0: return PICK(v) | (rnd() & 0x80000000);
    case 1: return rnd();
    case 2: return (rnd() & 0x807fffff) | (120 + rnd() % 16) << 23;
    case 3: return (rnd() & 0x80000000) | (120 + rnd() % 40) << 23 | (rnd() % 16) << 19;
    default: return (rnd() & 0x807fffff) | (rnd() % 30) << 23;
    }
}

/* ---- state on both sides ----------------------------------------------------------------- */

struct state {
    uint32_t r[16], xpsr, s[32], fpscr; /* in the order of uc_regs */
    bool fp;
};

static void check(uc_err e, const char *what)
{
    if (e != UC_ERR_OK)
        fail_msg("%s: %s", what, uc_strerror(e));
}

/* What is compared, in the order of struct state. The oracle's CPSR is the only register that shows
 * all flags; ITSTATE lies there as in XPSR. */
static int uc_regs[] = {UC_ARM_REG_R0,  UC_ARM_REG_R1,   UC_ARM_REG_R2,  UC_ARM_REG_R3,  UC_ARM_REG_R4,
                        UC_ARM_REG_R5,  UC_ARM_REG_R6,   UC_ARM_REG_R7,  UC_ARM_REG_R8,  UC_ARM_REG_R9,
                        UC_ARM_REG_R10, UC_ARM_REG_R11,  UC_ARM_REG_R12, UC_ARM_REG_SP,  UC_ARM_REG_LR,
                        UC_ARM_REG_PC,  UC_ARM_REG_CPSR, UC_ARM_REG_S0,  UC_ARM_REG_S1,  UC_ARM_REG_S2,
                        UC_ARM_REG_S3,  UC_ARM_REG_S4,   UC_ARM_REG_S5,  UC_ARM_REG_S6,  UC_ARM_REG_S7,
                        UC_ARM_REG_S8,  UC_ARM_REG_S9,   UC_ARM_REG_S10, UC_ARM_REG_S11, UC_ARM_REG_S12,
                        UC_ARM_REG_S13, UC_ARM_REG_S14,  UC_ARM_REG_S15, UC_ARM_REG_S16, UC_ARM_REG_S17,
                        UC_ARM_REG_S18, UC_ARM_REG_S19,  UC_ARM_REG_S20, UC_ARM_REG_S21, UC_ARM_REG_S22,
                        UC_ARM_REG_S23, UC_ARM_REG_S24,  UC_ARM_REG_S25, UC_ARM_REG_S26, UC_ARM_REG_S27,
                        UC_ARM_REG_S28, UC_ARM_REG_S29,  UC_ARM_REG_S30, UC_ARM_REG_S31, UC_ARM_REG_FPSCR};
enum { CORE_REGS = 17, ALL_REGS = sizeof uc_regs / sizeof *uc_regs };

static void set_both(const struct state *s)
{
    struct state copy = *s;
    void *values[ALL_REGS];
    for (unsigned i = 0; i < ALL_REGS; i++)
        values[i] = (uint32_t *)&copy + i;
    copy.r[15] |= 1;
    uc_regs[16] = UC_ARM_REG_APSR_NZCVQG;
    check(uc_reg_write_batch(uc, uc_regs, values, s->fp ? ALL_REGS : CORE_REGS), "registers");
    for (unsigned i = 0; i < 17; i++)
        cpu_set_reg(bare->cpu, i, i == 16 ? s->xpsr : s->r[i]);
    for (unsigned i = 0; s->fp && i < 32; i++)
        cpu_set_reg(bare->cpu, 32 + i, s->s[i]);
    if (s->fp)
        cpu_set_reg(bare->cpu, 23, s->fpscr);
}

static struct state get_oracle(bool fp)
{
    struct state s = {.fp = fp};
    void *values[ALL_REGS];
    for (unsigned i = 0; i < ALL_REGS; i++)
        values[i] = (uint32_t *)&s + i;
    uc_regs[16] = UC_ARM_REG_CPSR;
    check(uc_reg_read_batch(uc, uc_regs, values, fp ? ALL_REGS : CORE_REGS), "registers");
    s.r[13] &= ~3u; /* the oracle keeps bits that SP does not have (B1.4.1) */
    s.xpsr = (s.xpsr & 0xfe0ffc00) | (s.xpsr & 0x20) << 19;
    return s;
}

static struct state get_ours(bool fp)
{
    struct state s = {.fp = fp};
    for (unsigned i = 0; i < 16; i++)
        s.r[i] = cpu_reg(bare->cpu, i);
    s.xpsr = cpu_reg(bare->cpu, 16);
    for (unsigned i = 0; fp && i < 32; i++)
        s.s[i] = cpu_reg(bare->cpu, 32 + i);
    if (fp)
        s.fpscr = cpu_reg(bare->cpu, 23);
    return s;
}

static void tell(const char *who, const struct state *s)
{
    fprintf(stderr, "%s", who);
    for (unsigned i = 0; i < 16; i++)
        fprintf(stderr, "%s%08x", i % 8 ? " " : "\n  ", (unsigned)s->r[i]);
    fprintf(stderr, "  xpsr %08x", (unsigned)s->xpsr);
    for (unsigned i = 0; s->fp && i < 32; i++)
        fprintf(stderr, "%s%08x", i % 8 ? " " : "\n  ", (unsigned)s->s[i]);
    fprintf(stderr, "  fpscr %08x\n", (unsigned)s->fpscr);
}

static bool same_memory(void)
{
    return memcmp(uc_ram, bare->ram, sizeof uc_ram) == 0;
}

static bool same(const struct state *a, const struct state *b)
{
    return memcmp(a->r, b->r, sizeof a->r) == 0 && a->xpsr == b->xpsr &&
           (!a->fp || (memcmp(a->s, b->s, sizeof a->s) == 0 && a->fpscr == b->fpscr));
}

static void refill_ram(bool code)
{
    for (unsigned i = 0; i < sizeof uc_ram; i += 4) {
        uint32_t v = code ? (BARE_FLASH + rnd() % BARE_FLASH_SIZE) | 1 : rnd();
        memcpy(uc_ram + i, &v, 4);
    }
    memcpy(bare->ram, uc_ram, sizeof uc_ram);
}

static void put_code(uint32_t at, const uint16_t *half, unsigned n)
{
    memcpy(bare->flash + (at - BARE_FLASH), half, n * 2);
    cpu_code_changed(bare->cpu, at, n * 2);
    check(uc_mem_write(uc, at, half, n * 2), "code");
    check(uc_ctl_remove_cache(uc, at, at + n * 2), "translation"); /* writing does not drop it */
}

/* ---- one instruction --------------------------------------------------------------------- */

static void prepare(const struct cpu_row *row, uint32_t w, struct state *s)
{
    memset(s, 0, sizeof *s);
    for (unsigned i = 0; i < 15; i++)
        switch (row->class) {
        case class_shifts: s->r[i] = rnd() % 4 ? rnd() % 40 : rnd(); break;
        case class_extremes: s->r[i] = extreme(); break;
        case class_no_min:
            s->r[i] = extreme();
            for (unsigned at = 0; at < 32; at += 16)
                if ((s->r[i] >> at & 0xffff) == 0x8000)
                    s->r[i] ^= 1u << at;
            break;
        case class_lanes: s->r[i] = lanes(); break;
        case class_division: s->r[i] = rnd() % 3 ? rnd() >> rnd() % 32 : extreme(); break;
        case class_some_zero: s->r[i] = rnd() & 1 ? 0 : rnd(); break;
        case class_to_code: s->r[i] = (BARE_FLASH + rnd() % BARE_FLASH_SIZE) | 1; break;
        default: s->r[i] = rnd() % 4 ? rnd() : extreme(); break;
        }
    if (row->class == class_small_m || row->class >= class_memory) {
        bool aligned = row->class == class_aligned || row->class == class_aligned_code;
        uint32_t n = cpu_field(row, w, 'n', 13), m = cpu_field(row, w, 'm', 16), small = rnd() % 200;
        uint32_t base = CENTRE + rnd() % 64;
        s->r[13] = CENTRE;
        if (m < 16)
            s->r[m] = aligned ? small & ~3u : small;
        if (row->class >= class_memory && row->class < class_fp)
            s->r[n] = aligned ? base & ~3u : base;
    }
    s->r[13] &= ~3u;
    s->xpsr = 0x01000000 | (rnd() & 0xf8000000) | (rnd() & 0x000f0000);
    s->fp = row->bits[4] == '1' && row->bits[5] == '1' && row->width == 32 && row->value >> 24 < 0xf0;
    for (unsigned i = 0; i < 32; i++)
        s->s[i] = float_bits();
    s->fpscr = rnd() & 0xf7c0009f;
    if (rnd() % 2)
        s->fpscr &= 0xf0000010; /* the usual: nearest, no flushing; perhaps inexact already */
    if (row->class == class_fp_nearest)
        s->fpscr &= ~0x00c00000u;
}

static void run_row(const struct cpu_row *row)
{
    bool to_pc = row->class == class_memory_of_code || row->class == class_aligned_code;
    refill_ram(to_pc);
    for (unsigned i = 0; i < CASES; i++) {
        uint32_t w = cpu_row_random(row), at = CODE + (rnd() % 512) * 2;
        /* a branch behind it keeps the oracle from translating what follows */
        uint16_t half[3] = {(uint16_t)(row->width == 32 ? w >> 16 : w),
                            (uint16_t)(row->width == 32 ? w : 0xe7fe), 0xe7fe};
        struct state s, ours, theirs;
        put_code(at, half, 3);
        prepare(row, w, &s);
        s.r[15] = at;
        set_both(&s);
        bare->faulted = 0;
        uc_err e = uc_emu_start(uc, at | 1, 0xffffffff, 0, 1);
        enum cpu_exit why = cpu_step(bare->cpu);
        theirs = get_oracle(s.fp);
        ours = get_ours(s.fp);
        if ((e != UC_ERR_OK && e != UC_ERR_FETCH_UNMAPPED) /* branched away, as it should */ ||
            why != CPU_RAN || bare->faulted || !same(&ours, &theirs) || !same_memory()) {
            fprintf(stderr, "%s: %0*x at %08x, case %u: oracle %s, exit %d, faults %u%s\n", row->name,
                    row->width == 32 ? 8 : 4, (unsigned)w, (unsigned)at, i, uc_strerror(e), (int)why,
                    bare->faulted, same_memory() ? "" : ", memory differs");
            tell("before", &s);
            tell("oracle", &theirs);
            tell("ours", &ours);
            fail();
        }
    }
}

static void open_fpu(void)
{
    bare_store(bare, 0xe000ed88, 0x00f00000); /* CPACR */
    cpu_set_reg(bare->cpu, 22, 4);            /* CONTROL.FPCA: FPSCR is not to be initialised */
}

static void one_row(void **state)
{
    const struct cpu_row *row = *state;
    rnd_seed = row->mask * 0x100000001b3u ^ row->value;
    run_row(row);
}

/* ---- what no row knows ------------------------------------------------------------------- */

static void expect_undefined(uint32_t w, unsigned width)
{
    uint16_t half[3] = {(uint16_t)(width == 32 ? w >> 16 : w), (uint16_t)(width == 32 ? w : 0xe7fe), 0xe7fe};
    memcpy(bare->flash + (CODE - BARE_FLASH), half, sizeof half);
    cpu_code_changed(bare->cpu, CODE, sizeof half);
    cpu_reset(bare->cpu);
    bare_store(bare, 0xe000ed88, 0x00f00000);
    bare_store(bare, 0xe000ed24, 1 << 18); /* UsageFault is enabled */
    cpu_set_reg(bare->cpu, 15, CODE);
    cpu_step(bare->cpu); /* the instruction */
    cpu_step(bare->cpu); /* entry */
    uint32_t cfsr = bare_ppb(bare, 0xe000ed28);
    bool coprocessor = width == 32 && (w >> 26 & 3) == 3 && (w >> 8 & 15) != 10 && (w >> 8 & 15) != 11;
    if (cfsr != (coprocessor ? 1u << 19 : 1u << 16))
        fail_msg("%0*x: CFSR %08x, pc %08x", width / 4, (unsigned)w, (unsigned)cfsr,
                 (unsigned)cpu_reg(bare->cpu, 15));
}

static void undefined_16_bit(void **state)
{
    unsigned n = 0;
    (void)state;
    for (uint32_t w = 0; w < 0xe800; w++)
        if (cpu_row_of(w, 16) == NULL) {
            expect_undefined(w, 16);
            n++;
        }
    assert_in_range(n, 100, 10000);
}

static void undefined_32_bit(void **state)
{
    (void)state;
    rnd_seed = 32;
    for (unsigned n = 0; n < 20000;) {
        uint32_t w = rnd() | 0xe8000000;
        if (rnd() & 1)
            w |= 0x0000f000; /* where data processing has its holes */
        if (cpu_row_of(w, 32) == NULL) {
            expect_undefined(w, 32);
            n++;
        }
    }
}

/* ---- sequences --------------------------------------------------------------------------- */

/* Rows that may stand anywhere: no branch, no change of SP, memory only by SP. */
static bool fits_sequence(const struct cpu_row *row)
{
    static const char *const by_sp[] = {
        "STR (immediate) T2",        "LDR (immediate) T2", "LDR (literal) T1", "PUSH T1", "POP T1",
        "STR (immediate) T4, offset"};
    if (strncmp(row->name, "ISB", 3) == 0)
        return false; /* behind an ISB the oracle forgets that it is in an IT block */
    if (strncmp(row->name, "B ", 2) == 0 || strncmp(row->name, "BL", 2) == 0 ||
        strncmp(row->name, "CB", 2) == 0 || strncmp(row->name, "TB", 2) == 0 ||
        strncmp(row->name, "IT", 2) == 0 || strstr(row->name, "to SP") != NULL ||
        strstr(row->name, "to PC") != NULL)
        return false;
    if (row->class == class_fp_nearest || row->class == class_no_min)
        return false; /* the oracle has them wrong for some values */
    if (row->class < class_memory || row->class >= class_fp)
        return row->proof == NULL && row->class != class_to_code;
    for (unsigned i = 0; i < 4; i++)
        if (strcmp(row->name, by_sp[i]) == 0)
            return true;
    return false;
}

static uint32_t writes_sp(const struct cpu_row *row, uint32_t w)
{
    return cpu_field(row, w, 'd', 0) == 13 || cpu_field(row, w, 't', 0) == 13 ||
           (row->width == 16 &&
            (w >> 8 == 0xb0 || ((w & 0xfc00) == 0x4400 && ((w >> 4 & 8) | (w & 7)) == 13)));
}

static unsigned put_random(const struct cpu_row *const *rows, size_t n, uint16_t *half)
{
    const struct cpu_row *row;
    uint32_t w;
    do {
        row = rows[rnd() % n];
        w = cpu_row_random(row);
    } while (writes_sp(row, w));
    if (row->width == 32)
        *half++ = (uint16_t)(w >> 16);
    *half = (uint16_t)w;
    return row->width / 16;
}

static void sequences_with_it_blocks(void **state)
{
    const struct cpu_row **rows = calloc(cpu_row_count, sizeof(void *));
    size_t n = 0;
    (void)state;
    assert_non_null(rows);
    cpu_reset(bare->cpu);
    open_fpu();
    rnd_seed = 5;
    for (size_t i = 0; i < cpu_row_count; i++)
        if (fits_sequence(&cpu_rows[i]))
            rows[n++] = &cpu_rows[i];
    refill_ram(false);
    for (unsigned k = 0; k < 5000; k++) {
        uint16_t half[128];
        unsigned len = 0, blocks = 1 + rnd() % 3;
        struct state s, ours, theirs;
        while (blocks-- > 0) {
            for (unsigned i = rnd() % 3; i > 0; i--)
                len += put_random(rows, n, half + len);
            uint32_t cond = rnd() % 15, mask = 1 + rnd() % 15;
            if (cond == 14)
                mask = 1u << rnd() % 4;
            half[len++] = (uint16_t)(0xbf00 | cond << 4 | mask);
            for (unsigned i = 4 - (unsigned)__builtin_ctz(mask); i > 0; i--)
                len += put_random(rows, n, half + len);
        }
        half[len] = 0xe7fe;
        uint32_t end = CODE + len * 2;
        put_code(CODE, half, len + 1);
        prepare(&cpu_rows[0], 0, &s);
        s.r[13] = CENTRE;
        s.r[15] = CODE;
        s.fp = true;
        set_both(&s);
        bare->faulted = 0;
        uc_err e = uc_emu_start(uc, CODE | 1, end, 0, 0);
        if (k & 1) { /* in one go, or step by step */
            cpu_break(bare->cpu, end, true);
            cpu_run(bare->cpu, cpu_cycles(bare->cpu) + 10000);
            cpu_break(bare->cpu, end, false);
        }
        for (unsigned i = 0; i < len && cpu_reg(bare->cpu, 15) != end; i++)
            cpu_step(bare->cpu);
        theirs = get_oracle(true);
        ours = get_ours(true);
        if (e != UC_ERR_OK || bare->faulted || !same(&ours, &theirs) || !same_memory()) {
            fprintf(stderr, "sequence %u: oracle %s, faults %u, code", k, uc_strerror(e), bare->faulted);
            for (unsigned i = 0; i < len; i++)
                fprintf(stderr, " %04x", half[i]);
            fputs("\n", stderr);
            tell("before", &s);
            tell("oracle", &theirs);
            tell("ours", &ours);
            fail();
        }
    }
    free(rows);
}

/* ---- every row has a proof --------------------------------------------------------------- */

static bool file_has(const char *path, const char *text)
{
    static char content[1 << 17];
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return false;
    size_t n = fread(content, 1, sizeof content - 1, f);
    fclose(f);
    content[n] = '\0';
    return strstr(content, text) != NULL;
}

static void rows_without_oracle_have_a_test(void **state)
{
    unsigned missing = 0;
    (void)state;
    for (size_t i = 0; i < cpu_row_count; i++) {
        const char *proof = cpu_rows[i].proof, *colon = proof != NULL ? strchr(proof, ':') : NULL;
        char path[100], test[100];
        if (proof == NULL)
            continue;
        assert_non_null(colon);
        snprintf(path, sizeof path, "%.*s", (int)(colon - proof), proof);
        snprintf(test, sizeof test, "(%s)", colon + 1);
        if (!file_has(path, test)) {
            fprintf(stderr, "%s: there is no %s in %s\n", cpu_rows[i].name, test, path);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static int setup(void **state)
{
    (void)state;
    bare = bare_new();
    bare_start(bare);
    open_fpu();
    check(uc_open(UC_ARCH_ARM, UC_MODE_THUMB, &uc), "open");
    check(uc_ctl_set_cpu_model(uc, UC_CPU_ARM_CORTEX_M4), "model");
    check(uc_mem_map_ptr(uc, BARE_FLASH, BARE_FLASH_SIZE, UC_PROT_ALL, uc_flash), "flash");
    check(uc_mem_map_ptr(uc, BARE_RAM, BARE_RAM_SIZE, UC_PROT_ALL, uc_ram), "RAM");
    memcpy(uc_flash, bare->flash, sizeof uc_flash);
    /* The first FP instruction of all initialises FPSCR: VMOV s0, s0. */
    put_code(CODE, (const uint16_t[]){0xeeb0, 0x0a40}, 2);
    check(uc_emu_start(uc, CODE | 1, CODE + 4, 0, 1), "first FP instruction");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    uc_close(uc);
    bare_free(bare);
    return 0;
}

int main(void)
{
    cpu_rows_prepare();
    struct CMUnitTest *tests = calloc(cpu_row_count + 8, sizeof *tests);
    size_t n = 0;
    if (tests == NULL)
        return 1;
    for (size_t i = 0; i < cpu_row_count; i++)
        if (cpu_rows[i].proof == NULL)
            tests[n++] = (struct CMUnitTest){cpu_rows[i].name, one_row, NULL, NULL, &cpu_rows[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(undefined_16_bit);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(undefined_32_bit);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(sequences_with_it_blocks);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(rows_without_oracle_have_a_test);
    int failed = _cmocka_run_group_tests("encodings", tests, n, setup, teardown);
    free(tests);
    return failed != 0;
}

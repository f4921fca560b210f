/* ECC, caches, option bytes, the empty check and boot selection, read protection, power cuts: what the
 * flash of the chip does beside programming and erasing. */
#include <string.h>

#include "chip/ecc.h"
#include "chiptest.h"

#define SR     FLASH(0x10)
#define CR     FLASH(0x14)
#define ECCR   FLASH(0x18)
#define OPTR   FLASH(0x20)
#define MEMRMP SYSCFG(0x00)
#define PAGE   20
#define ADDR   (FLASH_BASE + PAGE * FLASH_PAGE)
#define ECCC   (1U << 30)
#define ECCD   (1U << 31)

static struct chiptest t;

static int setup(void **state)
{
    (void)state;
    chiptest_start(&t);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    chiptest_end(&t);
    return 0;
}

static void unlock(bool options)
{
    wr(&t, FLASH(0x08), 0x45670123);
    wr(&t, FLASH(0x08), 0xCDEF89AB);
    if (!options)
        return;
    wr(&t, FLASH(0x0C), 0x08192A3B);
    wr(&t, FLASH(0x0C), 0x4C5D6E7F);
}

static void wait(void)
{
    while (t.c->mode != MODE_OFF && rd(&t, SR) & SR_BSY)
        run_us(&t, 10);
}

static void erase(uint32_t page)
{
    wr(&t, CR, CR_PER | page << 3 | CR_STRT);
    wait();
    if (t.c->mode != MODE_OFF)
        wr(&t, CR, 0);
}

static void program(uint32_t addr, uint64_t data)
{
    wr(&t, CR, CR_PG);
    wr(&t, addr, (uint32_t)data);
    wr(&t, addr + 4, (uint32_t)(data >> 32));
    wait();
    if (t.c->mode != MODE_OFF)
        wr(&t, CR, 0);
}

static void poke64(uint32_t addr, uint64_t v)
{
    assert_true(chip_poke(t.c, addr, &v, 8));
}

static bool nmi(void)
{
    return t.c->nmi_sources & 1U << NMI_FLASH_ECC;
}

/* ---- ECC ---- */

static void test_code(void **state)
{
    (void)state;
    const uint64_t words[] = {0, UINT64_MAX, 0x0123456789ABCDEF, 1, 0x8000000000000000, 0xDEADBEEFCAFEBABE};
    for (unsigned w = 0; w < 6; w++) {
        for (unsigned i = 0; i < 72; i++) {
            uint64_t data = words[w] ^ (i < 64 ? 1ULL << i : 0);
            uint8_t check = (uint8_t)(ecc_encode(words[w]) ^ (i >= 64 ? 1U << (i - 64) : 0));
            assert_int_equal(ecc_decode(&data, &check), ECC_CORRECTED);
            assert_true(data == words[w] && check == ecc_encode(words[w]));
            for (unsigned j = 0; j < i; j++) {
                data = words[w] ^ (i < 64 ? 1ULL << i : 0) ^ (j < 64 ? 1ULL << j : 0);
                check = (uint8_t)(ecc_encode(words[w]) ^ (i >= 64 ? 1U << (i - 64) : 0) ^
                                  (j >= 64 ? 1U << (j - 64) : 0));
                assert_int_equal(ecc_decode(&data, &check), ECC_BAD);
            }
        }
    }
    assert_int_equal(ecc_encode(0), 0);                 /* zeros can be written over anything */
    assert_int_not_equal(ecc_encode(UINT64_MAX), 0xFF); /* ones use up an erased word */
    for (unsigned i = 0; i < 72; i++) {                 /* erased cells, one of them bad */
        uint64_t data = UINT64_MAX ^ (i < 64 ? 1ULL << i : 0);
        uint8_t check = (uint8_t)(0xFF ^ (i >= 64 ? 1U << (i - 64) : 0));
        assert_int_equal(ecc_decode(&data, &check), ECC_CORRECTED);
        assert_true(data == UINT64_MAX && check == 0xFF);
    }
}

static void test_ecc_single(void **state)
{
    (void)state;
    poke64(ADDR, 0x0123456789ABCDEF);
    assert_int_equal(rd(&t, ADDR), 0x89ABCDEF);
    assert_int_equal(rd(&t, ECCR), 0);
    assert_true(chip_ecc_damage(t.c, ADDR, 1));
    wr(&t, ECCR, 1U << 24);
    assert_int_equal(t.c->irq_sources[4], 0);
    assert_int_equal(rd(&t, ADDR + 8), 0xFFFFFFFF);
    assert_int_equal(rd(&t, ECCR), 1U << 24);
    wr(&t, FLASH(0x00), 0); /* D-cache off: every read reads */
    assert_int_equal(rd(&t, ADDR + 4), 0x01234567);
    assert_int_equal(rd(&t, ECCR), ECCC | 1U << 24 | (ADDR - FLASH_BASE));
    assert_true(t.c->irq_sources[4] != 0);
    assert_false(nmi());
    wr(&t, ECCR, ECCC | 1U << 24);
    assert_int_equal(rd(&t, ECCR) & ECCC, 0);
    assert_true(t.c->irq_sources[4] == 0);
    /* An erased word with one bad cell reads blank, and cannot be programmed any more. */
    assert_true(chip_ecc_damage(t.c, ADDR + 8, 1));
    assert_int_equal(rd(&t, ADDR + 8), 0xFFFFFFFF);
    assert_true(rd(&t, ECCR) & ECCC);
    unlock(false);
    program(ADDR + 8, 1);
    assert_int_equal(rd(&t, SR) & SR_PROGERR, SR_PROGERR);
}

static void test_ecc_double(void **state)
{
    (void)state;
    poke64(ADDR, 0x0123456789ABCDEF);
    poke64(ADDR + 64, 0x55);
    assert_true(chip_ecc_damage(t.c, ADDR, 2));
    assert_true(chip_ecc_damage(t.c, ADDR + 64, 1));
    (void)rd(&t, ADDR);
    assert_int_equal(rd(&t, ECCR), ECCD | (ADDR - FLASH_BASE));
    assert_true(nmi());
    (void)rd(&t, ADDR + 64); /* the address stays as it is */
    assert_int_equal(rd(&t, ECCR), ECCD | ECCC | (ADDR - FLASH_BASE));
    wr(&t, ECCR, ECCD | ECCC);
    assert_false(nmi());
    (void)rd(&t, ADDR + 4); /* in the cache: not read again */
    assert_int_equal(rd(&t, ECCR) & ECCD, 0);
    wr(&t, FLASH(0x00), 0);
    (void)rd(&t, ADDR + 4);
    assert_true(rd(&t, ECCR) & ECCD);
    /* DMA sees it too; a debugger's look does not. */
    wr(&t, ECCR, ECCD);
    uint32_t v;
    assert_true(chip_peek(t.c, ADDR, &v, 4));
    assert_int_equal(rd(&t, ECCR) & ECCD, 0);
    assert_true(chip_bus_read(t.c, ADDR, 4, &v));
    assert_true(rd(&t, ECCR) & ECCD);
    wr(&t, ECCR, ECCD);
    unlock(false);
    erase(PAGE);
    (void)rd(&t, ADDR);
    assert_int_equal(rd(&t, ECCR) & (ECCC | ECCD), 0);
    assert_false(chip_ecc_damage(t.c, ADDR + 4, 1));
    assert_false(chip_ecc_damage(t.c, 0x20000000, 1));
    assert_false(chip_ecc_damage(t.c, ADDR, 3));
}

/* ---- caches ---- */

static void test_dcache(void **state)
{
    (void)state;
    unlock(false);
    poke64(ADDR, 0x1111111122222222);
    assert_int_equal(rd(&t, ADDR), 0x22222222);
    erase(PAGE);
    assert_int_equal(rd(&t, ADDR), 0x22222222); /* stale */
    uint32_t v;
    assert_true(chip_bus_read(t.c, ADDR, 4, &v)); /* DMA has no cache */
    assert_int_equal(v, 0xFFFFFFFF);
    program(ADDR, 0x3333333344444444); /* programming updates the line */
    assert_int_equal(rd(&t, ADDR), 0x44444444);
    assert_int_equal(rd(&t, ADDR + 4), 0x33333333);
    erase(PAGE);
    assert_int_equal(rd(&t, ADDR), 0x44444444);
    wr(&t, FLASH(0x00), 0x600 | 0x1000); /* not while the cache is on */
    assert_int_equal(rd(&t, FLASH(0x00)), 0x600);
    assert_int_equal(rd(&t, ADDR), 0x44444444);
    wr(&t, FLASH(0x00), 0x200);
    assert_int_equal(rd(&t, ADDR), 0xFFFFFFFF); /* off */
    wr(&t, FLASH(0x00), 0x600);
    assert_int_equal(rd(&t, ADDR), 0x44444444); /* on again, not reset: the old line */
    wr(&t, FLASH(0x00), 0x200);
    wr(&t, FLASH(0x00), 0x1200);
    wr(&t, FLASH(0x00), 0x200);
    wr(&t, FLASH(0x00), 0x600);
    assert_int_equal(rd(&t, ADDR), 0xFFFFFFFF);
}

/* Wait states: a miss costs LATENCY cycles, a hit none; with the caches off each read costs them. */
static uint64_t cost(uint32_t addr)
{
    uint64_t from = cpu_cycles(chip_cpu(t.c));
    (void)rd(&t, addr);
    return cpu_cycles(chip_cpu(t.c)) - from;
}

static uint64_t fetch_cost(uint32_t addr)
{
    uint64_t from = cpu_cycles(chip_cpu(t.c));
    assert_true(chip_cpu_env.fetch(t.c, addr));
    return cpu_cycles(chip_cpu(t.c)) - from;
}

static void test_latency(void **state)
{
    (void)state;
    assert_int_equal(cost(ADDR), 0); /* no wait states after reset */
    wr(&t, FLASH(0x00), 0x604);
    assert_int_equal(rd(&t, FLASH(0x00)), 0x604);
    assert_int_equal(cost(ADDR + 8), 4);
    assert_int_equal(cost(ADDR + 12), 0);
    for (uint32_t i = 0; i < 8; i++) /* eight lines, the oldest goes */
        assert_int_equal(cost(ADDR + 0x100 + 32 * i), 4);
    assert_int_equal(cost(ADDR + 8), 4);
    wr(&t, FLASH(0x00), 0x204);
    assert_int_equal(cost(ADDR + 8), 4);
    assert_int_equal(cost(ADDR + 8), 4);

    assert_int_equal(fetch_cost(ADDR), 4);
    assert_int_equal(fetch_cost(ADDR), 0);
    for (uint32_t i = 1; i <= 32; i++)
        assert_int_equal(fetch_cost(ADDR + 32 * i), 4);
    assert_int_equal(fetch_cost(ADDR), 4); /* thirty-two lines */
    wr(&t, FLASH(0x00), 0x104);            /* prefetch, no cache */
    (void)fetch_cost(ADDR);
    cpu_add_cycles(chip_cpu(t.c), 3);
    assert_int_equal(fetch_cost(ADDR + 8), 1);
    cpu_add_cycles(chip_cpu(t.c), 10);
    assert_int_equal(fetch_cost(ADDR + 16), 0);
    cpu_add_cycles(chip_cpu(t.c), 10);
    assert_int_equal(fetch_cost(ADDR + 256), 4);
}

/* Cycles for `rounds` rounds of a loop of `nops` instructions in flash, counted in R7. */
static uint64_t loop_cycles(unsigned nops, unsigned rounds)
{
    static uint16_t code[1000];
    for (unsigned i = 0; i < nops; i++)
        code[i] = 0xBF00;
    code[nops] = 0x3701;                                         /* adds r7, #1 */
    uint32_t back = (uint32_t)(-(int32_t)(nops + 3) & 0xFFFFFF); /* b.w to the begin, T4 */
    code[nops + 1] = (uint16_t)(0xF000 | 1U << 10 | (back >> 11 & 0x3FF));
    code[nops + 2] = (uint16_t)(0xB800 | (back & 0x7FF));
    assert_true(chip_poke(t.c, ADDR, code, 2 * (nops + 3)));
    cpu_set_reg(chip_cpu(t.c), 7, 0);
    cpu_set_reg(chip_cpu(t.c), 15, ADDR);
    while (cpu_reg(chip_cpu(t.c), 7) < 2) /* the caches have what they can have */
        chip_step(t.c);
    uint64_t from = cpu_cycles(chip_cpu(t.c));
    while (cpu_reg(chip_cpu(t.c), 7) < 2 + rounds)
        chip_step(t.c);
    return cpu_cycles(chip_cpu(t.c)) - from;
}

static void test_icache_execution(void **state)
{
    (void)state;
    /* 700 bytes stay in the cache: wait states make no difference. */
    uint64_t none = loop_cycles(350, 10);
    wr(&t, FLASH(0x00), 0x604);
    assert_true(loop_cycles(350, 10) == none);
    assert_true(none >= 3520 && none <= 3560);
    /* 1600 bytes push themselves out: each of 200 lines is a miss of four cycles. */
    wr(&t, FLASH(0x00), 0x600);
    none = loop_cycles(797, 10);
    wr(&t, FLASH(0x00), 0x604);
    uint64_t missed = loop_cycles(797, 10) - none;
    assert_true(missed >= 7990 && missed <= 8010);
    /* Cache off: all lines cost, in a short loop too. */
    wr(&t, FLASH(0x00), 0x004);
    uint64_t off = loop_cycles(29, 10); /* 64 bytes, eight lines */
    wr(&t, FLASH(0x00), 0x000);
    assert_true(off - loop_cycles(29, 10) == 320);
    /* Switched on with code that ran before: the first round fills it. */
    wr(&t, FLASH(0x00), 0x204);
    uint64_t from = cpu_cycles(chip_cpu(t.c));
    cpu_set_reg(chip_cpu(t.c), 7, 0);
    cpu_set_reg(chip_cpu(t.c), 15, ADDR);
    while (cpu_reg(chip_cpu(t.c), 7) < 1)
        chip_step(t.c);
    assert_true(cpu_cycles(chip_cpu(t.c)) - from >= 30 + 32);
}

/* Code that was erased and written anew goes on as it was until the cache is flushed. */
static void test_icache_stale_execution(void **state)
{
    (void)state;
    unlock(false);
    const uint64_t add1 = 0xE7FE37013701, add2 = 0xE7FE37023702; /* adds r7 twice, loop */
    poke64(ADDR, add1);
    for (unsigned i = 0; i < 3; i++) {
        if (i == 1) {
            erase(PAGE);
            program(ADDR, add2);
        }
        if (i == 2) {
            wr(&t, FLASH(0x00), 0x400);
            wr(&t, FLASH(0x00), 0xC00);
            wr(&t, FLASH(0x00), 0x600);
        }
        cpu_set_reg(chip_cpu(t.c), 7, 0);
        cpu_set_reg(chip_cpu(t.c), 15, ADDR);
        run_us(&t, 10);
        assert_int_equal(cpu_reg(chip_cpu(t.c), 7), i < 2 ? 2 : 4);
        cpu_set_reg(chip_cpu(t.c), 15, 0x10000100);
    }
}

/* Executed code that the flash can only just, or cannot, read. */
static void test_ecc_execution(void **state)
{
    (void)state;
    poke64(ADDR, 0xE7FE37013701);
    assert_true(chip_ecc_damage(t.c, ADDR, 1));
    cpu_set_reg(chip_cpu(t.c), 7, 0);
    cpu_set_reg(chip_cpu(t.c), 15, ADDR);
    run_us(&t, 10);
    assert_int_equal(cpu_reg(chip_cpu(t.c), 7), 2);
    assert_int_equal(rd(&t, ECCR), ECCC | (ADDR - FLASH_BASE));
    wr(&t, ECCR, ECCC);
    poke64(ADDR + 64, 0xE7FE37013701);
    assert_true(chip_ecc_damage(t.c, ADDR + 64, 2));
    cpu_set_reg(chip_cpu(t.c), 15, ADDR + 64);
    run_us(&t, 10);
    assert_int_equal(rd(&t, ECCR), ECCD | (ADDR + 64 - FLASH_BASE));
    assert_int_equal(chiptest_count(&t, "NMI"), 1);
    assert_int_equal(cpu_reg(chip_cpu(t.c), 16) & 0x1FF, 2); /* in its handler */
}

static void test_icache_stale(void **state)
{
    (void)state;
    unlock(false);
    poke64(ADDR, 0x1111111122222222);
    assert_int_equal(fetch_cost(ADDR), 0);
    erase(PAGE);
    /* What the processor would execute is the line as it was; data reads and the debugger see the truth. */
    uint64_t executed, seen;
    memcpy(&executed, &chip_nvm(t.c)->flash[ADDR - FLASH_BASE], 8);
    assert_true(executed == 0x1111111122222222);
    assert_true(chip_peek(t.c, ADDR, &seen, 8));
    assert_true(seen == UINT64_MAX);
    wr(&t, FLASH(0x00), 0x400);
    wr(&t, FLASH(0x00), 0xC00);
    wr(&t, FLASH(0x00), 0x400);
    wr(&t, FLASH(0x00), 0x600);
    memcpy(&executed, &chip_nvm(t.c)->flash[ADDR - FLASH_BASE], 8);
    assert_true(executed == UINT64_MAX);
    /* A reset flushes as well, and so does use. */
    poke64(ADDR, 0x1111111122222222);
    (void)fetch_cost(ADDR);
    erase(PAGE);
    for (uint32_t i = 1; i <= 32; i++)
        (void)fetch_cost(ADDR + 0x1000 + 32 * i);
    memcpy(&executed, &chip_nvm(t.c)->flash[ADDR - FLASH_BASE], 8);
    assert_true(executed == UINT64_MAX);
}

/* ---- options ---- */

static void launch(void)
{
    wr(&t, CR, CR_OBL_LAUNCH);
    chiptest_settle(&t);
}

static void test_options(void **state)
{
    (void)state;
    assert_int_equal(rd(&t, OPTR), 0xFFEFF8AA);
    assert_int_equal(rd(&t, 0x1FFF7800), 0xFFEFF8AA);
    assert_int_equal(rd(&t, 0x1FFF7804), ~0xFFEFF8AAU);
    wr(&t, OPTR, 0); /* locked */
    assert_int_equal(rd(&t, OPTR), 0xFFEFF8AA);
    unlock(true);
    wr(&t, OPTR, 0xFFEFF8AA & ~(1U << 12));
    wr(&t, FLASH(0x2C), 0x00050004);
    assert_int_equal(rd(&t, OPTR), 0xFFEFE8AA);
    wr(&t, FLASH(0x28), 1U << 31);
    wr(&t, FLASH(0x28), 0); /* PCROP_RDP can only be set */
    assert_int_equal(rd(&t, FLASH(0x28)) >> 31, 1);
    /* A reset before OPTSTRT: only the register was changed. */
    chip_request_reset(t.c, RESET_SOFT);
    chiptest_settle(&t);
    assert_int_equal(rd(&t, OPTR), 0xFFEFF8AA);
    unlock(true);
    wr(&t, OPTR, 0xFFEFE8AA);
    wr(&t, FLASH(0x2C), 0x00050004);
    ps_t start = chip_now(t.c);
    wr(&t, CR, CR_OPTSTRT);
    assert_true(rd(&t, SR) & SR_BSY);
    wait();
    assert_true(chip_now(t.c) - start > 22 * PS_PER_MS);
    assert_int_equal(chiptest_count(&t, "option"), 1);
    assert_int_equal(rd(&t, CR) & CR_OPTSTRT, 0);
    assert_int_equal(rd(&t, 0x1FFF7800), 0xFFEFE8AA);
    assert_int_equal(flash_loaded_optr(t.c), 0xFFEFF8AA); /* in force only after a load */
    wr(&t, CR, CR_PER | 4 << 3 | CR_STRT);
    assert_true(rd(&t, SR) & SR_BSY); /* page 4 is not protected yet */
    wait();
    t.n = 0;
    launch();
    assert_int_equal(chiptest_count(&t, "reset"), 1);
    assert_int_equal(t.told[0].a, RESET_OBL);
    assert_true(rd(&t, RCC(0x94)) & 1U << 25);
    assert_int_equal(rd(&t, OPTR), 0xFFEFE8AA);
    unlock(false);
    wr(&t, CR, CR_PER | 4 << 3 | CR_STRT);
    assert_int_equal(rd(&t, SR) & (SR_BSY | SR_WRPERR), SR_WRPERR);
    /* And after the power was away. */
    chip_power_off(t.c, false);
    chiptest_power(&t);
    assert_int_equal(rd(&t, OPTR), 0xFFEFE8AA);
}

static void test_optverr(void **state)
{
    (void)state;
    chip_power_off(t.c, false);
    chip_nvm(t.c)->option[1] ^= 4;
    chiptest_power(&t);
    assert_int_equal(rd(&t, SR) & SR_OPTVERR, SR_OPTVERR);
    assert_int_equal(rd(&t, OPTR), 0xFFFFF8FF); /* RDP level 1, BOR 0 */
    assert_int_equal(flash_rdp(rd(&t, OPTR)), 1);
    wr(&t, SR, SR_OPTVERR);
    assert_int_equal(rd(&t, SR) & SR_OPTVERR, 0);
}

static void change_optr(uint32_t optr)
{
    unlock(true);
    wr(&t, OPTR, optr);
    wr(&t, CR, CR_OPTSTRT);
    wait();
    wr(&t, CR, CR_OBL_LAUNCH);
}

static void test_rdp(void **state)
{
    (void)state;
    poke64(ADDR, 42);
    change_optr(0xFFEFF8BB);
    chiptest_settle(&t);
    assert_int_equal(rd(&t, ADDR), 42); /* started from flash: no difference */
    /* Started from SRAM: nothing of the flash can be reached. */
    chip_poke(t.c, 0x20000000, (const uint32_t[]){0x20001000, 0x20000009, 0xE7FEE7FE}, 12);
    change_optr(0xFBEFF8BB & ~(1U << 27 | 1U << 23));
    chiptest_settle(&t);
    assert_int_equal(t.c->boot_mode, 3);
    uint32_t v;
    assert_false(chip_cpu_env.read(t.c, ADDR, 4, true, &v));
    assert_false(chip_bus_read(t.c, ADDR, 4, &v));
    assert_false(chip_cpu_env.fetch(t.c, ADDR));
    unlock(false);
    wr(&t, CR, CR_PER | PAGE << 3 | CR_STRT);
    assert_int_equal(rd(&t, SR) & (SR_BSY | SR_WRPERR), SR_WRPERR);
    wr(&t, SR, SR_WRPERR);
    wr(&t, CR, CR_LOCK);
    /* Back to level 0 wipes everything. */
    change_optr(0xFFEFF8AA);
    while (t.c->reset_pending || t.c->mode == MODE_RESET)
        chip_run(t.c, chip_now(t.c) + PS_PER_US);
    uint64_t w;
    assert_true(chip_peek(t.c, ADDR, &w, 8));
    assert_true(w == UINT64_MAX);
    assert_true(chip_peek(t.c, FLASH_BASE, &w, 8));
    assert_true(w == UINT64_MAX);
}

static void test_rdp2(void **state)
{
    (void)state;
    change_optr(0xFFEFF8CC &
                ~(1U << 26 | 1U << 27)); /* BOOT0 = 1 by option: ROM, if it were not for level 2 */
    chiptest_settle(&t);
    assert_int_equal(t.c->boot_mode, 0);
    unlock(true);
    wr(&t, OPTR, 0xFFEFF8AA);
    wr(&t, CR, CR_OPTSTRT);
    assert_int_equal(rd(&t, SR) & (SR_BSY | SR_WRPERR), SR_WRPERR);
}

/* ---- boot ---- */

static void put_options(uint32_t optr)
{
    chip_nvm(t.c)->option[0] = optr;
    chip_nvm(t.c)->option[1] = ~optr;
}

static void test_boot_selection(void **state)
{
    (void)state;
    /* nSWBOOT0 26, nBOOT0 27, nBOOT1 23 */
    const struct {
        bool nswboot0, pin, nboot0, nboot1, empty;
        uint8_t mode;
    } rows[] = {
        {1, 0, 1, 1, 0, 0}, {1, 0, 0, 0, 0, 0}, {1, 0, 1, 1, 1, 1}, {1, 0, 1, 0, 1, 1}, {1, 1, 1, 1, 0, 1},
        {1, 1, 0, 1, 0, 1}, {1, 1, 1, 1, 1, 1}, {1, 1, 1, 0, 0, 3}, {0, 0, 1, 1, 0, 0}, {0, 1, 1, 0, 0, 0},
        {0, 0, 1, 1, 1, 0}, {0, 0, 0, 1, 0, 1}, {0, 1, 0, 1, 1, 1}, {0, 0, 0, 0, 0, 3}, {0, 1, 0, 0, 0, 3},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        chip_power_off(t.c, false);
        put_options((0xFFEFF8AA & ~(1U << 26 | 1U << 27 | 1U << 23)) | (uint32_t)rows[i].nswboot0 << 26 |
                    (uint32_t)rows[i].nboot0 << 27 | (uint32_t)rows[i].nboot1 << 23);
        gpio_drive(t.c, 7, 3, rows[i].pin ? 1 : -1);
        uint32_t sp = rows[i].empty ? 0xFFFFFFFF : 0x20001000;
        chip_poke(t.c, FLASH_BASE, &sp, 4);
        chiptest_power(&t);
        assert_int_equal(t.c->boot_mode, rows[i].mode);
        set(&t, RCC(0x60), 1);
        assert_int_equal(rd(&t, MEMRMP), rows[i].mode);
        if (rows[i].mode == 0)
            assert_int_equal(rd(&t, 0), sp);
        if (rows[i].mode == 1)
            assert_int_equal(rd(&t, 0), 0xFFFFFFFF);
    }
    /* The alias can be switched. */
    wr(&t, 0x20000000, 0x12345678);
    wr(&t, MEMRMP, 3);
    assert_int_equal(rd(&t, 0), 0x12345678);
    wr(&t, 4, 0x9ABCDEF0);
    assert_int_equal(rd(&t, 0x20000004), 0x9ABCDEF0);
    wr(&t, MEMRMP, 1);
    assert_int_equal(rd(&t, 0), 0xFFFFFFFF);
}

static void test_pempty(void **state)
{
    (void)state;
    uint64_t vectors;
    chip_peek(t.c, FLASH_BASE, &vectors, 8);
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, 0);
    unlock(false);
    erase(0); /* in place: not looked at again by a plain reset */
    chip_request_reset(t.c, RESET_SOFT);
    chiptest_settle(&t);
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, 0);
    assert_int_equal(t.c->boot_mode, 0);
    chip_power_off(t.c, false);
    chiptest_power(&t);
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, SR_PEMPTY);
    assert_int_equal(t.c->boot_mode, 1);
    unlock(true);
    program(FLASH_BASE, vectors); /* programmed, and still "empty" until … */
    chip_request_reset(t.c, RESET_PIN);
    chiptest_settle(&t);
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, SR_PEMPTY);
    assert_int_equal(t.c->boot_mode, 1);
    unlock(true);
    launch(); /* … the options are loaded */
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, 0);
    assert_int_equal(t.c->boot_mode, 0);
    /* Software can toggle the bit: writing SR back to itself flips it. */
    wr(&t, SR, SR_PEMPTY);
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, SR_PEMPTY);
    wr(&t, SR, 0xC3FB);
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, SR_PEMPTY);
    wr(&t, SR, rd(&t, SR));
    assert_int_equal(rd(&t, SR) & SR_PEMPTY, 0);
}

static void test_engineering(void **state)
{
    (void)state;
    assert_int_equal(rd(&t, 0x1FFF75E0) & 0xFFFF, 0x100);
    assert_int_equal(rd(&t, 0x1FFF7500) & 0x1F, 0);
    for (uint32_t addr = 0x1FFF7400; addr < 0x1FFF7800; addr += 4)
        (void)rd(&t, addr);                           /* no bus error anywhere */
    assert_int_equal(rd(&t, 0x1FFF0000), 0xFFFFFFFF); /* no ROM loaded */
}

/* ---- power cuts ---- */

static void cut_at_next(int model)
{
    t.cut_at = t.c->flash.ops + 1;
    t.cut_model = model;
}

static void test_cut_program(void **state)
{
    (void)state;
    const uint64_t data = 0x0123456789ABCDEF;
    unsigned torn_bad = 0, torn = 0;
    for (unsigned i = 0; i < 60; i++) {
        unlock(false);
        erase(PAGE);
        t.n = 0;
        int model = (int[]){CHIP_CUT_BEFORE, CHIP_CUT_AFTER, CHIP_CUT_TORN}[i % 3];
        cut_at_next(model);
        program(ADDR, data);
        assert_int_equal(t.c->mode, MODE_OFF);
        assert_int_equal(chiptest_count(&t, "power lost"), 1);
        assert_int_equal(chip_run(t.c, chip_now(t.c) + PS_PER_MS), CHIP_TIME); /* time goes on */
        t.cut_at = 0;
        chiptest_power(&t);
        uint32_t low = rd(&t, ADDR), eccr = rd(&t, ECCR);
        uint64_t v = (uint64_t)rd(&t, ADDR + 4) << 32 | low;
        if (model == CHIP_CUT_BEFORE)
            assert_true(v == UINT64_MAX && eccr == 0);
        if (model == CHIP_CUT_AFTER)
            assert_true(v == data && eccr == 0);
        if (model == CHIP_CUT_TORN) {
            torn++;
            torn_bad += (eccr & ECCD) != 0;
        }
    }
    assert_int_equal(torn, 20);
    assert_true(torn_bad > 5 && torn_bad < 20); /* mostly bad, not always noticed */
}

static void test_cut_erase(void **state)
{
    (void)state;
    unsigned blank = 0, old = 0, bad = 0, corrected = 0;
    for (unsigned i = 0; i < 24; i++) {
        for (uint32_t off = 0; off < FLASH_PAGE; off += 8)
            poke64(ADDR + off, 0x0F1E2D3C4B5A6978U * (off + 1));
        unlock(false);
        cut_at_next(i % 2 ? CHIP_CUT_TORN : CHIP_CUT_HALF);
        ps_t start = chip_now(t.c);
        erase(PAGE);
        assert_int_equal(t.c->mode, MODE_OFF);
        assert_true(chip_now(t.c) - start < 22 * PS_PER_MS);
        t.cut_at = 0;
        chiptest_power(&t);
        wr(&t, FLASH(0x00), 0);
        for (uint32_t off = 0; off < FLASH_PAGE; off += 8) {
            uint32_t low = rd(&t, ADDR + off);
            uint64_t v = (uint64_t)rd(&t, ADDR + off + 4) << 32 | low;
            blank += v == UINT64_MAX;
            old += v == 0x0F1E2D3C4B5A6978U * (off + 1);
            bad += (rd(&t, ECCR) & ECCD) != 0;
            corrected += (rd(&t, ECCR) & ECCC) != 0;
            wr(&t, ECCR, ECCC | ECCD);
        }
        unlock(false);
        erase(PAGE); /* heals */
        for (uint32_t off = 0; off < FLASH_PAGE; off += 8)
            assert_true(flash_cells_blank(t.c, ADDR - FLASH_BASE + off));
        wr(&t, CR, CR_LOCK);
    }
    /* All ways in which an erase can end occur. */
    assert_true(blank > 100 && old > 100 && bad > 100 && corrected > 100);
}

static void test_cut_option(void **state)
{
    (void)state;
    unsigned mismatch = 0;
    for (unsigned i = 0; i < 12; i++) {
        chip_power_off(t.c, false);
        flash_factory_options(t.c);
        chiptest_power(&t);
        unlock(true);
        wr(&t, OPTR, 0xFFEFE8AA);
        cut_at_next(CHIP_CUT_TORN);
        wr(&t, CR, CR_OPTSTRT);
        wait();
        assert_int_equal(t.c->mode, MODE_OFF);
        t.cut_at = 0;
        chiptest_power(&t);
        mismatch += (rd(&t, SR) & SR_OPTVERR) != 0;
    }
    assert_true(mismatch > 4);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code),
        TEST(test_ecc_single),
        TEST(test_ecc_double),
        TEST(test_dcache),
        TEST(test_latency),
        TEST(test_icache_stale),
        TEST(test_icache_execution),
        TEST(test_icache_stale_execution),
        TEST(test_ecc_execution),
        TEST(test_options),
        TEST(test_optverr),
        TEST(test_rdp),
        TEST(test_rdp2),
        TEST(test_boot_selection),
        TEST(test_pempty),
        TEST(test_engineering),
        TEST(test_cut_program),
        TEST(test_cut_erase),
        TEST(test_cut_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

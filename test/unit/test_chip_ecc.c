/* ECC of the flash: the code itself, and what single and double errors do to reads and execution. */
#include <string.h>

#include "chip/ecc.h"
#include "chip_regs.h"

#define SR   FLASH(0x10)
#define ECCR FLASH(0x18)
#define PAGE 20
#define ADDR (FLASH_BASE + PAGE * FLASH_PAGE)
#define ECCC (1U << 30)
#define ECCD (1U << 31)

static bool nmi(void)
{
    return rig->nmi_sources & 1U << NMI_FLASH_ECC;
}

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
    assert_int_equal(rd(ADDR), 0x89ABCDEF);
    assert_int_equal(rd(ECCR), 0);
    assert_true(chip_ecc_damage(rig, ADDR, 1));
    wr(ECCR, 1U << 24);
    assert_int_equal(rig->irq_sources[4], 0);
    assert_int_equal(rd(ADDR + 8), 0xFFFFFFFF);
    assert_int_equal(rd(ECCR), 1U << 24);
    wr(FLASH(0x00), 0); /* D-cache off: every read reads */
    assert_int_equal(rd(ADDR + 4), 0x01234567);
    assert_int_equal(rd(ECCR), ECCC | 1U << 24 | (ADDR - FLASH_BASE));
    assert_true(rig->irq_sources[4] != 0);
    assert_false(nmi());
    wr(ECCR, ECCC | 1U << 24);
    assert_int_equal(rd(ECCR) & ECCC, 0);
    assert_true(rig->irq_sources[4] == 0);
    /* An erased word with one bad cell reads blank, and cannot be programmed any more. */
    assert_true(chip_ecc_damage(rig, ADDR + 8, 1));
    assert_int_equal(rd(ADDR + 8), 0xFFFFFFFF);
    assert_true(rd(ECCR) & ECCC);
    flash_unlock();
    flash_write64(ADDR + 8, 1);
    assert_int_equal(rd(SR) & SR_PROGERR, SR_PROGERR);
}

static void test_ecc_double(void **state)
{
    (void)state;
    poke64(ADDR, 0x0123456789ABCDEF);
    poke64(ADDR + 64, 0x55);
    assert_true(chip_ecc_damage(rig, ADDR, 2));
    assert_true(chip_ecc_damage(rig, ADDR + 64, 1));
    (void)rd(ADDR);
    assert_int_equal(rd(ECCR), ECCD | (ADDR - FLASH_BASE));
    assert_true(nmi());
    (void)rd(ADDR + 64); /* the address stays as it is */
    assert_int_equal(rd(ECCR), ECCD | ECCC | (ADDR - FLASH_BASE));
    wr(ECCR, ECCD | ECCC);
    assert_false(nmi());
    (void)rd(ADDR + 4); /* in the cache: not read again */
    assert_int_equal(rd(ECCR) & ECCD, 0);
    wr(FLASH(0x00), 0);
    (void)rd(ADDR + 4);
    assert_true(rd(ECCR) & ECCD);
    /* DMA sees it too; a debugger's look does not. */
    wr(ECCR, ECCD);
    uint32_t v;
    assert_true(chip_peek(rig, ADDR, &v, 4));
    assert_int_equal(rd(ECCR) & ECCD, 0);
    assert_true(chip_bus_read(rig, ADDR, 4, &v));
    assert_true(rd(ECCR) & ECCD);
    wr(ECCR, ECCD);
    flash_unlock();
    flash_erase_page(PAGE);
    (void)rd(ADDR);
    assert_int_equal(rd(ECCR) & (ECCC | ECCD), 0);
    assert_false(chip_ecc_damage(rig, ADDR + 4, 1));
    assert_false(chip_ecc_damage(rig, 0x20000000, 1));
    assert_false(chip_ecc_damage(rig, ADDR, 3));
}

/* Executed code that the flash can only just, or cannot, read. */
static void test_ecc_execution(void **state)
{
    (void)state;
    poke64(ADDR, 0xE7FE37013701);
    assert_true(chip_ecc_damage(rig, ADDR, 1));
    cpu_set_reg(chip_cpu(rig), 7, 0);
    cpu_set_reg(chip_cpu(rig), 15, ADDR);
    run_us(10);
    assert_int_equal(cpu_reg(chip_cpu(rig), 7), 2);
    assert_int_equal(rd(ECCR), ECCC | (ADDR - FLASH_BASE));
    wr(ECCR, ECCC);
    poke64(ADDR + 64, 0xE7FE37013701);
    assert_true(chip_ecc_damage(rig, ADDR + 64, 2));
    cpu_set_reg(chip_cpu(rig), 15, ADDR + 64);
    run_us(10);
    assert_int_equal(rd(ECCR), ECCD | (ADDR + 64 - FLASH_BASE));
    assert_int_equal(told_count("NMI"), 1);
    assert_int_equal(cpu_reg(chip_cpu(rig), 16) & 0x1FF, 2); /* in its handler */
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_on_awake, rig_off)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code),
        TEST(test_ecc_single),
        TEST(test_ecc_double),
        TEST(test_ecc_execution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

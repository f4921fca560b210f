/* The CRC unit against a bit-by-bit CRC and published check values. */
#include <stdlib.h>

#include "rig.h"

#define CRC  0x40023000u
#define DR   (CRC + 0x00)
#define IDR  (CRC + 0x04)
#define CR   (CRC + 0x08)
#define INIT (CRC + 0x10)
#define POL  (CRC + 0x14)

static int on(void **state)
{
    rig_on(state);
    clock_on(0x48, 12);
    return 0;
}

static void feed_text(const char *text)
{
    while (*text)
        wr8(DR, (uint8_t)*text++);
}

/* Check values of the catalogue of parametrised CRC algorithms, for "123456789". */
static void check_values(void **state)
{
    static const struct {
        uint32_t cr, init, pol, xor, check;
    } rows[] = {
        {0, 0xFFFFFFFF, 0x04C11DB7, 0, 0x0376E6E7},      /* CRC-32/MPEG-2 */
        {0xA0, 0xFFFFFFFF, 0x04C11DB7, ~0u, 0xCBF43926}, /* CRC-32 */
        {0, 0xFFFFFFFF, 0x04C11DB7, ~0u, 0xFC891918},    /* CRC-32/BZIP2 */
        {0xA0, 0xFFFFFFFF, 0x1EDC6F41, ~0u, 0xE3069283}, /* CRC-32C */
        {0x08, 0xFFFF, 0x1021, 0, 0x29B1},               /* CRC-16/IBM-3740 */
        {0xA8, 0xFFFF, 0x8005, 0, 0x4B37},               /* CRC-16/MODBUS */
        {0xA8, 0, 0x1021, 0, 0x2189},                    /* CRC-16/KERMIT */
        {0x10, 0, 0x07, 0, 0xF4},                        /* CRC-8/SMBUS */
        {0xB0, 0, 0x31, 0, 0xA1},                        /* CRC-8/MAXIM-DOW */
        {0x18, 0, 0x09, 0, 0x75},                        /* CRC-7/MMC */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wr(POL, rows[i].pol);
        wr(INIT, rows[i].init);
        wr(CR, rows[i].cr | 1);
        assert_int_equal(rd(CR), rows[i].cr); /* RESET clears itself */
        feed_text("123456789");
        assert_int_equal(rd(DR) ^ rows[i].xor, rows[i].check);
    }
}

/* Words and half-words are taken most significant bit first; REV_IN works on its unit. */
static void access_sizes(void **state)
{
    (void)state;
    wr(DR, 0x31323334);
    uint32_t by_word = rd(DR);
    wr(CR, 1);
    wr16(DR, 0x3132);
    wr16(DR, 0x3334);
    assert_int_equal(rd(DR), by_word);
    wr(CR, 1);
    feed_text("1234");
    assert_int_equal(rd(DR), by_word);
    wr(CR, 0x20 | 1); /* bits of each byte */
    wr(DR, 0x31323334);
    uint32_t bytes = rd(DR);
    wr(CR, 1);
    wr(DR, 0x8C4CCC2C);
    assert_int_equal(rd(DR), bytes);
    wr(CR, 0x40 | 1); /* half-words */
    wr(DR, 0x31323334);
    uint32_t halves = rd(DR);
    wr(CR, 1);
    wr(DR, 0x4C8C2CCC);
    assert_int_equal(rd(DR), halves);
    wr(CR, 0x60 | 1); /* the word */
    wr(DR, 0x31323334);
    uint32_t word = rd(DR);
    wr(CR, 1);
    wr(DR, 0x2CCC4C8C);
    assert_int_equal(rd(DR), word);
}

/* Against the definition, with random polynomials and data. */
static void random_polynomials(void **state)
{
    static const unsigned widths[4] = {32, 16, 8, 7};

    (void)state;
    srand(1);
    for (unsigned n = 0; n < 200; n++) {
        unsigned size = n & 3, w = widths[size];
        uint32_t mask = w == 32 ? ~0u : (1u << w) - 1;
        uint32_t pol = ((uint32_t)rand() << 8 ^ (uint32_t)rand()) & mask, crc = (uint32_t)rand() & mask;
        wr(CR, size << 3);
        wr(POL, pol);
        wr(INIT, crc); /* loads DR as well */
        assert_int_equal(rd(DR), crc);
        for (unsigned k = 0; k < 5; k++) {
            uint32_t data = (uint32_t)rand() << 16 ^ (uint32_t)rand();
            wr(DR, data);
            for (int b = 31; b >= 0; b--)
                crc = (crc << 1 ^ ((crc >> (w - 1) ^ data >> b) & 1 ? pol : 0)) & mask;
        }
        assert_int_equal(rd(DR), crc);
    }
}

static void idr_survives_reset(void **state)
{
    (void)state;
    wr(IDR, 0x1A5);
    wr(CR, 1);
    assert_int_equal(rd(IDR), 0xA5);
    assert_int_equal(rd(DR), 0xFFFFFFFF);
}

/* A byte takes one HCLK cycle, one datum is buffered: the third word of a burst has to wait. */
static void writes_stall(void **state)
{
    ps_t cycle = 250000, begin; /* MSI 4 MHz */

    rig_off(state);
    rig_on_awake(state);
    clock_on(0x48, 12);
    begin = chip_now(rig);
    wr(DR, 1);
    wr(DR, 2);
    assert_int_equal(chip_now(rig), begin);
    wr(DR, 3);
    assert_in_range(chip_now(rig) - begin, 4 * cycle, 5 * cycle);
    rd(DR);
    assert_in_range(chip_now(rig) - begin, 12 * cycle, 13 * cycle);
}

static void gated(void **state)
{
    (void)state;
    clear_bits(0x40021048, 1u << 12);
    assert_int_equal(rd(DR), 0);
    wr(IDR, 1);
    clock_on(0x48, 12);
    assert_int_equal(rd(IDR), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(check_values, on, rig_off),
        cmocka_unit_test_setup_teardown(access_sizes, on, rig_off),
        cmocka_unit_test_setup_teardown(random_polynomials, on, rig_off),
        cmocka_unit_test_setup_teardown(idr_survives_reset, on, rig_off),
        cmocka_unit_test_setup_teardown(writes_stall, on, rig_off),
        cmocka_unit_test_setup_teardown(gated, on, rig_off),
    };

    return cmocka_run_group_tests_name("CRC", tests, NULL, NULL);
}

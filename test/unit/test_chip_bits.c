/* Every register of the chip, bit by bit: what can be changed behind a reset is what chip_bits.inc says, and
 * a write changes nothing else. What states and locks do to that is in the tests of the blocks. */
#include "chip_regs.h"

#define RTC 0x40002800u

static const struct row {
    const char *name;
    uint32_t addr, mask;
} rows[] = {
#define BITS(reg, addr, mask) {#reg, addr, mask},
#include "chip_bits.inc"
#undef BITS
};

/* Clocks on but for the firewall's, whose test is another; domains and locks open. */
static int open_all(void **state)
{
    static const uint8_t enables[] = {0x48, 0x4C, 0x50, 0x58, 0x5C, 0x60};

    rig_on(state);
    for (unsigned i = 0; i < sizeof enables; i++)
        wr(RCC(enables[i]), UINT32_MAX);
    set_bits(0x40007000, 1 << 8); /* PWR_CR1.DBP */
    options_unlock();
    wr(RTC + 0x24, 0xCA);
    wr(RTC + 0x24, 0x53);
    run_us(300);
    rig_keep();
    return 0;
}

/* Reads what a write leaves. */
static uint32_t written(uint32_t addr, uint32_t value)
{
    rig_back();
    told.n = 0;
    wr(addr, value);
    return rd(addr);
}

static void bits_that_change(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rig_back();
        uint32_t before = rd(rows[i].addr), changed = 0;
        for (unsigned n = 0; n < 3 + 64; n++) {
            uint32_t bit = n < 3 ? 0 : 1u << (n - 3) / 2;
            uint32_t value = n == 0 ? 0 : n == 1 ? UINT32_MAX : n == 2 ? before : n & 1 ? bit : before ^ bit;
            uint32_t after = written(rows[i].addr, value);
            changed |= (after ^ before) & ~(after ^ value); /* has become what was written */
        }
        if (changed != rows[i].mask)
            fail_msg("%s: 0x%08X can be changed, not 0x%08X", rows[i].name, changed, rows[i].mask);
    }
}

/* A byte or half-word, and what it amounts to: an APB register gets it on all lanes, any other in its place.
 */
static void narrow_write(const struct row *r, unsigned size, unsigned lane, uint32_t value)
{
    uint32_t lanes = size == 1 ? 0xFFu : 0xFFFFu, shift = 8 * lane;

    rig_back();
    value &= lanes;
    uint32_t wide = r->addr < 0x40020000 ? value * (size == 1 ? 0x01010101u : 0x10001u)
                                         : (rd(r->addr) & ~(lanes << shift)) | value << shift;
    uint32_t expected = written(r->addr, wide);
    rig_back();
    told.n = 0;
    rig_write(r->addr + lane, size, value);
    if (rd(r->addr) != expected)
        fail_msg("%s+%u by %u bytes: 0x%08X, not 0x%08X", r->name, lane, size, rd(r->addr), expected);
}

static void narrow_writes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (unsigned size = 1; size < 3; size++)
            for (unsigned lane = 0; lane < 4; lane += size) {
                uint32_t addr = rows[i].addr;
                bool usb_upper = addr >> 10 == 0x40006800 >> 10 && lane >= 2; /* is not there */
                bool lock = (addr & 0xFC0003FF) == 0x4800001C;                /* LCKR takes words only */
                if (usb_upper || lock)
                    continue;
                narrow_write(&rows[i], size, lane, 0xA5C3);
                narrow_write(&rows[i], size, lane, 0x5A3C);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bits_that_change, open_all, rig_off),
        cmocka_unit_test_setup_teardown(narrow_writes, open_all, rig_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

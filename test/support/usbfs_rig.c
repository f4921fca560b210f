/* See usbfs_rig.h. */
#include "usbfs_rig.h"

struct chip *c;
int pullup, pullups, wakes;

static void on_pullup(void *owner, bool on)
{
    (void)owner;
    pullup = on;
    pullups++;
}

static void on_wake(void *owner)
{
    (void)owner;
    wakes++;
}

static const struct chip_listener listener = {.usb_pullup = on_pullup, .usb_wake = on_wake};

uint32_t rd(uint32_t addr)
{
    uint32_t v = 0;
    assert_true(chip_bus_read(c, addr, addr >= USB && addr < PMA + 0x400 ? 2 : 4, &v));
    return v;
}

void wr(uint32_t addr, uint32_t v)
{
    assert_true(chip_bus_write(c, addr, addr >= USB && addr < PMA + 0x400 ? 2 : 4, v));
}

void run_us(unsigned us)
{
    chip_run(c, chip_now(c) + us * PS_PER_US);
}

uint32_t epr(unsigned n)
{
    return rd(USB + 4 * n);
}

void set_epr(unsigned n, uint32_t v)
{
    const uint32_t toggle = 0x7070, plain = 0x070F;
    wr(USB + 4 * n, ((epr(n) ^ v) & toggle) | (v & plain) | 0x8080);
    assert_int_equal(epr(n) & (toggle | plain), v & (toggle | plain));
}

void clear_ctr(unsigned n)
{
    wr(USB + 4 * n, epr(n) & 0x070F);
}

int power_up(void **state)
{
    (void)state;
    static const uint32_t program[] = {0x20001000, 0x08000009, 0xE7FDBF30}; /* wfi; b . - 2 */
    struct chip_config config;
    chip_config_default(&config);
    pullup = -1;
    wakes = pullups = 0;
    c = chip_create(&config, &listener);
    assert_non_null(c);
    assert_true(chip_poke(c, 0x08000000, program, sizeof program));
    chip_power_on(c);
    run_us(1000);
    wr(RCC_CR, 0x99); /* MSIRANGE 9, MSIRGSEL, MSION */
    wr(CRRCR, 1);
    wr(APB1ENR1, 1U << 26 | 1U << 28);
    wr(PWR_CR2, 1U << 10);
    run_us(100);
    return 0;
}

int power_down(void **state)
{
    (void)state;
    chip_destroy(c);
    return 0;
}

int attach(void **state)
{
    power_up(state);
    wr(CNTR, 1); /* out of power-down */
    run_us(10);
    wr(CNTR, 0);
    wr(ISTR, 0);
    wr(BTABLE, 0);
    for (unsigned n = 0; n < 8; n++) {
        wr(PMA + 8 * n, 0x080 + 0x40 * n);
        wr(PMA + 8 * n + 2, 0);
        wr(PMA + 8 * n + 4, 0x280 + 0x40 * (n % 6));
        wr(PMA + 8 * n + 6, 0x8400);
    }
    usbfs_cable(c, true);
    wr(BCDR, 0x8000);
    assert_int_equal(pullup, 1);
    wr(DADDR, 0x85);
    return 0;
}

bool irq_pending(void)
{
    uint32_t v = 0;
    assert_true(chip_peek(c, 0xE000E208, &v, 4));
    return v >> (67 - 64) & 1; /* NVIC_ISPR2 */
}

/* Hand-over: at the application's first instruction the chip is as after reset. What may differ is listed in
 * handover.h and in docs/how-it-boots.md. */
#include "handover.h"

/* Without a bootloader, behind a reset of the kind that `command` makes. */
static void look_without(uint32_t command)
{
    struct rig r;
    power(&r, NULL, PROBEBARE, 0x08000000);
    go(&r, command, 0);
    look(r.board, &without);
    end(&r);
}

static void arrives_the_same(struct rig *r, const char *path)
{
    arrive(r, 2000 * MS);
    look(r->board, &with);
    end(r);
    assert_int_equal(compare(path, &with, &without), 0);
}

static void power_on(void **state)
{
    (void)state;
    struct rig r;
    power(&r, BOOT, PROBE, SLOT);
    look(r.board, &with);
    assert_int_equal(vboard_peek32(r.board, 0xE000ED08), SLOT);
    assert_int_equal(with.core[1], vboard_peek32(r.board, SLOT));
    assert_int_equal(vboard_reg(r.board, 14), 0xFFFFFFFF);
    end(&r);
    power(&r, NULL, PROBEBARE, 0x08000000);
    look(r.board, &without);
    end(&r);
    assert_int_equal(compare("power-on", &with, &without), 0);
}

/* Both boards go the same way; `how` brings them to their second start. */
static void same_way(const char *path, void (*how)(struct rig *r))
{
    struct rig r;
    power(&r, BOOT, PROBE, SLOT);
    how(&r);
    look(r.board, &with);
    end(&r);
    power(&r, NULL, PROBEBARE, 0x08000000);
    how(&r);
    look(r.board, &without);
    end(&r);
    assert_int_equal(compare(path, &with, &without), 0);
}

static void by_pin(struct rig *r)
{
    run_ms(r, 5);
    vboard_nrst(r->board, MS);
    arrive(r, 100 * MS);
}

static void by_software(struct rig *r)
{
    go(r, RESET, 0);
}

static void by_iwdg(struct rig *r)
{
    go(r, HANG, 0);
}

static void by_wwdg(struct rig *r)
{
    go(r, HANG_WWDG, 0);
}

static void by_options(struct rig *r)
{
    go(r, OPTIONS, 0);
}

static void by_standby(struct rig *r)
{
    go(r, STANDBY, 0);
}

static void by_shutdown(struct rig *r)
{
    go(r, SHUTDOWN, 0);
}

static void resets(void **state)
{
    (void)state;
    same_way("pin", by_pin);
    same_way("software", by_software);
    same_way("IWDG", by_iwdg);
    same_way("WWDG", by_wwdg);
    same_way("options", by_options);
}

static void wakes(void **state)
{
    (void)state;
    same_way("Standby", by_standby);
    same_way("Shutdown", by_shutdown);
}

/* Who jumps to the bootloader gets a software reset in between: the same as one by itself. */
static void jumps(void **state)
{
    (void)state;
    struct rig r;
    look_without(RESET);
    for (uint32_t command = JUMP; command <= JUMP_WATCHED; command++) {
        for (uint32_t memory = 0; memory <= 3; memory += 3) { /* flash or SRAM1 at 0 */
            power(&r, BOOT, PROBE, SLOT);
            go(&r, command, memory);
            look(r.board, &with);
            assert_int_equal(compare(command == JUMP ? "jump" : "clean jump", &with, &without), 0);
            run_ms(&r, 300); /* and no watchdog is left that would bite now */
            assert_true(vboard_peek32(r.board, bench_address(PROBE, "starts")) == 1);
            end(&r);
        }
    }
}

/* Whatever it is that whoever jumps has left, alone on a chip that is otherwise fresh: there is a reset. With
 * nothing left there is none. */
static void each_trace_of_a_jump(void **state)
{
    (void)state;
    static const struct {
        uint32_t addr, value; /* below 32: a core register */
    } traces[] = {
        {0xE000E014, 0},
        {0x40021000, 0x163},
        {0x40021008, 0x400},
        {0x4002100C, 0x1100}, /* RCC: CR ... */
        {0x40021098, 1},
        {0x40021048, 0x101},
        {0x4002104C, 1},
        {0x40021050, 0x100}, /* ... enables */
        {0x40021058, 0x401},
        {0x4002105C, 1},
        {0x40021060, 0x800},
        {0xE000E010, 1}, /* SysTick */
        {0xE000ED08, 0x20000000},
        {0xE000E100, 1},
        {0xE000E104, 1},
        {0xE000E108, 1}, /* VTOR, NVIC */
        {20, 0x10},
        {21, 1}, /* BASEPRI, FAULTMASK */
    };
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        struct rig r;
        power(&r, BOOT, PROBE, SLOT);
        const uint32_t vtor = 0;
        assert_true(vboard_poke(r.board, 0xE000ED08, &vtor, 4));
        if (traces[i].addr < 32)
            vboard_set_reg(r.board, traces[i].addr, traces[i].value);
        else
            assert_true(vboard_poke(r.board, traces[i].addr, &traces[i].value, 4));
        vboard_set_reg(r.board, 15, vboard_peek32(r.board, 0x08000004) & ~1u);
        bool reset = vboard_run_event(r.board, 20 * MS, VE_RESET, "soft", NULL) == VB_EVENT;
        if (reset != (i > 0))
            fail_msg("0x%08x = 0x%x: %s", traces[i].addr, traces[i].value, reset ? "a reset" : "no reset");
        end(&r);
    }
}

/* Where BOOT0 would send that reset to the ROM there is none: every register is put back by hand. */
static void jump_without_reset(void **state)
{
    (void)state;
    static const struct {
        uint32_t addr, value;
    } mess[] =
        {
            {0x40010400, 0xFF82FFFF}, {0x40010404, 0xFFFF},
            {0x40010408, 0xFFFF},     {0x4001040C, 0xFFFF},
            {0x40010420, 0xFF},       {0x40010410, 0x1000},
            {0x40010424, 0x78},       {0x40010428, 0x78},
            {0x4001042C, 0x78}, /* EXTI */
            {0x40021010, 0x2000},     {0x40021018, 0x250},
            {0x40021088, 0x00300003}, /* PLLSAI1CFGR, CIER, CCIPR */
            {0x40021048, 0x1107},     {0x40021050, 0x100},
            {0x4002105C, 0x21}, /* DMA, CRC, QUADSPI, LPTIM2 */
            {0x40020008, 0x2C0},      {0xE000E404, 0x10203040},
            {0xE000E450, 0x0040}, /* DMA1, NVIC */
            {0xE000ED18, 0x10101000}, {0xE000ED1C, 0x20000000},
            {0xE000ED20, 0x30300000}, /* SHPR */
        };
    struct rig r;
    power(&r, NULL, PROBEBARE, 0x08000000);
    assert_true(vboard_drive(r.board, "PH3", 1));
    look(r.board, &without);
    end(&r);
    power(&r, BOOT, PROBE, SLOT);
    run_ms(&r, 5);
    assert_true(vboard_drive(r.board, "PH3", 1));
    for (size_t i = 0; i < sizeof mess / sizeof *mess; i++)
        assert_true(vboard_poke(r.board, mess[i].addr, &mess[i].value, 4));
    tell(&r, JUMP, 3);
    assert_true(vboard_break(r.board, vboard_peek32(r.board, SLOT + 4) & ~1u, true));
    assert_int_equal(vboard_run(r.board, 100 * MS, NULL, NULL), VB_BREAK);
    look(r.board, &with);
    assert_int_equal(compare("a jump that is undone", &with, &without), 0);
    assert_int_equal(vboard_peek32(r.board, bench_address(PROBE, "starts")), 1);
    end(&r);
}

/* Through DFU by the token, with a download, and out again by leave. */
static void after_dfu(void **state)
{
    (void)state;
    struct rig r;
    look_without(RESET);

    power(&r, BOOT, PROBE, SLOT);
    plug(&r);
    run_ms(&r, 5);
    tell(&r, DFU, 0);
    assert_true(usbhost_wait_attached(r.host, 2000 * MS));
    download(&r, PROBE_BIN, SLOT);
    ask_to_leave(&r);
    arrives_the_same(&r, "after DFU");
}

/* DfuSe Set Address and leave. */
static void leave_to(struct rig *r, uint32_t addr)
{
    uint8_t command[5] = {0x21}, status[6];
    memcpy(command + 1, &addr, 4);
    assert_int_equal(usbhost_control(r->host, 0x21, 1, 0, 0, command, 5, NULL), UH_OK);
    assert_int_equal(usbhost_control(r->host, 0xA1, 3, 0, 0, status, 6, NULL), UH_OK);
    assert_int_equal(usbhost_control(r->host, 0xA1, 3, 0, 0, status, 6, NULL), UH_OK);
    assert_int_equal(status[4], 5);
    ask_to_leave(r);
}

static bool rom_is_there(struct rig *r)
{
    const uint8_t *d;
    return usbhost_wait_attached(r->host, 2000 * MS) && (d = usbhost_device_descriptor(r->host)) != NULL &&
           d[13] == 0x22; /* bcdDevice */
}

/* Into the ROM by the token, a download by the ROM, and its leave, which is a jump into sureboot. */
static void after_rom(void **state)
{
    (void)state;
    struct rig r;
    look_without(RESET);

    power(&r, BOOT, PROBE, SLOT);
    plug(&r);
    run_ms(&r, 5);
    tell(&r, ROM, 0);
    assert_true(rom_is_there(&r));
    download(&r, PROBE_BIN, SLOT);
    leave_to(&r, 0x08000000);
    arrives_the_same(&r, "after the ROM");
}

/* The ROM is there by BOOT0, which is still high when it leaves: no reset, and all is put back by hand. */
static void after_rom_without_reset(void **state)
{
    (void)state;
    struct rig r;
    power(&r, NULL, PROBEBARE, 0x08000000);
    assert_true(vboard_drive(r.board, "PH3", 1));
    look(r.board, &without);
    end(&r);

    power(&r, BOOT, PROBE, SLOT);
    plug(&r);
    assert_true(vboard_drive(r.board, "PH3", 1));
    vboard_nrst(r.board, MS);
    assert_true(rom_is_there(&r));
    leave_to(&r, 0x08000000);
    arrive(&r, 2000 * MS);
    look(r.board, &with);
    /* The ROM has set IWDG's prescaler (AN2606): where LSI is off that is on its way until the next reset. */
    assert_int_equal(vboard_peek32(r.board, 0x4000300C), 1);
    end(&r);
    assert_int_equal(compare("after the ROM, without a reset", &with, &without), 0);
}

/* A blank chip but for the slot: the ROM installs sureboot and leaves, sureboot reloads the option bytes. */
static void after_empty_check(void **state)
{
    (void)state;
    struct rig r;
    look_without(OPTIONS);

    place(&r, PROBE, SLOT);
    assert_true(vboard_load_file(r.board, PROBE, VBOARD_NO_ADDR));
    plug(&r);
    vboard_power(r.board, true, false);
    assert_true(rom_is_there(&r));
    download(&r, "build/firmware/boot.bin", 0x08000000);
    assert_true(vboard_peek32(r.board, 0x40022010) & 1u << 17); /* PEMPTY, though it is not */
    leave_to(&r, 0x08000000);
    arrives_the_same(&r, "after the empty check");
}

/* Power-on with a broken image, DFU, download, leave. */
static void after_refusal(void **state)
{
    (void)state;
    struct rig r;
    static const uint32_t wrong[2] = {0x20010000, 0x08000201};
    look_without(RESET);

    place(&r, PROBE, SLOT);
    assert_true(vboard_load_file(r.board, BOOT, VBOARD_NO_ADDR));
    assert_true(vboard_load_bytes(r.board, SLOT, wrong, sizeof wrong));
    plug(&r);
    vboard_power(r.board, true, false);
    assert_true(usbhost_wait_attached(r.host, 2000 * MS));
    assert_false(r.arrived);
    download(&r, PROBE_BIN, SLOT);
    ask_to_leave(&r);
    arrives_the_same(&r, "after refusal");
}

/* SRAM is the application's: all but the boot stack is as it was before the reset. */
static void sram_is_untouched(void **state)
{
    (void)state;
    struct rig r;
    static uint8_t pattern[0x10000], now[0x10000];
    power(&r, BOOT, PROBE, SLOT);
    run_ms(&r, 5);
    tell(&r, RESET, 0);
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (uint8_t)(i * 7 + i / 256);
    uint32_t command = bench_address(PROBE, "command") - 0x20000000;
    pattern[command] = RESET;
    pattern[command + 1] = pattern[command + 2] = pattern[command + 3] = 0;
    assert_true(vboard_poke(r.board, 0x20000000, pattern, sizeof pattern));
    arrive(&r, 100 * MS);
    assert_true(vboard_peek(r.board, 0x20000000, now, sizeof now));
    size_t low = sizeof now, high = 0;
    for (size_t i = 0; i < sizeof now; i++) {
        if (now[i] != pattern[i]) {
            low = i < low ? i : low;
            high = i;
        }
    }
    print_message("# the boot path used SRAM from 0x%08x to 0x%08x\n", (unsigned)(0x20000000 + low),
                  (unsigned)(0x20000000 + high));
    assert_in_range(low, 0xFF00 - 0x400, 0xFEFF);
    assert_in_range(high, 0xFF00 - 0x400, 0xFEFF);
    end(&r);
}

/* What is in the token's register and is not for the bootloader stays there; all others anyway. */
static void foreign_tokens_stay(void **state)
{
    (void)state;
    static const uint32_t values[] = {1, 0xDEADBEEE, 0x12345678, 0xFFFFFFFF};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct rig r;
        power(&r, BOOT, PROBE, SLOT);
        go(&r, LEAVE_TOKEN, values[i]);
        assert_int_equal(vboard_peek32(r.board, 0x40002850 + 4 * 5), values[i]);
        end(&r);
    }
}

/* The token is used up: the next reset starts the application. */
static void token_is_used_once(void **state)
{
    (void)state;
    struct rig r;
    power(&r, BOOT, PROBE, SLOT);
    run_ms(&r, 5);
    tell(&r, DFU, 0);
    r.arrived = false;
    run_ms(&r, 500);
    assert_false(r.arrived); /* in DFU */
    assert_int_equal(vboard_peek32(r.board, 0x40002850 + 4 * 5), 0);
    vboard_nrst(r.board, MS);
    arrive(&r, 100 * MS);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_on),
        cmocka_unit_test(resets),
        cmocka_unit_test(wakes),
        cmocka_unit_test(jumps),
        cmocka_unit_test(each_trace_of_a_jump),
        cmocka_unit_test(jump_without_reset),
        cmocka_unit_test(after_dfu),
        cmocka_unit_test(after_rom),
        cmocka_unit_test(after_rom_without_reset),
        cmocka_unit_test(after_empty_check),
        cmocka_unit_test(after_refusal),
        cmocka_unit_test(sram_is_untouched),
        cmocka_unit_test(foreign_tokens_stay),
        cmocka_unit_test(token_is_used_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

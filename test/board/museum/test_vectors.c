/* Museum of mistakes: images that are built for somewhere else, and how a bootloader looks at the first words
 * of one. */
#include "museum.h"

/* ---- the first word and a mask ----------------------------------------------------------- */

/* What starts: pushes, and waits. A stack pointer that leads nowhere ends in a lock-up. */
static const uint16_t code[] = {0xB401, 0xE7FE}; /* push {r0}; b . */

static const struct {
    uint32_t sp;
    bool by_2ffc, by_2ffe, by_sureboot; /* which of them start it */
    bool lives;
} rows[] = {
    {0x20010000, true, true, true, true},    /* the end of SRAM: as most linker scripts have it */
    {0x2000C000, true, true, true, true},    /* in the middle */
    {0x10004000, false, false, true, true},  /* the end of SRAM2: as good, and both masks refuse it */
    {0x20018000, true, true, false, false},  /* a chip with 96 KB: both masks start it */
    {0x20030000, true, false, false, false}, /* a chip with 192 KB */
    {0x20000000, true, true, false, false},  /* the start of SRAM: the stack grows down from it */
    {0x30000000, true, true, false, false},  /* not even SRAM: bit 28 is in neither mask */
    {0xF0000000, true, true, false, false},  {0x08004000, false, false, false, false},
};

static void image_with(uint8_t bytes[256], uint32_t sp)
{
    const uint32_t head[2] = {sp, 0x08004041};
    memset(bytes, 0, 256);
    memcpy(bytes, head, sizeof head);
    memcpy(bytes + 64, code, sizeof code);
}

static void by_mask(uint32_t habits, const uint8_t *image, uint32_t sp, bool starts, bool lives)
{
    struct seen *s = seen_board(THREAD, false);
    assert_true(vboard_load_bytes(s->bench.board, SLOT, image, 256));
    thread_power(s, habits);
    let_run(s, 50);
    if ((s->bench.handoffs > 0) != starts || s->stuck != (starts && !lives))
        fail_msg("0x%08x, habits %u: %u starts, %s", sp, habits, s->bench.handoffs,
                 s->stuck ? "locked up" : "not locked up");
    seen_end(s);
}

static void stack_pointer_by_mask(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t image[256];
        image_with(image, rows[i].sp);
        by_mask(0, image, rows[i].sp, rows[i].by_2ffc, rows[i].lives);
        by_mask(OTHER_MASK, image, rows[i].sp, rows[i].by_2ffe, rows[i].lives);
        if (!rows[i].by_sureboot) {
            sureboot_refuses(image, sizeof image, MESSAGE_BAD_STACK);
            continue;
        }
        struct seen *s = seen_board(BOOT, true);
        vboard_power(s->bench.board, true, false);
        assert_true(send_bytes(s, image, sizeof image, true).ok);
        let_run(s, 50);
        assert_int_equal(s->bench.handoffs, 1);
        assert_false(s->stuck);
        seen_end(s);
    }
}

/* ---- linked for 0x08000000 --------------------------------------------------------------- */

/* The download succeeds, and the jump lands where the file says: in the bootloader's own code, which starts
 * over and over. */
static void linked_at_0x08000000(void **state)
{
    (void)state;
    struct seen *s = thread(0);
    assert_true(send_file(s, FW("atzero.bin"), true).ok);
    uint32_t reset = vboard_peek32(s->bench.board, SLOT + 4) & ~1u;
    assert_in_range(reset, 0x08000000, SLOT - 1);
    unsigned resets = s->bench.resets;
    assert_true(vboard_break(s->bench.board, reset, true));
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(vboard_run(s->bench.board, 50 * MS, NULL, NULL), VB_BREAK);
    assert_int_equal(s->bench.resets, resets);
    assert_int_equal(s->bench.handoffs, 0); /* nothing of it has ever run */
    seen_end(s);
    sureboot_refuses_file(FW("atzero.bin"), MESSAGE_NOT_HERE);
    inspect_says(FW("atzero.elf"), 1, MESSAGE_NOT_HERE);
    inspect_says(FW("atzero.bin"), 1, MESSAGE_NOT_HERE);
}

/* So large that all vectors lie in the slot: no look at them alone tells. */
static void linked_at_0x08000000_large(void **state)
{
    (void)state;
    struct seen *s = thread(0);
    assert_true(send_file(s, FW("largezero.bin"), true).ok);
    let_run(s, 50);
    assert_true(s->stuck);
    seen_end(s);

    s = seen_board(BOOT, true);
    vboard_power(s->bench.board, true, false);
    struct dfu_result r = send_file(s, FW("largezero.bin"), true);
    expect_sentence(&r, MESSAGE_NOT_HERE);
    vboard_nrst(s->bench.board, MS);
    let_run(s, 50);
    sureboot_stays(s, MESSAGE_NOT_HERE); /* whoever did not see why hears it from the board */
    assert_int_equal(s->bench.handoffs, 0);
    seen_end(s);
    inspect_says(FW("largezero.elf"), 1, MESSAGE_NOT_HERE);
}

/* ---- VTOR -------------------------------------------------------------------------------- */

/* The first interrupt takes its vector from whatever is at the other address. The first block of a download
 * does not show it; reading the whole file does. */
static void vtor_at_another_address(void **state)
{
    (void)state;
    struct seen *s = naive(NONE, FW("vtorwrong.elf"));
    assert_true(s->stuck);
    assert_int_equal(vboard_peek32(s->bench.board, 0xE000ED08), 0x08010000);
    expect_dark(s);
    s = sureboot_with(FW("vtorwrong.bin"));
    let_run(s, 1000);
    assert_true(s->stuck);
    expect_dark(s);
    inspect_says(FW("vtorwrong.bin"), 0,
                 FINDING_VTOR_ELSEWHERE); /* a warning: what it finds is not all that code can do */
    inspect_says(FW("vtorwrong.elf"), 0, FINDING_VTOR_ELSEWHERE);
}

int main(void)
{
    const struct CMUnitTest vectors[] = {
        cmocka_unit_test(stack_pointer_by_mask),
        cmocka_unit_test(linked_at_0x08000000),
        cmocka_unit_test(linked_at_0x08000000_large),
        cmocka_unit_test(vtor_at_another_address),
    };
    return MUSEUM(vectors);
}

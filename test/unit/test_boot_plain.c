/* Downloads in plain DFU 1.1 from beginning to end: sizes of images and blocks, their order, other hosts. */
#include "cmocka_first.h"

#include "session_bench.h"

static void plain_sizes(void **state)
{
    (void)state;
    static const unsigned transfers[] = {2048, 512, 64, 100, 8, 7, 683 /* three are a page and a byte */};
    static const uint32_t sizes[] = {10, 11, 2047, 2048, 2049, 4096, 6145, 10001};
    for (unsigned before = 0; before < 2; before++) {
        for (unsigned t = 0; t < sizeof transfers / sizeof *transfers; t++) {
            for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                if (before)
                    install(MAX);
                else
                    setup(NULL);
                struct status s = plain(image, sizes[i], transfers[t]);
                assert_int_equal(s.state, DFU_IDLE);
                assert_int_equal(s.status, DFU_STATUS_OK);
                assert_true(slot_holds(image, sizes[i]));
                assert_int_equal(boot_verdict(), VERDICT_START);
                assert_int_equal(dfu.session.writer.ledger.newest.length, sizes[i]);
            }
        }
    }
}

/* Blocks go on while flash is busy, two pages ahead of it; the end waits for all. */
static void plain_blocks_do_not_wait_for_flash(void **state)
{
    (void)state;
    install(MAX);
    for (uint16_t block = 0; block < 2; block++) {
        assert_true(dnload(block, image + block * 2048, 2048));
        assert_int_equal(get_status().state, DFU_DNBUSY);
        struct status s = get_status();
        assert_int_equal(s.state, DFU_DNLOAD_IDLE);
        assert_int_equal(s.poll, 0);
        assert_true(fake.busy);
    }
    dnload(2, NULL, 0);
    assert_int_equal(get_status().state, DFU_IDLE);
    assert_false(fake.busy);
    assert_int_equal(boot_verdict(), VERDICT_START);
}

/* Another host sets the interface: it does not go on where the last one was. */
static void plain_and_another_host(void **state)
{
    (void)state;
    setup(NULL);
    assert_int_equal(send_block(0, image, 2048), MESSAGE_READY);
    dfu_event(&dfu, DFU_INTERFACE_SET);
    assert_int_equal(send_block(1, image + 2048, 2048), MESSAGE_BLOCK);
    assert_true(simple(DFU_REQ_CLRSTATUS));
    assert_int_equal(plain(image, 4096, 2048).state, DFU_IDLE);
    assert_true(slot_holds(image, 4096));
    assert_int_equal(boot_verdict(), VERDICT_START);
}

/* A block that was lost or comes twice is not taken for the next one. */
static void plain_block_out_of_turn(void **state)
{
    (void)state;
    static const uint16_t wrong[] = {0, 1, 3, 0x102};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setup(NULL);
        assert_int_equal(send_block(0, image, 2048), MESSAGE_READY);
        assert_int_equal(send_block(1, image + 2048, 2048), MESSAGE_READY);
        assert_int_equal(send_block(wrong[i], image + 4096, 2048), MESSAGE_BLOCK);
        drain();
        assert_int_equal(boot_verdict(), MESSAGE_UNFINISHED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_sizes),
        cmocka_unit_test(plain_blocks_do_not_wait_for_flash),
        cmocka_unit_test(plain_and_another_host),
        cmocka_unit_test(plain_block_out_of_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

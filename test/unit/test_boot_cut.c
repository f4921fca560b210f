/* Downloads that do not come to their end: killed at every request, power cut at every flash operation. What
 * the next boot says is asked of the flash. */
#include "cmocka_first.h"

#include "session_bench.h"

static bool is_whole(uint32_t size)
{
    return slot_holds(old, MAX) || slot_holds(image, size);
}

/* dfu-util is killed at every request. A reset then starts the old image or nothing; a leave alone does
 * not change that; and a new download works. */
static void killed_anywhere(void **state)
{
    (void)state;
    static const unsigned transfers[] = {2048, 1024, 512};
    unsigned cases = 0;
    for (unsigned t = 0; t < 3; t++) {
        for (uint32_t size = 9000; size <= 10240; size += 1240) {
            for (unsigned upto = 1;; upto++) {
                install(MAX);
                dfu_util(SLOT_ADDR, image, size, transfers[t], upto);
                if (!killed)
                    break;
                struct fake then = fake;
                struct dfu was = dfu;
                fake.busy = false; /* reset: what was under way is gone */
                if (boot_verdict() == VERDICT_START)
                    assert_true(is_whole(size));

                fake = then; /* no reset; dfu-util -s 0x08004000:leave */
                dfu = was;
                dfu_event(&dfu, DFU_INTERFACE_SET);
                struct status s = get_status();
                if (s.state == DFU_DNLOAD_IDLE) {
                    assert_true(simple(DFU_REQ_ABORT));
                    get_status();
                }
                dfuse_command(DFUSE_SET_ADDRESS, SLOT_ADDR);
                leave();
                drain();
                if (boot_verdict() == VERDICT_START)
                    assert_true(is_whole(size));

                bench_boot((enum message)boot_verdict());
                assert_int_equal(dfu_util(SLOT_ADDR, image, size, transfers[t], 0), MESSAGE_READY);
                assert_true(slot_holds(image, size));
                assert_int_equal(boot_verdict(), VERDICT_START);
                cases++;
            }
        }
    }
    print_message("# killed at %u requests\n", cases);
    assert_in_range(cases, 100, 10000);
}

/* Power ends at every flash operation of a download, in every way; then again at every third operation of
 * the repair. What starts is whole, and what was begun is never started. */
static void power_cut_anywhere(void **state)
{
    (void)state;
    enum { SIZE = 5000 };
    unsigned cases = 0, starts_old = 0, unfinished = 0;
    static struct fake before;
    install(MAX);
    before = fake;
    for (unsigned seed = 0; seed < 5; seed++) {
        for (unsigned op = 1;; op++) {
            fake = before;
            bench_boot(MESSAGE_READY);
            fake.random = 31 * seed + op + 1;
            fake.cut = seed == 0 ? FAKE_BEFORE : seed == 1 ? FAKE_AFTER : FAKE_TORN;
            fake.cut_at = fake.operations + op;
            enum message m = dfu_util(SLOT_ADDR, image, SIZE, 2048, 0);
            if (!fake.off) {
                assert_int_equal(m, MESSAGE_READY);
                break;
            }
            fake_power_on();
            unsigned v = boot_verdict();
            if (v == VERDICT_START) {
                starts_old++;
                assert_true(is_whole(SIZE));
            } else {
                assert_int_equal(v, MESSAGE_UNFINISHED);
                unfinished++;
            }
            cases++;
            if (op % 3 == 0) { /* and once more */
                bench_boot(v < MESSAGE_COUNT ? (enum message)v : MESSAGE_READY);
                fake.cut_at = fake.operations + 1 + fake_random() % 600;
                dfu_util(SLOT_ADDR, image, SIZE, 2048, 0);
                fake_power_on();
                v = boot_verdict();
                if (v == VERDICT_START)
                    assert_true(is_whole(SIZE));
            }
            bench_boot(v < MESSAGE_COUNT ? (enum message)v : MESSAGE_READY);
            assert_int_equal(dfu_util(SLOT_ADDR, image, SIZE, 2048, 0), MESSAGE_READY);
            assert_true(slot_holds(image, SIZE));
            assert_int_equal(boot_verdict(), VERDICT_START);
            for (uint32_t i = 0; i < SIZE / 8; i++) /* no weak double word is left in what is sealed */
                assert_false(fake.weak[(SLOT_ADDR - FLASH_ADDR) / 8 + i]);
        }
    }
    print_message("# %u power cuts: %u start, %u unfinished\n", cases, starts_old, unfinished);
    assert_in_range(cases, 2000, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_anywhere),
        cmocka_unit_test(power_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

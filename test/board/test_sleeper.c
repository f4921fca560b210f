/* The product that sleeps in Shutdown: a hundred wakes with the bootloader in between and with none. Its
 * backup registers tell the same, and a wake costs no noticeable time. */
#include "kitbench.h"

enum { BKP2R = 0x40002858, BKP3R = 0x4000285C, WAKES = 100 };

struct run {
    uint32_t wakes, sum;
    unsigned starts;
    double seconds;           /* the last wake's reset after the first */
    double mean_us, worst_us; /* from the reset to the application's first instruction */
};

struct watch {
    struct vboard *board;
    uint64_t reset, first, last, total, worst;
    unsigned handoffs;
};

static void on_event(void *arg, const struct vboard_event *e)
{
    struct watch *w = arg;
    if (e->kind == VE_RESET) {
        w->reset = e->t;
    } else if (e->kind == VE_HANDOFF) {
        if (w->handoffs++ == 1)
            w->first = w->reset;
        if (w->handoffs > 1) { /* the first is no wake */
            uint64_t took = e->t - w->reset;
            w->total += took;
            w->worst = took > w->worst ? took : w->worst;
            w->last = w->reset;
        }
    } else if (e->kind == VE_FAULT || e->kind == VE_MISSING) {
        fail_msg("%s at 0x%08x", e->name ? e->name : "missing", e->pc);
    }
}

static bool enough(void *arg)
{
    return ((struct watch *)arg)->handoffs > WAKES;
}

static struct run sleep_and_wake(const char *boot, const char *elf, uint32_t slot)
{
    struct watch w = {0};
    const struct vboard_config config = {.seed = 9, .slot = slot};
    w.board = vboard_create(&config);
    assert_non_null(w.board);
    vboard_on_event(w.board, on_event, &w);
    if ((boot && !vboard_load_file(w.board, boot, VBOARD_NO_ADDR)) ||
        !vboard_load_file(w.board, elf, VBOARD_NO_ADDR))
        fail_msg("%s", vboard_error(w.board));
    vboard_power(w.board, true, false);
    enum vboard_stop stop = vboard_run(w.board, 20000 * MS, enough, &w);
    if (stop != VB_CONDITION)
        fail_msg("stopped by %d after %u starts", (int)stop, w.handoffs);
    (void)vboard_run(w.board, 10 * MS, NULL, NULL); /* asleep again */
    struct run r = {.starts = w.handoffs, .seconds = (double)(w.last - w.first) / 1e9};
    r.wakes = vboard_peek32(w.board, BKP2R);
    r.sum = vboard_peek32(w.board, BKP3R);
    r.mean_us = (double)w.total / WAKES / 1000;
    r.worst_us = (double)w.worst / 1000;
    vboard_destroy(w.board);
    return r;
}

static void a_hundred_wakes(void **state)
{
    (void)state;
    struct run with = sleep_and_wake(BOOT, "build/firmware/sleeper.elf", 0);
    struct run without = sleep_and_wake(NULL, "build/firmware/sleeper-alone.elf", 0x08000000);
    print_message(
        "# with the bootloader:    %u wakes, sum 0x%08x, reset to application %.0f us (worst %.0f)\n",
        with.wakes, with.sum, with.mean_us, with.worst_us);
    print_message(
        "# without the bootloader: %u wakes, sum 0x%08x, reset to application %.0f us (worst %.0f)\n",
        without.wakes, without.sum, without.mean_us, without.worst_us);
    uint32_t sum = 0;
    for (uint32_t n = 1; n <= WAKES; n++)
        sum = sum * 31 + n;
    assert_int_equal(with.wakes, WAKES);
    assert_int_equal(without.wakes, WAKES);
    assert_int_equal(with.sum, sum);
    assert_int_equal(without.sum, sum);
    assert_int_equal(with.starts, WAKES + 1);
    assert_true(with.worst_us - without.worst_us < 1000);
    /* 99 periods of 1024 / 16384 s: none is lost or shifted. */
    assert_true(with.seconds > 6.1875 - 0.002 && with.seconds < 6.1875 + 0.002);
    assert_true(without.seconds > 6.1875 - 0.002 && without.seconds < 6.1875 + 0.002);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_hundred_wakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

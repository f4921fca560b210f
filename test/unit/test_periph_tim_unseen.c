/* Timers that nobody looks at for long: what they have come to is the same as if somebody had looked all
 * the time, and is found at once. A compare event that only ADC1 listens to is not missed. */
#include <time.h>

#include "chip/state.h" /* for the references, which no register shows */
/* its enumeration of timers and the addresses have the same names */
#include "tim_regs.h"

enum { SETTINGS = 300 };

static uint64_t seed;

static uint32_t below(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

/* A timer in some mode in which nothing shows: no interrupt, no DMA, no pin, no TRGO that is heard. */
static uint32_t setting(void)
{
    static const uint32_t timers[] = {TIM1, TIM2, TIM15, TIM16};
    uint32_t t = timers[below(4)], cms = t == TIM1 || t == TIM2 ? below(4) : 0, arr = 1 + below(20);

    wr(t + CR1, 0);
    wr(t + PSC, below(3));
    wr(t + ARR, arr);
    wr(t + RCR, below(4));
    wr(t + CCMR1, 0);
    wr(t + CCMR2, 0);
    if (t == TIM1)
        wr(t + CCMR3, 0);
    wr(t + EGR, 1);
    for (unsigned ch = 0; ch < 4; ch++)
        if (t == TIM1 || t == TIM2 || ch == 0)
            wr(t + CCR1 + 4 * ch, below(arr + 2));
    uint32_t some = below(1 << 16);
    wr(t + CCMR1, some & 0x7C7C); /* outputs in any mode, some of them preloaded */
    if (t == TIM1 || t == TIM2)
        wr(t + CCMR2, below(1 << 16) & 0x7C7C);
    wr(t + CNT, below(2 * arr));
    wr(t + SR, 0);
    wr(t + CR1, (below(4) ? 0 : UDIS) | (below(8) ? 0 : OPM) | cms << 5 | (below(2) ? 128 : 0) |
                    (cms == 0 && below(2) && t != TIM15 && t != TIM16 ? DIR : 0) | CEN);
    if (below(2)) { /* taken over by the next update */
        wr(t + PSC, below(3));
        wr(t + RCR, below(4));
        wr(t + ARR, 1 + below(20));
    }
    if (below(2))
        wr(t + CCR1, below(12));
    return t;
}

struct seen {
    uint32_t cnt, sr, cr1, ref;
};

static struct seen look(uint32_t t)
{
    unsigned index = t == TIM1 ? 0 : t == TIM2 ? 1 : t == TIM15 ? 4 : 5;
    return (struct seen){rd(t + CNT), rd(t + SR), rd(t + CR1), rig->tim[index].ref};
}

static void as_if_seen(void **state)
{
    (void)state;
    unsigned matched = 0, updated = 0;
    for (unsigned i = 0; i < SETTINGS; i++) {
        seed = i;
        uint32_t t = setting();
        struct chip_snapshot *s = chip_save(rig);
        assert_non_null(s);
        ps_t end = chip_now(rig) + 500 * PS_PER_US + below(1000000);
        while (chip_now(rig) < end) {
            run_ps(500000 + below(1000000));
            (void)rd(t + CNT);
        }
        end = chip_now(rig);
        struct seen often = look(t);
        chip_restore(rig, s);
        run_ps(end - chip_now(rig));
        struct seen once = look(t);
        if (often.cnt != once.cnt || often.sr != once.sr || often.cr1 != once.cr1 || often.ref != once.ref)
            fail_msg("%u: CNT %x %x SR %x %x CR1 %x %x ref %x %x", i, often.cnt, once.cnt, often.sr, once.sr,
                     often.cr1, once.cr1, often.ref, once.ref);
        matched += once.ref != 0;
        updated += once.sr & 1;
        wr(t + CR1, 0);
        chip_snapshot_free(s);
    }
    assert_in_range(matched, SETTINGS / 4, SETTINGS);
    assert_in_range(updated, SETTINGS / 3, SETTINGS);
}

/* An hour in which TIM16 goes round in 125 ns and toggles at each match, and its update flag was clear. */
static void found_at_once(void **state)
{
    (void)state;
    wr(TIM16 + ARR, 1);
    wr(TIM16 + CCR1, 1);
    wr(TIM16 + CCMR1, 3 << 4);
    wr(TIM16 + CR1, CEN);
    clock_t begin = clock();
    run_ps(3600 * PS_PER_S);
    assert_int_equal(rd(TIM16 + SR), 3);
    assert_true(clock() - begin < 2 * CLOCKS_PER_SEC);
}

/* TRGO is to tell compare events, too, and nobody hears it. */
static void only_adc_listens(void **state)
{
    (void)state;
    clock_on(0x4C, 13);
    wr(0x50040308, 1 << 16);
    wr(0x50040008, 1 << 28);
    run_us(20);
    wr(0x50040008, 1 << 28 | 1);
    run_us(20);
    wr(0x5004000C, 1 << 10); /* TIM1_CC1, rising */
    wr(0x50040008, 1 << 28 | 1 | 1 << 2);
    wr(TIM2 + SMCR, 5 << 4); /* TI1FP1 */
    wr(TIM15 + SMCR, 5 << 4);
    wr(TIM1 + ARR, 1000);
    wr(TIM1 + CCR1, 100);
    wr(TIM1 + CCMR1, 7 << 4);
    wr(TIM1 + CCER, 1);
    wr(TIM1 + BDTR, MOE);
    wr(TIM1 + CR2, 4 << 4);
    wr(TIM1 + CR1, CEN);
    run_us(150);
    assert_int_equal(rd(0x50040000) & 4, 4); /* EOC */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(as_if_seen, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(found_at_once, microseconds, rig_off),
        cmocka_unit_test_setup_teardown(only_adc_listens, microseconds, rig_off),
    };

    return cmocka_run_group_tests_name("timers that nobody looks at", tests, NULL, NULL);
}

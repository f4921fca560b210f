/* The packed part of the bootloader: what pack() makes of anything, unpack() makes the same again. */
#include "cmocka_first.h"

#include "boot/core/unpack.h"
#include "boot/pack/pack.h"
#include "fakeport.h"
#include <stdlib.h>
#include <string.h>

static uint8_t data[PACK_MOST + 1], packed[2 * PACK_MOST];
static _Alignas(2) uint8_t again[PACK_MOST + 8];
static struct unpacker unpacker;

static size_t round_trip(size_t size)
{
    size_t n = pack(data, size, packed, sizeof packed);
    assert_in_range(n, 1, sizeof packed);
    /* whatever follows in flash must not matter */
    for (unsigned after = 0; after < 256; after += 255) {
        memset(packed + n, (int)after, 8);
        memset(again, 0xA5, sizeof again);
        unpack_begin(&unpacker, packed);
        uint8_t *to = unpack(&unpacker, again, again + size / 2);
        assert_in_range(to - again, size / 2, size);
        assert_ptr_equal(unpack(&unpacker, to, again + size), again + size);
        unpack_calls(again, again + size);
        assert_memory_equal(again, data, size);
        for (size_t i = size; i < size + 8; i++)
            assert_int_equal(again[i], 0xA5);
        assert_true(unpacker.from <= packed + n + 3);
    }
    return n;
}

static void fill(uint32_t seed, unsigned kinds)
{
    uint32_t x = seed * 2654435761U + 1;
    for (size_t i = 0; i < sizeof data; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        data[i] = (uint8_t)(x % kinds * (255 / kinds));
    }
}

static void anything_comes_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 7, 8, 63, 64, 255, 256, 257, 600};
    static const unsigned kinds[] = {1, 2, 3, 16, 255};
    for (uint32_t seed = 1; seed <= 3; seed++)
        for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            fill(seed, kinds[k]);
            for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++)
                round_trip(sizes[s]);
        }
}

static void matches_of_any_length_and_distance(void **state)
{
    (void)state;
    memset(data, 0, sizeof data);
    assert_in_range(round_trip(PACK_MOST), 1, 64);
    fill(1, 255); /* what repeats does so after 8 KB and more, at odd places too */
    for (size_t i = 9000, n = 2; i + n < 16000; i += n++)
        memcpy(data + i, data + i - 8191 - n, n);
    size_t n = round_trip(16000);
    assert_in_range(n, 9000, 10500);
}

/* BL to `to` (offsets in data), as the assembler makes it: the distance counts from behind the instruction.
 */
static void put_call(size_t at, size_t to)
{
    uint32_t distance = (uint32_t)(to - (at + 4)) / 2;
    data[at] = (uint8_t)(distance >> 11);
    data[at + 1] = (uint8_t)(0xF0 | (distance >> 19 & 7));
    data[at + 2] = (uint8_t)distance;
    data[at + 3] = (uint8_t)(0xF8 | (distance >> 8 & 7));
}

static void calls_of_one_function_are_alike(void **state)
{
    (void)state;
    enum { CALLS = 100 };
    for (size_t size = 4 * CALLS; size > 4 * CALLS - 4; size--) { /* the last one may be incomplete */
        for (size_t i = 0; i < CALLS; i++)
            put_call(4 * i, 600);
        assert_in_range(round_trip(size), 1, 40);
    }
    for (size_t i = 0; i < CALLS; i++)
        put_call(4 * i, (i * 2654435761U) % 0x3FFFFE & ~1U); /* each another one, forwards and backwards */
    assert_in_range(round_trip((size_t)4 * CALLS), 2 * CALLS, 4 * CALLS);
    for (size_t i = 0; i < 64; i++) { /* halves of calls in all orders */
        static const uint8_t halves[4] = {0xF0, 0xF8, 0xF7, 0xFF};
        for (size_t k = 0; k < 4; k++) {
            data[8 * i + 2 * k] = (uint8_t)(i + k);
            data[8 * i + 2 * k + 1] = halves[i >> (k == 3 ? 0 : 2 * k) & 3];
        }
    }
    round_trip((size_t)8 * 64);
}

static void watchdog_is_fed(void **state)
{
    (void)state;
    fake_init();
    fill(3, 255);
    round_trip(1000);
    assert_true(fake.fed >= 1000);
}

static void what_cannot_be_packed(void **state)
{
    (void)state;
    fill(2, 255);
    assert_int_equal(pack(data, PACK_MOST + 1, packed, sizeof packed), 0);
    size_t n = pack(data, 500, packed, sizeof packed);
    memset(packed, 0xA5, sizeof packed);
    assert_int_equal(pack(data, 500, packed, n), 0); /* it wants a byte more to work */
    for (size_t i = n; i < n + 8; i++)
        assert_int_equal(packed[i], 0xA5);
    assert_int_equal(pack(data, 500, packed, n + 1), n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anything_comes_back),
        cmocka_unit_test(matches_of_any_length_and_distance),
        cmocka_unit_test(calls_of_one_function_are_alike),
        cmocka_unit_test(watchdog_is_fed),
        cmocka_unit_test(what_cannot_be_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

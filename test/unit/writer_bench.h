/* An old image in the slot and a new one to be sent: what the tests of the writer share. Included once by
 * each. */
#include "cmocka_first.h"

#include "boot/core/verdict.h"
#include "dfubench.h"
#include <string.h>

enum { SIZE = 6 * 2048 - 300, PAGES = 6 };
static uint8_t old[SIZE], image[SIZE];
static const unsigned slot = SLOT_ADDR - FLASH_ADDR;

static int setup(void **state)
{
    (void)state;
    fake_init();
    make_image(old, SIZE, 1);
    make_image(image, SIZE, 2);
    bench_boot(MESSAGE_EMPTY);
    return 0;
}

static inline void count_anew(void)
{
    fake.operations = fake.erases = fake.programs = fake.forgotten = 0;
}

static inline void install(void)
{
    setup(NULL);
    assert_int_equal(dfu_util(SLOT_ADDR, old, SIZE, 2048, 0), MESSAGE_READY);
    bench_boot(MESSAGE_READY);
    count_anew();
}

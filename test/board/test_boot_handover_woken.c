/* Hand-over behind a wake-up that goes into DFU: a download that changes something takes PWR_SR1.SBF and the
 * mailbox's first word away, and nothing else; one that changes nothing leaves both (docs/how-it-boots.md).
 */
#include "handover.h"
#include "port/stm32l433/memory.h"

enum { MAILBOX = MAILBOX_ADDR - 0x20000000, MAILBOX_WORDS = 64, SBF = 1 << 8 };

static uint32_t *seen(struct dump *d, const char *name)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->name[i], name) == 0)
            return &d->value[i];
    fail_msg("%s was not looked at", name);
    return NULL;
}

/* Without a bootloader: the same sleep, and then the reset by which DFU is left. */
static void look_without(uint32_t sleep)
{
    struct rig r;
    power(&r, NULL, PROBEBARE, 0x08000000);
    go(&r, sleep, 0);
    go(&r, RESET, 0);
    look(r.board, &without);
    end(&r);
}

static uint32_t mailbox_word(unsigned i)
{
    return 0x32780000 + i;
}

/* The wake-up enters DFU by the token, and finds in the mailbox what an application may have left there. */
static void wake_into_dfu(struct rig *r, uint32_t sleep)
{
    run_ms(r, 5);
    tell(r, sleep, TOKEN_DFU);
    assert_true(usbhost_wait_detached(r->host, 1000 * MS) && usbhost_wait_attached(r->host, 6000 * MS));
    for (unsigned i = 0; i < MAILBOX_WORDS; i++) {
        const uint32_t word = mailbox_word(i);
        assert_true(vboard_poke(r->board, MAILBOX_ADDR + 4 * i, &word, 4));
    }
}

static void start(struct rig *r, const char *path, uint32_t first_word)
{
    uint32_t word;
    ask_to_leave(r);
    arrive(r, 2000 * MS);
    look(r->board, &with);
    assert_int_equal(compare(path, &with, &without), 0);
    for (unsigned i = 0; i < MAILBOX_WORDS; i++) {
        memcpy(&word, with.ram + MAILBOX + 4 * i, 4);
        if (word != (i ? mailbox_word(i) : first_word))
            fail_msg("%s: word %u of the mailbox is 0x%08x", path, i, word);
    }
}

static void woken(const char *path, uint32_t sleep, uint32_t flag)
{
    struct rig r;
    uint32_t size;
    uint8_t *image = bench_file(PROBE_BIN, &size);
    look_without(sleep);
    assert_int_equal(*seen(&without, "PWR_SR1") & SBF, flag);
    *seen(&without, "PWR_SR1") &= ~(uint32_t)SBF;

    power(&r, BOOT, PROBE, SLOT);
    plug(&r);
    wake_into_dfu(&r, sleep);
    memset(image + size, 0, 8); /* the same with something behind it */
    download_bytes(&r, image, size + 8, SLOT);
    start(&r, path, 0);

    *seen(&without, "PWR_SR1") |= flag;
    wake_into_dfu(&r, sleep);
    download_bytes(&r, image, size + 8, SLOT);
    start(&r, "the same image again", mailbox_word(0));
    end(&r);
    free(image);
}

static void from_standby(void **state)
{
    (void)state;
    woken("from Standby", STANDBY, SBF);
}

static void from_shutdown(void **state)
{
    (void)state;
    woken("from Shutdown", SHUTDOWN, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_standby),
        cmocka_unit_test(from_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

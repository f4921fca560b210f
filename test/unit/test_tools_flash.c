/* `sureboot flash` on a PC that has little time for it: every wait ends by the clock, however long a look or
 * a request takes. Here time is what pauses, looks and requests take. */
#include "cmocka_first.h"

#include "commands.h"
#include "dfu.h"
#include "tell.h"
#include <libusb-1.0/libusb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REQUEST_MS = 3000 /* as a board holds GETSTATUS */, LOOK_MS = 2000 };

static uint64_t now;             /* ms */
static bool busy, comes;         /* the board's writer never ends; the board is in DFU mode */
static enum usb_sight sights[8]; /* one after the other, the last one for ever */
static size_t looks;
static struct sentence said;

/* NOLINTBEGIN(readability-non-const-parameter): these have the types of what they stand for */
int clock_gettime(clockid_t clock, struct timespec *t)
{
    (void)clock;
    *t = (struct timespec){.tv_sec = (time_t)(now / 1000), .tv_nsec = (long)(now % 1000) * 1000000};
    return 0;
}

int nanosleep(const struct timespec *t, struct timespec *left)
{
    (void)left;
    now += (uint64_t)t->tv_sec * 1000 + (uint64_t)t->tv_nsec / 1000000;
    return 0;
}

int libusb_control_transfer(libusb_device_handle *usb, uint8_t type, uint8_t request, uint16_t value,
                            uint16_t interface, unsigned char *data, uint16_t size, unsigned timeout)
{
    static uint8_t state = 2; /* dfuIDLE */
    (void)usb, (void)request, (void)value, (void)interface, (void)timeout;
    if (type == 0x21) {
        state = size ? 5 : 2; /* dfuDNLOAD-IDLE */
        return size;
    }
    now += REQUEST_MS;
    memset(data, 0, size);
    data[4] = busy && state == 5 ? 4 : state; /* dfuDNBUSY */
    return size;
}

int libusb_get_string_descriptor_ascii(libusb_device_handle *usb, uint8_t index, unsigned char *to, int room)
{
    (void)usb, (void)index, (void)to, (void)room;
    return 0;
}

enum usb_found usb_open(struct usb_board *b, enum usb_mode mode, const char *serial, struct sentence *why)
{
    (void)serial;
    now += LOOK_MS;
    *b = (struct usb_board){.serial = "0123456789ABCDEF01234567"};
    sentence_write(why, "there is none");
    return comes || mode == USB_RUN_TIME ? USB_ONE : USB_NONE;
}

enum usb_sight usb_look(const struct usb_board *was, char product[USB_TEXT])
{
    (void)was;
    now += LOOK_MS;
    product[0] = '\0';
    return sights[looks + 1 < sizeof sights / sizeof *sights ? looks++ : looks];
}

void usb_close(struct usb_board *b)
{
    (void)b;
}

unsigned usb_count_sureboots(void)
{
    return 0;
}

bool usb_is_unique_id(const char *serial)
{
    return strlen(serial) == 24;
}

uint8_t *read_application(char *file, bool changed, uint32_t *size, struct findings *f, struct sentence *why)
{
    (void)file, (void)changed, (void)why;
    *size = 8;
    memset(f, 0, sizeof *f);
    return calloc(1, *size);
}

void fill_in_info(uint8_t *slot, uint32_t size, struct findings *f)
{
    (void)slot, (void)size, (void)f;
}

/* NOLINTEND(readability-non-const-parameter) */

int cannot(const struct sentence *why)
{
    said = *why;
    return EXIT_CANNOT;
}

/* The exit status, and how long it took. */
static int flash(uint64_t *ms)
{
    char command[] = "flash", file[] = "a.elf", *argv[] = {command, file, NULL};
    uint64_t start = now;
    looks = 0;
    said.text[0] = '\0';
    int status = flash_command(2, argv);
    *ms = now - start;
    return status;
}

static void waits(void **state)
{
    uint64_t ms;
    (void)state;
    busy = true; /* for ever */
    comes = true;
    assert_int_equal(flash(&ms), EXIT_CANNOT);
    assert_non_null(strstr(said.text, "a state that nobody expects: 4"));
    assert_in_range(ms, 20000, 20000 + 4 * REQUEST_MS);
    busy = false;

    for (size_t i = 0; i < sizeof sights / sizeof *sights; i++)
        sights[i] = USB_STILL_THERE;
    assert_int_equal(flash(&ms), EXIT_CANNOT);
    assert_non_null(strstr(said.text, "does not leave the bootloader"));
    assert_in_range(ms, 5000, 5000 + 3 * LOOK_MS + 4 * REQUEST_MS);

    for (size_t i = 1; i < sizeof sights / sizeof *sights; i++)
        sights[i] = USB_NOTHING;
    assert_int_equal(flash(&ms), EXIT_GOOD); /* an application without USB */
    assert_in_range(ms, 6000, 6000 + 4 * LOOK_MS + 4 * REQUEST_MS);
    assert_in_range(looks, 4, 6);

    comes = false;
    assert_int_equal(flash(&ms), EXIT_CANNOT);
    assert_non_null(strstr(said.text, "no bootloader has come in place of"));
    assert_in_range(ms, 10000, 10000 + 4 * LOOK_MS + 4 * REQUEST_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(waits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which of the devices on USB is the board that is meant, and what is said if none is: tools/usb.c over a bus
 * of made-up devices. */
#include "cmocka_first.h"

#include "fakeusb.h"
#include "usb.h"
#include <libusb-1.0/libusb.h>
#include <string.h>

/* One unique id: as the bootloader has it, ST's library, TinyUSB. */
#define UID     "3B5200280F5733343637351E"
#define ST      "718935460F57"
#define TINYUSB "2800523B3433570F1E353736"
#define OTHER   "AAAAAAAA0F5733343637351E"

/* In DFU mode; applications with a run-time interface; what else there is. */
#define SUREBOOT(number)                                                                                     \
    {                                                                                                        \
        true, "sureboot 1.0: no application", number, .dfu_mode = true                                       \
    }
#define RUNS(number)                                                                                         \
    {                                                                                                        \
        true, "thermostat", number, .run_time = true                                                         \
    }
#define ROM                                                                                                  \
    {                                                                                                        \
        true, "STM32  BOOTLOADER", "ABC", .dfu_mode = true                                                   \
    }
#define RADIO                                                                                                \
    {                                                                                                        \
        true, "a radio", "R1", .dfu_mode = true                                                              \
    }
#define MOUSE                                                                                                \
    {                                                                                                        \
        true, .product = "mouse", .serial = "M1"                                                             \
    }
#define DENIED(error) .denied = (error)

static int setup(void **state)
{
    (void)state;
    fake_usb_clear();
    return 0;
}

/* Looks for it, and closes it; nothing may stay open. */
static void look(const char *name, enum usb_mode mode, const char *serial, enum usb_found found,
                 const char *said)
{
    struct usb_board b;
    struct sentence why;
    enum usb_found is = usb_open(&b, mode, serial, &why);
    if (is != found)
        fail_msg("%s: found %d: %s", name, (int)is, is == USB_ONE ? b.serial : why.text);
    if (is == USB_ONE) {
        assert_string_equal(b.serial, said);
        assert_int_equal(b.interface, mode == USB_DFU_MODE ? DFU_INTERFACE : RUN_TIME_INTERFACE);
        assert_int_equal(fake_claimed, b.interface);
        assert_int_equal(fake_set, mode == USB_DFU_MODE ? b.interface : -1);
        assert_int_equal(fake_open, 2);
        usb_close(&b);
        usb_close(&b); /* once more does no harm */
    } else if (strcmp(why.text, said) != 0) {
        fail_msg("%s: '%s'", name, why.text);
    }
    if (fake_open != 0)
        fail_msg("%s: %d are left open", name, fake_open);
}

struct row {
    const char *name;
    struct fake_device bus[FAKE_DEVICES];
    const char *serial; /* that is asked for */
    enum usb_found found;
    const char *said; /* the serial number of what was found, or the sentence */
};

static void each(const struct row *rows, size_t n, enum usb_mode mode)
{
    for (size_t i = 0; i < n; i++) {
        fake_usb_clear();
        memcpy(fake_device, rows[i].bus, sizeof fake_device);
        look(rows[i].name, mode, rows[i].serial, rows[i].found, rows[i].said);
    }
}

static void in_dfu_mode(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"one", {MOUSE, SUREBOOT(UID)}, NULL, USB_ONE, UID},
        {"its number", {SUREBOOT(OTHER), SUREBOOT(UID)}, UID, USB_ONE, UID},
        {"as ST's library has it", {SUREBOOT(OTHER), SUREBOOT(UID)}, ST, USB_ONE, UID},
        {"as TinyUSB has it", {SUREBOOT(OTHER), SUREBOOT(UID)}, TINYUSB, USB_ONE, UID},
        {"beside what is not", {ROM, RADIO, RUNS(UID), SUREBOOT(OTHER)}, NULL, USB_ONE, OTHER},
        {"beside what cannot be opened",
         {{true, DENIED(LIBUSB_ERROR_ACCESS), .dfu_mode = true}, SUREBOOT(UID)},
         NULL,
         USB_ONE,
         UID},
        {"what has no DFU is not opened",
         {{true, DENIED(LIBUSB_ERROR_ACCESS)}, SUREBOOT(UID)},
         NULL,
         USB_ONE,
         UID},
        {"two",
         {SUREBOOT(UID), MOUSE, SUREBOOT(OTHER)},
         NULL,
         USB_UNCLEAR,
         "there are 2 of them, say --serial and one of " UID " " OTHER},
        {"none", {MOUSE}, NULL, USB_NONE, NOBODY},
        {"another one",
         {SUREBOOT(OTHER)},
         UID,
         USB_NONE,
         "there is no sureboot in DFU mode with the serial number " UID " on USB"},
        {"an application",
         {RUNS(UID)},
         NULL,
         USB_NONE,
         "there is no sureboot in DFU mode on USB, but an application: dfu-util -e leads into DFU"},
        {"a stranger",
         {RUNS(UID), RADIO},
         NULL,
         USB_NONE,
         "there is a device in DFU mode, but it is not sureboot: \"a radio\""},
        {"the ROM",
         {ROM},
         NULL,
         USB_NONE,
         "ST's ROM bootloader is on USB, not sureboot: reset with BOOT0 low; if sureboot is not in flash "
         "yet, "
         "docs/rom-bootloader.md puts it there"},
        {"a name that is no text",
         {{true,
           "r\xE4"
           "d\x7F"
           "io\n",
           "R1", .dfu_mode = true}},
         NULL,
         USB_NONE,
         "there is a device in DFU mode, but it is not sureboot: \"r?d?io?\""},
        {"a name that begins as ours",
         {{true, "sure", UID, .dfu_mode = true}},
         NULL,
         USB_NONE,
         "there is a device in DFU mode, but it is not sureboot: \"sure\""},
        {"of ST, but not the ROM",
         {{true, "STM32 DFU", UID, .dfu_mode = true}},
         NULL,
         USB_NONE,
         "there is a device in DFU mode, but it is not sureboot: \"STM32 DFU\""},
        {"nobody knows which", {{true, "sureboot 1.0: ready", .dfu_mode = true}}, NULL, USB_NONE, NOBODY},
        {"a name like ours",
         {{true, "my sureboot 1.0", UID, .dfu_mode = true}},
         NULL,
         USB_NONE,
         "there is a device in DFU mode, but it is not sureboot: \"my sureboot 1.0\""},
        {"no right",
         {{true, DENIED(LIBUSB_ERROR_ACCESS), .dfu_mode = true}},
         NULL,
         USB_UNCLEAR,
         "a device in DFU mode cannot be opened: be root, or have a udev rule, docs/messages.md"},
        {"no driver",
         {{true, DENIED(LIBUSB_ERROR_NOT_SUPPORTED), .dfu_mode = true}},
         NULL,
         USB_UNCLEAR,
         "a device with DFU cannot be opened: error -12"},
        {"in use",
         {{true, "sureboot 1.0: ready", UID, .dfu_mode = true, .in_use = LIBUSB_ERROR_BUSY}},
         NULL,
         USB_UNCLEAR,
         "the board " UID " is in use: error -6"},
    };
    each(rows, sizeof rows / sizeof *rows, USB_DFU_MODE);
}

/* Many other devices have a run-time interface. */
static void applications(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a number of ours", {MOUSE, RUNS(UID)}, NULL, USB_ONE, UID},
        {"beside another device", {RUNS("R1"), RUNS(UID)}, NULL, USB_ONE, UID},
        {"ST's number, which is asked for", {RUNS("R1"), RUNS(ST)}, ST, USB_ONE, ST},
        {"ST's number, asked for by the unique id", {RUNS(OTHER), RUNS(ST)}, UID, USB_ONE, ST},
        {"TinyUSB's number, asked for by the unique id", {RUNS(OTHER), RUNS(TINYUSB)}, UID, USB_ONE, TINYUSB},
        {"any number that is asked for", {RUNS("R1"), RUNS(UID)}, "R1", USB_ONE, "R1"},
        {"ST's number",
         {RUNS(ST)},
         NULL,
         USB_UNCLEAR,
         "an application with DFU may be another device's: if it is meant, say --serial " ST},
        {"several numbers",
         {RUNS(ST), RUNS("R1")},
         NULL,
         USB_UNCLEAR,
         "an application with DFU may be another device's: if it is meant, say --serial and one of " ST
         " R1"},
        {"longer than a unique id",
         {RUNS(UID "-1")},
         NULL,
         USB_UNCLEAR,
         "an application with DFU may be another device's: if it is meant, say --serial " UID "-1"},
        {"another one",
         {RUNS("R1")},
         UID,
         USB_NONE,
         "there is no sureboot in DFU mode with the serial number " UID " on USB"},
        {"no number",
         {RUNS(NULL)},
         NULL,
         USB_NONE,
         "there is no sureboot in DFU mode on USB, but an application: dfu-util -e leads into DFU"},
        {"almost a unique id",
         {RUNS("3b5200280F5733343637351E")},
         NULL,
         USB_UNCLEAR,
         "an application with DFU may be another device's: if it is meant, say --serial "
         "3b5200280F5733343637351E"},
        {"in DFU mode", {SUREBOOT(UID)}, NULL, USB_NONE, NOBODY},
        {"no right",
         {{true, DENIED(LIBUSB_ERROR_ACCESS), .run_time = true}},
         NULL,
         USB_UNCLEAR,
         "an application with DFU cannot be opened: be root, or write a udev rule for it"},
    };
    each(rows, sizeof rows / sizeof *rows, USB_RUN_TIME);
}

static void no_usb(void **state)
{
    (void)state;
    fake_init_error = LIBUSB_ERROR_OTHER;
    look("no libusb", USB_DFU_MODE, NULL, USB_UNCLEAR, "USB cannot be used: error -99");
    assert_int_equal(usb_count_sureboots(), 0);
    fake_usb_clear();
    fake_list_error = LIBUSB_ERROR_NO_MEM;
    look("no list", USB_DFU_MODE, NULL, USB_UNCLEAR, "USB cannot be used: error -11");
    assert_int_equal(usb_count_sureboots(), 0);
    assert_int_equal(fake_open, 0);
}

static void how_many(void **state)
{
    (void)state;
    static const struct fake_device bus[FAKE_DEVICES] = {SUREBOOT(UID), ROM, SUREBOOT(OTHER), RUNS(UID)};
    assert_int_equal(usb_count_sureboots(), 0);
    memcpy(fake_device, bus, sizeof bus);
    assert_int_equal(usb_count_sureboots(), 2);
    assert_int_equal(fake_open, 0);
}

/* The list of numbers has an end. */
static void long_numbers(void **state)
{
    (void)state;
    struct usb_board b;
    struct sentence why;
    char serial[FAKE_DEVICES][USB_TEXT];
    for (unsigned i = 0; i < FAKE_DEVICES; i++) {
        memset(serial[i], 'A' + (int)i, sizeof serial[i] - 1);
        serial[i][sizeof serial[i] - 1] = '\0';
        fake_device[i] = (struct fake_device)RUNS(serial[i]);
    }
    assert_int_equal(usb_open(&b, USB_RUN_TIME, NULL, &why), USB_UNCLEAR);
    assert_non_null(strstr(why.text, "say --serial and one of AAAA"));
    assert_int_equal(fake_open, 0);
}

static void after_it_has_left(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct fake_device bus[FAKE_DEVICES];
        enum usb_sight sight;
        const char *product;
    } rows[] = {
        {"nothing", {MOUSE}, USB_NOTHING, NULL},
        {"the same device",
         {MOUSE, {true, "sureboot 1.0: ready", UID, .dfu_mode = true, .address = 7}},
         USB_STILL_THERE,
         NULL},
        {"the bootloader",
         {{true, "sureboot 1.0: ready", UID, .dfu_mode = true, .address = 8}},
         USB_SUREBOOT,
         NULL},
        {"another bootloader, there",
         {{true, "sureboot 1.0: ready", OTHER, .dfu_mode = true, .address = 8, .port = 23}},
         USB_NOTHING,
         NULL},
        {"an application of its number",
         {MOUSE, {true, "thermostat", UID, .address = 8}},
         USB_APPLICATION,
         "thermostat"},
        {"beside others",
         {MOUSE, {true, "thermostat", UID, .address = 8}, MOUSE},
         USB_APPLICATION,
         "thermostat"},
        {"the ROM, at its place",
         {{true, "STM32  BOOTLOADER", "ABC", .dfu_mode = true, .address = 8, .port = 23}},
         USB_APPLICATION,
         "STM32  BOOTLOADER"},
        {"of ST's number", {{true, "thermostat", ST, .address = 8}}, USB_APPLICATION, "thermostat"},
        {"of TinyUSB's number", {{true, "thermostat", TINYUSB, .address = 8}}, USB_APPLICATION, "thermostat"},
        {"of no number, at its place", {{true, NULL, NULL, .address = 8, .port = 23}}, USB_APPLICATION, ""},
        {"called as we are, without DFU",
         {{true, "sureboot example: cdc", UID, .address = 8}},
         USB_APPLICATION,
         "sureboot example: cdc"},
        {"elsewhere", {{true, "thermostat", "R1", .address = 8, .port = 24}}, USB_NOTHING, NULL},
        {"at the hub's place", {{true, "thermostat", "R1", .address = 8, .port = 2}}, USB_NOTHING, NULL},
        {"another number, at its place",
         {{true, "thermostat", "R1", .address = 8, .port = 23}},
         USB_APPLICATION,
         "thermostat"},
        {"there, on another bus",
         {{true, "thermostat", "R1", .bus = 1, .address = 7, .port = 23}},
         USB_NOTHING,
         NULL},
        {"nobody knows where", {{true, "thermostat", "R1", .address = 8}}, USB_NOTHING, NULL},
        {"what cannot be opened",
         {{true, "thermostat", UID, .address = 8, DENIED(LIBUSB_ERROR_ACCESS)}},
         USB_NOTHING,
         NULL},
        {"nor at its place",
         {{true, "thermostat", UID, .address = 8, .port = 23, DENIED(LIBUSB_ERROR_NO_DEVICE)}},
         USB_NOTHING,
         NULL},
        {"what may not be opened, at its place",
         {{true, "thermostat", UID, .address = 8, .port = 23, DENIED(LIBUSB_ERROR_ACCESS)}},
         USB_APPLICATION,
         "you may not ask its name"},
        {"what does not answer, at its place",
         {{true, "thermostat", UID, .address = 8, .port = 23, .mute = LIBUSB_ERROR_TIMEOUT}},
         USB_MUTE,
         NULL},
        {"what refuses to say its name, at its place",
         {{true, "thermostat", UID, .address = 8, .port = 23, .mute = LIBUSB_ERROR_PIPE}},
         USB_APPLICATION,
         ""},
        {"and elsewhere",
         {{true, "thermostat", UID, .address = 8, .port = 24, .mute = LIBUSB_ERROR_TIMEOUT}},
         USB_NOTHING,
         NULL},
    };
    char product[USB_TEXT];
    struct usb_board was;
    struct sentence why;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fake_usb_clear();
        fake_device[1] = (struct fake_device)SUREBOOT(UID);
        fake_device[1].address = 7;
        fake_device[1].port = 23; /* behind a hub */
        assert_int_equal(usb_open(&was, USB_DFU_MODE, NULL, &why), USB_ONE);
        usb_close(&was);
        memcpy(fake_device, rows[i].bus, sizeof fake_device);
        enum usb_sight sight = usb_look(&was, product);
        if (sight != rows[i].sight || (rows[i].product && strcmp(product, rows[i].product) != 0))
            fail_msg("%s: %d, '%s'", rows[i].name, (int)sight, product);
        assert_int_equal(fake_open, 0);
    }
    fake_init_error = LIBUSB_ERROR_OTHER;
    assert_int_equal(usb_look(&was, product), USB_NOTHING);
    fake_init_error = 0;
    fake_list_error = LIBUSB_ERROR_NO_MEM;
    assert_int_equal(usb_look(&was, product), USB_NOTHING);
    assert_int_equal(fake_open, 0);
}

/* Where nobody knows where it was, nothing else is taken for it. */
static void no_place(void **state)
{
    (void)state;
    char product[USB_TEXT];
    struct usb_board was;
    struct sentence why;
    fake_device[0] = (struct fake_device)SUREBOOT(UID);
    fake_device[0].address = 7;
    assert_int_equal(usb_open(&was, USB_DFU_MODE, NULL, &why), USB_ONE);
    usb_close(&was);
    fake_device[0] = (struct fake_device){true, "mouse", "M1", .address = 8};
    assert_int_equal(usb_look(&was, product), USB_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_dfu_mode),
        cmocka_unit_test(applications),
        cmocka_unit_test_setup(no_usb, setup),
        cmocka_unit_test_setup(how_many, setup),
        cmocka_unit_test_setup(long_numbers, setup),
        cmocka_unit_test(after_it_has_left),
        cmocka_unit_test_setup(no_place, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Finding boards with libusb. Each look begins anew, so that it sees devices that came meanwhile also where
 * nobody tells libusb of them. */
#include "usb.h"

#include <libusb-1.0/libusb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The interface of class DFU in that mode; false: it has none. */
static bool has_interface(libusb_device *device, enum usb_mode mode, uint8_t *number)
{
    struct libusb_config_descriptor *c;
    bool found = false;
    if (libusb_get_active_config_descriptor(device, &c) != 0)
        return false;
    for (int i = 0; i < c->bNumInterfaces && !found; i++) {
        const struct libusb_interface_descriptor *alt = c->interface[i].altsetting;
        found = c->interface[i].num_altsetting > 0 && alt->bInterfaceClass == 0xFE &&
                alt->bInterfaceSubClass == 1 && alt->bInterfaceProtocol == mode;
        if (found)
            *number = alt->bInterfaceNumber;
    }
    libusb_free_config_descriptor(c);
    return found;
}

/* False: it does not answer. One that it refuses, or gives wrongly, is an answer. */
static bool string(libusb_device_handle *usb, uint8_t index, char to[USB_TEXT])
{
    int n = index ? libusb_get_string_descriptor_ascii(usb, index, (unsigned char *)to, USB_TEXT - 1) : 0;
    to[n > 0 ? n : 0] = '\0';
    for (; *to; to++)
        if (*to < ' ' || *to > '~')
            *to = '?';
    return n != LIBUSB_ERROR_TIMEOUT;
}

/* Opens a device and reads who it is. *error: why it is NULL; otherwise whether it answers. */
static libusb_device_handle *open_device(libusb_device *device, char serial[USB_TEXT], char product[USB_TEXT],
                                         int *error)
{
    struct libusb_device_descriptor d;
    libusb_device_handle *usb = NULL;
    *error = libusb_get_device_descriptor(device, &d);
    if (*error == 0)
        *error = libusb_open(device, &usb);
    if (*error != 0)
        return NULL;
    bool says = string(usb, d.iProduct, product);
    says = string(usb, d.iSerialNumber, serial) && says;
    *error = says ? 0 : LIBUSB_ERROR_TIMEOUT;
    return usb;
}

#define ROM_PRODUCT "STM32  BOOTLOADER" /* AN3156 */

static bool is_sureboot(const char *product)
{
    return strncmp(product, "sureboot ", 9) == 0;
}

bool usb_is_unique_id(const char *serial)
{
    return strlen(serial) == 24 && strspn(serial, "0123456789ABCDEF") == 24;
}

static uint32_t swapped(uint32_t word)
{
    return word << 24 | (word & 0xFF00) << 8 | (word >> 8 & 0xFF00) | word >> 24;
}

/* What others make of the same id: ST the sum of words 0 and 2 and the upper half of word 1, TinyUSB's
 * examples all words with their bytes in memory order. */
static bool is_made_of(const char *serial, const char *unique_id)
{
    char st[13], tinyusb[25];
    uint32_t w[3];
    if (!usb_is_unique_id(unique_id))
        return false;
    for (size_t i = 0; i < 3; i++) {
        const char word[9] = {unique_id[8 * i],     unique_id[8 * i + 1], unique_id[8 * i + 2],
                              unique_id[8 * i + 3], unique_id[8 * i + 4], unique_id[8 * i + 5],
                              unique_id[8 * i + 6], unique_id[8 * i + 7]};
        w[i] = (uint32_t)strtoul(word, NULL, 16);
    }
    (void)snprintf(st, sizeof st, "%08X%04X", w[0] + w[2], w[1] >> 16);
    (void)snprintf(tinyusb, sizeof tinyusb, "%08X%08X%08X", swapped(w[0]), swapped(w[1]), swapped(w[2]));
    return strcmp(serial, st) == 0 || strcmp(serial, tinyusb) == 0;
}

/* The same number, or one is the unique id (24 digits) and the other what somebody makes of it. */
static bool same_board(const char *serial, const char *other)
{
    return strcmp(serial, other) == 0 || is_made_of(serial, other) || is_made_of(other, serial);
}

/* ---- finding one ------------------------------------------------------------------------- */

/* What a look at everything has found, so that what is said of it is right. */
struct found {
    unsigned boards;
    libusb_device_handle *usb; /* of the first one */
    uint8_t interface;
    char serial[USB_TEXT], serials[300];
    unsigned applications;  /* with a run-time interface, whoever's */
    char strangers[300];    /* serial numbers of those that may be anybody's */
    char foreign[USB_TEXT]; /* in DFU mode, but not sureboot */
    int denied;
};

static void append(char *serials, size_t size, const char *serial)
{
    size_t used = strlen(serials);
    (void)snprintf(serials + used, size - used, " %s", serial);
}

static void look_at(struct found *f, libusb_device *device, enum usb_mode mode, const char *wanted)
{
    char serial[USB_TEXT], product[USB_TEXT];
    uint8_t number;
    int error;
    f->applications += has_interface(device, USB_RUN_TIME, &number);
    if (!has_interface(device, mode, &number))
        return;
    libusb_device_handle *usb = open_device(device, serial, product, &error);
    if (!usb) {
        f->denied = error;
        return;
    }
    bool ours = mode == USB_DFU_MODE ? is_sureboot(product) && serial[0] : wanted || usb_is_unique_id(serial);
    if (mode == USB_DFU_MODE && !is_sureboot(product))
        memcpy(f->foreign, product, sizeof product);
    if (!ours && mode == USB_RUN_TIME && serial[0])
        append(f->strangers, sizeof f->strangers, serial);
    if (!ours || (wanted && !same_board(serial, wanted))) {
        libusb_close(usb);
        return;
    }
    append(f->serials, sizeof f->serials, serial);
    if (f->boards++ > 0) {
        libusb_close(usb);
        return;
    }
    f->usb = usb;
    f->interface = number;
    memcpy(f->serial, serial, sizeof serial);
}

/* Why there is one and cannot be used, or several. */
static enum usb_found unclear(const struct found *f, enum usb_mode mode, struct sentence *why)
{
    if (f->boards > 1)
        sentence_write(why, "there are %u of them, say --serial and one of%s", f->boards, f->serials);
    else if (!f->denied)
        sentence_write(why,
                       "an application with DFU may be another device's: if it is meant, say --serial%s%s",
                       strchr(f->strangers + 1, ' ') ? " and one of" : "", f->strangers);
    else if (f->denied != LIBUSB_ERROR_ACCESS)
        sentence_write(why, "a device with DFU cannot be opened: %s", libusb_strerror(f->denied));
    else if (mode == USB_RUN_TIME)
        sentence_write(why, "an application with DFU cannot be opened: be root, or write a udev rule for it");
    else
        sentence_write(
            why, "a device in DFU mode cannot be opened: be root, or have a udev rule, docs/messages.md");
    return USB_UNCLEAR;
}

/* Why there is none. */
static enum usb_found none(const struct found *f, const char *wanted, struct sentence *why)
{
    if (wanted)
        sentence_write(why, "there is no sureboot in DFU mode with the serial number %s on USB", wanted);
    else if (strncmp(f->foreign, ROM_PRODUCT, sizeof ROM_PRODUCT - 1) == 0)
        sentence_write(
            why, "ST's ROM bootloader is on USB, not sureboot: reset with BOOT0 low; if sureboot is not "
                 "in flash yet, docs/rom-bootloader.md puts it there");
    else if (f->foreign[0])
        sentence_write(why, "there is a device in DFU mode, but it is not sureboot: \"%s\"", f->foreign);
    else if (f->applications > 0)
        sentence_write(
            why, "there is no sureboot in DFU mode on USB, but an application: dfu-util -e leads into DFU");
    else
        sentence_write(why,
                       "there is no sureboot in DFU mode on USB: sureboot flash leads an application there "
                       "by its serial --port, docs/how-it-boots.md has all ways");
    return USB_NONE;
}

static bool claim(struct usb_board *b, enum usb_mode mode, struct sentence *why)
{
    libusb_device *device = libusb_get_device(b->handle);
    b->bus = libusb_get_bus_number(device);
    b->address = libusb_get_device_address(device);
    b->depth = libusb_get_port_numbers(device, b->ports, sizeof b->ports);
    int error = libusb_claim_interface(b->handle, b->interface);
    if (error == 0 && mode == USB_DFU_MODE) /* ends what another host has begun */
        error = libusb_set_interface_alt_setting(b->handle, b->interface, 0);
    return error == 0 || refuse(why, "the board %s is in use: %s", b->serial, libusb_strerror(error));
}

/* Looks at everything. False: USB cannot be used. */
static bool look(struct usb_board *b, enum usb_mode mode, const char *serial, struct found *f,
                 struct sentence *why)
{
    libusb_device **list;
    memset(b, 0, sizeof *b);
    *f = (struct found){.usb = NULL};
    int error = libusb_init(&b->context);
    if (error != 0) {
        b->context = NULL;
        return refuse(why, "USB cannot be used: %s", libusb_strerror(error));
    }
    ssize_t n = libusb_get_device_list(b->context, &list);
    if (n < 0)
        return refuse(why, "USB cannot be used: %s", libusb_strerror((int)n));
    for (ssize_t i = 0; i < n; i++)
        look_at(f, list[i], mode, serial);
    libusb_free_device_list(list, 1);
    b->handle = f->usb;
    b->interface = f->interface;
    memcpy(b->serial, f->serial, sizeof b->serial);
    return true;
}

enum usb_found usb_open(struct usb_board *b, enum usb_mode mode, const char *serial, struct sentence *why)
{
    struct found f;
    enum usb_found found = USB_UNCLEAR;
    if (look(b, mode, serial, &f, why)) {
        if (f.boards == 1)
            found = claim(b, mode, why) ? USB_ONE : USB_UNCLEAR;
        else if (f.boards > 1 || f.denied || f.strangers[0])
            found = unclear(&f, mode, why);
        else
            found = none(&f, serial, why);
    }
    if (found != USB_ONE)
        usb_close(b);
    return found;
}

unsigned usb_count_sureboots(void)
{
    struct usb_board b;
    struct found f;
    struct sentence why;
    unsigned n = look(&b, USB_DFU_MODE, NULL, &f, &why) ? f.boards : 0;
    usb_close(&b);
    return n;
}

void usb_close(struct usb_board *b)
{
    if (b->handle)
        libusb_close(b->handle);
    if (b->context)
        libusb_exit(b->context);
    b->handle = NULL;
    b->context = NULL;
}

/* ---- after it has left ------------------------------------------------------------------- */

static bool same_place(libusb_device *device, const struct usb_board *was)
{
    uint8_t ports[sizeof was->ports];
    int depth = libusb_get_port_numbers(device, ports, sizeof ports);
    return depth > 0 && depth == was->depth && libusb_get_bus_number(device) == was->bus &&
           memcmp(ports, was->ports, (size_t)depth) == 0;
}

/* A board is known by its number; an application that has another one by its place. */
static enum usb_sight sight_of(libusb_device *device, const struct usb_board *was, char product[USB_TEXT])
{
    char serial[USB_TEXT];
    uint8_t number;
    int error;
    if (libusb_get_bus_number(device) == was->bus && libusb_get_device_address(device) == was->address)
        return USB_STILL_THERE;
    libusb_device_handle *usb = open_device(device, serial, product, &error);
    if (!usb) { /* nobody needs permission to see that it is there */
        (void)snprintf(product, USB_TEXT, "you may not ask its name");
        return error == LIBUSB_ERROR_ACCESS && same_place(device, was) ? USB_APPLICATION : USB_NOTHING;
    }
    libusb_close(usb);
    if (is_sureboot(product) && has_interface(device, USB_DFU_MODE, &number))
        return strcmp(serial, was->serial) == 0 ? USB_SUREBOOT : USB_NOTHING;
    if (error != 0)
        return same_place(device, was) ? USB_MUTE : USB_NOTHING;
    return same_board(serial, was->serial) || same_place(device, was) ? USB_APPLICATION : USB_NOTHING;
}

enum usb_sight usb_look(const struct usb_board *was, char product[USB_TEXT])
{
    libusb_context *context;
    libusb_device **list;
    enum usb_sight sight = USB_NOTHING;
    if (libusb_init(&context) != 0)
        return USB_NOTHING;
    ssize_t n = libusb_get_device_list(context, &list);
    for (ssize_t i = 0; i < n && sight == USB_NOTHING; i++)
        sight = sight_of(list[i], was, product);
    if (n >= 0)
        libusb_free_device_list(list, 1);
    libusb_exit(context);
    return sight;
}

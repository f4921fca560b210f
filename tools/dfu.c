/* Reads the report with libusb, as an upload by DfuSe (AN3156) from its address. */
#include "dfu.h"

#include <libusb-1.0/libusb.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "boot/core/dfu.h"

enum { ANSWER_MS = 5000, PATIENCE_MS = 20000 }; /* GETSTATUS may be held for DFU_HOLD_MS */
enum { TO_DEVICE = 0x21, TO_HOST = 0xA1 };
enum { RUN_TIME = 1, DFU_MODE = 2 }; /* bInterfaceProtocol */

struct found {
    libusb_device *device;
    uint8_t interface;
};

/* The interface of class DFU in that mode; false: it has none. */
static bool has_interface(libusb_device *device, uint8_t mode, uint8_t *number)
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

static bool string(libusb_device_handle *usb, uint8_t index, char *to, int size)
{
    int n = index ? libusb_get_string_descriptor_ascii(usb, index, (unsigned char *)to, size - 1) : 0;
    to[n > 0 ? n : 0] = '\0';
    for (; *to; to++)
        if (*to < ' ' || *to > '~')
            *to = '?';
    return n > 0;
}

/* Opens the device if it is a sureboot, and the one that is meant. *foreign: what it is instead. */
static libusb_device_handle *open_sureboot(libusb_device *device, const char *wanted, char serial[128],
                                           char foreign[128], int *error)
{
    struct libusb_device_descriptor d;
    libusb_device_handle *usb = NULL;
    char product[128];
    *error = libusb_get_device_descriptor(device, &d);
    if (*error == 0)
        *error = libusb_open(device, &usb);
    if (*error != 0)
        return NULL;
    if (!string(usb, d.iProduct, product, sizeof product) || strncmp(product, "sureboot ", 9) != 0)
        memcpy(foreign, product, sizeof product);
    else if (string(usb, d.iSerialNumber, serial, 128) && (!wanted || strcmp(serial, wanted) == 0))
        return usb;
    libusb_close(usb);
    return NULL;
}

/* Everything that is there is looked at, so that what is said of it is right. */
static libusb_device_handle *find(libusb_device *const *list, const char *wanted, struct dfu_report *report,
                                  uint8_t *interface, struct sentence *why)
{
    libusb_device_handle *usb = NULL;
    char serials[300] = "", foreign[128] = "";
    unsigned boards = 0, applications = 0;
    int denied = 0;

    for (; *list; list++) {
        char serial[128];
        uint8_t number;
        int error;
        applications += has_interface(*list, RUN_TIME, &number);
        if (!has_interface(*list, DFU_MODE, &number))
            continue;
        libusb_device_handle *one = open_sureboot(*list, wanted, serial, foreign, &error);
        if (error != 0)
            denied = error;
        if (!one)
            continue;
        size_t used = strlen(serials);
        (void)snprintf(serials + used, sizeof serials - used, " %s", serial);
        if (boards++ == 0) {
            usb = one;
            *interface = number;
            memcpy(report->serial, serial, sizeof serial);
        } else {
            libusb_close(one);
        }
    }
    if (boards == 1)
        return usb;
    if (boards > 1) {
        libusb_close(usb);
        sentence_write(why, "there are %u of them, say --serial and one of%s", boards, serials);
    } else if (denied == LIBUSB_ERROR_ACCESS) {
        sentence_write(why,
                       "a device in DFU mode cannot be opened: be root, or install dfu-util's udev rule");
    } else if (denied != 0) {
        sentence_write(why, "a device in DFU mode cannot be opened: %s", libusb_strerror(denied));
    } else if (wanted) {
        sentence_write(why, "there is no sureboot in DFU mode with the serial number %s on USB", wanted);
    } else if (foreign[0]) {
        sentence_write(why, "there is a device in DFU mode, but it is not sureboot: \"%s\"", foreign);
    } else if (applications > 0) {
        sentence_write(
            why, "there is no sureboot in DFU mode on USB, but an application: dfu-util -e leads into DFU");
    } else {
        sentence_write(why, "there is no sureboot in DFU mode on USB");
    }
    return NULL;
}

/* ---- the upload -------------------------------------------------------------------------- */

static libusb_device_handle *handle;
static uint8_t interface_number;

/* Bytes sent or received, or an error of libusb. */
static int request(uint8_t type, uint8_t number, uint16_t value, void *data, uint16_t size)
{
    return libusb_control_transfer(handle, type, number, value, interface_number, data, size, ANSWER_MS);
}

/* The state after a GETSTATUS; 0: there was no answer. *ms: when to ask again. */
static unsigned ask(uint32_t *ms)
{
    uint8_t status[DFU_STATUS_SIZE];
    if (request(TO_HOST, DFU_REQ_GETSTATUS, 0, status, sizeof status) != sizeof status)
        return 0;
    *ms = (uint32_t)status[1] | (uint32_t)status[2] << 8 | (uint32_t)status[3] << 16;
    return status[4];
}

static unsigned state(void)
{
    uint32_t ms;
    return ask(&ms);
}

/* Waits while it is busy: what an unfinished download has left to be erased comes first. */
static unsigned settled(void)
{
    uint32_t ms, waited = 0;
    unsigned s;
    while ((s = ask(&ms)) == DFU_DNBUSY && waited < PATIENCE_MS) {
        ms = ms < 1 ? 1 : ms < PATIENCE_MS ? ms : PATIENCE_MS;
        const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
        (void)nanosleep(&pause, NULL); /* too short a pause does no harm */
        waited += ms;
    }
    return s;
}

/* Into dfuIDLE, whatever the last host has left. */
static bool to_idle(void)
{
    unsigned s = state();
    if (s == DFU_ERROR)
        return request(TO_DEVICE, DFU_REQ_CLRSTATUS, 0, NULL, 0) == 0 && state() == DFU_IDLE;
    return s == DFU_IDLE || (request(TO_DEVICE, DFU_REQ_ABORT, 0, NULL, 0) == 0 && state() == DFU_IDLE);
}

static bool upload(struct dfu_report *report)
{
    uint8_t set_address[5] = {0x21, DFU_REPORT_ADDR & 0xFF, DFU_REPORT_ADDR >> 8 & 0xFF,
                              DFU_REPORT_ADDR >> 16 & 0xFF, DFU_REPORT_ADDR >> 24};
    /* AN3156: the first GETSTATUS carries the command out. */
    if (!to_idle() || request(TO_DEVICE, DFU_REQ_DNLOAD, 0, set_address, sizeof set_address) != 5 ||
        state() != DFU_DNBUSY || settled() != DFU_DNLOAD_IDLE || !to_idle())
        return false;
    int n = request(TO_HOST, DFU_REQ_UPLOAD, 2, report->text, sizeof report->text);
    report->size = n > 0 ? (size_t)n : 0;
    return n > 0;
}

bool dfu_read_report(struct dfu_report *report, const char *serial, struct sentence *why)
{
    libusb_context *usb;
    libusb_device **list;
    int error = libusb_init(&usb);
    if (error != 0)
        return refuse(why, "USB cannot be used: %s", libusb_strerror(error));
    bool ok = false;
    ssize_t n = libusb_get_device_list(usb, &list);
    if (n < 0) {
        (void)refuse(why, "USB cannot be used: %s", libusb_strerror((int)n));
    } else {
        handle = find(list, serial, report, &interface_number, why);
        libusb_free_device_list(list, 1);
        if (handle) {
            error = libusb_claim_interface(handle, interface_number);
            if (error == 0)
                error = libusb_set_interface_alt_setting(handle, interface_number, 0);
            ok = error == 0
                     ? upload(report) || refuse(why, "the board %s gives no report", report->serial)
                     : refuse(why, "the board %s is in use: %s", report->serial, libusb_strerror(error));
            libusb_close(handle);
        }
    }
    libusb_exit(usb);
    return ok;
}

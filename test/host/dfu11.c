/* dfu11: a host of plain DFU 1.1 on libusb, written from the state diagram of "Universal Serial Bus Device
 * Class Specification for Device Firmware Upgrade", version 1.1 (appendix A.1). It knows no DfuSe, whatever
 * the functional descriptor announces.
 * Exit status: 0 done, 1 the device refused or was lost, 2 bad usage. */
#include <libusb-1.0/libusb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DNLOAD = 1, UPLOAD = 2, GETSTATUS = 3, CLRSTATUS = 4, ABORT = 6 };
enum {
    IDLE = 2,
    DNLOAD_SYNC = 3,
    DNBUSY = 4,
    DNLOAD_IDLE = 5,
    MANIFEST_SYNC = 6,
    MANIFEST = 7,
    MANIFEST_WAIT_RESET = 8,
    ERROR = 10
};
enum { CAN_DNLOAD = 1, CAN_UPLOAD = 2, TOLERANT = 4 };
enum { FUNCTIONAL = 0x21, CLASS_OUT = 0x21, CLASS_IN = 0xA1, ANSWER_MS = 10000, PATIENCE_MS = 60000 };
enum { FILE_MAX = 1 << 20, TRANSFER_MAX = 4096 };

static libusb_device_handle *usb;
static uint16_t interface_number;
static uint8_t attributes;
static uint16_t transfer_size;

struct status {
    uint8_t code, state, text;
    uint32_t poll_ms;
};

static void quit(int code, const char *what, const char *why)
{
    if (why != NULL)
        fprintf(stderr, "dfu11: %s: %s\n", what, why);
    else
        fprintf(stderr, "dfu11: %s\n", what);
    exit(code);
}

static void wait_ms(uint32_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    if (nanosleep(&t, NULL) != 0)
        quit(1, "interrupted", NULL);
}

static void find(const char *serial)
{
    libusb_device **list;
    ssize_t n = libusb_get_device_list(NULL, &list);
    for (ssize_t i = 0; i < n && usb == NULL; i++) {
        struct libusb_device_descriptor d;
        unsigned char text[128];
        if (libusb_get_device_descriptor(list[i], &d) != 0 || d.idVendor != 0x0483 || d.idProduct != 0xDF11 ||
            libusb_open(list[i], &usb) != 0)
            continue;
        if (serial != NULL &&
            (libusb_get_string_descriptor_ascii(usb, d.iSerialNumber, text, sizeof text) < 0 ||
             strcmp((const char *)text, serial) != 0)) {
            libusb_close(usb);
            usb = NULL;
        }
    }
    if (n >= 0)
        libusb_free_device_list(list, 1);
    if (usb == NULL)
        quit(1, "no such device", NULL);
}

/* The functional descriptor follows the last alternate setting of the interface (DFU 1.1, 4.1.3). */
static bool functional(const struct libusb_interface_descriptor *alt)
{
    for (int at = 0; at + 2 <= alt->extra_length && alt->extra[at] != 0; at += alt->extra[at]) {
        const unsigned char *f = alt->extra + at;
        if (f[1] == FUNCTIONAL && f[0] >= 7 && at + f[0] <= alt->extra_length) {
            attributes = f[2];
            transfer_size = (uint16_t)(f[5] | f[6] << 8);
            interface_number = alt->bInterfaceNumber;
            return transfer_size != 0;
        }
    }
    return false;
}

static void open_interface(void)
{
    struct libusb_config_descriptor *c;
    bool found = false;
    if (libusb_get_active_config_descriptor(libusb_get_device(usb), &c) != 0)
        quit(1, "no configuration", NULL);
    for (int i = 0; i < c->bNumInterfaces && !found; i++)
        for (int j = 0; j < c->interface[i].num_altsetting && !found; j++) {
            const struct libusb_interface_descriptor *alt = &c->interface[i].altsetting[j];
            found = alt->bInterfaceClass == 0xFE && alt->bInterfaceSubClass == 1 &&
                    alt->bInterfaceProtocol == 2 && functional(alt);
        }
    libusb_free_config_descriptor(c);
    if (!found)
        quit(1, "no interface in DFU mode with a functional descriptor", NULL);
    int error = libusb_claim_interface(usb, interface_number);
    if (error != 0)
        quit(1, "the interface cannot be claimed", libusb_error_name(error));
}

static int request(uint8_t type, uint8_t number, uint16_t value, unsigned char *data, size_t size)
{
    return libusb_control_transfer(usb, type, number, value, interface_number, data, (uint16_t)size,
                                   ANSWER_MS);
}

static struct status get_status(void)
{
    unsigned char s[6];
    int n = request(CLASS_IN, GETSTATUS, 0, s, sizeof s);
    if (n != sizeof s)
        quit(1, "GETSTATUS", n < 0 ? libusb_error_name(n) : "short");
    return (struct status){.code = s[0],
                           .state = s[4],
                           .text = s[5],
                           .poll_ms = (uint32_t)s[1] | (uint32_t)s[2] << 8 | (uint32_t)s[3] << 16};
}

static void print(FILE *to, struct status s)
{
    unsigned char text[128] = "";
    if (s.text == 0 || libusb_get_string_descriptor_ascii(usb, s.text, text, sizeof text) < 0)
        text[0] = 0;
    fprintf(to, "dfu11: status %u, state %u: %s\n", s.code, s.state, (const char *)text);
}

/* Asks until the device has left the given states, with the poll times it names. */
static struct status settle(uint8_t this, uint8_t that)
{
    uint32_t waited = 0;
    for (;;) {
        struct status s = get_status();
        if (s.state == ERROR) {
            print(stderr, s);
            exit(1);
        }
        if (s.state != this && s.state != that)
            return s;
        wait_ms(s.poll_ms);
        waited += s.poll_ms + 1;
        if (waited > PATIENCE_MS)
            quit(1, "the device is busy for ever", NULL);
    }
}

static void begin(uint8_t needed)
{
    if (!(attributes & needed))
        quit(1, "the device does not do that", NULL);
    struct status s = get_status();
    if (s.state == ERROR && request(CLASS_OUT, CLRSTATUS, 0, NULL, 0) != 0)
        quit(1, "CLRSTATUS", NULL);
    else if (s.state != ERROR && s.state != IDLE && request(CLASS_OUT, ABORT, 0, NULL, 0) != 0)
        quit(1, "ABORT", NULL);
    s = get_status();
    if (s.state != IDLE)
        quit(1, "the device does not become idle", NULL);
}

static void send_block(uint16_t block, unsigned char *data, size_t size)
{
    int n = request(CLASS_OUT, DNLOAD, block, data, size);
    if (n == (int)size)
        return;
    if (n == LIBUSB_ERROR_PIPE)
        print(stderr, get_status());
    quit(1, "DNLOAD", n < 0 ? libusb_error_name(n) : "short");
}

static void download(const char *name)
{
    static unsigned char data[FILE_MAX];
    FILE *f = fopen(name, "rb");
    size_t size = f == NULL ? 0 : fread(data, 1, sizeof data, f), at = 0;
    if (f == NULL || ferror(f) != 0 || size == sizeof data)
        quit(2, name, "cannot be read, or is larger than 1 MiB");
    fclose(f);

    uint16_t block = 0; /* wraps (DFU 1.1, 6.1.1) */
    begin(CAN_DNLOAD);
    for (; at < size; at += transfer_size) {
        send_block(block++, data + at, size - at < transfer_size ? size - at : transfer_size);
        if (settle(DNLOAD_SYNC, DNBUSY).state != DNLOAD_IDLE)
            quit(1, "not dfuDNLOAD-IDLE after a block", NULL);
    }
    send_block(block, NULL, 0);
    /* A DfuSe device manifests by resetting and so does not call itself tolerant; asked in plain DFU it may
     * be tolerant all the same. */
    uint8_t last = settle(MANIFEST_SYNC, MANIFEST).state;
    if (last != IDLE && ((attributes & TOLERANT) || last != MANIFEST_WAIT_RESET))
        quit(1, "wrong state after manifestation", NULL);
    printf("dfu11: %zu bytes in %u blocks\n", size, block);
}

static void upload(const char *name)
{
    unsigned char data[TRANSFER_MAX];
    FILE *f = fopen(name, "wb");
    if (f == NULL)
        quit(2, name, "cannot be written");
    begin(CAN_UPLOAD);
    for (uint16_t block = 0;; block++) {
        int n = request(CLASS_IN, UPLOAD, block, data, transfer_size);
        if (n < 0) {
            print(stderr, get_status());
            quit(1, "UPLOAD", libusb_error_name(n));
        }
        if (fwrite(data, 1, (size_t)n, f) != (size_t)n)
            quit(2, name, "cannot be written");
        if (n < transfer_size)
            break;
    }
    if (fclose(f) != 0)
        quit(2, name, "cannot be written");
    if (get_status().state != IDLE)
        quit(1, "not dfuIDLE after the upload", NULL);
}

int main(int argc, char **argv)
{
    const char *serial = NULL;
    int at = 1;
    if (argc > 2 && strcmp(argv[1], "--serial") == 0) {
        serial = argv[2];
        at = 3;
    }
    bool status = argc == at + 1 && strcmp(argv[at], "--status") == 0;
    bool down = argc == at + 2 && strcmp(argv[at], "--download") == 0;
    bool up = argc == at + 2 && strcmp(argv[at], "--upload") == 0;
    if (!status && !down && !up)
        quit(2, "usage: dfu11 [--serial TEXT] --download FILE | --upload FILE | --status", NULL);

    int error = libusb_init(NULL);
    if (error != 0)
        quit(1, "libusb", libusb_error_name(error));
    find(serial);
    open_interface();
    if (transfer_size > TRANSFER_MAX)
        transfer_size = TRANSFER_MAX;
    if (status)
        print(stdout, get_status());
    else if (down)
        download(argv[at + 1]);
    else
        upload(argv[at + 1]);
    libusb_release_interface(usb, interface_number);
    libusb_close(usb);
    libusb_exit(NULL);
    return 0;
}

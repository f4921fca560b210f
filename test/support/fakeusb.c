/* A bus of made-up devices under libusb's names. */
#include "fakeusb.h"

#include "boot/core/dfu.h"
#include <libusb-1.0/libusb.h>
#include <stdio.h>
#include <string.h>

enum { PRODUCT = 2, SERIAL = 3 };
enum { MISTAKE = 1000 };

/* Both are what libusb.h leaves open. */
struct libusb_device {
    struct fake_device *d;
};
struct libusb_device_handle {
    libusb_device *device;
    bool open;
};

struct fake_device fake_device[FAKE_DEVICES];
int fake_open, fake_claimed, fake_set;
int fake_init_error, fake_list_error;

static libusb_device devices[FAKE_DEVICES];
static libusb_device *list[FAKE_DEVICES + 1];
static libusb_device_handle handles[FAKE_DEVICES];
static int contexts;

void fake_usb_clear(void)
{
    memset(fake_device, 0, sizeof fake_device);
    memset(handles, 0, sizeof handles);
    fake_open = fake_init_error = fake_list_error = contexts = 0;
    fake_claimed = fake_set = -1;
}

__attribute__((weak)) void fake_look(void) {}

/* NOLINTBEGIN(readability-non-const-parameter): others write there */
__attribute__((weak)) int fake_request(struct fake_device *d, uint8_t type, uint8_t request, uint16_t value,
                                       uint8_t *data, uint16_t size)
{
    (void)d, (void)type, (void)request, (void)value, (void)data, (void)size;
    return LIBUSB_ERROR_PIPE;
}
/* NOLINTEND(readability-non-const-parameter) */

__attribute__((weak)) const char *fake_string(uint8_t index)
{
    (void)index;
    return NULL;
}

/* ---- looking around ---------------------------------------------------------------------- */

int libusb_init(libusb_context **context)
{
    static int one;
    if (fake_init_error)
        return fake_init_error;
    *context = (libusb_context *)&one;
    fake_open++;
    contexts++;
    return 0;
}

/* What was opened has to be closed before the last of them. */
void libusb_exit(libusb_context *context)
{
    (void)context;
    fake_open--;
    contexts--;
    for (unsigned i = 0; i < FAKE_DEVICES && contexts == 0; i++)
        fake_open -= handles[i].open ? MISTAKE : 0;
}

ssize_t libusb_get_device_list(libusb_context *context, libusb_device ***to)
{
    ssize_t n = 0;
    (void)context;
    fake_look();
    if (fake_list_error)
        return fake_list_error;
    for (unsigned i = 0; i < FAKE_DEVICES; i++) {
        devices[i].d = &fake_device[i];
        if (fake_device[i].there)
            list[n++] = &devices[i];
    }
    list[n] = NULL;
    *to = list;
    fake_open++;
    return n;
}

void libusb_free_device_list(libusb_device **what, int unref)
{
    (void)what;
    fake_open -= unref ? 1 : 0; /* else its devices stay for ever */
}

int libusb_get_device_descriptor(libusb_device *device, struct libusb_device_descriptor *to)
{
    *to = (struct libusb_device_descriptor){.iProduct = device->d->product ? PRODUCT : 0,
                                            .iSerialNumber = device->d->serial ? SERIAL : 0};
    return 0;
}

/* Others in front, each of which has something of DFU's three numbers. */
int libusb_get_active_config_descriptor(libusb_device *device, struct libusb_config_descriptor **to)
{
#define INTERFACE(number, class, subclass, protocol)                                                         \
    {                                                                                                        \
        .bInterfaceNumber = (number), .bInterfaceClass = (class), .bInterfaceSubClass = (subclass),          \
        .bInterfaceProtocol = (protocol)                                                                     \
    }
    static const struct libusb_interface_descriptor all[] = {INTERFACE(0, 2, 1, 1),
                                                             INTERFACE(1, 2, 1, 2),
                                                             INTERFACE(2, 0xFE, 2, 1),
                                                             INTERFACE(4, 0xFE, 2, 2),
                                                             INTERFACE(RUN_TIME_INTERFACE, 0xFE, 1, 1),
                                                             INTERFACE(DFU_INTERFACE, 0xFE, 1, 2)};
    enum { OTHERS = 4 };
    static struct libusb_interface interfaces[OTHERS + 2];
    static struct libusb_config_descriptor config;
    uint8_t n = 0;
    while (n < OTHERS) {
        interfaces[n] = (struct libusb_interface){&all[n], 1};
        n++;
    }
    if (device->d->run_time)
        interfaces[n++] = (struct libusb_interface){&all[OTHERS], 1};
    if (device->d->dfu_mode)
        interfaces[n++] = (struct libusb_interface){&all[OTHERS + 1], 1};
    config = (struct libusb_config_descriptor){.bNumInterfaces = n, .interface = interfaces};
    *to = &config;
    fake_open++;
    return 0;
}

void libusb_free_config_descriptor(struct libusb_config_descriptor *config)
{
    (void)config;
    fake_open--;
}

uint8_t libusb_get_bus_number(libusb_device *device)
{
    return device->d->bus;
}

uint8_t libusb_get_device_address(libusb_device *device)
{
    return device->d->address;
}

int libusb_get_port_numbers(libusb_device *device, uint8_t *ports, int room)
{
    uint8_t port = device->d->port;
    int n = 0;
    if (room < 2)
        return LIBUSB_ERROR_OVERFLOW;
    if (port >= 10)
        ports[n++] = (uint8_t)(port / 10);
    if (port)
        ports[n++] = (uint8_t)(port % 10);
    return n;
}

const char *libusb_strerror(int error)
{
    static char text[32];
    (void)snprintf(text, sizeof text, "error %d", error);
    return text;
}

/* ---- one device -------------------------------------------------------------------------- */

int libusb_open(libusb_device *device, libusb_device_handle **to)
{
    if (device->d->denied)
        return device->d->denied;
    *to = &handles[device - devices];
    (*to)->device = device;
    (*to)->open = true;
    fake_open++;
    return 0;
}

void libusb_close(libusb_device_handle *handle)
{
    fake_open -= handle->open ? 1 : MISTAKE;
    handle->open = false;
}

libusb_device *libusb_get_device(libusb_device_handle *handle)
{
    return handle->device;
}

int libusb_claim_interface(libusb_device_handle *handle, int number)
{
    fake_claimed = handle->device->d->in_use ? -1 : number;
    return handle->device->d->in_use;
}

int libusb_set_interface_alt_setting(libusb_device_handle *handle, int number, int alternate)
{
    (void)handle;
    fake_set = alternate == 0 && number == fake_claimed ? number : -1;
    return 0;
}

int libusb_get_string_descriptor_ascii(libusb_device_handle *handle, uint8_t index, unsigned char *to,
                                       int room)
{
    const struct fake_device *d = handle->device->d;
    const char *text = index == PRODUCT ? d->product : index == SERIAL ? d->serial : fake_string(index);
    if (!d->there)
        return LIBUSB_ERROR_NO_DEVICE;
    if (!text)
        return LIBUSB_ERROR_PIPE;
    if (d->mute)
        return d->mute;
    int n = snprintf((char *)to, (size_t)room, "%s", text);
    return n < room ? n : room - 1;
}

int libusb_control_transfer(libusb_device_handle *handle, uint8_t type, uint8_t request, uint16_t value,
                            uint16_t interface, unsigned char *data, uint16_t size, unsigned timeout)
{
    if (!handle->device->d->there)
        return LIBUSB_ERROR_NO_DEVICE;
    if (timeout <= DFU_HOLD_MS)
        return LIBUSB_ERROR_TIMEOUT;
    if (interface != fake_claimed)
        return LIBUSB_ERROR_BUSY;
    return fake_request(handle->device->d, type, request, value, data, size);
}

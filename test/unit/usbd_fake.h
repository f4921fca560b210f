/* A USB device on a driver made of variables, and the host that talks to it: what the tests of the
 * device core share. Included once by each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "usb/usbd.h"

/* ---- the driver: what the hardware would hold --------------------------------------------- */

static struct {
    bool started, connected, in_ready, out_ready, status_only, stalled0;
    uint8_t address;
    uint8_t in[64], out[64];
    uint16_t in_size, out_size;
    bool open[2][8], stall[2][8], armed[2][8];
    uint8_t packet[8][64]; /* of IN endpoints that are armed */
    uint16_t packet_size[8];
    unsigned opened, toggles_reset, accepts;
} hw;

static inline unsigned dir(uint8_t ep)
{
    return ep >> 7;
}
static inline void d_start(void)
{
    hw.started = true;
}
static inline void d_connect(bool on)
{
    hw.connected = on;
}
static inline void d_address(uint8_t addr)
{
    hw.address = addr;
}
static inline void d_open(uint8_t ep, uint8_t type, uint16_t size)
{
    assert_in_range(ep & 7, 1, 7);
    assert_int_not_equal(type, USB_EP_CONTROL);
    assert_in_range(size, 1, 64);
    hw.open[dir(ep)][ep & 7] = true;
    hw.stall[dir(ep)][ep & 7] = hw.armed[dir(ep)][ep & 7] = false;
    hw.opened++;
}
static inline void d_close(uint8_t ep)
{
    assert_true(hw.open[dir(ep)][ep & 7]);
    hw.open[dir(ep)][ep & 7] = false;
}
static inline void d_write(uint8_t ep, const void *data, uint16_t size)
{
    assert_true(size <= 64);
    if ((ep & 7) == 0) {
        assert_false(hw.in_ready);
        if (size)
            memcpy(hw.in, data, size);
        hw.in_size = size;
        hw.in_ready = true;
    } else {
        assert_true(hw.open[1][ep & 7]);
        assert_false(hw.armed[1][ep & 7]);
        hw.armed[1][ep & 7] = true;
        if (size)
            memcpy(hw.packet[ep & 7], data, size);
        hw.packet_size[ep & 7] = size;
    }
}
static inline void d_accept(uint8_t ep, bool status)
{
    if (ep == 0) {
        hw.out_ready = true;
        hw.status_only = status;
    } else {
        assert_true(hw.open[0][ep]);
        hw.armed[0][ep] = true;
        hw.accepts++;
    }
}
static inline uint16_t d_read(uint8_t ep, void *data, uint16_t room)
{
    (void)ep;
    uint16_t n = hw.out_size < room ? hw.out_size : room;
    if (n)
        memcpy(data, hw.out, n);
    return hw.out_size;
}
static inline void d_stall(uint8_t ep, bool on)
{
    if (ep == 0) {
        hw.stalled0 = on;
    } else {
        hw.stall[dir(ep)][ep & 7] = on;
        hw.armed[dir(ep)][ep & 7] = false;
        hw.toggles_reset += !on;
    }
}
static inline void d_wake(bool on)
{
    (void)on;
}
static inline uint16_t d_frame(void)
{
    return 7;
}
static const struct usb_driver driver = {d_start,  d_connect, d_address, d_open, d_close, d_write,
                                         d_accept, d_read,    d_stall,   d_wake, d_frame};

/* ---- the device --------------------------------------------------------------------------- */

static const struct usb_device_descriptor device_descriptor = {
    .bLength = 18, .bDescriptorType = 1, .bcdUSB = 0x0210, .bMaxPacketSize0 = 64, .bNumConfigurations = 1};

#define INTERFACE(n, alt, eps)                                                                               \
    {                                                                                                        \
        9, USB_DESC_INTERFACE, n, alt, eps, 0xFF, 0, 0, 0                                                    \
    }
static const struct {
    struct usb_config_descriptor config;
    struct usb_interface_descriptor i0a0;
    uint8_t class_specific[7];
    struct usb_interface_descriptor i0a1;
    struct usb_endpoint_descriptor out, in;
    struct usb_interface_descriptor i1a0;
    struct usb_endpoint_descriptor notify;
} USB_PACKED configuration = {
    .config = {9, USB_DESC_CONFIGURATION, sizeof configuration, 2, 5, 0,
               USB_CONF_RESERVED | USB_CONF_SELF_POWERED | USB_CONF_REMOTE_WAKEUP, 50},
    .i0a0 = INTERFACE(0, 0, 0),
    .class_specific = {7, USB_DESC_CS_INTERFACE, 1, 2, 3, 4, 5},
    .i0a1 = INTERFACE(0, 1, 2),
    .out = {7, USB_DESC_ENDPOINT, 0x01, USB_EP_BULK, 64, 0},
    .in = {7, USB_DESC_ENDPOINT, 0x81, USB_EP_BULK, 64, 0},
    .i1a0 = INTERFACE(1, 0, 1),
    .notify = {7, USB_DESC_ENDPOINT, 0x82, USB_EP_INTERRUPT, 16, 10},
};
enum { CONFIG_SIZE = sizeof configuration };

static const struct {
    struct usb_bos_descriptor bos;
    uint8_t capability[24];
} USB_PACKED bos = {.bos = {5, USB_DESC_BOS, sizeof bos, 1}, .capability = {24, USB_DESC_CAPABILITY, 5}};

static inline const char *string(uint8_t index)
{
    static char text[128];
    if (index > 127)
        return NULL;
    memset(text, 'x', index); /* the string's length is its index */
    text[index] = 0;
    return text;
}

/* A function with one of everything. Vendor OUT n: takes wLength bytes into `taken`, room 200.
 * Vendor IN n: sends wValue bytes. Request 3/4: answers later; 5: fails after the data; 6: class IN. */
static struct {
    unsigned setups, datas, done, resets, configured, interface, unstalled, sent, received;
    uint8_t bytes[512], taken[512];
    uint16_t taken_size;
    struct usbd_control *pending;
    uint8_t last_arg;
} fn;

static inline void fn_done(void)
{
    fn.done++;
}

static inline enum usbd_answer fn_setup(struct usbd_control *c)
{
    uint8_t type = c->setup.bmRequestType & USB_TYPE_MASK;
    fn.setups++;
    if (type != USB_TYPE_CLASS && type != USB_TYPE_VENDOR &&
        !(c->setup.bmRequestType == (USB_DIR_IN | USB_RECIPIENT_INTERFACE) &&
          c->setup.bRequest == USB_GET_DESCRIPTOR))
        return USBD_FAIL;
    c->done = fn_done;
    switch (c->setup.bRequest) {
    case 1: /* IN */
        c->data = fn.bytes;
        c->size = c->setup.wValue;
        return USBD_ACK;
    case 2: /* OUT */
    case 5:
        c->data = fn.taken;
        c->size = 200;
        return USBD_ACK;
    case 3: /* later, either direction */
        c->data = c->setup.bmRequestType & USB_DIR_IN ? fn.bytes : fn.taken;
        c->size = 200;
        fn.pending = c;
        return USBD_LATER;
    case 4: /* OUT, later after the data */
        c->data = fn.taken;
        c->size = 200;
        return USBD_ACK;
    case USB_GET_DESCRIPTOR:
        if (c->setup.wValue != 0x2100)
            return USBD_FAIL;
        c->data = fn.bytes;
        c->size = 9;
        return USBD_ACK;
    default: return USBD_FAIL;
    }
}
static inline enum usbd_answer fn_data(struct usbd_control *c)
{
    fn.datas++;
    fn.taken_size = c->size;
    return c->setup.bRequest == 5 ? USBD_FAIL : c->setup.bRequest == 4 ? USBD_LATER : USBD_ACK;
}
static inline void fn_event(enum usbd_event event, uint8_t arg)
{
    fn.last_arg = arg;
    switch (event) {
    case USBD_RESET: fn.resets++; break;
    case USBD_CONFIGURED: fn.configured++; break;
    case USBD_INTERFACE: fn.interface++; break;
    case USBD_RECEIVED: fn.received++; break;
    case USBD_SENT: fn.sent++; break;
    case USBD_UNSTALLED: fn.unstalled++; break;
    default: break;
    }
}
static const struct usbd_function function = {fn_setup, fn_data, fn_event};
static const struct usbd_function *const functions[] = {&function, NULL};
static const struct usbd_device device = {.driver = &driver,
                                          .device = &device_descriptor,
                                          .configuration = &configuration.config,
                                          .bos = &bos.bos,
                                          .string = string,
                                          .functions = functions};

/* ---- the host ------------------------------------------------------------------------------ */

enum { STALLED = -1, NAKED = -2 };

/* A SETUP packet, of eight bytes unless a host is broken. */
static inline void send_setup_packet(const void *bytes, uint16_t size)
{
    hw.in_ready = hw.out_ready = hw.stalled0 = false; /* what hardware does on SETUP */
    memcpy(hw.out, bytes, size);
    hw.out_size = size;
    usbd_on_setup();
}

static inline void send_setup(uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length)
{
    struct usb_setup s = {type, request, value, index, length};
    send_setup_packet(&s, sizeof s);
}

/* One IN transaction: bytes, STALLED or NAKED. */
static inline int take_in(uint8_t *to)
{
    if (hw.stalled0)
        return STALLED;
    if (!hw.in_ready)
        return NAKED;
    hw.in_ready = false;
    memcpy(to, hw.in, hw.in_size);
    int n = hw.in_size;
    usbd_on_sent(USB_DIR_IN);
    return n;
}

static inline int give_out(const uint8_t *from, uint16_t size)
{
    if (hw.stalled0)
        return STALLED;
    if (!hw.out_ready)
        return NAKED;
    if (hw.status_only && size)
        return STALLED;
    hw.out_ready = false;
    if (size)
        memcpy(hw.out, from, size);
    hw.out_size = size;
    usbd_on_received(0);
    return size;
}

static uint8_t got[1024];

/* A whole control transfer as a host does it. Returns bytes of the data stage, STALLED or NAKED. */
static inline int finish_transfer(uint8_t type, uint16_t length, const uint8_t *data)
{
    uint8_t packet[64];
    int total = 0, n;

    if ((type & USB_DIR_IN) && length) {
        do {
            n = take_in(packet);
            if (n < 0)
                return n;
            assert_true(total + n <= length);
            memcpy(got + total, packet, (size_t)n);
            total += n;
        } while (n == 64 && total < length);
        n = give_out(NULL, 0);
        return n < 0 ? n : total;
    }
    while (total < length) {
        uint16_t size = (uint16_t)(length - total < 64 ? length - total : 64);
        n = give_out(data ? data + total : NULL, size);
        if (n < 0)
            return n;
        total += size;
    }
    n = take_in(packet);
    assert_true(n <= 0); /* the status stage is empty */
    return n < 0 ? n : total;
}

static inline int control(uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length)
{
    static uint8_t data[65536];
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    send_setup(type, request, value, index, length);
    return finish_transfer(type, length, data);
}

enum { S_DEFAULT, S_ADDRESS, S_CONFIGURED, STATES };

static inline void to_state(unsigned state)
{
    if (hw.started)
        usbd_on_reset(); /* closes what the last test has opened */
    memset(&hw, 0, sizeof hw);
    memset(&fn, 0, sizeof fn);
    for (unsigned i = 0; i < sizeof fn.bytes; i++)
        fn.bytes[i] = (uint8_t)(i * 13 + 1);
    usbd_init(&device);
    usbd_connect(true);
    usbd_on_reset();
    if (state >= S_ADDRESS)
        assert_int_equal(control(0, USB_SET_ADDRESS, 42, 0, 0), 0);
    if (state >= S_CONFIGURED)
        assert_int_equal(control(0, USB_SET_CONFIGURATION, 5, 0, 0), 0);
}

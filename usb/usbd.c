/* The default control pipe: stages of a control transfer (USB 2.0, 8.5.3 and 9.3), and endpoints.
 * The standard requests themselves are in standard.c. */
#include "usb/usbd_internal.h"

struct usbd usbd;
static bool bus_suspended; /* outside, so that it takes no room where nobody asks */

static void start_over(void)
{
    usbd.stage = STAGE_IDLE;
    usbd.address = 0;
    bus_suspended = false;
    usbd.remote_wake = false;
    usbd_configure(0);
}

void usbd_init(const struct usbd_device *device)
{
#ifndef USBD_DEVICE
    usbd.device = device;
#endif
    (void)device;
    if (!USBD_CONNECTED)
        USBD->driver->start();
    start_over();
}

void usbd_connect(bool on)
{
    USBD->driver->connect(on);
}

/* NULL behind the last one. */
static const struct usbd_function *function(unsigned n)
{
#ifdef USBD_DEVICE
    return n == 0 ? &USBD_FUNCTION : NULL;
#else
    return usbd.device->functions[n];
#endif
}

/* Of the current request, if it takes data: the core's own do not. */
static unsigned owner_number;
static const struct usbd_function *owner(void)
{
#ifdef USBD_DEVICE
    return &USBD_FUNCTION;
#else
    return usbd.device->functions[owner_number];
#endif
}

void usbd_tell(enum usbd_event event, uint8_t arg)
{
    for (unsigned n = 0; function(n); n++)
        if (function(n)->event)
            function(n)->event(event, arg);
}

/* ---- control transfers ------------------------------------------------------------------- */

static enum usbd_answer ask_functions(struct usbd_control *c)
{
    for (unsigned n = 0; function(n); n++) {
        enum usbd_answer answer = function(n)->setup(c);
        if (answer != USBD_FAIL) {
            owner_number = n;
            return answer;
        }
    }
    return USBD_FAIL;
}

static uint8_t *next_byte(void)
{
    return usbd.control.data + (usbd.control.setup.wLength - usbd.left);
}

/* Sends the next packet of the data stage. A transfer that is shorter than the host asked for and a
 * multiple of the packet size ends with a zero-length packet (8.5.3.2). */
static void send_packet(void)
{
    const uint8_t *packet = next_byte();
    uint16_t n = (uint16_t)(usbd.control.data + usbd.control.size - packet);
    if (n < USBD_EP0_SIZE) {
        usbd.left = 0;
    } else {
        n = USBD_EP0_SIZE;
        usbd.left = (uint16_t)(usbd.left - n);
    }
    USBD->driver->write(USB_DIR_IN, packet, n);
}

/* Goes on after the setup packet was looked at, and again after the data stage of an OUT request. */
static void proceed(enum usbd_answer answer)
{
    struct usbd_control *c = &usbd.control;
    const struct usb_driver *driver = USBD->driver;
    bool in = c->setup.bmRequestType & USB_DIR_IN;

    if (answer == USBD_LATER) {
        usbd.stage = STAGE_WAITING;
    } else if (answer == USBD_FAIL || (!in && usbd.left > c->size)) {
        usbd.stage = STAGE_IDLE;
        driver->stall(0, true);
    } else if (usbd.left == 0) {
        usbd.stage = STAGE_STATUS_IN;
        driver->write(USB_DIR_IN, NULL, 0);
    } else if (in) {
        usbd.stage = STAGE_DATA_IN;
        if (c->size > usbd.left)
            c->size = usbd.left;
        driver->accept(0, true); /* the host may begin the status stage early */
        send_packet();
    } else {
        usbd.stage = STAGE_DATA_OUT;
        driver->accept(0, false);
    }
}

void usbd_on_setup(void)
{
    struct usbd_control *c = &usbd.control;
    if (USBD->driver->read(0, &c->setup, sizeof c->setup) !=
        sizeof c->setup) { /* 8.5.3: always eight bytes */
        proceed(USBD_FAIL);
        return;
    }
    c->size = 0;
    c->done = NULL;
    usbd.left = c->setup.wLength;

    enum usbd_answer answer = usbd_standard(c);
    if (answer == USBD_FAIL)
        answer = ask_functions(c);
    proceed(answer);
}

static void finish(void)
{
    void (*done)(void) = usbd.control.done;
    usbd.stage = STAGE_IDLE;
    if (done)
        done();
}

static void control_received(void)
{
    struct usbd_control *c = &usbd.control;
    const struct usb_driver *driver = USBD->driver;
    bool data = usbd.stage == STAGE_DATA_OUT;
    uint16_t room = data ? usbd.left : 0;
    uint16_t n = driver->read(0, next_byte(), room);

    if (n > room) { /* more than wLength announced, or data in a status stage */
        proceed(USBD_FAIL);
    } else if (data) {
        usbd.left = (uint16_t)(usbd.left - n);
        if (usbd.left > 0 && n == USBD_EP0_SIZE) {
            driver->accept(0, false);
            return;
        }
        c->size = (uint16_t)(c->setup.wLength - usbd.left);
        usbd.left = 0;
        proceed(owner()->data ? owner()->data(c) : USBD_ACK);
    } else if (usbd.stage == STAGE_DATA_IN) {
        finish();
    }
}

static void control_sent(void)
{
    if (usbd.stage == STAGE_STATUS_IN)
        finish();
    else if (usbd.stage == STAGE_DATA_IN && usbd.left > 0)
        send_packet();
}

void usbd_control_reply(enum usbd_answer answer)
{
    if (usbd.stage == STAGE_WAITING)
        proceed(answer);
}

struct usbd_control *usbd_control_waiting(void)
{
    return usbd.stage == STAGE_WAITING ? &usbd.control : NULL;
}

/* ---- what else the driver reports -------------------------------------------------------- */

void usbd_on_reset(void)
{
    start_over();
    usbd_tell(USBD_RESET, 0);
}

void usbd_on_received(uint8_t ep)
{
    if (ep == 0)
        control_received();
    else if (usbd_open_endpoint(ep))
        usbd_tell(USBD_RECEIVED, ep);
}

void usbd_on_sent(uint8_t ep)
{
    if (ep == USB_DIR_IN) {
        control_sent();
    } else if (usbd_open_endpoint(ep)) {
        *usbd_flags(ep) &= (uint8_t)~EP_BUSY;
        usbd_tell(USBD_SENT, ep);
    }
}

void usbd_on_suspend(bool suspended)
{
    bus_suspended = suspended;
}

/* ---- endpoints other than 0 -------------------------------------------------------------- */

uint8_t *usbd_flags(uint8_t ep)
{
    return &usbd.flags[ep & USB_DIR_IN ? 1 : 0][ep & (USBD_ENDPOINTS - 1)];
}

bool usbd_open_endpoint(uint8_t ep)
{
    return !USBD_CONTROL_ONLY && (ep & (uint8_t)~USB_DIR_IN) < USBD_ENDPOINTS && (*usbd_flags(ep) & EP_OPEN);
}

bool usbd_addressed(void)
{
    return usbd.address != 0;
}

bool usbd_configured(void)
{
    return usbd.configuration != 0;
}

bool usbd_suspended(void)
{
    return bus_suspended;
}

uint8_t usbd_alternate(uint8_t interface)
{
    return USBD_ALTERNATES && interface < USBD_INTERFACES ? usbd.alternate[interface] : 0;
}

bool usbd_stalled(uint8_t ep)
{
    return usbd_open_endpoint(ep) && (*usbd_flags(ep) & EP_STALLED);
}

bool usbd_writable(uint8_t ep)
{
    return usbd_open_endpoint(ep) && *usbd_flags(ep) == EP_OPEN;
}

bool usbd_write(uint8_t ep, const void *data, uint16_t size)
{
    if (!usbd_writable(ep))
        return false;
    *usbd_flags(ep) |= EP_BUSY;
    USBD->driver->write(ep, data, size);
    return true;
}

bool usbd_accept(uint8_t ep)
{
    if (!usbd_writable(ep))
        return false;
    USBD->driver->accept(ep, false);
    return true;
}

uint16_t usbd_read(uint8_t ep, void *data, uint16_t room)
{
    return USBD->driver->read(ep, data, room);
}

bool usbd_stall(uint8_t ep)
{
    if (!usbd_open_endpoint(ep))
        return false;
    *usbd_flags(ep) |= EP_STALLED;
    USBD->driver->stall(ep, true);
    return true;
}

uint16_t usbd_frame(void)
{
    return USBD->driver->frame();
}

bool usbd_remote_wake(bool on)
{
    if (on && !(bus_suspended && usbd.remote_wake))
        return false;
    USBD->driver->wake(on);
    return true;
}

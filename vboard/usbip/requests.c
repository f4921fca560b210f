/* USB/IP server: what a client may ask before it has imported the device: the list of devices, and the
 * import itself. */
#include "usbip/priv.h"
#include <stdio.h>
#include <string.h>

#define BUS_ID "1-1"
enum { BUS_NUMBER = 1 };

static void answer(struct client *c, unsigned code, unsigned status)
{
    uint8_t op[OP_SIZE];
    usbip_put16(op, USBIP_VERSION);
    usbip_put16(op + 2, code);
    usbip_put32(op + 4, status);
    client_send(c, op, sizeof op);
}

/* The device descriptor's numbers are little-endian, the record's big-endian. */
static void swap16(uint8_t *to, const uint8_t *from)
{
    to[0] = from[1];
    to[1] = from[0];
}

static void send_record(struct usbip *u, struct client *c)
{
    const uint8_t *d = usbhost_device_descriptor(u->host), *config = usbhost_config_descriptor(u->host);
    uint8_t r[DEV_SIZE] = {0};
    (void)snprintf((char *)r + DEV_PATH, DEV_BUS_ID - DEV_PATH, "/sys/devices/vboard/usb1/%s", BUS_ID);
    memcpy(r + DEV_BUS_ID, BUS_ID, sizeof BUS_ID);
    usbip_put32(r + DEV_BUS_NUMBER, BUS_NUMBER);
    usbip_put32(r + DEV_NUMBER, u->attach_count & 0xFFFF);
    usbip_put32(r + DEV_SPEED, USBIP_SPEED_FULL);
    swap16(r + DEV_VENDOR, d + 8);
    swap16(r + DEV_VENDOR + 2, d + 10);
    swap16(r + DEV_VENDOR + 4, d + 12);
    memcpy(r + DEV_VENDOR + 6, d + 4, 3);
    r[DEV_CONFIGURATION] = config ? config[5] : 0;
    r[DEV_CONFIGURATIONS] = d[17];
    r[DEV_INTERFACES] = config ? config[4] : 0;
    client_send(c, r, sizeof r);
}

/* Class, subclass, protocol of each interface's setting 0; exactly as many as the record says. */
static void send_interfaces(struct usbip *u, struct client *c)
{
    const uint8_t *config = usbhost_config_descriptor(u->host);
    if (!config)
        return;
    size_t size = config[2] | (size_t)config[3] << 8;
    uint8_t classes[255][4] = {{0}};
    size_t n = 0;
    for (size_t at = 0; at + 2 <= size && config[at] >= 2 && at + config[at] <= size; at += config[at]) {
        const uint8_t *d = config + at;
        if (d[1] == 4 /* INTERFACE */ && d[0] >= 9 && d[3] == 0 && n < config[4])
            memcpy(classes[n++], d + 5, 3);
    }
    client_send(c, classes, config[4] * sizeof classes[0]);
}

static void send_list(struct usbip *u, struct client *c)
{
    uint8_t count[4];
    usbip_put32(count, u->present);
    answer(c, OP_REP_DEVLIST, 0);
    client_send(c, count, sizeof count);
    if (u->present) {
        send_record(u, c);
        send_interfaces(u, c);
    }
}

static bool got_bus_id(struct usbip *u, struct client *c)
{
    bool ours = memcmp(c->header, BUS_ID, sizeof BUS_ID) == 0;
    if (!ours || !u->present || u->importer) {
        answer(c, OP_REP_IMPORT, ours && u->importer ? OP_STATUS_BUSY : OP_STATUS_NO_DEVICE);
        requests_begin(c);
        return true;
    }
    answer(c, OP_REP_IMPORT, 0);
    send_record(u, c);
    urbs_begin(u, c);
    return true;
}

static bool got_op(struct usbip *u, struct client *c)
{
    unsigned version = usbip_get16(c->header), code = usbip_get16(c->header + 2);
    if (version != USBIP_VERSION || (code != OP_REQ_DEVLIST && code != OP_REQ_IMPORT)) {
        c->reason = "it does not speak USB/IP 1.1.1";
        return false;
    }
    if (code == OP_REQ_IMPORT) {
        client_expect(c, c->header, USBIP_BUS_ID_SIZE, got_bus_id);
    } else {
        send_list(u, c);
        requests_begin(c);
    }
    return true;
}

void requests_begin(struct client *c)
{
    client_expect(c, c->header, OP_SIZE, got_op);
}

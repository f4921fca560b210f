/* The DFU tool: finds the DFU interface in the descriptors, as dfu-util does. It takes the first
 * functional descriptor of a configuration for all of its interfaces. */
#include "board/bytes.h"
#include "host/dfupriv.h"
#include <string.h>

enum {
    GET_DESCRIPTOR = 6,
    DESC_DEVICE = 1,
    DESC_CONFIG = 2,
    DESC_STRING = 3,
    DESC_INTERFACE = 4,
    DESC_DFU = 0x21
};

static int get_descriptor(struct dfu *d, unsigned type, unsigned index, unsigned language, void *data,
                          unsigned size)
{
    return dfu_transfer(d, 0x80, GET_DESCRIPTOR, (uint16_t)(type << 8 | index), (uint16_t)language, data,
                        (uint16_t)size);
}

static size_t put_utf8(char *text, size_t at, size_t size, unsigned c)
{
    char b[3];
    size_t n = 0;
    if (c < 0x80) {
        b[n++] = (char)c;
    } else {
        if (c < 0x800) {
            b[n++] = (char)(0xC0 | c >> 6);
        } else {
            b[n++] = (char)(0xE0 | c >> 12);
            b[n++] = (char)(0x80 | (c >> 6 & 63));
        }
        b[n++] = (char)(0x80 | (c & 63));
    }
    if (at + n >= size)
        return at;
    memcpy(text + at, b, n);
    return at + n;
}

void dfu_string(struct dfu *d, unsigned index, char *text, size_t size)
{
    uint8_t raw[255];
    text[0] = '\0';
    if (index == 0)
        return;
    int n = get_descriptor(d, DESC_STRING, 0, 0, raw, sizeof raw);
    if (n < 4 || raw[0] < 4 || raw[1] != DESC_STRING)
        return;
    unsigned language = le16(raw + 2);
    n = get_descriptor(d, DESC_STRING, index, language, raw, sizeof raw);
    if (n < 2 || raw[1] != DESC_STRING)
        return;
    int end = raw[0] < n ? raw[0] : n;
    size_t at = 0;
    for (int i = 2; i + 1 < end; i += 2) {
        unsigned c = le16(raw + i);
        /* Text of a device goes into JSON: a lone surrogate or a NUL becomes a replacement character. */
        at = put_utf8(text, at, size, c == 0 || (c >= 0xD800 && c < 0xE000) ? 0xFFFD : c);
    }
    text[at] = '\0';
}

static bool is_dfu(const uint8_t *p)
{
    return p[1] == DESC_INTERFACE && p[0] >= 9 && p[5] == 0xFE && p[6] == 1;
}

/* Takes the functional descriptor and the alternate settings of the first DFU interface. */
static bool read_config(struct dfu *d, const uint8_t *config, unsigned size)
{
    struct dfu_interface *at = &d->at;
    const uint8_t *functional = NULL;
    bool found = false;
    uint8_t names[DFU_ALTS] = {0};
    at->alts = 0;
    for (unsigned i = 0; i + 2 <= size && config[i] >= 2 && i + config[i] <= size; i += config[i]) {
        const uint8_t *p = config + i;
        if (p[1] == DESC_DFU && p[0] >= 7 && !functional)
            functional = p;
        if (!is_dfu(p) || (found && p[2] != at->number))
            continue;
        found = true;
        at->number = p[2];
        at->dfu_mode = p[7] == 2;
        if (at->alts < DFU_ALTS) {
            at->alt[at->alts].setting = p[3];
            names[at->alts++] = p[8];
        }
    }
    if (!found)
        return false;
    at->configuration = config[5];
    at->attributes = functional ? functional[2] : 0;
    at->transfer_size = functional ? (uint16_t)le16(functional + 5) : 0;
    at->version = functional && functional[0] >= 9 ? (uint16_t)le16(functional + 7) : 0x0100;
    for (size_t i = 0; i < at->alts; i++)
        dfu_string(d, names[i], at->alt[i].name, sizeof at->alt[i].name);
    return true;
}

bool dfu_probe(struct dfu *d)
{
    uint8_t device[18], config[4096];
    if (get_descriptor(d, DESC_DEVICE, 0, 0, device, sizeof device) != sizeof device)
        return dfu_fail(d, "the device descriptor could not be read");
    d->at.packet = device[7];
    for (unsigned i = 0; i < device[17]; i++) {
        int n = get_descriptor(d, DESC_CONFIG, i, 0, config, 9);
        unsigned size = n == 9 ? le16(config + 2) : 0;
        if (size < 9 || size > sizeof config ||
            get_descriptor(d, DESC_CONFIG, i, 0, config, size) != (int)size)
            return dfu_fail(d, "configuration descriptor %u could not be read", i);
        /* A system configures a device before any program sees it. */
        if (i == 0 && dfu_transfer(d, 0x00, 9, config[5], 0, NULL, 0) < 0)
            return dfu_fail(d, "the device refused its configuration");
        if (read_config(d, config, size))
            return true;
    }
    return dfu_fail(d, "the device has no DFU interface");
}

/* See packet.h. */
#include "gdb/packet.h"

#include <string.h>

#include "board/parse.h"

static void begin(struct packet *p)
{
    p->state = INSIDE;
    p->size = 0;
    p->sum = 0;
    p->wrong = false;
}

static void keep(struct packet *p, uint8_t byte)
{
    if (p->size < PACKET_SIZE)
        p->data[p->size++] = (char)byte;
    else
        p->wrong = true;
}

static enum packet_event inside(struct packet *p, uint8_t byte)
{
    if (byte == '$') { /* the one before was cut off */
        begin(p);
        return PACKET_NONE;
    }
    if (byte == '#') {
        p->wrong = p->wrong || p->state == ESCAPED;
        p->state = SUM_HIGH;
        return PACKET_NONE;
    }
    p->sum = (uint8_t)(p->sum + byte);
    if (p->state == ESCAPED) {
        p->state = INSIDE;
        keep(p, byte ^ 0x20);
    } else if (byte == '}') {
        p->state = ESCAPED;
    } else {
        keep(p, byte);
    }
    return PACKET_NONE;
}

enum packet_event packet_take(struct packet *p, uint8_t byte)
{
    int digit;
    switch (p->state) {
    case OUTSIDE:
        if (byte == '$')
            begin(p);
        return byte == 0x03 ? PACKET_BREAK : PACKET_NONE; /* acknowledgements and rubbish are skipped */
    case INSIDE:
    case ESCAPED: return inside(p, byte);
    case SUM_HIGH:
        digit = parse_digit((char)byte);
        p->wrong = p->wrong || digit < 0;
        p->expected = (uint8_t)((unsigned)digit << 4);
        p->state = SUM_LOW;
        return PACKET_NONE;
    default:
        digit = parse_digit((char)byte);
        p->state = OUTSIDE;
        p->data[p->size] = '\0';
        if (p->wrong || digit < 0 || (p->expected | (unsigned)digit) != p->sum)
            return PACKET_WRONG;
        return PACKET_DATA;
    }
}

size_t packet_put(uint8_t *out, const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *in = data;
    uint8_t sum = 0;
    size_t n = 0;
    out[n++] = '$';
    for (size_t i = 0; i < size; i++) {
        bool special = in[i] == '$' || in[i] == '#' || in[i] == '}' || in[i] == '*';
        if (special) {
            out[n++] = '}';
            sum = (uint8_t)(sum + '}');
        }
        out[n] = special ? in[i] ^ 0x20 : in[i];
        sum = (uint8_t)(sum + out[n++]);
    }
    out[n++] = '#';
    out[n++] = (uint8_t)digits[sum >> 4];
    out[n++] = (uint8_t)digits[sum & 15];
    return n;
}

bool packet_number(const char **text, uint32_t *value)
{
    int digit;
    unsigned n = 0;
    *value = 0;
    for (; (digit = parse_digit(**text)) >= 0; (*text)++, n++) {
        if (*value >> 28 != 0)
            return false;
        *value = *value << 4 | (uint32_t)digit;
    }
    return n > 0;
}

void packet_hex(char *to, const void *bytes, size_t size)
{
    const uint8_t *in = bytes;
    for (size_t i = 0; i < size; i++) {
        to[2 * i] = "0123456789abcdef"[in[i] >> 4];
        to[2 * i + 1] = "0123456789abcdef"[in[i] & 15];
    }
    to[2 * size] = '\0';
}

bool packet_bytes(const char **text, void *bytes, size_t size)
{
    uint8_t *out = bytes;
    for (size_t i = 0; i < size; i++) {
        int high = parse_digit((*text)[0]), low = high < 0 ? -1 : parse_digit((*text)[1]);
        if (low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
        *text += 2;
    }
    return true;
}

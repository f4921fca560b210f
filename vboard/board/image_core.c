/* ELF: for which core the compiler was told to build, from the section .ARM.attributes. Tags and values:
 * Addenda to, and Errata in, the ABI for the Arm Architecture (IHI 0045), 3.2 and 3.3. */
#include "board/image.h"

#include <gelf.h>
#include <stdio.h>
#include <string.h>

#include "board/bytes.h"

enum {
    TAG_FILE = 1,
    TAG_CPU_RAW_NAME = 4,
    TAG_CPU_NAME = 5,
    TAG_CPU_ARCH = 6,
    TAG_CPU_ARCH_PROFILE = 7,
    TAG_FP_ARCH = 10,
    TAG_COMPATIBILITY = 32,
};
enum { ARCH_V8A = 14, FP_ARCH_V8 = 7 }; /* the first of what came behind v7E-M and its VFPv4 */

struct reader {
    const uint8_t *at, *end;
};

static uint32_t number(struct reader *r)
{
    uint32_t value = 0;
    for (unsigned shift = 0; r->at < r->end; shift += 7) {
        uint8_t byte = *r->at++;
        if (shift < 32)
            value |= (uint32_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            break;
    }
    return value;
}

/* NULL: it does not end. */
static const char *text(struct reader *r)
{
    const uint8_t *zero = memchr(r->at, 0, (size_t)(r->end - r->at));
    const char *begin = (const char *)r->at;
    r->at = zero ? zero + 1 : r->end;
    return zero ? begin : NULL;
}

/* What begins with `head` bytes, the last four of which are the length of the whole. */
static struct reader cut(struct reader *r, size_t head)
{
    size_t room = (size_t)(r->end - r->at);
    uint32_t size = room >= head ? le32(r->at + head - 4) : 0;
    struct reader inner = {r->end, r->end};
    if (size >= head && size <= room)
        inner = (struct reader){r->at + head, r->at + size};
    r->at = inner.end;
    return inner;
}

static void of_file(struct reader r, char *core, size_t size)
{
    const char *name = NULL;
    uint32_t arch = 0, profile = 0, fp = 0;
    while (r.at < r.end) {
        uint32_t tag = number(&r), value = 0;
        const char *words = NULL;
        if (tag == TAG_COMPATIBILITY)
            (void)number(&r);
        if (tag == TAG_CPU_RAW_NAME || tag == TAG_CPU_NAME || (tag >= TAG_COMPATIBILITY && tag % 2 == 1) ||
            tag == TAG_COMPATIBILITY)
            words = text(&r);
        else
            value = number(&r);
        switch (tag) {
        case TAG_CPU_NAME: name = words; break;
        case TAG_CPU_ARCH: arch = value; break;
        case TAG_CPU_ARCH_PROFILE: profile = value; break;
        case TAG_FP_ARCH: fp = value; break;
        default: break;
        }
    }
    if (arch >= ARCH_V8A || profile == 'A' || profile == 'R')
        (void)snprintf(core, size, "ARM %s", name ? name : arch >= ARCH_V8A ? "v8" : "v7, not M");
    else if (fp >= FP_ARCH_V8)
        (void)snprintf(core, size, "a floating-point unit FPv5");
    for (; *core; core++)
        if (*core < ' ' || *core > '~')
            *core = '?';
}

void image_other_core(struct image *image, const uint8_t *bytes, size_t size)
{
    struct reader all = {bytes, bytes + size};
    if (size == 0 || *all.at++ != 'A')
        return;
    while (all.at < all.end) {
        struct reader vendor = cut(&all, 4);
        const char *name = text(&vendor);
        while (name && strcmp(name, "aeabi") == 0 && vendor.at < vendor.end) {
            const uint8_t tag = *vendor.at;
            struct reader of = cut(&vendor, 5);
            if (tag == TAG_FILE)
                of_file(of, image->other_core, sizeof image->other_core);
        }
    }
}

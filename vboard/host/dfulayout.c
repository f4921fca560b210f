/* Parser of DfuSe memory layout strings. It accepts what dfu-util 0.11 accepts, down to its reading of
 * "04e" (a missing multiplier) as bytes. */
#include "host/dfulayout.h"
#include <stdlib.h>
#include <string.h>

/* A decimal or 0x number; false if there is none. */
static bool number(const char **p, int base, uint32_t *value)
{
    char *end;
    unsigned long v = strtoul(*p, &end, base);
    if (end == *p || v > UINT32_MAX)
        return false;
    *p = end;
    *value = (uint32_t)v;
    return true;
}

static uint32_t multiply(char multiplier, char *type)
{
    switch (multiplier) {
    case 'K': return 1024;
    case 'M': return 1024 * 1024;
    case 'a':
    case 'b':
    case 'c':
    case 'd':
    case 'e':
    case 'f':
    case 'g':
        if (!*type)
            *type = multiplier;
        return 1;
    default: return 1; /* 'B', ' ' */
    }
}

/* "n*sizeMT" at *p, for memory that starts at *addr; both move on. False: no such thing there. */
static bool area(struct layout *layout, const char **p, uint32_t *addr, bool feature)
{
    uint32_t count, size;
    if (!number(p, 10, &count) || **p != '*')
        return false;
    ++*p;
    if (!number(p, 10, &size) || !**p)
        return false;
    char multiplier = *(*p)++;
    size_t n = strcspn(*p, ",/");
    char type = n == 1 ? **p : '\0';
    *p += n;
    if (n > 1)
        return true;
    if (feature) /* some ROMs name it wrongly */
        type = 'e';
    uint64_t page = (uint64_t)size * multiply(multiplier, &type), bytes = page * count;
    if (!type || !bytes || *addr + bytes > 1ULL << 32 || layout->count == LAYOUT_SEGMENTS)
        return true;
    layout->segments[layout->count++] = (struct layout_segment){
        .start = *addr, .end = (uint32_t)(*addr + bytes - 1), .page = (uint32_t)page, .kind = type & 7U};
    *addr += (uint32_t)bytes;
    return true;
}

bool layout_parse(struct layout *layout, const char *text)
{
    layout->count = 0;
    if (*text != '@' || text[1] == '/' || !text[1])
        return false;
    const char *p = text + 1 + strcspn(text + 1, "/");
    bool feature = strncmp(text, "@Device Feature/", 16) == 0;
    while (p[0] == '/' && p[1] == '0' && p[2] == 'x') {
        uint32_t addr;
        p++;
        if (!number(&p, 16, &addr) || *p != '/')
            break;
        p++;
        while (area(layout, &p, &addr, feature) && *p == ',')
            p++;
    }
    return true;
}

const struct layout_segment *layout_find(const struct layout *layout, uint32_t addr)
{
    for (size_t i = 0; i < layout->count; i++) {
        if (addr >= layout->segments[i].start && addr <= layout->segments[i].end)
            return &layout->segments[i];
    }
    return NULL;
}

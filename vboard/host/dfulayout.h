/* Memory layout strings of DfuSe alternate settings, UM0424 4.3.2:
 * "@name/0xSTART/n*sizeMT,n*sizeMT…[/0xSTART/…]". */
#ifndef VBOARD_HOST_DFULAYOUT_H
#define VBOARD_HOST_DFULAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LAYOUT_READABLE = 1, LAYOUT_ERASABLE = 2, LAYOUT_WRITABLE = 4, LAYOUT_SEGMENTS = 32 };

struct layout_segment {
    uint32_t start, end; /* first and last byte */
    uint32_t page;       /* size of an erase page */
    unsigned kind;       /* LAYOUT_… */
};

struct layout {
    struct layout_segment segments[LAYOUT_SEGMENTS];
    size_t count;
};

/* False: not a layout string. Segments that make no sense are left out, as dfu-util does. */
bool layout_parse(struct layout *layout, const char *text);
const struct layout_segment *layout_find(const struct layout *layout, uint32_t addr); /* NULL: none */

#endif

/* For which address an image was linked, found by reading it: a raw binary does not say. */
#ifndef TOOLS_LINKED_H
#define TOOLS_LINKED_H

#include <stdint.h>

/* Of `size` bytes that are to go to `addr`. The answer is `addr` unless the image itself says otherwise: many
 * of the addresses in it have a function's beginning where they point to if it were elsewhere in flash, on a
 * page, and hardly any where it is. A small image, or one with few such addresses, says nothing. */
uint32_t linked_at(const uint8_t *bytes, uint32_t size, uint32_t addr);

#endif

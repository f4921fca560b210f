/* Writing firmware files. */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include "board/image.h"

/* The formats by the ending of the name: .bin (one part only), .hex, .dfu (DfuSe, alternate setting 0).
 * False: see `why`, and whatever was there before is still there. */
bool output_write(const char *path, const struct image *image, struct sentence *why);

#endif

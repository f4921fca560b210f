/* Writing firmware files. */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include "board/image.h"

/* By the ending of the name. .bin: of one part only; .dfu: DfuSe, alternate setting 0. */
enum output_format { OUTPUT_BIN, OUTPUT_HEX, OUTPUT_DFU, OUTPUT_UNKNOWN };
enum output_format output_format(const char *path);

struct output {
    const char *path;
    uint16_t vendor, product; /* of the device that a .dfu file is for */
};
/* False: see `why`, and whatever was there before is still there. */
bool output_write(const struct output *to, const struct image *image, struct sentence *why);

#endif

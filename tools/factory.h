/* Factory images: what `sureboot merge` makes. */
#ifndef TOOLS_FACTORY_H
#define TOOLS_FACTORY_H

#include "board/image.h"
#include "boot/core/ledger.h"

/* True if the image holds a bootloader, an application and a ledger whose first record seals it
 * (docs/ledger.md). *application is a part of the image then, *whole whether it has the CRC of its seal. */
bool factory_image(const struct image *image, struct image_part *application, bool *whole);

#endif

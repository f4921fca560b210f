/* A file that is written whole or not at all: flash states, and what the host tools make. */
#ifndef VBOARD_BOARD_REPLACE_H
#define VBOARD_BOARD_REPLACE_H

#include <stddef.h>
#include <stdint.h>

#include "board/sentence.h"

/* Puts a file of these bytes in the place of `path`, with the permissions of the one that is there; a link
 * stays, and where it leads is replaced. false: nothing has changed. */
bool file_replace(const char *path, const uint8_t *bytes, size_t size, struct sentence *why);

#endif

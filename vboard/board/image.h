/* Firmware files: which bytes go to which addresses. The format is recognised by content: ELF,
 * Intel HEX, DfuSe, a raw binary with a DFU 1.1 suffix, else a raw binary. */
#ifndef VBOARD_BOARD_IMAGE_H
#define VBOARD_BOARD_IMAGE_H

#include "board/sentence.h"

#include <stddef.h>
#include <stdint.h>

enum image_format { IMAGE_RAW, IMAGE_ELF, IMAGE_HEX, IMAGE_DFUSE, IMAGE_DFU11 };

struct image_part {
    uint32_t addr;
    uint32_t size; /* > 0; addr + size does not exceed 2^32 */
    uint8_t *bytes;
};

/* Parts are sorted by address, do not overlap and are not adjacent. */
struct image {
    enum image_format format;
    struct image_part *parts;
    size_t count;
    /* ELF: what a loader of whole segments would write besides, the file's headers. size 0: nothing */
    struct {
        uint32_t addr, size;
    } headers;
    char other_core[32]; /* ELF: for what it was built, if that has more instructions than a Cortex-M4 */
};

#define IMAGE_NO_ADDR  UINT32_MAX
#define IMAGE_MAX_FILE (64u << 20) /* bytes; debug information makes ELF files large */

/* addr: where a raw binary goes; IMAGE_NO_ADDR: 0x08000000. Giving one for a format that carries
 * its own addresses is refused. On false *image is empty and `why` names the file and the fault. */
bool image_read(struct image *image, const char *path, uint32_t addr, struct sentence *why);
/* The same for bytes in memory; `path` only serves the sentences. */
bool image_parse(struct image *image, const char *path, const uint8_t *bytes, size_t size, uint32_t addr,
                 struct sentence *why);
/* The bytes of a file as they are, for free(); NULL: see `why`. */
uint8_t *image_read_bytes(const char *path, size_t *size, struct sentence *why);
void image_free(struct image *image);

/* For the formats' files: adds a copy of bytes; false only if memory is short or the range wraps. */
bool image_add(struct image *image, uint64_t addr, const uint8_t *bytes, size_t size);

bool image_parse_elf(struct image *image, const char *path, const uint8_t *bytes, size_t size,
                     struct sentence *why);
/* Fills in image->other_core from the content of .ARM.attributes. */
void image_other_core(struct image *image, const uint8_t *bytes, size_t size);
bool image_parse_hex(struct image *image, const char *path, const uint8_t *bytes, size_t size,
                     struct sentence *why);
bool image_parse_dfuse(struct image *image, const char *path, const uint8_t *bytes, size_t size,
                       struct sentence *why);
/* True if the file ends with the signature of a DFU suffix (DFU 1.1, appendix B). */
bool image_has_dfu_suffix(const uint8_t *bytes, size_t size);
/* Checks the suffix; true: it is right and *bcd_dfu is its bcdDFU. */
bool image_check_dfu_suffix(const char *path, const uint8_t *bytes, size_t size, uint16_t *bcd_dfu,
                            struct sentence *why);

#endif

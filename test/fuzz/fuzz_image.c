/* Firmware files of every format, as vboard and sureboot read them: no crash, no undefined behaviour, no
 * leak, and what is accepted keeps the promises of board/image.h. Built with clang's libFuzzer,
 * AddressSanitizer and UndefinedBehaviorSanitizer; run by test/fuzz/run. */
#include <stdlib.h>
#include <string.h>

#include "board/crc32.h"
#include "boot/core/config.h"
#include "examine.h"

/* A checksum would keep the fuzzer out of DfuSe files: it is made right. */
static void mend_dfu(uint8_t *bytes, size_t size)
{
    if (size < 16 || (memcmp(bytes, "DfuSe", 5) != 0 && !image_has_dfu_suffix(bytes, size)))
        return;
    memcpy(bytes + size - 8, "UFD\x10", 4);
    uint32_t crc = crc32_more(CRC32_START, bytes, size - 4);
    for (unsigned i = 0; i < 4; i++)
        bytes[size - 4 + i] = (uint8_t)(crc >> (8 * i));
}

static void check(bool right)
{
    if (!right)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image image;
    struct sentence why = {""};
    uint8_t *bytes = calloc(1, size + 1);
    check(bytes);
    memcpy(bytes, data, size);
    mend_dfu(bytes, size);
    if (!image_parse(&image, "file", bytes, size, IMAGE_NO_ADDR, &why)) {
        check(why.text[0] != '\0' && image.count == 0);
        free(bytes);
        return 0;
    }
    free(bytes);
    check(image.count > 0);
    uint64_t end = 0;
    for (size_t i = 0; i < image.count; i++) {
        check(image.parts[i].size > 0 && (i == 0 || image.parts[i].addr > end));
        end = (uint64_t)image.parts[i].addr + image.parts[i].size;
        check(end <= UINT64_C(1) << 32);
    }
    if (image.format == IMAGE_RAW)
        image.parts[0].addr = SLOT_ADDR; /* as sureboot takes it */
    struct findings f;
    examine(&f, &image);
    check(f.count <= FINDINGS_MAX);
    uint32_t slot_size;
    uint8_t *slot = image_slot(&image, &slot_size);
    check(!slot || slot_size <= SLOT_SIZE);
    check(!will_run(&f) || slot || f.factory); /* what runs lies in the slot, or has the bootloader with it */
    free(slot);
    image_free(&image);
    return 0;
}

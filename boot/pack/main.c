/* pack IN OUT: packs a file for unpack() of the bootloader, and unpacks it again to be sure. */
#include "boot/core/unpack.h"
#include "boot/pack/pack.h"
#include "port/port.h"
#include <stdio.h>
#include <string.h>

static uint8_t in[PACK_MOST + 1], out[2 * PACK_MOST], again[PACK_MOST + 2] __attribute__((aligned(2)));
static struct unpacker unpacker;

void port_watchdog(void) {}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "pack: %s: %s\n", what, why);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return fail("usage", "pack IN OUT");
    FILE *f = fopen(argv[1], "rb");
    if (!f)
        return fail(argv[1], "cannot be opened");
    size_t size = fread(in, 1, sizeof in, f);
    if (ferror(f) || fclose(f) != 0)
        return fail(argv[1], "cannot be read");
    size_t n = pack(in, size, out, sizeof out - 4);
    if (n == 0)
        return fail(argv[1], "is too large, or memory ran out");
    unpack_begin(&unpacker, out);
    unpack(&unpacker, again, again + size);
    unpack_calls(again, again + size);
    if (memcmp(in, again, size) != 0)
        return fail(argv[1], "does not unpack to what was packed");
    f = fopen(argv[2], "wb");
    if (!f)
        return fail(argv[2], "cannot be opened");
    if (fwrite(out, 1, n, f) != n || fclose(f) != 0)
        return fail(argv[2], "cannot be written");
    return 0;
}

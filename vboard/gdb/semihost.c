/* Semihosting (Arm IHI "Semihosting for AArch32"), as `monitor arm semihosting enable` of openocd: BKPT 0xAB
 * asks the debugger. What is written appears in gdb; there are no files and nothing to read but the console,
 * which is at its end. */
#include "gdb/priv.h"

#include <string.h>

#include "chip/machine.h"
#include "vboard.h"

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE,
    SYS_WRITEC,
    SYS_WRITE0,
    SYS_WRITE,
    SYS_READ,
    SYS_READC,
    SYS_ISERROR,
    SYS_ISTTY,
    SYS_FLEN = 0x0C,
    SYS_CLOCK = 0x10,
    SYS_TIME,
    SYS_ERRNO = 0x13,
    SYS_GET_CMDLINE = 0x15,
    SYS_HEAPINFO,
    SYS_EXIT = 0x18
};
enum { PIECE = 256 };
#define FAILED UINT32_MAX

static uint32_t word(const struct gdb *g, uint32_t addr)
{
    uint32_t value = 0;
    (void)chip_peek(g->chip, addr, &value, sizeof value);
    return value;
}

/* Console output for gdb; nobody takes it while gdb has not asked for a stop. */
static void say(struct gdb *g, const char *bytes, size_t size)
{
    char text[2 * PIECE + 2] = "O";
    if (size == 0 || g->state != GDB_RUNNING)
        return;
    packet_hex(text + 1, bytes, size);
    gdb_reply(g, text);
}

/* `size` bytes, or up to a NUL. */
static void write_from(struct gdb *g, uint32_t addr, uint32_t size, bool text)
{
    char bytes[PIECE];
    size_t n = 0;
    char byte;
    while (size-- > 0 && chip_peek(g->chip, addr++, &byte, 1) && !(text && byte == '\0')) {
        bytes[n++] = byte;
        if (n == sizeof bytes) {
            say(g, bytes, n);
            n = 0;
        }
    }
    say(g, bytes, n);
}

/* ":tt" for reading, writing and appending: handles 1, 2, 3. */
static uint32_t open_console(struct gdb *g, uint32_t params)
{
    char name[4] = "";
    (void)chip_peek(g->chip, word(g, params), name, 3);
    return strcmp(name, ":tt") == 0 ? 1 + word(g, params + 4) / 4 : FAILED;
}

static uint32_t fill(struct gdb *g, uint32_t addr, uint32_t words)
{
    static const uint32_t zero;
    for (uint32_t i = 0; i < words; i++)
        (void)chip_poke(g->chip, addr + 4 * i, &zero, sizeof zero);
    return 0;
}

/* An empty command line. */
static uint32_t no_command_line(struct gdb *g, uint32_t params)
{
    static const char nul;
    if (!word(g, params + 4) || !chip_poke(g->chip, word(g, params), &nul, 1))
        return FAILED;
    return fill(g, params + 4, 1);
}

static uint32_t serve(struct gdb *g, uint32_t operation, uint32_t params)
{
    switch (operation) {
    case SYS_OPEN: return open_console(g, params);
    case SYS_WRITEC: write_from(g, params, 1, false); return 0;
    case SYS_WRITE0: write_from(g, params, UINT16_MAX, true); return 0;
    case SYS_WRITE: write_from(g, word(g, params + 4), word(g, params + 8) & UINT16_MAX, false); return 0;
    case SYS_READ: return word(g, params + 8); /* all of it is missing: the end */
    case SYS_ISTTY: return 1;
    case SYS_CLOCK: return (uint32_t)(vboard_now(g->b) / 10000000);
    case SYS_TIME: return (uint32_t)(vboard_now(g->b) / 1000000000);
    case SYS_GET_CMDLINE: return no_command_line(g, params);
    case SYS_HEAPINFO: return fill(g, word(g, params), 4); /* as the program has it */
    case SYS_CLOSE:
    case SYS_ISERROR:
    case SYS_FLEN:
    case SYS_ERRNO: return 0;
    default: return FAILED;
    }
}

bool gdb_semihosting(struct gdb *g)
{
    static const uint8_t bkpt[2] = {0xAB, 0xBE};
    uint32_t pc = cpu_reg(g->cpu, 15), operation = cpu_reg(g->cpu, 0);
    uint8_t bytes[2];

    if (!g->semihosting || cpu_debug_why(g->cpu, NULL) != CPU_DEBUG_BKPT ||
        !chip_peek(g->chip, pc, bytes, sizeof bytes) || memcmp(bytes, bkpt, sizeof bkpt) != 0)
        return false;
    if (operation == SYS_EXIT) { /* there is nowhere to go on: the board halts here */
        static const char ended[] = "The program has ended itself by SYS_EXIT.\n";
        say(g, ended, sizeof ended - 1);
        return false;
    }
    cpu_set_reg(g->cpu, 0, serve(g, operation, cpu_reg(g->cpu, 1)));
    cpu_set_reg(g->cpu, 15, pc + 2);
    return true;
}

/* gdb's `monitor` commands: a table of the words that people and IDEs know from OpenOCD, J-Link, pyOCD and
 * ST-LINK's gdbserver. What has a meaning here is done; the rest has an answer, and breaks no script. */
#include "gdb/priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "board/parse.h"
#include "chip/machine.h"

enum { LINE = 256 };

void gdb_print(struct gdb *g, const char *format, ...)
{
    char text[LINE], hex[2 * LINE + 2] = "O";
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    packet_hex(hex + 1, text, strlen(text));
    gdb_reply(g, hex);
}

bool gdb_argument(struct gdb *g, const struct gdb_words *w, unsigned n, uint32_t *value)
{
    uint64_t wide = *value;
    if (n < w->count && !parse_number(w->word[n], UINT32_MAX, &wide)) {
        gdb_print(g, "%s is no number up to 0xffffffff.\n", w->word[n]);
        return false;
    }
    *value = (uint32_t)wide;
    return true;
}

/* ---- what is done ------------------------------------------------------------------------ */

static void reset_halt(struct gdb *g, const struct gdb_words *w)
{
    (void)w;
    if (gdb_reset_halt(g))
        gdb_print(g, "The chip is reset and halted before its first instruction. Next: stepi, continue.\n");
    else
        gdb_print(g, "The chip does not come out of reset: is it powered, and NRST high?\n");
}

static void reset_run(struct gdb *g, const struct gdb_words *w)
{
    (void)w;
    chip_request_reset(g->chip, RESET_SOFT);
    gdb_let_go(g);
    gdb_print(g, "The chip is reset and runs. Next: continue, or monitor halt.\n");
}

static void halt(struct gdb *g, const struct gdb_words *w)
{
    (void)w;
    if (g->state != GDB_HALTED)
        gdb_halt(g, SIGNAL_TRAP, "");
}

static void resume(struct gdb *g, const struct gdb_words *w)
{
    uint32_t pc = cpu_reg(g->cpu, CPU_PC);
    if (!gdb_argument(g, w, 0, &pc))
        return;
    if (w->count > 0)
        gdb_set_pc(g, pc);
    gdb_let_go(g);
    gdb_print(g, "The board runs. Next: continue, or monitor halt.\n");
}

static void synchronize(struct gdb *g, const struct gdb_words *w)
{
    (void)w;
    g->synchronize = true;
    gdb_print(g, "The next stepi does not step: it tells gdb where the board is.\n");
}

static void status(struct gdb *g, const struct gdb_words *w)
{
    (void)w;
    if (g->state == GDB_HALTED)
        gdb_print(g, "The Cortex-M4 is halted at 0x%08x.\n", (unsigned)cpu_reg(g->cpu, CPU_PC));
    else
        gdb_print(g, "The Cortex-M4 runs.\n");
}

static void catch_faults(struct gdb *g, const struct gdb_words *w)
{
    g->catches = w->row;
    cpu_debug_catch(g->cpu, g->catches);
    if (w->row == 0)
        gdb_print(g, "Faults run into their handlers.\n");
    else
        gdb_print(g, "%s with SIGSEGV before %s.\n",
                  w->row == CPU_CATCH_HARD ? "HardFault stops"
                                           : "HardFault, MemManage, BusFault and UsageFault stop",
                  w->row == CPU_CATCH_HARD ? "its handler" : "their handlers");
}

static void semihosting(struct gdb *g, const struct gdb_words *w)
{
    g->semihosting = w->row;
    gdb_print(g, w->row ? "Semihosting: what the program writes appears here.\n"
                        : "BKPT 0xAB stops as any other.\n");
}

static void help(struct gdb *g, const struct gdb_words *w);

/* ---- the table --------------------------------------------------------------------------- */

#define FAULTS (CPU_CATCH_HARD | CPU_CATCH_FAULTS)

/* The first row counts of which one of the names begins the command, word by word. */
static const struct row {
    const char *names; /* "ONE|OTHER" */
    void (*run)(struct gdb *g, const struct gdb_words *w);
    unsigned row;     /* for those that share a function */
    bool reads;       /* for a client that only reads, too */
    const char *text; /* what help says of it; without a function: the answer */
} table[] = {
    {"reset halt|reset init|reset -halt", reset_halt, 0, false,
     "resets the chip and halts it before its first instruction"},
    {"reset", reset_run, 0, false, "resets the chip and lets it run"},
    {"halt|stop", halt, 0, false, "halts it"},
    {"resume|go|continue", resume, 0, false, "[ADDR] lets it run"},
    {"status|targets|target|poll|state", status, 0, true, "is it halted, and where"},
    {"catch none", catch_faults, 0, false, "faults run into their handlers"},
    {"catch hard", catch_faults, CPU_CATCH_HARD, false, "HardFault stops with SIGSEGV (this is so at first)"},
    {"catch all", catch_faults, FAULTS, false, "the other faults do as well"},
    {"arm semihosting enable|semihosting enable", semihosting, true, false,
     "what the program writes by BKPT 0xAB appears here"},
    {"arm semihosting disable|semihosting disable", semihosting, false, false, NULL},
    {"mdw", gdb_monitor_read, 4, true, "ADDR [COUNT] shows words; mdh halfwords, mdb bytes"},
    {"mdh", gdb_monitor_read, 2, true, NULL},
    {"mdb", gdb_monitor_read, 1, true, NULL},
    {"mww", gdb_monitor_write, 4, false, "ADDR VALUE [COUNT] writes words; mwh halfwords, mwb bytes"},
    {"mwh", gdb_monitor_write, 2, false, NULL},
    {"mwb", gdb_monitor_write, 1, false, NULL},
    {"reg|regs", gdb_monitor_register, 0, true, "[NAME [VALUE]] shows registers, sets one"},
    {"flash mass_erase|stm32l4x mass_erase|flash erase|erase_mass|erase chip|erase --chip", gdb_monitor_erase,
     0, false, "erases the flash"},
    {"flash erase_sector", gdb_monitor_erase, 3, false, "BANK FIRST LAST erases pages"},
    {"gdb_sync", synchronize, 0, false, "the next stepi tells gdb where the board is"},
    {"help|?", help, 0, true, NULL},

    {"flash", NULL, 0, true,
     "Flash is 128 pages of 2 KiB at 0x08000000; gdb's load writes it, and breakpoints in it are free.\n"},
    {"erase|program|load_image|verify_image|dump_image|test_image|loadbin|savebin|loadfile", NULL, 0, true,
     "gdb does that: load, restore, dump, compare-sections.\n"},
    {"stm32l4x", NULL, 0, true,
     "Option bytes are read at 0x1fff7800, and come by vboard --load or --flash.\n"},
    {"bp|rbp|wp|rwp|step|break|watch", NULL, 0, true, "gdb does that: hbreak, watch, stepi.\n"},
    {"cortex_m|vector_catch|vector-catch|set", NULL, 0, true,
     "Which faults stop is said by monitor catch; interrupts are served while stepping.\n"},
    {"arm|semihosting", NULL, 0, true,
     "Semihosting is served at gdb's console: monitor arm semihosting enable. There are no files.\n"},
    {"tpiu|itm|swo|traceswo|cdswoconfigure|stm32l4x.tpiu", NULL, 0, true,
     "What the program prints to port 0 of the ITM comes out at vboard --uart SWO=FILE.\n"},
    {"rtt", NULL, 0, true, "SEGGER RTT is not read here: its buffers are in the program's RAM.\n"},
    {"rtos|threads|cdrtosconfigure", NULL, 0, true, "Threads of an RTOS are not told apart here.\n"},
    {"sleep|wait_halt|wait_init", NULL, 0, true, "There is nothing to wait for; gdb's shell sleep can.\n"},
    {"shutdown|exit|quit", NULL, 0, true, "gdb leaves by detach or quit; vboard ends by Ctrl-C.\n"},
    {"init|adapter|adapter_khz|adapter_speed|speed|interface|transport|device|select|power|exec|clrbp|endian|"
     "reset_config|gdb_breakpoint_override|gdb_memory_map|gdb_flash_program|gdb_report_data_abort|"
     "gdb_target_description|debug_level|log_output|echo|swdp_scan|jtag_scan|swd|jtag|hla|frequency|version",
     NULL, 0, true, "Nothing to set up: vboard is chip and probe in one.\n"},
};

static void help(struct gdb *g, const struct gdb_words *w)
{
    (void)w;
    for (const struct row *r = table; r < table + sizeof table / sizeof table[0]; r++)
        if (r->run != NULL && r->text != NULL)
            gdb_print(g, "%-24.*s %s\n", (int)strcspn(r->names, "|"), r->names, r->text);
}

/* ---- finding it -------------------------------------------------------------------------- */

/* The length of the name that `command` begins with, 0: none of them. */
static size_t begins(const char *command, const char *names)
{
    for (;; names++) {
        size_t n = strcspn(names, "|");
        if (strncmp(command, names, n) == 0 && (command[n] == '\0' || command[n] == ' '))
            return n;
        names += n;
        if (*names == '\0')
            return 0;
    }
}

static void carry_out(struct gdb *g, char *command)
{
    const struct row *r = table, *end = table + sizeof table / sizeof table[0];
    size_t n = 0;
    while (r < end && (n = begins(command, r->names)) == 0)
        r++;
    if (r == end) {
        gdb_print(g, "Unknown command; monitor help lists them.\n");
    } else if (g->now != g->debugger && !r->reads) {
        gdb_print(g, "Not done: " GDB_ONLY_READS ".\n");
    } else if (r->run == NULL) {
        gdb_print(g, "%s", r->text);
    } else {
        struct gdb_words w = {.row = r->row};
        char *rest = NULL;
        for (char *word = strtok_r(command + n, " ", &rest); word != NULL && w.count < GDB_WORDS;
             word = strtok_r(NULL, " ", &rest))
            w.word[w.count++] = word;
        r->run(g, &w);
    }
}

/* In small letters, single blanks between words; "reg pc = 1" is J-Link's. */
static bool tidy(const char *text, size_t size, char command[LINE])
{
    size_t n = 0;
    char byte;
    if (size % 2 || size / 2 >= LINE)
        return false;
    while (*text != '\0') {
        if (!packet_bytes(&text, &byte, 1))
            return false;
        bool blank = byte == ' ' || byte == '=' || byte == '\t' || byte == '\n' || byte == '\0';
        if (!blank)
            command[n++] = byte >= 'A' && byte <= 'Z' ? (char)(byte + ('a' - 'A')) : byte;
        else if (n > 0 && command[n - 1] != ' ')
            command[n++] = ' ';
    }
    n -= n > 0 && command[n - 1] == ' ';
    command[n] = '\0';
    return true;
}

/* A gdb that waits for the board to stop is told, also when it was one of these words that has halted it. */
void gdb_monitor(struct gdb *g, const char *text, size_t size)
{
    char command[LINE];
    bool waits = g->now == g->debugger && g->state == GDB_RUNNING;
    if (tidy(text, size, command))
        carry_out(g, command);
    else
        gdb_print(g, "A monitor command is text, of up to %d characters.\n", LINE - 1);
    gdb_reply(g, "OK");
    if (waits && g->state == GDB_HALTED)
        gdb_reply(g, g->stop);
}

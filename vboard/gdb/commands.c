/* Which packet is what: a table by the beginning of the packet, and those that need no file of their
 * own. What is not in the table is answered with an empty packet, "not supported". */
#include "gdb/priv.h"

#include <stdio.h>
#include <string.h>

/* ---- queries ----------------------------------------------------------------------------- */

static void supported(struct gdb *g, const char *text, size_t size)
{
    char answer[160];
    (void)text, (void)size;
    (void)snprintf(answer, sizeof answer,
                   "PacketSize=%x;QStartNoAckMode+;vContSupported+;qXfer:features:read+;"
                   "qXfer:memory-map:read+",
                   PACKET_SIZE);
    gdb_reply(g, answer);
}

static void no_ack_mode(struct gdb *g, const char *text, size_t size)
{
    (void)text, (void)size;
    gdb_reply(g, "OK");
    g->no_ack = true;
}

/* ---- running ----------------------------------------------------------------------------- */

static void why_stopped(struct gdb *g, const char *text, size_t size)
{
    (void)text, (void)size;
    if (g->state == GDB_LOOSE) /* `monitor reset` let it run: whoever asks means to look */
        gdb_halt(g, SIGNAL_TRAP, "");
    gdb_reply(g, g->stop);
}

/* "[ADDR]" of c and s: where to go on. */
static bool go_on_at(struct gdb *g, const char *text)
{
    uint32_t addr;
    if (*text == '\0')
        return true;
    if (!packet_number(&text, &addr) || *text != '\0') {
        gdb_error(g, GDB_ERROR_FORM);
        return false;
    }
    cpu_set_reg(g->cpu, CPU_PC, addr);
    return true;
}

static void go(struct gdb *g, const char *text, size_t size)
{
    (void)size;
    if (go_on_at(g, text))
        gdb_resume(g, false);
}

static void step(struct gdb *g, const char *text, size_t size)
{
    (void)size;
    if (go_on_at(g, text))
        gdb_resume(g, true);
}

/* C and S: "SIGNAL[;ADDR]". There are no signals to deliver. */
static void go_with_signal(struct gdb *g, const char *text, size_t size)
{
    const char *addr = strchr(text, ';');
    go(g, addr != NULL ? addr + 1 : "", size);
}

static void step_with_signal(struct gdb *g, const char *text, size_t size)
{
    const char *addr = strchr(text, ';');
    step(g, addr != NULL ? addr + 1 : "", size);
}

/* ";ACTION[:THREAD]…": the first action is that of the only thread. */
static void vcont(struct gdb *g, const char *text, size_t size)
{
    (void)size;
    uint32_t lo, hi;
    switch (*text++) {
    case 'c':
    case 'C': gdb_resume(g, false); return;
    case 's':
    case 'S': gdb_resume(g, true); return;
    case 'r':
        if (!packet_number(&text, &lo) || *text++ != ',' || !packet_number(&text, &hi))
            break;
        gdb_resume(g, true);
        g->range_lo = lo;
        g->range_hi = hi;
        g->in_range = g->state == GDB_RUNNING;
        return;
    default: break;
    }
    gdb_error(g, GDB_ERROR_FORM);
}

static void restart(struct gdb *g, const char *text, size_t size)
{
    (void)text, (void)size;
    (void)gdb_reset_halt(g); /* this packet has no answer */
}

static void run(struct gdb *g, const char *text, size_t size)
{
    (void)text, (void)size;
    if (gdb_reset_halt(g))
        gdb_reply(g, g->stop);
    else
        gdb_error(g, GDB_ERROR_FORM);
}

static void leave(struct gdb *g, const char *text, size_t size)
{
    (void)text, (void)size;
    gdb_reply(g, "OK");
    g->leave = "detached";
}

/* A board is not killed. After `target extended-remote` gdb stays, to `run` or `attach` again: until then the
 * board is halted. */
static void killed(struct gdb *g, const char *text, size_t size)
{
    (void)text, (void)size;
    if (g->state != GDB_HALTED)
        gdb_halt(g, SIGNAL_TRAP, "");
    if (!g->extended)
        g->leave = "it was told to kill the program";
}

static void kill_program(struct gdb *g, const char *text, size_t size)
{
    killed(g, text, size);
    gdb_reply(g, "OK");
}

static void extend(struct gdb *g, const char *text, size_t size)
{
    (void)text, (void)size;
    g->extended = true;
    gdb_reply(g, "OK");
}

/* ---- the table --------------------------------------------------------------------------- */

static const struct {
    const char *begins;
    bool whole;  /* nothing may follow */
    bool halted; /* only while the board is halted */
    void (*run)(struct gdb *g, const char *text, size_t size);
    const char *answer; /* instead of `run`: the one that never changes. One core is one thread */
} table[] = {
    {"?", true, false, why_stopped, NULL},
    {"!", true, false, extend, NULL},
    {"g", true, true, gdb_read_registers, NULL},
    {"G", false, true, gdb_write_registers, NULL},
    {"p", false, true, gdb_read_register, NULL},
    {"P", false, true, gdb_write_register, NULL},
    {"m", false, false, gdb_read_memory, NULL},
    {"M", false, false, gdb_write_memory, NULL},
    {"X", false, false, gdb_write_binary, NULL},
    {"Z", false, false, gdb_set_point, NULL},
    {"z", false, false, gdb_clear_point, NULL},
    {"c", false, true, go, NULL},
    {"s", false, true, step, NULL},
    {"C", false, true, go_with_signal, NULL},
    {"S", false, true, step_with_signal, NULL},
    {"vCont?", true, false, NULL, "vCont;c;C;s;S;r"},
    {"vCont;", false, true, vcont, NULL},
    {"vFlashErase:", false, true, gdb_flash_erase, NULL},
    {"vFlashWrite:", false, true, gdb_flash_write, NULL},
    {"vFlashDone", true, true, gdb_flash_done, NULL},
    {"vRun;", false, false, run, NULL},
    {"vAttach;", false, false, why_stopped, NULL},
    {"vKill;", false, false, kill_program, NULL},
    {"R", false, false, restart, NULL},
    {"D", false, false, leave, NULL},
    {"k", true, false, killed, NULL},
    {"H", false, false, NULL, "OK"},
    {"T", false, false, NULL, "OK"},
    {"qSupported", false, false, supported, NULL},
    {"QStartNoAckMode", true, false, no_ack_mode, NULL},
    {"qXfer:features:read:target.xml:", false, false, gdb_target_xml, NULL},
    {"qXfer:memory-map:read::", false, false, gdb_memory_map, NULL},
    {"qRcmd,", false, false, gdb_monitor, NULL},
    {"qCRC:", false, false, gdb_memory_crc, NULL},
    {"qAttached", false, false, NULL, "1"},
    {"qfThreadInfo", true, false, NULL, "m1"},
    {"qsThreadInfo", true, false, NULL, "l"},
    {"qSymbol::", true, false, NULL, "OK"},
    {"qC", true, false, NULL, "QC1"},
};

void gdb_packet(struct gdb *g, const char *text, size_t size)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        size_t n = strlen(table[i].begins);
        if (size < n || memcmp(text, table[i].begins, n) != 0 || (table[i].whole && size != n))
            continue;
        if (table[i].halted && g->state == GDB_LOOSE) /* gdb believes that it is */
            gdb_halt(g, SIGNAL_TRAP, "");
        if (table[i].halted && g->state != GDB_HALTED)
            gdb_error(g, GDB_ERROR_FORM);
        else if (table[i].run == NULL)
            gdb_reply(g, table[i].answer);
        else
            table[i].run(g, text + n, size - n);
        return;
    }
    gdb_reply(g, "");
}

bool gdb_span(const char **text, uint32_t *addr, uint32_t *length, char end)
{
    return packet_number(text, addr) && *(*text)++ == ',' && packet_number(text, length) &&
           (*length == 0 || *addr + (*length - 1) >= *addr) && *(*text) == end &&
           (end == '\0' || (*text)++ != NULL);
}

void gdb_document(struct gdb *g, const char *text, const char *document, size_t size)
{
    static char answer[PACKET_SIZE / 2 + 1];
    uint32_t offset, length;
    if (!packet_number(&text, &offset) || *text++ != ',' || !packet_number(&text, &length) || *text != '\0') {
        gdb_error(g, GDB_ERROR_FORM);
        return;
    }
    size_t from = offset < size ? offset : size, n = size - from;
    n = n < length ? n : length;
    n = n < sizeof answer - 1 ? n : sizeof answer - 1;
    answer[0] = from + n < size ? 'm' : 'l';
    memcpy(answer + 1, document + from, n);
    gdb_reply_data(g, answer, n + 1);
}

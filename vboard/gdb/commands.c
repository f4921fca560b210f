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
    g->now->no_ack = true;
}

/* ---- running ----------------------------------------------------------------------------- */

/* Who only reads takes the board for halted, whatever it does: gdb reads of nothing else. */
static void why_stopped(struct gdb *g, const char *text, size_t size)
{
    (void)text, (void)size;
    if (g->state == GDB_LOOSE && g->now == g->debugger) /* `monitor reset` let it run: it means to look */
        gdb_halt(g, SIGNAL_TRAP, "");
    gdb_reply(g, g->now == g->debugger ? g->stop : "T05thread:1;");
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
    gdb_set_pc(g, addr);
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

static void only_reads(struct gdb *g)
{
    gdb_reply(g, "E." GDB_ONLY_READS);
}

/* These two are also for a gdb that has detached and stayed. */
static void run(struct gdb *g, const char *text, size_t size)
{
    (void)text, (void)size;
    if (!gdb_attach(g))
        only_reads(g);
    else if (gdb_reset_halt(g))
        gdb_reply(g, g->stop);
    else
        gdb_error(g, GDB_ERROR_FORM);
}

static void attach(struct gdb *g, const char *text, size_t size)
{
    if (gdb_attach(g))
        why_stopped(g, text, size);
    else
        only_reads(g);
}

static void leave(struct gdb *g, const char *text, size_t size)
{
    (void)text, (void)size;
    gdb_reply(g, "OK");
    if (!g->now->extended) {
        g->now->leave = "detached";
    } else if (g->now == g->debugger) {
        gdb_detach(g);
        gdb_say(g, "gdb %s has detached, the board runs on", g->now->name);
    }
}

/* A board is not killed. After `target extended-remote` gdb stays, to `run` or `attach` again: until then the
 * board is halted. */
static void killed(struct gdb *g, const char *text, size_t size)
{
    (void)text, (void)size;
    if (g->now == g->debugger && g->state != GDB_HALTED)
        gdb_halt(g, SIGNAL_TRAP, "");
    if (!g->now->extended)
        g->now->leave = "it was told to kill the program";
}

static void kill_program(struct gdb *g, const char *text, size_t size)
{
    killed(g, text, size);
    gdb_reply(g, "OK");
}

static void extend(struct gdb *g, const char *text, size_t size)
{
    (void)text, (void)size;
    g->now->extended = true;
    gdb_reply(g, "OK");
}

/* ---- the table --------------------------------------------------------------------------- */

enum {
    WHOLE = 1,  /* nothing may follow */
    HALTED = 2, /* only while the board is halted, if the client debugs */
    READS = 4   /* for a client that only reads, too */
};

static const struct {
    const char *begins;
    unsigned flags;
    void (*run)(struct gdb *g, const char *text, size_t size);
    const char *answer; /* instead of `run`: the one that never changes. One core is one thread */
} table[] = {
    {"?", WHOLE | READS, why_stopped, NULL},
    {"!", WHOLE | READS, extend, NULL},
    {"g", WHOLE | HALTED | READS, gdb_read_registers, NULL},
    {"G", HALTED, gdb_write_registers, NULL},
    {"p", HALTED | READS, gdb_read_register, NULL},
    {"P", HALTED, gdb_write_register, NULL},
    {"m", READS, gdb_read_memory, NULL},
    {"M", 0, gdb_write_memory, NULL},
    {"X", 0, gdb_write_binary, NULL},
    {"Z", 0, gdb_set_point, NULL},
    {"z", 0, gdb_clear_point, NULL},
    {"c", HALTED, go, NULL},
    {"s", HALTED, step, NULL},
    {"C", HALTED, go_with_signal, NULL},
    {"S", HALTED, step_with_signal, NULL},
    {"vCont?", WHOLE | READS, NULL, "vCont;c;C;s;S;r"},
    {"vCont;", HALTED, vcont, NULL},
    {"vFlashErase:", HALTED, gdb_flash_erase, NULL},
    {"vFlashWrite:", HALTED, gdb_flash_write, NULL},
    {"vFlashDone", WHOLE | HALTED, gdb_flash_done, NULL},
    {"vRun;", READS, run, NULL},
    {"vAttach;", READS, attach, NULL},
    {"vKill;", READS, kill_program, NULL},
    {"R", 0, restart, NULL},
    {"D", READS, leave, NULL},
    {"k", WHOLE | READS, killed, NULL},
    {"H", READS, NULL, "OK"},
    {"T", READS, NULL, "OK"},
    {"qSupported", READS, supported, NULL},
    {"QStartNoAckMode", WHOLE | READS, no_ack_mode, NULL},
    {"qXfer:features:read:target.xml:", READS, gdb_target_xml, NULL},
    {"qXfer:memory-map:read::", READS, gdb_memory_map, NULL},
    {"qRcmd,", READS, gdb_monitor, NULL},
    {"qCRC:", READS, gdb_memory_crc, NULL},
    {"qAttached", READS, NULL, "1"},
    {"qfThreadInfo", WHOLE | READS, NULL, "m1"},
    {"qsThreadInfo", WHOLE | READS, NULL, "l"},
    {"qSymbol::", WHOLE | READS, NULL, "OK"},
    {"qC", WHOLE | READS, NULL, "QC1"},
};

void gdb_packet(struct gdb *g, const char *text, size_t size)
{
    bool debugs = g->now == g->debugger;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        size_t n = strlen(table[i].begins);
        unsigned flags = table[i].flags;
        if (size < n || memcmp(text, table[i].begins, n) != 0 || ((flags & WHOLE) && size != n))
            continue;
        if (debugs && (flags & HALTED) && g->state == GDB_LOOSE) /* gdb believes that it is */
            gdb_halt(g, SIGNAL_TRAP, "");
        if (!debugs && !(flags & READS))
            only_reads(g);
        else if (debugs && (flags & HALTED) && g->state != GDB_HALTED)
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

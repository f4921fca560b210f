/* The socket of the gdb server, its one client, and what the board does meanwhile. */
#include "gdb/priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "board.h"
#include "chip/machine.h"

#define RESET_NS 20000000U /* by then a chip that is powered and whose NRST is high runs */
#define TURN_NS  10000000U /* of wall time, then others have their turn: signals, too */

__attribute__((format(printf, 2, 3))) static void gdb_say(const struct gdb *g, const char *format, ...)
{
    char text[256];
    va_list args;
    if (g->config.message == NULL)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    g->config.message(g->config.arg, text);
}

/* ---- answers ----------------------------------------------------------------------------- */

static void flush(struct gdb *g)
{
    while (g->client >= 0 && g->queued > 0) {
        ssize_t n = send(g->client, g->out, g->queued, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            g->leave = "the connection broke";
            g->queued = 0;
            return;
        }
        g->queued -= (size_t)n;
        memmove(g->out, g->out + n, g->queued);
    }
}

static bool room(struct gdb *g, size_t size)
{
    if (g->queued + size <= sizeof g->out)
        return true;
    g->leave = "it does not read its answers";
    return false;
}

static void put_byte(struct gdb *g, char byte)
{
    if (room(g, 1))
        g->out[g->queued++] = (uint8_t)byte;
}

void gdb_reply_data(struct gdb *g, const void *data, size_t size)
{
    if (room(g, PACKET_ROOM(size)))
        g->queued += packet_put(g->out + g->queued, data, size);
    flush(g);
}

void gdb_reply(struct gdb *g, const char *text)
{
    gdb_reply_data(g, text, strlen(text));
}

void gdb_error(struct gdb *g, unsigned number)
{
    char text[8];
    (void)snprintf(text, sizeof text, "E%02x", number & 0xff);
    gdb_reply(g, text);
}

/* ---- halting and running ----------------------------------------------------------------- */

void gdb_halt(struct gdb *g, unsigned signal, const char *more)
{
    cpu_debug_halted(g->cpu, true);
    g->state = GDB_HALTED;
    g->in_range = false;
    (void)snprintf(g->stop, sizeof g->stop, "T%02x%sthread:1;", signal, more);
}

/* A BKPT of the firmware's has stopped the core before it; going on is behind it, as with a probe. */
static bool skip_bkpt(struct gdb *g)
{
    uint32_t pc = cpu_reg(g->cpu, 15);
    uint8_t bytes[2];
    if (cpu_debug_why(g->cpu, NULL) != CPU_DEBUG_BKPT || !chip_peek(g->chip, pc, bytes, 2) ||
        bytes[1] != 0xbe)
        return false;
    cpu_set_reg(g->cpu, 15, pc + 2);
    return true;
}

void gdb_resume(struct gdb *g, bool step)
{
    if (skip_bkpt(g) && step) {
        gdb_halt(g, SIGNAL_TRAP, "");
        gdb_reply(g, g->stop);
        return;
    }
    cpu_debug_halted(g->cpu, false);
    cpu_debug_step(g->cpu, step);
    g->stepping = step;
    g->state = GDB_RUNNING;
}

bool gdb_reset_halt(struct gdb *g)
{
    cpu_debug_halted(g->cpu, false);
    cpu_debug_step(g->cpu, false);
    cpu_debug_catch(g->cpu, g->catches | CPU_CATCH_RESET);
    chip_request_reset(g->chip, RESET_SOFT);
    enum vboard_stop stop;
    do /* whatever else stops it is before the reset */
        stop = vboard_run(g->b, RESET_NS, NULL, NULL);
    while (stop == VB_BREAK && cpu_debug_why(g->cpu, NULL) != CPU_DEBUG_RESET);
    cpu_debug_catch(g->cpu, g->catches);
    gdb_halt(g, SIGNAL_TRAP, "");
    return stop == VB_BREAK;
}

static void describe_stop(struct gdb *g, enum vboard_stop stop)
{
    struct cpu_debug_hit hit;
    char more[32];
    switch (stop == VB_LOCKUP ? CPU_DEBUG_FAULT : cpu_debug_why(g->cpu, &hit)) {
    case CPU_DEBUG_FAULT: gdb_halt(g, SIGNAL_SEGV, ""); break;
    case CPU_DEBUG_WATCH:
        (void)snprintf(more, sizeof more, "%s:%x;",
                       hit.load && hit.store ? "awatch"
                       : hit.load            ? "rwatch"
                                             : "watch",
                       hit.addr);
        gdb_halt(g, SIGNAL_TRAP, more);
        break;
    default: gdb_halt(g, SIGNAL_TRAP, ""); break;
    }
}

bool gdb_stopped(struct gdb *g, enum vboard_stop stop)
{
    if (g->state == GDB_AWAY || g->state == GDB_HALTED)
        return g->state == GDB_HALTED;
    uint32_t pc = cpu_reg(g->cpu, 15);
    if (g->in_range && stop == VB_BREAK && cpu_debug_why(g->cpu, NULL) == CPU_DEBUG_STEP &&
        pc >= g->range_lo && pc < g->range_hi) {
        cpu_debug_step(g->cpu, true);
        return true;
    }
    if (stop == VB_BREAK && !g->stepping && gdb_semihosting(g)) {
        cpu_debug_step(g->cpu, g->in_range);
        return true;
    }
    bool told = g->state == GDB_RUNNING;
    describe_stop(g, stop);
    if (told)
        gdb_reply(g, g->stop);
    return true;
}

bool gdb_halted(const struct gdb *g)
{
    return g->state == GDB_HALTED;
}

bool gdb_hurries(const struct gdb *g)
{
    return g->state == GDB_HALTED || g->in_range;
}

/* ---- the client -------------------------------------------------------------------------- */

static void attach(struct gdb *g)
{
    cpu_debug_attach(g->cpu, true);
    g->semihosting = g->stepping = false;
    g->catches = CPU_CATCH_HARD;
    cpu_debug_catch(g->cpu, g->catches);
    gdb_halt(g, SIGNAL_TRAP, "");
    gdb_say(g, "gdb %s is attached, the board is halted", g->name);
}

/* The board runs on. */
static void gdb_detach(struct gdb *g)
{
    if (g->state == GDB_AWAY)
        return;
    cpu_debug_attach(g->cpu, false);
    g->state = GDB_AWAY;
    free(g->flash);
    g->flash = NULL;
}

static void drop(struct gdb *g)
{
    if (g->state != GDB_AWAY || g->leave == NULL)
        gdb_say(g, "gdb %s is gone%s%s, the board runs on", g->name, g->leave != NULL ? ": " : "",
                g->leave != NULL ? g->leave : "");
    gdb_detach(g);
    (void)close(g->client);
    g->client = -1;
}

/* Whoever has not said anything in gdb's language has to make room. */
static void accept_client(struct gdb *g)
{
    char name[NET_NAME];
    int fd = net_accept(g->listener, name);
    if (fd < 0)
        return;
    if (g->client >= 0 && g->state != GDB_AWAY) {
        gdb_say(g, "gdb %s was refused: %s is attached", name, g->name);
        (void)close(fd);
        return;
    }
    if (g->client >= 0)
        (void)close(g->client);
    g->client = fd;
    memcpy(g->name, name, sizeof name);
    g->no_ack = g->extended = false;
    g->leave = NULL;
    g->queued = 0;
    memset(&g->in, 0, offsetof(struct packet, data));
}

static void take(struct gdb *g, uint8_t byte)
{
    switch (packet_take(&g->in, byte)) {
    case PACKET_DATA:
        if (!g->no_ack)
            put_byte(g, '+');
        if (g->state == GDB_AWAY)
            attach(g);
        gdb_packet(g, g->in.data, g->in.size);
        break;
    case PACKET_WRONG:
        if (!g->no_ack)
            put_byte(g, '-');
        break;
    case PACKET_BREAK:
        if (g->state == GDB_RUNNING || g->state == GDB_LOOSE) {
            gdb_halt(g, SIGNAL_INT, "");
            gdb_reply(g, g->stop);
        }
        break;
    default: break;
    }
}

static uint64_t wall(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* The client's bytes, while it is not to leave; what is behind a detach is not for us. Read in small pieces:
 * each of its packets may be work. */
static void read_client(struct gdb *g)
{
    uint8_t bytes[512];
    uint64_t begin = wall();
    do {
        ssize_t n = recv(g->client, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0) {
            g->leave = "it hung up";
            break;
        }
        for (ssize_t i = 0; i < n && g->leave == NULL; i++)
            take(g, bytes[i]);
    } while (g->leave == NULL && wall() - begin < TURN_NS);
    flush(g);
}

void gdb_service(struct gdb *g)
{
    accept_client(g);
    if (g->client >= 0)
        read_client(g);
    if (g->client >= 0 && g->leave != NULL)
        drop(g);
}

size_t gdb_pollfds(const struct gdb *g, struct pollfd fds[GDB_POLLFDS])
{
    size_t n = 0;
    fds[n++] = (struct pollfd){.fd = g->listener, .events = POLLIN};
    if (g->client >= 0)
        fds[n++] =
            (struct pollfd){.fd = g->client, .events = (short)(POLLIN | (g->queued > 0 ? POLLOUT : 0))};
    return n;
}

/* ---- life cycle -------------------------------------------------------------------------- */

struct gdb *gdb_open(struct vboard *b, const struct gdb_config *config, char *error, size_t error_size)
{
    int fd = net_listen("gdb", "127.0.0.1", config->port, 2, error, error_size);
    if (fd < 0)
        return NULL;
    struct gdb *g = calloc(1, sizeof *g);
    if (g == NULL) {
        (void)snprintf(error, error_size, "out of memory");
        (void)close(fd);
        return NULL;
    }
    g->b = b;
    g->chip = board_chip(b);
    g->cpu = chip_cpu(g->chip);
    g->config = *config;
    g->listener = fd;
    g->port = net_port(fd);
    g->client = -1;
    return g;
}

uint16_t gdb_port(const struct gdb *g)
{
    return g->port;
}

void gdb_close(struct gdb *g, int status)
{
    if (g == NULL)
        return;
    if (g->client >= 0 && g->state == GDB_RUNNING) {
        char text[8];
        (void)snprintf(text, sizeof text, "W%02x", (unsigned)status & 0xff);
        gdb_reply(g, text);
    }
    gdb_detach(g);
    if (g->client >= 0)
        (void)close(g->client);
    (void)close(g->listener);
    free(g);
}

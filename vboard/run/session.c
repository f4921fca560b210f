/* See session.h. */
#include "run/session.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "board/parse.h"
#include "gdb/gdb.h"
#include "host/usbhost.h"
#include "run/events.h"
#include "run/pace.h"
#include "usbip/usbip.h"

#define FAST_SLICE 10000000U /* ns of virtual time between two looks at the control socket */

/* ---- attaching --------------------------------------------------------------------------- */

static void on_event(void *arg, const struct vboard_event *e)
{
    struct session *s = arg;
    ports_event(&s->ports, e);
    if (s->events != NULL)
        events_write(s->events, e);
    events_explain(stderr, "vboard", &s->explained, e);
}

static void on_server_message(void *arg, const char *sentence)
{
    (void)arg;
    (void)fprintf(stderr, "vboard: %s\n", sentence);
}

/* The cable. Without --usbip there is none until somebody plugs it in; then the host enumerates. */
static bool plug(void *arg, bool in, struct sentence *why)
{
    struct session *s = arg;
    if (s->host == NULL && in)
        s->host = usbhost_create(s->b, &(struct usbhost_config){.enumerate = true});
    else if (s->host != NULL)
        usbhost_plug(s->host, in);
    return s->host != NULL || !in || refuse(why, "out of memory");
}

static bool open_usbip(struct session *s, struct sentence *why)
{
    uint64_t port;
    char *text = s->usbip_text, *colon = strrchr(text, ':');
    struct usbip_config config = {.address = "127.0.0.1", .message = on_server_message};
    if (colon != NULL) {
        *colon = '\0';
        config.address = text;
        size_t n = strlen(text);
        if (n >= 2 && text[0] == '[' && text[n - 1] == ']') { /* IPv6 */
            text[n - 1] = '\0';
            config.address = text + 1;
        }
    }
    if (!parse_number(colon != NULL ? colon + 1 : text, UINT16_MAX, &port))
        return refuse(why, "--usbip takes PORT or ADDRESS:PORT with a port up to 65535");
    config.port = (uint16_t)port;
    if (!plug(s, true, why))
        return false;
    s->usbip_address = config.address;
    s->usbip = usbip_open(s->host, &config, why->text, sizeof why->text);
    return s->usbip != NULL;
}

static bool open_gdb(struct session *s, struct sentence *why)
{
    uint64_t port;
    if (!parse_number(s->gdb_text, UINT16_MAX, &port))
        return refuse(why, "--gdb takes a port up to 65535, not '%s'", s->gdb_text);
    struct gdb_config config = {.port = (uint16_t)port, .message = on_server_message};
    s->gdb = gdb_open(s->b, &config, why->text, sizeof why->text);
    return s->gdb != NULL;
}

/* All that can be refused, before anything is written. */
static bool attach(struct session *s, struct sentence *why)
{
    if (s->fast && s->usbip_text != NULL)
        return refuse(why, "--fast does not go with --usbip: virtual time may not run ahead of a real host");
    if (s->script_path != NULL && !queue_read_script(&s->queue, s->script_path, why))
        return false;
    s->b = board_args_create(&s->args, why);
    if (s->b == NULL)
        return false;
    s->target = (struct command_target){.b = s->b, .usb = plug, .arg = s};
    for (size_t i = 0; i < s->uart_count; i++)
        if (!ports_add(&s->ports, s->uarts[i], &s->outputs, why))
            return false;
    if (ports_have_swo(&s->ports))
        vboard_swo(s->b);
    bool control = s->control_path != NULL && strcmp(s->control_path, "-") == 0;
    if ((s->script_path != NULL || control) &&
        outputs_open(&s->outputs, "-", why) == NULL) /* for the answers */
        return false;
    if (s->events_path != NULL && (s->events = outputs_open(&s->outputs, s->events_path, why)) == NULL)
        return false;
    if (s->usbip_text != NULL && !open_usbip(s, why))
        return false;
    if (s->gdb_text != NULL && !open_gdb(s, why))
        return false;
    if (s->control_path != NULL && (s->control = control_open(s->control_path, why)) == NULL)
        return false;
    s->ports.whole_lines = s->events == stdout || s->script_path != NULL || control;
    return board_args_spared(&s->args, &s->outputs, why) &&
           (s->script_path == NULL || outputs_spare(&s->outputs, s->script_path, why)) &&
           outputs_begin(&s->outputs, why);
}

static void detach(struct session *s, bool undo, int status)
{
    if (s->b != NULL)
        vboard_on_event(s->b, NULL, NULL);
    control_close(s->control);
    gdb_close(s->gdb, status);
    usbip_close(s->usbip);
    if (s->host != NULL)
        usbhost_destroy(s->host);
    ports_close(&s->ports);
    outputs_close(&s->outputs, undo);
    queue_free(&s->queue);
    vboard_destroy(s->b);
}

/* Nobody looks at it, and nothing but a signal ends it. */
static bool unseen(const struct session *s)
{
    return s->run_ns == UINT64_MAX && s->usbip == NULL && s->gdb == NULL && s->control == NULL &&
           s->script_path == NULL && s->events == NULL && s->ports.count == 0;
}

/* Where to find what this run offers. */
static void announce(struct session *s)
{
    if (unseen(s))
        (void)fprintf(stderr,
                      "vboard: the board runs until Ctrl-C, and nothing shows what it does; vboard --help "
                      "lists --events, --usbip, --gdb, --uart, --control\n");
    if (s->usbip != NULL) {
        (void)fprintf(stderr, "vboard: USB/IP server on port %u of %s, bus id 1-1\n", usbip_port(s->usbip),
                      s->usbip_address);
        if (s->events != NULL)
            events_write_usbip(s->events, s->usbip_address, usbip_port(s->usbip));
    }
    if (s->gdb != NULL) {
        (void)fprintf(stderr, "vboard: gdb server on port %u of 127.0.0.1\n", gdb_port(s->gdb));
        if (s->events != NULL)
            events_write_gdb(s->events, "127.0.0.1", gdb_port(s->gdb));
    }
    for (size_t i = 0; i < s->ports.count; i++) {
        const struct port *port = &s->ports.rows[i];
        if (port->file != NULL)
            continue;
        (void)fprintf(stderr, "vboard: %s is %s\n", port->name, port->path);
        if (s->events != NULL)
            events_write_pty(s->events, port->name, port->path);
    }
}

/* ---- the loop ---------------------------------------------------------------------------- */

struct ending {
    int status;
    const char *reason; /* NULL: not yet */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

/* The signals are taken in ppoll only, so that none gets lost before it. */
static bool catch_signals(sigset_t *while_waiting)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    sigset_t ours;
    bool ok = sigemptyset(&ours) == 0 && sigaction(SIGPIPE, &ignore, NULL) == 0;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        ok = ok && sigaddset(&ours, ends[i]) == 0 && sigaction(ends[i], &action, NULL) == 0;
    ok = ok && sigprocmask(SIG_BLOCK, &ours, while_waiting) == 0;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        ok = ok && sigdelset(while_waiting, ends[i]) == 0;
    return ok;
}

/* Until something comes or ns are over; UINT64_MAX: something has to come. */
static void wait_for_input(struct session *s, uint64_t ns, const sigset_t *mask)
{
    struct pollfd fds[CONTROL_POLLFDS + PORTS + USBIP_POLLFDS + GDB_POLLFDS];
    struct timespec time = {(time_t)(ns / 1000000000U), (long)(ns % 1000000000U)};
    /* What comes in for a halted board has to wait. */
    bool halted = s->gdb != NULL && gdb_halted(s->gdb);
    size_t n = halted ? 0 : ports_pollfds(&s->ports, fds);
    if (s->control != NULL)
        n += control_pollfds(s->control, fds + n);
    if (s->usbip != NULL)
        n += usbip_pollfds(s->usbip, fds + n);
    if (s->gdb != NULL)
        n += gdb_pollfds(s->gdb, fds + n);
    if (ppoll(fds, n, ns == UINT64_MAX ? NULL : &time, mask) <= 0)
        return; /* interrupted: the loop looks */
    /* Where there is input already ppoll lets no signal in (Linux), and input may never end. */
    sigset_t ours;
    (void)sigprocmask(SIG_SETMASK, mask, &ours);
    (void)sigprocmask(SIG_SETMASK, &ours, NULL);
}

/* Everybody who may want something at this instant. */
static void service(struct session *s)
{
    if (s->usbip != NULL)
        usbip_service(s->usbip, pace_wall());
    if (s->gdb != NULL)
        gdb_service(s->gdb);
    ports_service(&s->ports, s->b);
    if (s->control != NULL)
        control_service(s->control, &s->queue, &s->target);
    struct queue_entry *e;
    while (!s->target.quit && (e = queue_due(&s->queue, vboard_now(s->b))) != NULL) {
        if (e->from == QUEUE_SCRIPT)
            (void)command_run(&e->command, &s->target, stdout);
        else
            control_run(s->control, e, &s->queue, &s->target);
        queue_drop(e);
    }
}

static struct ending run_until(struct session *s, uint64_t ns)
{
    uint64_t now = vboard_now(s->b);
    if (ns <= now)
        return (struct ending){0, NULL};
    enum vboard_stop stop = vboard_run(s->b, ns - now, NULL, NULL);
    if ((stop == VB_BREAK || stop == VB_LOCKUP) && s->gdb != NULL && gdb_stopped(s->gdb, stop))
        return (struct ending){0, NULL};
    switch (stop) {
    case VB_LOCKUP: /* a watchdog brings a chip back, here as on the bench */
        return vboard_watchdog(s->b) ? (struct ending){0, NULL} : (struct ending){1, "lockup"};
    case VB_STRICT: return (struct ending){1, "strict"};
    case VB_OFF: return (struct ending){0, "cut"};
    default: return (struct ending){0, NULL};
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static struct ending loop(struct session *s, const sigset_t *mask, struct sentence *why)
{
    struct pace pace;
    struct ending end = {0, NULL};
    bool paced = !s->fast || ports_have_pty(&s->ports);
    pace_begin(&pace, vboard_now(s->b));
    for (;;) {
        service(s);
        uint64_t now = vboard_now(s->b), stop = least(s->run_ns, queue_next(&s->queue));
        if (s->target.quit)
            return (struct ending){0, "quit"};
        if (interrupted)
            return (struct ending){0, "signal"};
        if (now >= s->run_ns)
            return (struct ending){0, "for"};
        if (s->gdb != NULL && gdb_halted(s->gdb)) { /* virtual time stands still */
            if (!outputs_flush(&s->outputs, why))
                return (struct ending){2, "output"};
            wait_for_input(s, s->usbip != NULL ? PACE_SLICE : UINT64_MAX, mask);
            continue;
        }
        uint64_t limit = now + FAST_SLICE, wait = 0;
        if (paced) {
            bool busy = s->usbip != NULL && usbip_busy(s->usbip, pace_wall());
            uint64_t allowed = pace_limit(&pace, now), due = now + (busy ? PACE_STEP : PACE_SLICE);
            limit = least(allowed, now + PACE_SLICE);
            wait = allowed < due ? due - allowed : 0;
        } else if (!vboard_powered(s->b) && stop == UINT64_MAX) {
            wait = UINT64_MAX; /* nothing will ever happen by itself */
            limit = now;
        }
        end = run_until(s, least(limit, stop));
        if (!outputs_flush(&s->outputs, why))
            return (struct ending){2, "output"};
        if (end.reason != NULL)
            return end;
        bool at_once = s->gdb != NULL && gdb_hurries(s->gdb);
        wait_for_input(s, at_once ? 0 : wait, mask);
    }
}

static bool finish(struct session *s, struct ending end, struct sentence *why)
{
    bool ok = true;
    vboard_power(s->b, false, true); /* the end of the process is that of the supply */
    if (s->args.flash != NULL && !vboard_write_state(s->b, s->args.flash))
        ok = refuse(why, "%s", vboard_error(s->b));
    ports_finish(&s->ports);
    if (s->events != NULL)
        events_write_end(s->events, vboard_now(s->b), end.status, end.reason);
    return outputs_flush(&s->outputs, why) && ok;
}

int session_run(struct session *s)
{
    struct sentence why = {{0}};
    sigset_t mask;
    bool attached = attach(s, &why) && (catch_signals(&mask) || refuse(&why, "signals cannot be caught"));
    struct ending end = {2, NULL};
    if (attached) {
        announce(s);
        vboard_on_event(s->b, on_event, s);
        vboard_power(s->b, true, true);
        end = loop(s, &mask, &why);
        if (!finish(s, end, &why))
            end.status = 2;
        if (end.status == 1)
            (void)fprintf(stderr, "vboard: ended at %.6f s: %s\n", (double)vboard_now(s->b) / 1e9,
                          strcmp(end.reason, "lockup") == 0 ? "the processor is locked up"
                                                            : "something is not modelled (--strict)");
    }
    if (end.status == 2)
        (void)fprintf(stderr, "vboard: %s\n", why.text);
    else if (end.reason != NULL && strcmp(end.reason, "for") == 0 && queue_has(&s->queue, QUEUE_SCRIPT))
        (void)fprintf(stderr,
                      "vboard: %s: some of its commands were for later than %.6f s, the end of the run\n",
                      s->script_path, (double)vboard_now(s->b) / 1e9);
    detach(s, !attached, end.status);
    board_args_free(&s->args);
    return end.status;
}

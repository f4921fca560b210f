/* See events.h. */
#include "run/events.h"

#include <inttypes.h>
#include <string.h>

#include "run/json.h"

enum value { STRING, NUMBER, REAL, BOOLEAN, HEX };

#define AT(member) offsetof(struct vboard_event, member)

/* The members of each event in the order in which they are written. */
static const struct member {
    enum vboard_event_kind kind;
    enum value value;
    const char *key;
    size_t at;
} members[] = {
    {VE_POWER, STRING, "state", AT(name)},
    {VE_RESET, STRING, "cause", AT(name)},
    {VE_HANDOFF, NUMBER, "pc", AT(a)},
    {VE_GPIO, STRING, "pin", AT(name)},
    {VE_GPIO, NUMBER, "level", AT(a)},
    {VE_PWM, STRING, "pin", AT(name)},
    {VE_PWM, REAL, "hz", AT(hz)},
    {VE_PWM, REAL, "duty", AT(duty)},
    {VE_UART, STRING, "name", AT(name)},
    {VE_UART, HEX, "hex", AT(bytes)},
    {VE_USB, STRING, "state", AT(name)},
    {VE_FLASH, STRING, "op", AT(name)},
    {VE_FAULT, STRING, "kind", AT(name)},
    {VE_FAULT, NUMBER, "pc", AT(pc)},
    {VE_FAULT, NUMBER, "lr", AT(lr)},
    {VE_FAULT, NUMBER, "cfsr", AT(cfsr)},
    {VE_FAULT, NUMBER, "hfsr", AT(hfsr)},
    {VE_FAULT, NUMBER, "bfar", AT(bfar)},
    {VE_FAULT, STRING, "function", AT(function)},
    {VE_FAULT, STRING, "line", AT(line)},
    {VE_MISSING, NUMBER, "addr", AT(a)},
    {VE_MISSING, NUMBER, "pc", AT(b)},
    {VE_MISSING, STRING, "block", AT(name)},
    {VE_MISSING, BOOLEAN, "part", AT(part)},
    {VE_MISSING, STRING, "function", AT(function)},
    {VE_MISSING, STRING, "line", AT(line)},
    {VE_MESSAGE, STRING, "text", AT(name)},
};

static const char *const names[] = {
    [VE_POWER] = "power", [VE_RESET] = "reset",     [VE_HANDOFF] = "handoff", [VE_GPIO] = "gpio",
    [VE_PWM] = "pwm",     [VE_UART] = "uart",       [VE_USB] = "usb",         [VE_FLASH] = "flash",
    [VE_FAULT] = "fault", [VE_MISSING] = "missing", [VE_MESSAGE] = "message",
};

static void begin(FILE *f, uint64_t ns, const char *name)
{
    (void)fprintf(f, "{\"t\":%" PRIu64 ",\"event\":\"%s\"", ns, name);
}

static void write_member(FILE *f, const struct vboard_event *e, const struct member *m)
{
    const char *at = (const char *)e + m->at;
    const char *string;
    uint32_t number;
    double real;
    (void)fprintf(f, ",\"%s\":", m->key);
    switch (m->value) {
    case STRING:
        memcpy(&string, at, sizeof string);
        json_string(f, string);
        break;
    case NUMBER:
        memcpy(&number, at, sizeof number);
        (void)fprintf(f, "%" PRIu32, number);
        break;
    case REAL:
        memcpy(&real, at, sizeof real);
        (void)fprintf(f, "%.9g", real);
        break;
    case BOOLEAN: (void)fputs(e->part ? "true" : "false", f); break;
    case HEX: json_hex(f, e->bytes, e->size); break;
    }
}

void events_write(FILE *f, const struct vboard_event *e)
{
    begin(f, e->t, names[e->kind]);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (members[i].kind == e->kind)
            write_member(f, e, &members[i]);
    if (e->kind == VE_FLASH) { /* a page or an address or, for a mass erase, neither */
        if (strcmp(e->name, "erase") == 0)
            (void)fprintf(f, ",\"page\":%" PRIu32, e->a);
        else if (strcmp(e->name, "mass") != 0)
            (void)fprintf(f, ",\"addr\":%" PRIu32, e->a);
        (void)fprintf(f, ",\"n\":%" PRIu32, e->b);
    }
    (void)fputs("}\n", f);
}

static void write_server(FILE *f, const char *event, const char *address, unsigned port)
{
    begin(f, 0, event);
    (void)fputs(",\"address\":", f);
    json_string(f, address);
    (void)fprintf(f, ",\"port\":%u}\n", port);
}

void events_write_usbip(FILE *f, const char *address, unsigned port)
{
    write_server(f, "usbip", address, port);
}

void events_write_gdb(FILE *f, const char *address, unsigned port)
{
    write_server(f, "gdb", address, port);
}

void events_write_pty(FILE *f, const char *name, const char *path)
{
    begin(f, 0, "pty");
    (void)fprintf(f, ",\"name\":\"%s\",\"path\":", name);
    json_string(f, path);
    (void)fputs("}\n", f);
}

void events_write_end(FILE *f, uint64_t ns, int status, const char *reason)
{
    begin(f, ns, "end");
    (void)fprintf(f, ",\"status\":%d,\"reason\":", status);
    json_string(f, reason);
    (void)fputs("}\n", f);
}

static void explain_place(FILE *f, const struct vboard_event *e)
{
    if (e->function != NULL)
        (void)fprintf(f, " in %s", e->function);
    if (e->line != NULL)
        (void)fprintf(f, " (%s)", e->line);
}

static void explain(FILE *f, const char *who, const struct vboard_event *e)
{
    (void)fprintf(f, "%s: %.6f s: ", who, (double)e->t / 1e9);
    switch (e->kind) {
    case VE_FAULT:
        (void)fprintf(f, "%s at PC 0x%08X", e->name, e->pc);
        explain_place(f, e);
        (void)fprintf(f, ", LR 0x%08X, CFSR 0x%08X, HFSR 0x%08X, BFAR 0x%08X\n", e->lr, e->cfsr, e->hfsr,
                      e->bfar);
        break;
    case VE_MISSING:
        (void)fprintf(f, "0x%08X%s%s is not modelled%s, touched at PC 0x%08X", e->a, e->name ? " of " : "",
                      e->name ? e->name : "", e->part ? " in full" : "", e->b);
        explain_place(f, e);
        (void)fputc('\n', f);
        break;
    default: (void)fprintf(f, "%s\n", e->name); break;
    }
}

void events_explain(FILE *f, const char *who, unsigned *told, const struct vboard_event *e)
{
    bool wrong = e->kind == VE_FAULT || e->kind == VE_MISSING || e->kind == VE_MESSAGE;
    if (!wrong || *told > EVENTS_EXPLAINED)
        return;
    if ((*told)++ < EVENTS_EXPLAINED)
        explain(f, who, e);
    else
        (void)fprintf(f, "%s: there is more of this\n", who);
}

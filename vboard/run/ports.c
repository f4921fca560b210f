/* See ports.h. */
#include "run/ports.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static bool open_pty(struct port *port, struct sentence *why)
{
    struct termios raw;
    port->slave = -1;
    port->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    bool ok = port->master >= 0 && grantpt(port->master) == 0 && unlockpt(port->master) == 0 &&
              ptsname_r(port->master, port->path, sizeof port->path) == 0;
    if (ok)
        port->slave = open(port->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    ok = ok && port->slave >= 0 && tcgetattr(port->slave, &raw) == 0;
    if (ok) {
        cfmakeraw(&raw);
        ok = tcsetattr(port->slave, TCSANOW, &raw) == 0;
    }
    return ok || refuse(why, "%s: no pty: %s", port->name, strerror(errno));
}

static void close_pty(struct port *port)
{
    if (port->file != NULL)
        return;
    if (port->slave >= 0)
        (void)close(port->slave);
    if (port->master >= 0)
        (void)close(port->master);
}

bool ports_add(struct ports *p, char *text, struct outputs *o, struct sentence *why)
{
    char *equals = strchr(text, '=');
    if (equals == NULL || equals[1] == '\0')
        return refuse(why, "--uart takes NAME=FILE, NAME=pty or NAME=-, not '%s'", text);
    *equals = '\0';
    if (!vboard_uart_known(text) && strcmp(text, "SWO") != 0)
        return refuse(why, "there is no serial port '%s': VCP, USART1, USART2, USART3, LPUART1 and SWO",
                      text);
    if (p->count == PORTS)
        return refuse(why, "more than %d times --uart", PORTS);
    struct port port = {.name = text, .master = -1, .slave = -1};
    if (strcmp(equals + 1, "pty") != 0) {
        port.file = outputs_open(o, equals + 1, why);
        if (port.file == NULL)
            return false;
    } else if (!open_pty(&port, why)) {
        close_pty(&port);
        return false;
    }
    p->rows[p->count++] = port;
    return true;
}

bool ports_have_pty(const struct ports *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->rows[i].file == NULL)
            return true;
    return false;
}

bool ports_have_swo(const struct ports *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->rows[i].name, "SWO") == 0)
            return true;
    return false;
}

static void write_line(struct port *port)
{
    (void)fwrite(port->line, 1, port->length, port->file);
    if (port->line[port->length - 1] != '\n')
        (void)fputc('\n', port->file);
    port->length = 0;
}

static void add_to_line(struct port *port, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        port->line[port->length++] = (char)bytes[i];
        if (bytes[i] == '\n' || port->length == PORT_LINE)
            write_line(port);
    }
}

void ports_finish(struct ports *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->rows[i].length > 0)
            write_line(&p->rows[i]);
}

void ports_event(struct ports *p, const struct vboard_event *e)
{
    if (e->kind != VE_UART)
        return;
    for (size_t i = 0; i < p->count; i++) {
        struct port *port = &p->rows[i];
        if (strcmp(port->name, e->name) != 0 && strcmp(port->name, e->unit) != 0)
            continue;
        if (port->file == stdout && p->whole_lines)
            add_to_line(port, e->bytes, e->size);
        else if (port->file != NULL)
            (void)fwrite(e->bytes, 1, e->size, port->file);
        else if (write(port->master, e->bytes, e->size) < 0)
            continue; /* nobody reads: as on a wire, what is not taken is gone */
    }
}

size_t ports_pollfds(const struct ports *p, struct pollfd fds[PORTS])
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        if (p->rows[i].file == NULL)
            fds[n++] = (struct pollfd){.fd = p->rows[i].master, .events = POLLIN};
    return n;
}

void ports_service(struct ports *p, struct vboard *b)
{
    for (size_t i = 0; i < p->count; i++) {
        char bytes[256];
        ssize_t n;
        if (p->rows[i].file != NULL)
            continue;
        while (vboard_uart_waiting(b, p->rows[i].name) == 0 &&
               (n = read(p->rows[i].master, bytes, sizeof bytes)) > 0)
            if (!vboard_uart_send(b, p->rows[i].name, bytes, (size_t)n))
                break; /* nobody listens on the board either */
    }
}

void ports_close(struct ports *p)
{
    for (size_t i = 0; i < p->count; i++)
        close_pty(&p->rows[i]);
    p->count = 0;
}

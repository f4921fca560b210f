/* See control.h. */
#include "run/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { UNREAD_ANSWERS = 4 << 20 }; /* bytes that wait for a client to read them, before it is dropped */
/* Pieces read of one client at a time, as much as a pipe holds: one that floods does not keep the board from
 * running, nor vboard from ending. */
enum { READS = 16 };

struct client {
    unsigned number; /* 0: this row is free */
    int in, out;
    bool ended;   /* nothing more will come */
    bool discard; /* in a line that is too long */
    char *line;   /* COMMAND_LINE + 1 bytes */
    size_t length;
    char *unsent;
    size_t unsent_size;
};

struct control {
    int listener; /* -1: standard input */
    struct sockaddr_un address;
    bool bound; /* the socket is ours to remove */
    unsigned last_number;
    struct client clients[CONTROL_CLIENTS];
};

static void drop(struct client *c)
{
    if (c->in > STDERR_FILENO)
        (void)close(c->in);
    free(c->line);
    free(c->unsent);
    c->line = c->unsent = NULL;
    c->unsent_size = 0;
    c->number = 0;
}

static struct client *free_row(struct control *c)
{
    for (size_t i = 0; i < CONTROL_CLIENTS; i++)
        if (c->clients[i].number == 0)
            return &c->clients[i];
    return NULL;
}

static bool add(struct control *c, int in, int out)
{
    struct client *k = free_row(c);
    char *line = k != NULL ? malloc(COMMAND_LINE + 1) : NULL;
    if (line == NULL)
        return false;
    *k = (struct client){.number = ++c->last_number, .in = in, .out = out, .line = line};
    return true;
}

/* ---- opening ----------------------------------------------------------------------------- */

/* A socket that nobody listens on any more may go; what else is there may not. */
static bool make_room(const struct sockaddr_un *address, struct sentence *why)
{
    struct stat st;
    if (lstat(address->sun_path, &st) != 0)
        return true;
    if (!S_ISSOCK(st.st_mode))
        return refuse(why, "%s: exists and is not a socket", address->sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool alive = fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
                 errno != ECONNREFUSED;
    if (fd >= 0)
        (void)close(fd);
    if (alive)
        return refuse(why, "%s: another process uses this control socket", address->sun_path);
    if (unlink(address->sun_path) != 0)
        return refuse(why, "%s: %s", address->sun_path, strerror(errno));
    return true;
}

static bool listen_at(struct control *c, const char *path, struct sentence *why)
{
    if (strlen(path) >= sizeof c->address.sun_path)
        return refuse(why, "%s: is too long for a socket's path", path);
    c->address.sun_family = AF_UNIX;
    memcpy(c->address.sun_path, path, strlen(path) + 1);
    if (!make_room(&c->address, why))
        return false;
    c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    c->bound =
        c->listener >= 0 && bind(c->listener, (const struct sockaddr *)&c->address, sizeof c->address) == 0;
    if (!c->bound)
        return refuse(why, "%s: %s", path, strerror(errno));
    if (listen(c->listener, CONTROL_CLIENTS) != 0)
        return refuse(why, "%s: %s", path, strerror(errno));
    return true;
}

struct control *control_open(const char *path, struct sentence *why)
{
    struct control *c = calloc(1, sizeof *c);
    if (c == NULL) {
        (void)refuse(why, "out of memory");
        return NULL;
    }
    c->listener = -1;
    bool ok;
    if (strcmp(path, "-") != 0)
        ok = listen_at(c, path, why);
    else
        ok = add(c, STDIN_FILENO, STDOUT_FILENO) || refuse(why, "out of memory");
    if (!ok) {
        control_close(c);
        return NULL;
    }
    return c;
}

void control_close(struct control *c)
{
    if (c == NULL)
        return;
    for (struct client *k = c->clients; k < c->clients + CONTROL_CLIENTS; k++)
        if (k->number != 0)
            drop(k);
    if (c->listener >= 0)
        (void)close(c->listener);
    if (c->bound)
        (void)unlink(c->address.sun_path);
    free(c);
}

/* ---- answers ----------------------------------------------------------------------------- */

static void send_unsent(struct client *k)
{
    ssize_t n = send(k->out, k->unsent, k->unsent_size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        drop(k);
        return;
    }
    if (n > 0) {
        k->unsent_size -= (size_t)n;
        memmove(k->unsent, k->unsent + n, k->unsent_size);
    }
}

static void reply(struct client *k, const char *text, size_t size)
{
    if (k->out == STDOUT_FILENO) { /* shares the buffer of the events on standard output */
        (void)fwrite(text, 1, size, stdout);
        (void)fflush(stdout);
        return;
    }
    char *more = k->unsent_size + size <= UNREAD_ANSWERS ? realloc(k->unsent, k->unsent_size + size) : NULL;
    if (more == NULL) {
        drop(k);
        return;
    }
    memcpy(more + k->unsent_size, text, size);
    k->unsent = more;
    k->unsent_size += size;
    send_unsent(k);
}

static struct client *find(struct control *c, unsigned number)
{
    for (struct client *k = c->clients; number != 0 && k < c->clients + CONTROL_CLIENTS; k++)
        if (k->number == number)
            return k;
    return NULL;
}

/* Carries out a command for a client that may be gone by now. */
static void answer(struct client *k, const struct command *command, struct command_target *target)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (f == NULL)
        return;
    (void)command_run(command, target, f);
    if (fclose(f) == 0 && k != NULL)
        reply(k, text, size);
    free(text);
}

static void answer_wrong(struct client *k, const struct sentence *why)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (f == NULL)
        return;
    command_refused(f, why);
    if (fclose(f) == 0)
        reply(k, text, size);
    free(text);
}

/* A client that will send nothing more stays until it has all its answers. */
static void drop_if_done(struct client *k, const struct queue *q)
{
    if (k->number != 0 && k->ended && k->unsent_size == 0 && !queue_has(q, k->number))
        drop(k);
}

void control_run(struct control *c, const struct queue_entry *e, struct queue *q,
                 struct command_target *target)
{
    struct client *k = find(c, e->from);
    answer(k, &e->command, target);
    if (k != NULL)
        drop_if_done(k, q);
}

/* ---- lines ------------------------------------------------------------------------------- */

static void take_line(struct client *k, struct queue *q, struct command_target *target)
{
    struct command command;
    struct sentence why = {{0}};
    k->line[k->length] = '\0';
    if (strlen(k->line) != k->length) {
        (void)refuse(&why, "the line is not text");
        answer_wrong(k, &why);
    } else if (command_is_empty(k->line)) {
        return;
    } else if (!command_parse(k->line, &command, &why)) {
        answer_wrong(k, &why);
    } else if (command.timed && command.at > vboard_now(target->b)) {
        if (queue_add(q, &command, k->number))
            return;
        (void)refuse(&why, "no room for more commands");
        answer_wrong(k, &why);
    } else {
        answer(k, &command, target);
        command_free(&command);
    }
}

static void take_bytes(struct client *k, const char *bytes, size_t size, struct queue *q,
                       struct command_target *target)
{
    for (size_t i = 0; i < size && k->number != 0 && !target->quit; i++) {
        if (bytes[i] == '\n') {
            if (k->discard) {
                struct sentence why = {{0}};
                (void)refuse(&why, "the line is longer than %d characters", COMMAND_LINE);
                answer_wrong(k, &why);
            } else {
                take_line(k, q, target);
            }
            k->length = 0;
            k->discard = false;
        } else if (k->length == COMMAND_LINE) {
            k->discard = true;
        } else {
            k->line[k->length++] = bytes[i];
        }
    }
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* A pipe with a name can be opened again: what its next writer says is heard, too. Held open for writing from
 * here on, it does not end once more. */
static bool next_writer(struct client *k)
{
    struct stat st;
    if (k->in != STDIN_FILENO || fstat(k->in, &st) != 0 || !S_ISFIFO(st.st_mode))
        return false;
    int fd = open("/dev/stdin", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    k->in = fd;
    return true;
}

/* What is there now; standard input is a blocking file of somebody else's, so it is asked. */
static void take(struct client *k, struct queue *q, struct command_target *target)
{
    char bytes[4096];
    for (unsigned i = 0; i < READS && k->number != 0 && !k->ended && !target->quit && readable(k->in); i++) {
        ssize_t n = read(k->in, bytes, sizeof bytes);
        if (n > 0) {
            take_bytes(k, bytes, (size_t)n, q, target);
        } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
            k->ended = !next_writer(k);
            if (k->length > 0 || k->discard) /* a last line without its newline */
                take_bytes(k, "\n", 1, q, target);
        }
    }
}

size_t control_pollfds(struct control *c, struct pollfd fds[CONTROL_POLLFDS])
{
    size_t n = 0;
    if (c->listener >= 0 && free_row(c) != NULL)
        fds[n++] = (struct pollfd){.fd = c->listener, .events = POLLIN};
    for (const struct client *k = c->clients; k < c->clients + CONTROL_CLIENTS; k++)
        if (k->number != 0 && (!k->ended || k->unsent_size > 0))
            fds[n++] = (struct pollfd){
                .fd = k->in, .events = (short)((k->ended ? 0 : POLLIN) | (k->unsent_size > 0 ? POLLOUT : 0))};
    return n;
}

void control_service(struct control *c, struct queue *q, struct command_target *target)
{
    int fd;
    /* Without a free row the next client waits in the backlog. */
    while (c->listener >= 0 && free_row(c) != NULL &&
           (fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
        if (!add(c, fd, fd))
            (void)close(fd);
    for (struct client *k = c->clients; k < c->clients + CONTROL_CLIENTS; k++) {
        if (k->number != 0 && k->unsent_size > 0)
            send_unsent(k);
        if (k->number != 0)
            take(k, q, target);
        drop_if_done(k, q);
    }
}

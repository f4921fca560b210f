/* See queue.h. */
#include "run/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Bytes that a command holds while it waits. */
static size_t room_of(const struct command *c)
{
    return sizeof(struct queue_entry) + (c->bytes != NULL ? c->size : 0);
}

bool queue_add(struct queue *q, const struct command *c, unsigned from)
{
    struct queue_entry *e = q->room + room_of(c) <= QUEUE_ROOM ? malloc(sizeof *e) : NULL;
    if (e == NULL) {
        free(c->bytes);
        return false;
    }
    bool behind_all = q->first != NULL && q->last->command.at <= c->at; /* as nearly all are */
    struct queue_entry **at = behind_all ? &q->last->next : &q->first;
    while (*at != NULL && (*at)->command.at <= c->at)
        at = &(*at)->next;
    *e = (struct queue_entry){*at, *c, from};
    *at = e;
    if (e->next == NULL)
        q->last = e;
    q->room += room_of(c);
    return true;
}

struct queue_entry *queue_due(struct queue *q, uint64_t ns)
{
    struct queue_entry *e = q->first;
    if (e == NULL || e->command.at > ns)
        return NULL;
    q->first = e->next;
    q->room -= room_of(&e->command);
    return e;
}

void queue_drop(struct queue_entry *e)
{
    command_free(&e->command);
    free(e);
}

uint64_t queue_next(const struct queue *q)
{
    return q->first != NULL ? q->first->command.at : UINT64_MAX;
}

bool queue_has(const struct queue *q, unsigned from)
{
    for (const struct queue_entry *e = q->first; e != NULL; e = e->next)
        if (e->from == from)
            return true;
    return false;
}

void queue_free(struct queue *q)
{
    for (struct queue_entry *e = queue_due(q, UINT64_MAX); e != NULL; e = queue_due(q, UINT64_MAX))
        queue_drop(e);
}

/* Up to the end of a line, or of what a line may be. Returns what ended it, which is not in it. */
static int read_line(FILE *f, char line[COMMAND_LINE + 2])
{
    size_t n = 0;
    int c;
    while ((c = getc(f)) != '\n' && c != '\0' && c != EOF && n <= COMMAND_LINE)
        line[n++] = (char)c;
    line[n] = '\0';
    return c;
}

static bool read_lines(struct queue *q, const char *path, FILE *f, struct sentence *why)
{
    static char line[COMMAND_LINE + 2]; /* of one more command_parse says that it is too long */
    uint64_t time = 0;
    int end = '\n';
    for (unsigned number = 1; end != EOF; number++) {
        struct command c;
        struct sentence wrong = {{0}};
        end = read_line(f, line);
        if (end == '\0')
            return refuse(why, "%s:%u: is not text", path, number);
        if (command_is_empty(line))
            continue;
        if (!command_parse(line, &c, &wrong))
            return refuse(why, "%s:%u: %s", path, number, wrong.text);
        if (!c.timed)
            c.at = time;
        time = c.at;
        if (!queue_add(q, &c, QUEUE_SCRIPT))
            return refuse(why, "%s:%u: no room for more commands", path, number);
    }
    return ferror(f) == 0 || refuse(why, "%s: cannot be read", path);
}

bool queue_read_script(struct queue *q, const char *path, struct sentence *why)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return refuse(why, "%s: is a directory", path);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return refuse(why, "%s: %s", path, strerror(errno));
    bool ok = read_lines(q, path, f, why);
    (void)fclose(f);
    return ok;
}

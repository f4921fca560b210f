/* See queue.h. */
#include "run/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool queue_add(struct queue *q, const struct command *c, unsigned from)
{
    struct queue_entry *e = malloc(sizeof *e);
    if (e == NULL) {
        free(c->bytes);
        return false;
    }
    struct queue_entry **at = &q->first;
    while (*at != NULL && (*at)->command.at <= c->at)
        at = &(*at)->next;
    *e = (struct queue_entry){*at, *c, from};
    *at = e;
    return true;
}

struct queue_entry *queue_due(struct queue *q, uint64_t ns)
{
    struct queue_entry *e = q->first;
    if (e == NULL || e->command.at > ns)
        return NULL;
    q->first = e->next;
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

static bool read_lines(struct queue *q, const char *path, FILE *f, struct sentence *why)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    unsigned number = 0;
    uint64_t time = 0;
    bool ok = true;
    while (ok && (length = getline(&line, &room, f)) >= 0) {
        number++;
        if (strlen(line) != (size_t)length)
            ok = refuse(why, "%s:%u: is not text", path, number);
        line[strcspn(line, "\n")] = '\0';
        if (!ok || command_is_empty(line))
            continue;
        struct command c;
        struct sentence wrong = {{0}};
        if (!command_parse(line, &c, &wrong)) {
            ok = refuse(why, "%s:%u: %s", path, number, wrong.text);
            break;
        }
        if (!c.timed)
            c.at = time;
        time = c.at;
        if (!queue_add(q, &c, QUEUE_SCRIPT))
            ok = refuse(why, "%s: out of memory", path);
    }
    if (ok && ferror(f) != 0)
        ok = refuse(why, "%s: cannot be read", path);
    free(line);
    return ok;
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

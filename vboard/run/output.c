/* See output.h. */
#include "run/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the caller has closed stays in use: a file that gets the number of standard output would get its
 * words. */
__attribute__((constructor)) static void keep_standard_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC); /* so that writing to it fails as before */
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        (void)close(fd);
}

/* Two streams into one regular file would overwrite each other. */
static bool same_file(FILE *f, const struct stat *st)
{
    struct stat own;
    return S_ISREG(st->st_mode) && fstat(fileno(f), &own) == 0 && own.st_dev == st->st_dev &&
           own.st_ino == st->st_ino;
}

bool outputs_spare(const struct outputs *o, const char *path, struct sentence *why)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return true;
    for (size_t i = 0; i < o->count; i++)
        if (same_file(o->rows[i].file, &st))
            return refuse(why, "%s: cannot be used for two things at a time", path);
    return true;
}

FILE *outputs_open(struct outputs *o, const char *path, struct sentence *why)
{
    if (o->count == OUTPUTS) {
        (void)refuse(why, "%s: more than %d files to write", path, OUTPUTS);
        return NULL;
    }
    struct output row = {.path = path};
    if (strcmp(path, "-") == 0) {
        row.file = stdout;
    } else {
        if (!outputs_spare(o, path, why))
            return NULL;
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        row.created = fd >= 0;
        if (fd < 0 && errno == EEXIST)
            fd = open(path, O_WRONLY | O_CLOEXEC);
        row.file = fd >= 0 ? fdopen(fd, "w") : NULL;
    }
    if (row.file == NULL) {
        (void)refuse(why, "%s: %s", path, strerror(errno));
        return NULL;
    }
    o->rows[o->count++] = row;
    return row.file;
}

bool outputs_begin(struct outputs *o, struct sentence *why)
{
    for (size_t i = 0; i < o->count; i++) {
        struct stat st;
        int fd = fileno(o->rows[i].file);
        bool ok =
            o->rows[i].file == stdout || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || ftruncate(fd, 0) == 0;
        if (!ok)
            return refuse(why, "%s: %s", o->rows[i].path, strerror(errno));
    }
    return true;
}

bool outputs_flush(struct outputs *o, struct sentence *why)
{
    for (size_t i = 0; i < o->count; i++)
        if (fflush(o->rows[i].file) != 0 || ferror(o->rows[i].file) != 0)
            return refuse(why, "%s: %s",
                          strcmp(o->rows[i].path, "-") == 0 ? "standard output" : o->rows[i].path,
                          strerror(errno));
    return true;
}

void outputs_close(struct outputs *o, bool undo)
{
    for (size_t i = 0; i < o->count; i++) {
        if (o->rows[i].file != stdout)
            (void)fclose(o->rows[i].file);
        if (undo && o->rows[i].created)
            (void)unlink(o->rows[i].path);
    }
    o->count = 0;
}

int output_end(const char *command, int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    (void)fprintf(stderr, "%s: standard output cannot be written\n", command);
    return 2;
}

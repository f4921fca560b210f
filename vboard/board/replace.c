/* See replace.h. */
#include "board/replace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Those of the file that is there, or of a new one. */
static mode_t permissions(const struct stat *there)
{
    if (there != NULL)
        return there->st_mode & 0777;
    mode_t mask = umask(0);
    (void)umask(mask);
    return 0666 & ~mask;
}

/* Beside the file, then in its place: whoever reads it sees the old one or the new one. */
bool file_replace(const char *path, const uint8_t *bytes, size_t size, struct sentence *why)
{
    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (exists && !S_ISREG(st.st_mode))
        return refuse(why, "%s: is not a regular file", path);
    char *real = realpath(path, NULL), *name = NULL;
    if (asprintf(&name, "%s.XXXXXX", real != NULL ? real : path) < 0)
        name = NULL;
    int fd = name != NULL ? mkstemp(name) : -1;
    FILE *f = fd >= 0 ? fdopen(fd, "wb") : NULL;
    bool ok =
        f != NULL && fchmod(fd, permissions(exists ? &st : NULL)) == 0 && fwrite(bytes, 1, size, f) == size;
    if (f != NULL ? fclose(f) != 0 : fd >= 0 && close(fd) != 0)
        ok = false;
    ok = ok && rename(name, real != NULL ? real : path) == 0;
    if (!ok) {
        (void)refuse(why, "%s: cannot be written: %s", path, strerror(errno));
        if (fd >= 0)
            (void)unlink(name);
    }
    free(name);
    free(real);
    return ok;
}

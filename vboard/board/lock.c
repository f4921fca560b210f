/* See lock.h. The lock is a name among Linux's abstract Unix sockets (unix(7)), made of the folder and of the
 * file's name: it is there before the file is, stays when the file is replaced, goes with the process,
 * however that ends, and leaves nothing behind. */
#include "board/lock.h"

#include "board/crc32.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The address for the file at `path`, which is no link that leads to one; its length, 0: see errno. */
static socklen_t address_of(struct sockaddr_un *address, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    char *folder = slash != NULL ? strndup(path, (size_t)(name - path)) : strdup(".");
    struct stat st;
    bool found = folder != NULL && stat(folder, &st) == 0;
    free(folder);
    if (!found)
        return 0;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX}; /* sun_path begins with NUL: abstract */
    int n = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "sureboot:%jx:%jx:%08x",
                     (uintmax_t)st.st_dev, (uintmax_t)st.st_ino,
                     (unsigned)crc32_more(CRC32_START, (const uint8_t *)name, strlen(name)));
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

bool file_lock(struct file_lock *lock, const char *path, struct sentence *why)
{
    struct sockaddr_un address;
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return true;
    char *real = realpath(path, NULL); /* a link is replaced where it leads */
    socklen_t size = address_of(&address, real != NULL ? real : path);
    free(real);
    int fd = size != 0 ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, size) == 0) {
        *lock = (struct file_lock){true, fd};
        return true;
    }
    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    return error == EADDRINUSE
               ? refuse(why, "%s: is in use by another vboard or vdfu that has not ended", path)
               : refuse(why, "%s: cannot be locked: %s", path, strerror(error));
}

void file_unlock(struct file_lock *lock)
{
    if (lock->held)
        (void)close(lock->fd);
    *lock = (struct file_lock){0};
}

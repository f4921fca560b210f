/* See lock.h. The lock is that of an empty file beside it, NAME.lock: a lock of the file itself would stay
 * with what file_replace takes away, and what does not exist yet has none. It is flock that counts: a file
 * that a killed run has left is free. */
#include "board/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 100 }; /* each time somebody else has removed the file meanwhile */

/* Is it still what is called so? */
static bool in_place(int fd, const char *name)
{
    struct stat own, there;
    return fstat(fd, &own) == 0 && stat(name, &there) == 0 && own.st_dev == there.st_dev &&
           own.st_ino == there.st_ino;
}

/* -1: see errno. */
static int take(const char *name)
{
    for (unsigned i = 0; i < TRIES; i++) {
        int fd = open(name, O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
        if (fd < 0)
            return -1;
        bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        int error = errno;
        if (locked && in_place(fd, name))
            return fd;
        (void)close(fd);
        errno = error;
        if (!locked)
            return -1;
    }
    errno = EWOULDBLOCK;
    return -1;
}

bool file_lock(struct file_lock *lock, const char *path, struct sentence *why)
{
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return true;
    char *real = realpath(path, NULL), *name = NULL; /* a link is replaced where it leads */
    if (asprintf(&name, "%s.lock", real != NULL ? real : path) < 0)
        name = NULL;
    free(real);
    if (name == NULL)
        return refuse(why, "out of memory");
    int fd = take(name);
    if (fd < 0) {
        (void)(errno == EWOULDBLOCK
                   ? refuse(why, "%s: is in use by another vboard or vdfu that has not ended", path)
                   : refuse(why, "%s: cannot be locked: %s: %s", path, name, strerror(errno)));
        free(name);
        return false;
    }
    *lock = (struct file_lock){name, fd};
    return true;
}

/* Removed before it is free, so that nobody's is removed. */
void file_unlock(struct file_lock *lock)
{
    struct stat st;
    if (lock->name == NULL)
        return;
    if (fstat(lock->fd, &st) == 0 &&
        st.st_size == 0) /* what has content is somebody's who has other uses for it */
        (void)unlink(lock->name);
    (void)close(lock->fd);
    free(lock->name);
    *lock = (struct file_lock){0};
}

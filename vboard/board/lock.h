/* A file that one run at a time may have: it is read at the start and replaced at the end. */
#ifndef VBOARD_BOARD_LOCK_H
#define VBOARD_BOARD_LOCK_H

#include "board/sentence.h"

struct file_lock {
    bool held;
    int fd;
};

/* Takes `path`, which need not exist, for as long as the process lives or until file_unlock. false: somebody
 * else on this machine has it; see `why`. What is no regular file is not locked. */
bool file_lock(struct file_lock *lock, const char *path, struct sentence *why);
void file_unlock(struct file_lock *lock);

#endif

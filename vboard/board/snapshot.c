/* Snapshots of the whole board, and the state that others keep with it. */
#include <stdlib.h>
#include <string.h>

#include "board/internal.h"

struct kept {
    void *at;
    size_t size;
    void *copy;
};

struct vboard_snapshot {
    struct chip_snapshot *chip;
    struct board_state state;
    struct kept kept[BOARD_KEPT];
};

bool board_keep(struct vboard *b, void *state, size_t size)
{
    for (unsigned i = 0; i < BOARD_KEPT; i++)
        if (b->kept[i].bytes == NULL) {
            b->kept[i].bytes = state;
            b->kept[i].size = size;
            return true;
        }
    return false;
}

void board_forget(struct vboard *b, void *state)
{
    for (unsigned i = 0; i < BOARD_KEPT; i++)
        if (b->kept[i].bytes == state)
            b->kept[i].bytes = NULL;
}

struct vboard_snapshot *vboard_save(struct vboard *b)
{
    struct vboard_snapshot *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->state = b->state;
    s->chip = chip_save(b->chip);
    bool ok = s->chip != NULL;
    for (unsigned i = 0; ok && i < BOARD_KEPT; i++) {
        if (b->kept[i].bytes == NULL)
            continue;
        s->kept[i] = (struct kept){b->kept[i].bytes, b->kept[i].size, malloc(b->kept[i].size)};
        ok = s->kept[i].copy != NULL;
        if (ok)
            memcpy(s->kept[i].copy, s->kept[i].at, s->kept[i].size);
    }
    if (!ok) {
        vboard_snapshot_free(s);
        return NULL;
    }
    return s;
}

void vboard_restore(struct vboard *b, const struct vboard_snapshot *s)
{
    b->state = s->state;
    chip_restore(b->chip, s->chip);
    for (unsigned i = 0; i < BOARD_KEPT; i++)
        if (s->kept[i].at != NULL)
            memcpy(s->kept[i].at, s->kept[i].copy, s->kept[i].size);
}

void vboard_snapshot_free(struct vboard_snapshot *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < BOARD_KEPT; i++)
        free(s->kept[i].copy);
    chip_snapshot_free(s->chip);
    free(s);
}

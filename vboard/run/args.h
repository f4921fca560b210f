/* The options that every command which runs a board has: --load, --flash, --seed, --uid, --slot,
 * --option, --cut, --strict. */
#ifndef VBOARD_RUN_ARGS_H
#define VBOARD_RUN_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/lock.h"
#include "board/sentence.h"
#include "run/output.h"
#include "vboard.h"

struct board_args {
    struct vboard_config config;
    const char *flash; /* STATE; NULL: a new chip, not kept */
    struct file_lock lock;
    uint64_t cut_n; /* 0: none */
    enum vboard_cut cut_model;
    struct board_args_load {
        const char *path;
        uint32_t addr;
    } * loads;
    struct board_args_option {
        const char *name, *value;
    } * options;
    size_t load_count, option_count;
};

/* Lines for --help about these options, and about what --option takes. */
extern const char board_args_help[];
void board_args_print_options(void);

/* Those that may be given more than once, vboard's --uart as well; for parse_twice(). */
extern const char *const board_args_again[];
/* If argv[*i] is one of these options: takes it with its value and moves *i to the last word taken.
 * 1: taken, 0: another option, -1: wrong, see `why`. The words of argv stay in use, and "NAME=VALUE" and
 * "FILE@ADDR" are cut in two in place. */
int board_args_take(struct board_args *args, int argc, char **argv, int *i, struct sentence *why);
/* The same for one option of the command's own: argv[*i] is `name`, and *value becomes the next word, or
 * what follows the equals sign of "name=value". */
int board_args_value(const char *name, int argc, char **argv, int *i, char **value, struct sentence *why);
/* "N[:MODEL]"; no model is `before`. */
bool board_args_cut(const char *text, uint64_t *n, enum vboard_cut *model);

/* A board without power, with flash state, loads, options and cut in place. A STATE that does not
 * exist yet is a new chip; it has to be in a directory that can be written, and is this run's alone until
 * board_args_free. NULL: see `why`. */
struct vboard *board_args_create(struct board_args *args, struct sentence *why);
/* false: a file of --load or --flash is one that the run writes as well. */
bool board_args_spared(const struct board_args *args, const struct outputs *o, struct sentence *why);
void board_args_free(struct board_args *args);

#endif

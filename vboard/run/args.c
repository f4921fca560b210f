/* See args.h. */
#include "run/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/parse.h"

const char board_args_help[] =
    "  --load FILE[@ADDR]     ELF, Intel HEX, DfuSe, or raw binary at ADDR\n"
    "                         (0x08000000); repeat for more\n"
    "  --flash STATE          what the chip keeps without power: read if the file\n"
    "                         exists, written at the end\n"
    "  --slot ADDR            where the application begins, for the event handoff\n"
    "                         (0x08004000)\n"
    "  --cut N[:MODEL]        power ends at the N-th erase, double-word program or\n"
    "                         option write: before (default), after, torn or half\n"
    "  --strict               touching what is not modelled ends the run, status 1\n"
    "  --seed N               of everything random (0)\n"
    "  --uid HEX              unique id, 12 bytes (default: made from the seed)\n"
    "  --option NAME=VALUE    see below\n";

const char *const board_args_again[] = {"--load", "--option", "--uart", NULL};

void board_args_print_options(void)
{
    (void)printf("\nOptions of the board (--option NAME=VALUE):\n");
    const struct vboard_option_info *o;
    for (size_t i = 0; (o = vboard_option_at(i)) != NULL; i++)
        (void)printf("  %s=%s\n                         %s\n", o->name, o->values, o->meaning);
}

int board_args_value(const char *name, int argc, char **argv, int *i, char **value, struct sentence *why)
{
    size_t length = strlen(name);
    if (strncmp(argv[*i], name, length) != 0)
        return 0;
    if (argv[*i][length] == '=') {
        *value = argv[*i] + length + 1;
        return 1;
    }
    if (argv[*i][length] != '\0')
        return 0;
    if (*i + 1 >= argc) {
        (void)refuse(why, "%s needs a value", name);
        return -1;
    }
    *value = argv[++*i];
    return 1;
}

bool board_args_cut(const char *text, uint64_t *n, enum vboard_cut *model)
{
    static const struct {
        const char *name;
        enum vboard_cut model;
    } models[] = {{"", CUT_BEFORE},
                  {":before", CUT_BEFORE},
                  {":after", CUT_AFTER},
                  {":torn", CUT_TORN},
                  {":half", CUT_HALF}};
    char digits[24] = "";
    size_t length = strcspn(text, ":");
    if (length >= sizeof digits)
        return false;
    memcpy(digits, text, length);
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        if (strcmp(text + length, models[i].name) == 0) {
            *model = models[i].model;
            return parse_number(digits, UINT64_MAX / 2, n) && *n > 0;
        }
    return false;
}

/* ---- one function for each option: the value, into args ---------------------------------- */

static bool take_load(struct board_args *args, char *text, struct sentence *why)
{
    struct board_args_load *loads = realloc(args->loads, (args->load_count + 1) * sizeof *loads);
    if (loads == NULL)
        return refuse(why, "out of memory");
    args->loads = loads;
    loads[args->load_count] = (struct board_args_load){.path = text};
    return parse_place(text, &loads[args->load_count++].addr, why);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): all functions of the table have one type */
static bool take_flash(struct board_args *args, char *text, struct sentence *why)
{
    if (*text == '\0')
        return refuse(why, "--flash needs a value");
    args->flash = text;
    return true;
}

static bool take_seed(struct board_args *args, char *text, struct sentence *why)
{
    return parse_number(text, UINT64_MAX, &args->config.seed) ||
           refuse(why, "--seed takes a number, not '%s'", text);
}

static bool take_uid(struct board_args *args, char *text, struct sentence *why)
{
    size_t size = 0;
    if (parse_hex(text, args->config.uid, sizeof args->config.uid, &size) && size == sizeof args->config.uid)
        return true;
    return refuse(why, "--uid takes 24 hexadecimal digits, not '%s'", text);
}

static bool take_slot(struct board_args *args, char *text, struct sentence *why)
{
    uint64_t v;
    if (!parse_number(text, UINT32_MAX, &v) || v < 0x08000000 || v >= 0x08040000)
        return refuse(why, "--slot takes an address in flash, not '%s'", text);
    args->config.slot = (uint32_t)v;
    return true;
}

static bool take_cut(struct board_args *args, char *text, struct sentence *why)
{
    return board_args_cut(text, &args->cut_n, &args->cut_model) ||
           refuse(why, "--cut takes N, N:before, N:after, N:torn or N:half with N from 1, not '%s'", text);
}

static bool take_option(struct board_args *args, char *text, struct sentence *why)
{
    char *equals = strchr(text, '=');
    if (equals == NULL)
        return refuse(why, "--option takes NAME=VALUE, not '%s'", text);
    *equals = '\0';
    for (size_t i = 0; i < args->option_count; i++)
        if (strcmp(args->options[i].name, text) == 0)
            return refuse(why, "--option %s is given twice", text);
    struct board_args_option *options = realloc(args->options, (args->option_count + 1) * sizeof *options);
    if (options == NULL)
        return refuse(why, "out of memory");
    args->options = options;
    options[args->option_count++] = (struct board_args_option){text, equals + 1};
    return true;
}

static const struct {
    const char *name;
    bool (*take)(struct board_args *args, char *text, struct sentence *why);
} table[] = {{"--load", take_load}, {"--flash", take_flash}, {"--seed", take_seed},    {"--uid", take_uid},
             {"--slot", take_slot}, {"--cut", take_cut},     {"--option", take_option}};

int board_args_take(struct board_args *args, int argc, char **argv, int *i, struct sentence *why)
{
    if (strcmp(argv[*i], "--strict") == 0) {
        args->config.strict = true;
        return 1;
    }
    for (size_t j = 0; j < sizeof table / sizeof table[0]; j++) {
        char *value;
        int taken = board_args_value(table[j].name, argc, argv, i, &value, why);
        if (taken > 0)
            return table[j].take(args, value, why) ? 1 : -1;
        if (taken < 0)
            return -1;
    }
    return 0;
}

/* The directory must take the new file at the end; better to know now. */
static bool can_write_state(const char *path, struct sentence *why)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return refuse(why, "out of memory");
    char *slash = strrchr(copy, '/');
    if (slash != NULL)
        slash[slash == copy ? 1 : 0] = '\0';
    bool ok = access(slash != NULL ? copy : ".", W_OK | X_OK) == 0 ||
              refuse(why, "%s: cannot be written: %s", path, strerror(errno));
    free(copy);
    return ok;
}

static bool prepare(struct vboard *b, const struct board_args *args)
{
    struct stat st;
    bool exists = args->flash != NULL && (stat(args->flash, &st) == 0 || errno != ENOENT);
    for (size_t i = 0; i < args->option_count; i++)
        if (!vboard_option(b, args->options[i].name, args->options[i].value))
            return false;
    if (exists && !vboard_read_state(b, args->flash))
        return false;
    for (size_t i = 0; i < args->load_count; i++)
        if (!vboard_load_file(b, args->loads[i].path, args->loads[i].addr))
            return false;
    if (args->cut_n != 0)
        vboard_cut(b, args->cut_n, args->cut_model);
    return true;
}

struct vboard *board_args_create(struct board_args *args, struct sentence *why)
{
    struct sentence unwritable;
    bool writable = args->flash == NULL || can_write_state(args->flash, &unwritable);
    /* Before it is read: what another run has not written yet would be missing. */
    if (args->flash != NULL && writable && !file_lock(&args->lock, args->flash, why))
        return NULL;
    struct vboard *b = vboard_create(&args->config);
    if (b == NULL) {
        (void)refuse(why, "out of memory");
        return NULL;
    }
    bool ready = prepare(b, args) || refuse(why, "%s", vboard_error(b));
    if (ready && !writable)
        ready = refuse(why, "%s", unwritable.text);
    if (!ready) {
        vboard_destroy(b);
        return NULL;
    }
    return b;
}

bool board_args_spared(const struct board_args *args, const struct outputs *o, struct sentence *why)
{
    for (size_t i = 0; i < args->load_count; i++)
        if (!outputs_spare(o, args->loads[i].path, why))
            return false;
    return args->flash == NULL || outputs_spare(o, args->flash, why);
}

void board_args_free(struct board_args *args)
{
    file_unlock(&args->lock);
    free(args->loads);
    free(args->options);
    *args = (struct board_args){0};
}

/* vdfu: runs a board with some DFU firmware and plays dfu-util against it, in virtual time. Prints one
 * JSON line with the outcome. Exit status: 0 done, 1 refused, 2 bad usage or input, 3 time limit. */
#include "board/image.h"
#include "board/parse.h"
#include "host/dfuhost.h"
#include "run/args.h"
#include "run/events.h"
#include "run/json.h"
#include "run/output.h"
#include "vboard.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE, EXIT_TIME };
enum { UPLOAD_ROOM = 1 << 20 };

struct options {
    struct board_args board;
    char *download, *upload;
    bool leave_given, leave, verbose, help, version;
    enum dfu_dialect dialect;
    uint64_t transfer, per_frame, limit_ns;
    uint32_t addr, length;
};

static const char help[] = "usage: vdfu --load FIRMWARE --download FILE[@ADDR] [OPTION]…\n"
                           "       vdfu --load FIRMWARE --upload FILE[@ADDR[:LEN]] [OPTION]…\n"
                           "Plays dfu-util 0.11 against the DFU firmware on a virtual Nucleo-L433RC-P, in\n"
                           "virtual time.\n\n"
                           "  --download FILE[@ADDR] what to send: with ADDR, or if it has none of its own,\n"
                           "                         the bytes as they are (to the first writable address),\n"
                           "                         else the parts of a DfuSe, HEX or ELF file\n"
                           "  --upload FILE[@ADDR[:LEN]]\n"
                           "                         reads LEN bytes (to the end of the segment) from ADDR\n"
                           "                         (its start)\n"
                           "  --dialect dfuse|dfu11  whatever the device announces\n"
                           "  --leave, --no-leave    DfuSe: ask the device to leave at the end (after a\n"
                           "                         download, not after an upload)\n"
                           "  --transfer N           bytes in a block, as dfu-util -t (as the device says)\n"
                           "  --txn-per-frame N      transactions in a 1 ms frame, 1 to 19 (10)\n"
                           "  --time-limit SECONDS   of virtual time (no limit)\n"
                           "  --verbose              each request, on standard error\n"
                           "  --help, --version\n\n";

static int usage(const char *sentence)
{
    fprintf(stderr, "vdfu: %s\n", sentence);
    return EXIT_USAGE;
}

/* ---- the command line --------------------------------------------------------------------- */

static bool set_number(const char *name, const char *text, uint64_t max, uint64_t *value,
                       struct sentence *why)
{
    return (parse_number(text, max, value) && *value > 0) ||
           refuse(why, "%s takes a number from 1 to %llu, not '%s'", name, (unsigned long long)max, text);
}

/* FILE[@ADDR[:LEN]]: cuts off :LEN. */
static bool take_length(char *text, uint32_t *length, struct sentence *why)
{
    char *at = strrchr(text, '@'), *colon = at ? strchr(at, ':') : NULL;
    uint64_t n;
    if (!colon)
        return true;
    if (!parse_number(colon + 1, UPLOAD_ROOM, &n) || n == 0)
        return refuse(why, "--upload takes a length from 1 to %d, not '%s'", UPLOAD_ROOM, colon + 1);
    *colon = '\0';
    *length = (uint32_t)n;
    return true;
}

static bool set_option(struct options *o, const char *name, char *value, struct sentence *why)
{
    if (strcmp(name, "--download") == 0) {
        o->download = value;
        return parse_place(value, &o->addr, why);
    }
    if (strcmp(name, "--upload") == 0) {
        o->upload = value;
        if (strcmp(value, "-") == 0)
            return refuse(why, "--upload takes a file: standard output is for the result");
        return take_length(value, &o->length, why) && parse_place(value, &o->addr, why);
    }
    if (strcmp(name, "--dialect") == 0) {
        if (strcmp(value, "dfuse") != 0 && strcmp(value, "dfu11") != 0)
            return refuse(why, "--dialect is dfuse or dfu11, not '%s'", value);
        o->dialect = strcmp(value, "dfuse") == 0 ? DFU_DFUSE : DFU_DFU11;
        return true;
    }
    if (strcmp(name, "--transfer") == 0)
        return set_number(name, value, 4096, &o->transfer, why);
    if (strcmp(name, "--txn-per-frame") == 0)
        return set_number(name, value, 19, &o->per_frame, why);
    return (parse_seconds(value, &o->limit_ns) && o->limit_ns > 0) ||
           refuse(why, "--time-limit takes seconds, at most %u, not '%s'", PARSE_MAX_SECONDS, value);
}

static bool take_word(struct options *o, int argc, char **argv, int *i, struct sentence *why)
{
    static const char *const with_value[] = {"--download", "--upload",        "--dialect",
                                             "--transfer", "--txn-per-frame", "--time-limit"};
    char *value;
    for (size_t k = 0; k < sizeof with_value / sizeof with_value[0]; k++) {
        int taken = board_args_value(with_value[k], argc, argv, i, &value, why);
        if (taken != 0)
            return taken > 0 && set_option(o, with_value[k], value, why);
    }
    int taken = board_args_take(&o->board, argc, argv, i, why);
    if (taken != 0)
        return taken > 0;
    if (strcmp(argv[*i], "--leave") == 0 || strcmp(argv[*i], "--no-leave") == 0) {
        if (o->leave_given)
            return refuse(why, "say --leave or --no-leave, not both");
        o->leave_given = true;
        o->leave = strcmp(argv[*i], "--leave") == 0;
    } else if (strcmp(argv[*i], "--verbose") == 0) {
        o->verbose = true;
    } else if (strcmp(argv[*i], "--help") == 0 || strcmp(argv[*i], "-h") == 0) {
        o->help = true;
    } else if (strcmp(argv[*i], "--version") == 0) {
        o->version = true;
    } else {
        return refuse(why, "there is no option '%s'; vdfu --help lists them", argv[*i]);
    }
    return true;
}

static bool take_all(struct options *o, int argc, char **argv, struct sentence *why)
{
    for (int i = 1; i < argc; i++) {
        if (parse_twice(i + 1, argv, board_args_again, why) || !take_word(o, argc, argv, &i, why))
            return false;
    }
    if (o->help || o->version)
        return true;
    if (!o->download == !o->upload)
        return refuse(why, "give either --download or --upload; vdfu --help tells more");
    if (!o->leave_given)
        o->leave = o->download != NULL;
    return true;
}

/* ---- the job ------------------------------------------------------------------------------ */

/* What is to be sent: owns the bytes. */
struct payload {
    struct image image;
    struct dfu_element *elements;
    size_t count;
    bool dfuse_file;
};

/* dfu-util takes a suffix off, and refuses to send a DfuSe file to an address. */
static bool read_raw(struct payload *p, const struct options *o, struct sentence *why)
{
    size_t size;
    uint16_t bcd = 0;
    uint8_t *bytes = image_read_bytes(o->download, &size, why);
    bool ok = bytes != NULL;
    if (ok && image_has_dfu_suffix(bytes, size)) {
        ok = image_check_dfu_suffix(o->download, bytes, size, &bcd, why);
        size -= 16;
    }
    if (ok && bcd == 0x011A)
        ok = refuse(why, "%s: is a DfuSe file, which has addresses of its own", o->download);
    if (ok && size == 0)
        ok = refuse(why, "%s: is empty", o->download);
    if (ok && (uint64_t)o->addr + size > 1ULL << 32)
        ok = refuse(why, "%s: %zu bytes at 0x%08x exceed the address space", o->download, size, o->addr);
    if (ok && !image_add(&p->image, o->addr, bytes, size))
        ok = refuse(why, "%s: out of memory", o->download);
    free(bytes);
    return ok;
}

static bool read_payload(struct payload *p, const struct options *o, struct sentence *why)
{
    bool raw = o->addr != VBOARD_NO_ADDR;
    *p = (struct payload){0};
    if (raw ? !read_raw(p, o, why) : !image_read(&p->image, o->download, IMAGE_NO_ADDR, why))
        return false;
    p->count = p->image.count;
    p->elements = calloc(p->count, sizeof *p->elements);
    if (!p->elements)
        return refuse(why, "out of memory");
    bool no_address = !raw && (p->image.format == IMAGE_RAW || p->image.format == IMAGE_DFU11);
    p->dfuse_file = !raw && p->image.format == IMAGE_DFUSE;
    for (size_t i = 0; i < p->count; i++) {
        const struct image_part *part = &p->image.parts[i];
        p->elements[i] = (struct dfu_element){no_address ? DFU_NO_ADDR : part->addr, part->bytes, part->size};
    }
    return true;
}

static void free_payload(struct payload *p)
{
    image_free(&p->image);
    free(p->elements);
}

static void log_line(void *arg, const char *line)
{
    (void)arg;
    fprintf(stderr, "%s\n", line);
}

/* What the board tells meanwhile. */
struct watch {
    bool verbose, locked_up, missing;
    unsigned explained;
};

static void on_event(void *arg, const struct vboard_event *e)
{
    struct watch *w = arg;
    events_explain(stderr, "vdfu", &w->explained, e);
    w->locked_up = e->kind == VE_RESET ? false : w->locked_up;
    w->locked_up |= e->kind == VE_FAULT && strcmp(e->name, "lockup") == 0;
    w->missing |= e->kind == VE_MISSING;
    if (w->verbose && (e->kind == VE_USB || e->kind == VE_RESET))
        fprintf(stderr, "%12.6f  %s %s\n", (double)e->t / 1e9, e->kind == VE_USB ? "usb" : "reset:", e->name);
}

/* What the DFU tool cannot know: why the device has gone. */
static void explain_failure(struct dfu_result *r, struct vboard *b, const struct watch *w, bool strict)
{
    const char *why = !vboard_powered(b)     ? "power was cut"
                      : strict && w->missing ? "something that is not modelled was touched"
                      : w->locked_up         ? "the processor is locked up"
                                             : NULL;
    size_t length = strlen(r->error);
    r->ok = r->ok && !(strict && w->missing);
    if (!r->ok && why != NULL)
        (void)snprintf(r->error + length, sizeof r->error - length, "%s%s", length > 0 ? "; " : "", why);
}

static void print_result(const struct dfu_result *r)
{
    printf("{\"ok\":%s,\"seconds\":%.6f,\"transfers\":%u,\"errors\":%u,\"status\":%d,\"string\":",
           r->ok ? "true" : "false", r->seconds, r->transfers, r->errors, r->status);
    json_string(stdout, r->string);
    printf(",\"reenumerated\":%s", r->reenumerated ? "true" : "false");
    if (!r->ok) {
        printf(",\"error\":");
        json_string(stdout, r->error);
    }
    printf("}\n");
}

static bool write_upload(struct outputs *out, const uint8_t *bytes, size_t size, struct sentence *why)
{
    if (!outputs_begin(out, why))
        return false;
    (void)fwrite(bytes, 1, size, out->rows[0].file); /* an error stays with the stream */
    return outputs_flush(out, why);
}

static int run(const struct options *o, struct vboard *b, const struct payload *payload, uint8_t *upload,
               struct outputs *out, struct sentence *why)
{
    struct usbhost_config config = {.per_frame = (unsigned)o->per_frame, .enumerate = true};
    struct dfu_job job = {.elements = payload->elements,
                          .element_count = payload->count,
                          .dfuse_file = payload->dfuse_file,
                          .upload = upload,
                          .upload_addr = o->addr,
                          .upload_limit = o->length,
                          .upload_room = UPLOAD_ROOM,
                          .dialect = o->dialect,
                          .leave = o->leave,
                          .transfer_size = (unsigned)o->transfer,
                          .limit_ns = o->limit_ns,
                          .log = o->verbose ? log_line : NULL};
    struct dfu_result result;
    struct watch watch = {.verbose = o->verbose};
    struct usbhost *h = usbhost_create(b, &config);
    if (!h) {
        (void)refuse(why, "out of memory");
        return EXIT_USAGE;
    }
    vboard_on_event(b, on_event, &watch);
    vboard_power(b, true, false);
    dfu_run(h, &job, &result);
    usbhost_destroy(h);
    explain_failure(&result, b, &watch, o->board.config.strict);
    if (upload && result.ok && !write_upload(out, upload, result.uploaded, why))
        return EXIT_USAGE;
    print_result(&result);
    if (o->board.flash && !vboard_write_state(b, o->board.flash)) {
        (void)refuse(why, "%s", vboard_error(b));
        return EXIT_USAGE;
    }
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        (void)refuse(why, "standard output: %s", strerror(errno));
        return EXIT_USAGE;
    }
    return result.ok ? EXIT_DONE : result.timed_out ? EXIT_TIME : EXIT_REFUSED;
}

int main(int argc, char **argv)
{
    struct options o = {.addr = VBOARD_NO_ADDR};
    struct sentence why = {""};
    struct payload payload = {0};
    uint8_t *upload = NULL;
    struct vboard *b = NULL;
    struct outputs out = {0};
    int status = EXIT_USAGE;
    bool good = take_all(&o, argc, argv, &why);
    if (good && (o.help || o.version)) {
        if (o.version) {
            printf("vdfu (sureboot) %s\n", VBOARD_VERSION);
        } else {
            printf("%s%s", help, board_args_help);
            board_args_print_options();
        }
        board_args_free(&o.board);
        return output_end("vdfu", EXIT_DONE);
    }
    if (good && o.download)
        good = read_payload(&payload, &o, &why);
    if (good && o.upload) {
        upload = malloc(UPLOAD_ROOM);
        good = upload != NULL || refuse(&why, "out of memory");
    }
    if (good)
        b = board_args_create(&o.board, &why);
    good =
        b && (!o.upload || (outputs_open(&out, o.upload, &why) && board_args_spared(&o.board, &out, &why)));
    if (good)
        status = run(&o, b, &payload, upload, &out, &why);
    outputs_close(&out, status != EXIT_DONE);
    if (status == EXIT_USAGE)
        usage(why.text);
    if (b)
        vboard_destroy(b);
    free(upload);
    free_payload(&payload);
    board_args_free(&o.board);
    return status;
}

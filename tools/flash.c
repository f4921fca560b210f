/* sureboot flash: an application onto a board over USB, whatever runs there, and what came of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "commands.h"
#include "dfu.h"
#include "tell.h"

/* An LSE, which many wait for before they switch USB on, takes 2 s to start (DS11449). */
enum { LOOK_MS = 100, COMES_MS = 10000, LEAVES_MS = 5000, SETTLES_MS = 6000, STAYS_MS = 2000 };
enum { COMES_AT_MOST = 4 }; /* after three starts one that is not confirmed stays in the bootloader */

struct options {
    char *file;
    const char *serial, *port;
};

static bool take(struct options *o, int argc, char **argv, struct sentence *why)
{
    *o = (struct options){.file = NULL};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--serial") == 0 && i + 1 < argc)
            o->serial = argv[++i];
        else if (strcmp(argv[i], "--port") == 0 && i + 1 < argc)
            o->port = argv[++i];
        else if (argv[i][0] != '-' && !o->file)
            o->file = argv[i];
        else
            return refuse(why, "flash takes an application, --serial SERIAL and --port PORT, not also '%s'",
                          argv[i]);
    }
    return o->file || refuse(why, "flash takes an application");
}

/* ---- a board in DFU mode ----------------------------------------------------------------- */

/* By the application's serial port, as the kit's two hooks have it: the byte 0xAA, and the port closed while
 * it is at 1200 bit/s. */
static bool ask_at_port(const char *port, struct sentence *why)
{
    struct termios t;
    int fd = open(port, O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return refuse(why, "%s: %s", port, strerror(errno));
    bool ok = tcgetattr(fd, &t) == 0;
    if (ok) {
        cfmakeraw(&t);
        t.c_cflag |= CLOCAL | HUPCL;
        ok = cfsetspeed(&t, B1200) == 0 && tcsetattr(fd, TCSANOW, &t) == 0 && write(fd, "\xAA", 1) == 1;
    }
    if (!ok)
        (void)refuse(why, "%s: %s", port, errno == ENOTTY ? "is no serial port" : strerror(errno));
    (void)close(fd); /* the device may have left by now */
    return ok;
}

/* Opens the board when it has come. */
static bool await(struct usb_board *b, const char *serial, struct sentence *why)
{
    uint64_t end = dfu_ms() + COMES_MS;
    do {
        dfu_pause(LOOK_MS);
        if (usb_open(b, USB_DFU_MODE, serial, why) == USB_ONE)
            return true;
    } while (dfu_ms() < end);
    return false;
}

/* Whoever comes without a number that is known before must not be taken for another one. */
static bool nobody_yet(const char *cure, struct sentence *why)
{
    return usb_count_sureboots() == 0 || refuse(why, "there is a sureboot in DFU mode already: %s", cure);
}

/* Leads the application that runs into the bootloader. wanted: what the user says of it, or NULL. */
static bool make_room(struct usb_board *b, const char *wanted, struct sentence *why)
{
    char serial[USB_TEXT];
    memcpy(serial, b->serial, sizeof serial);
    const char *comes = wanted && usb_is_unique_id(wanted) ? wanted
                        : usb_is_unique_id(serial)         ? serial
                                                           : NULL;
    bool ok =
        (comes || nobody_yet("unplug it, or say --serial and all 24 digits", why)) && dfu_detach(b, why);
    usb_close(b);
    if (!ok)
        return false;
    printf("its application makes room for the bootloader\n");
    if (await(b, comes, why))
        return true;
    if (usb_count_sureboots() == 0)
        sentence_write(why, "no bootloader has come in place of the application %s", serial);
    return false;
}

static bool find_behind_port(struct usb_board *b, const struct options *o, struct sentence *why)
{
    bool known = o->serial || nobody_yet("if that is the board, leave out --port; else say --serial", why);
    if (!known || !ask_at_port(o->port, why))
        return false;
    if (await(b, o->serial, why))
        return true;
    if (usb_count_sureboots() == 0)
        sentence_write(why, "no bootloader has come: does the application at %s take the byte 0xAA?",
                       o->port);
    return false;
}

static bool find(struct usb_board *b, const struct options *o, struct sentence *why)
{
    struct sentence of_application;
    enum usb_found found = USB_NONE;
    if (o->serial || !o->port)
        found = usb_open(b, USB_DFU_MODE, o->serial, why);
    if (found == USB_ONE)
        return true;
    if (o->port)
        return find_behind_port(b, o, why);
    if (found != USB_NONE)
        return false;
    switch (usb_open(b, USB_RUN_TIME, o->serial, &of_application)) {
    case USB_ONE: return make_room(b, o->serial, why);
    case USB_UNCLEAR: *why = of_application; return false;
    default: return false;
    }
}

/* ---- what came of it --------------------------------------------------------------------- */

static int tell_why_it_is_back(const struct usb_board *was, char *file)
{
    struct usb_board b;
    struct dfu_report text;
    struct report r;
    struct sentence why;
    printf("it is back in the bootloader:\n");
    bool ok = usb_open(&b, USB_DFU_MODE, was->serial, &why) == USB_ONE && dfu_read_report(&b, &text, &why) &&
              report_parse(&r, text.text, text.size, &why);
    usb_close(&b);
    if (!ok)
        return cannot(&why);
    tell_report(&r, file);
    return EXIT_BAD;
}

/* Looks until there is something else to see, or for so long. */
static enum usb_sight look_beyond(enum usb_sight sight, uint64_t ms, const struct usb_board *was,
                                  char product[USB_TEXT])
{
    enum usb_sight now;
    uint64_t end = dfu_ms() + ms;
    do {
        dfu_pause(LOOK_MS);
        now = usb_look(was, product);
    } while (now == sight && dfu_ms() < end);
    return now;
}

/* It leaves the bus, and somebody comes: the application, if it has USB, or the bootloader once more. What
 * has come has to stay: one that crashes may come and go until it is not started any more. */
static int watch(const struct usb_board *was, char *file)
{
    char product[USB_TEXT] = "";
    enum usb_sight sight = look_beyond(USB_STILL_THERE, LEAVES_MS, was, product);
    if (sight == USB_STILL_THERE) {
        struct sentence why;
        sentence_write(&why, "the board %s does not leave the bootloader", was->serial);
        return cannot(&why);
    }
    for (unsigned came = 0;;) {
        if (sight == USB_NOTHING)
            sight = look_beyond(USB_NOTHING, SETTLES_MS, was, product);
        if (sight == USB_SUREBOOT)
            return tell_why_it_is_back(was, file);
        if (sight == USB_NOTHING || came == COMES_AT_MOST) {
            printf(came ? "it was on USB, and has left again: it crashes, or switches USB off\n"
                        : "it was started; nothing of it is on USB\n");
            return came ? EXIT_BAD : EXIT_GOOD;
        }
        enum usb_sight before = sight;
        sight = look_beyond(before, STAYS_MS, was, product);
        if (sight == before) {
            if (sight == USB_MUTE)
                printf("it is on USB, but answers no request: it hangs\n");
            else
                printf("it runs, and is on USB: %s\n", product[0] ? product : "without a name");
            return sight == USB_MUTE ? EXIT_BAD : EXIT_GOOD;
        }
        came += sight == USB_NOTHING;
    }
}

/* ---- the command ------------------------------------------------------------------------- */

static bool has_terminal, in_line; /* in_line: one that will be written over */

static void progress(uint32_t bytes, uint32_t size)
{
    if (has_terminal)
        printf("\r%u of %u bytes%s", bytes, size, bytes == size ? "\n" : "");
    in_line = has_terminal && bytes != size;
    fflush(stdout);
}

static int flash(struct usb_board *b, char *file, const uint8_t *slot, uint32_t size)
{
    struct sentence why;
    printf("to the board %s\n", b->serial);
    uint64_t start = dfu_ms();
    enum dfu_outcome outcome = dfu_download(b, slot, size, progress, &why);
    if (in_line)
        printf("\n");
    switch (outcome) {
    case DFU_TAKEN:
        printf("%u bytes written, read back and sealed in %.1f s\n", size, (double)(dfu_ms() - start) / 1000);
        usb_close(b);
        return watch(b, file);
    case DFU_REFUSED:
        printf("refused: %s\n", why.text);
        tell_cures(why.text);
        usb_close(b);
        return EXIT_BAD;
    default: usb_close(b); return cannot(&why);
    }
}

int flash_command(int argc, char **argv)
{
    struct sentence why;
    struct options o;
    struct findings f;
    struct usb_board b;
    uint32_t size;
    if (!take(&o, argc, argv, &why))
        return cannot(&why);
    uint8_t *slot = read_application(o.file, false, &size, &f, &why);
    if (!slot)
        return cannot(&why);
    fill_in_info(slot, size, &f);
    has_terminal = isatty(STDOUT_FILENO);
    setvbuf(stdout, NULL, _IOLBF, 0); /* in its place among what is said on standard error */
    for (unsigned i = 0; i < f.count; i++)
        if (f.list[i].code != FINDING_NOT_PACKED) /* mended just now */
            printf("%s: %s\n", f.list[i].severity == WARNING ? "warning" : "note",
                   finding_sentence(f.list[i].code));
    int status = find(&b, &o, &why) ? flash(&b, o.file, slot, size) : cannot(&why);
    free(slot);
    return status;
}

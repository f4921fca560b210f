/* sureboot why: what a board in DFU mode says of itself, in words: why its application does not start, how
 * the last download ended, what reset it, what is in the slot, and where the application crashed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "dfu.h"
#include "tell.h"

/* From a file that dfu-util has made. */
static bool read_file(struct dfu_report *to, const char *path, struct sentence *why)
{
    size_t size;
    uint8_t *bytes = image_read_bytes(path, &size, why);
    if (!bytes)
        return false;
    bool fits = size <= sizeof to->text;
    to->size = fits ? size : 0;
    memcpy(to->text, bytes, to->size);
    free(bytes);
    return fits || refuse(why, "%s: is too long for a report", path);
}

int why_command(int argc, char **argv)
{
    struct sentence why;
    struct usb_board board = {.serial = ""};
    struct dfu_report text;
    struct report r;
    const char *serial = NULL, *saved = NULL;
    char *file = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--serial") == 0 && i + 1 < argc) {
            serial = argv[++i];
        } else if (strcmp(argv[i], "--report") == 0 && i + 1 < argc) {
            saved = argv[++i];
        } else if (argv[i][0] == '-' || file) {
            sentence_write(&why, "why takes an application, --serial SERIAL or --report FILE, not also '%s'",
                           argv[i]);
            return cannot(&why);
        } else {
            file = argv[i];
        }
    }
    if (serial && saved) {
        sentence_write(&why, "why takes a board's --serial or a --report from a file, not both");
        return cannot(&why);
    }
    bool ok = saved ? read_file(&text, saved, &why)
                    : usb_open(&board, USB_DFU_MODE, serial, &why) == USB_ONE &&
                          dfu_read_report(&board, &text, &why);
    usb_close(&board);
    if (!ok)
        return cannot(&why);
    if (!report_parse(&r, text.text, text.size, &why)) {
        struct sentence what = why;
        if (saved)
            sentence_write(&why, "%s: %s", saved, what.text);
        return cannot(&why);
    }
    printf("sureboot %s%s%s\n", r.version, board.serial[0] ? ", serial number " : "", board.serial);
    tell_report(&r, file);
    return strcmp(r.verdict, message_sentence(MESSAGE_READY)) == 0 ? EXIT_GOOD : EXIT_BAD;
}

/* sureboot: which of its commands is meant, and help. See docs/sureboot.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/parse.h"
#include "boot/core/config.h"
#include "commands.h"
#include "run/output.h"
#include "vboard.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {{"inspect", inspect_command},
                {"pack", pack_command},
                {"merge", merge_command},
                {"flash", flash_command},
                {"why", why_command}};

/* What cannot be the last word of any command. */
static const char *const with_value[] = {"-o", "--id", "--serial", "--report", "--port"};

static const char help[] =
    "usage: sureboot inspect FILE[@ADDR] [--json]\n"
    "       sureboot pack FILE[@ADDR] -o OUT.bin|OUT.hex\n"
    "       sureboot pack FILE[@ADDR] -o OUT.dfu [--id VID:PID]\n"
    "       sureboot merge BOOTLOADER APPLICATION -o OUT.bin|OUT.hex\n"
    "       sureboot flash FILE[@ADDR] [--serial SERIAL] [--port PORT]\n"
    "       sureboot why [APPLICATION] [--serial SERIAL | --report FILE]\n"
    "       sureboot --help | --version\n\n"
    "inspect  says what a file is and whether it will run behind sureboot, and if\n"
    "         not, why and what to change. Exit status 0: it will run, 1: it will\n"
    "         not, 2: it cannot be read.\n"
    "pack     fills in the information block (length and CRC) if the application has\n"
    "         one, and writes the whole as raw binary, Intel HEX or DfuSe file, which\n"
    "         is for 0483:df11 or, with --id, for a bootloader built with other ids.\n"
    "merge    makes one image for the factory: bootloader, application, and the seal\n"
    "         that it is whole.\n"
    "flash    puts it onto the board on USB, whose application makes room if it has a\n"
    "         DFU run-time interface or, at the serial PORT, takes the byte 0xAA; and\n"
    "         says what came of it. Exit status 0: it was started, 1: the board\n"
    "         refused it or is back in the bootloader, 2: it could not be done.\n"
    "why      asks the board in DFU mode on USB (or reads the report that dfu-util\n"
    "         got from it) why its application does not start, and where it crashed;\n"
    "         with APPLICATION also whether that is what is on the board. Exit\n"
    "         status 0: it starts at the next reset, 1: it does not, 2: cannot tell.\n\n"
    "FILE is an ELF, Intel HEX, DfuSe or raw binary file, recognised by its content.\n"
    "ADDR is where a raw binary goes, 0x08004000 if it is not given.\n";

int cannot(const struct sentence *why)
{
    fprintf(stderr, "sureboot: %s\n", why->text);
    return EXIT_CANNOT;
}

bool read_image(struct image *image, char *file, uint32_t raw_addr, struct sentence *why)
{
    uint32_t addr;
    if (!parse_place(file, &addr, why))
        return false;
    if (addr != VBOARD_NO_ADDR)
        return image_read(image, file, addr, why);
    /* A raw binary is not told its address where the format has its own. */
    if (!image_read(image, file, IMAGE_NO_ADDR, why))
        return false;
    if (image->format == IMAGE_RAW || image->format == IMAGE_DFU11)
        image->parts[0].addr =
            raw_addr; /* it has one part, and no file is so large that it had no room there */
    return true;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int run(int argc, char **argv)
{
    struct sentence why;
    if (asks_for_help(argc, argv)) {
        fputs(help, stdout);
        return EXIT_GOOD;
    }
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        printf("sureboot %s\n", BOOT_VERSION);
        return EXIT_GOOD;
    }
    if (argc < 2) {
        sentence_write(&why, "say inspect, pack, merge, flash or why; sureboot --help tells more");
        return cannot(&why);
    }
    static const char *const again[] = {NULL};
    if (parse_twice(argc, argv, again, &why))
        return cannot(&why);
    for (size_t i = 0; i < sizeof with_value / sizeof *with_value; i++)
        if (strcmp(argv[argc - 1], with_value[i]) == 0) {
            sentence_write(&why, "%s needs a value", with_value[i]);
            return cannot(&why);
        }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    sentence_write(&why, "no command '%s': say inspect, pack, merge, flash or why", argv[1]);
    return cannot(&why);
}

/* The words, "--name=value" cut into two; the caller frees the array. */
static char **cut_words(int *argc, char **argv)
{
    char **words = calloc(2 * (size_t)*argc + 1, sizeof *words);
    int n = 0;
    for (int i = 0; words && i < *argc; i++) {
        char *value = strncmp(argv[i], "--", 2) == 0 ? strchr(argv[i], '=') : NULL;
        words[n++] = argv[i];
        if (value) {
            *value = '\0';
            words[n++] = value + 1;
        }
    }
    *argc = n;
    return words;
}

int main(int argc, char **argv)
{
    struct sentence why;
    char **words = cut_words(&argc, argv);
    if (!words) {
        sentence_write(&why, "out of memory");
        return cannot(&why);
    }
    int status = output_end("sureboot", run(argc, words));
    free(words);
    return status;
}

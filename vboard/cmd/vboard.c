/* vboard: a virtual Nucleo-L433RC-P that runs unmodified firmware. This file is its command line;
 * run/session.c does the work. */
#include <stdio.h>
#include <string.h>

#include "board/parse.h"
#include "run/session.h"

static const char usage[] = "usage: vboard [OPTION]…\n"
                            "A virtual Nucleo-L433RC-P (STM32L433RC) that runs unmodified firmware.\n"
                            "\n";

static const char own_help[] =
    "  --usbip [ADDR:]PORT    offer the board's USB port to Linux as bus id 1-1;\n"
    "                         port 0 picks one and says which; ADDR is 127.0.0.1\n"
    "                         unless given\n"
    "  --gdb PORT             serve gdb at 127.0.0.1; port 0 picks one and says which\n"
    "  --for SECONDS          end after that much virtual time\n"
    "  --fast                 as fast as the PC can; without it, virtual time never\n"
    "                         runs ahead of wall time, and if late does not catch up\n"
    "  --events FILE|-        what happens, one JSON object a line\n"
    "  --uart NAME=FILE|pty|- output of VCP, USART1, USART2, USART3, LPUART1 or SWO;\n"
    "                         a pty goes both ways\n"
    "  --control PATH|-       take commands at a Unix socket or from standard input\n"
    "  --script FILE          carry out the commands in FILE\n"
    "  --help, --version\n";

static const char ending[] = "\n"
                             "Exit status: 0 the time is over, quit, signal or power cut; 1 lock-up or\n"
                             "--strict; 2 bad input, or output that cannot be written.\n"
                             "Events and details: docs/virtual-nucleo.md.\n";

static void help(void)
{
    (void)printf("%s%s%s", usage, board_args_help, own_help);
    board_args_print_options();
    (void)printf("\nCommands of --control and --script, one a line, later ones after `at SECONDS`:\n");
    for (size_t i = 0; command_usage(i) != NULL; i++)
        (void)printf("  %s\n", command_usage(i));
    (void)fputs(ending, stdout);
}

static bool take_text(char **where, char *value, const char *name, struct sentence *why)
{
    *where = value;
    return *value != '\0' || refuse(why, "%s needs a value", name);
}

static bool take_for(struct session *s, const char *value, struct sentence *why)
{
    return parse_seconds(value, &s->run_ns) ||
           refuse(why, "--for takes seconds, such as 2.5, at most %u, not '%s'", PARSE_MAX_SECONDS, value);
}

static bool take_uart(struct session *s, char *value, struct sentence *why)
{
    if (s->uart_count == PORTS)
        return refuse(why, "--uart is given more than %d times", PORTS);
    s->uarts[s->uart_count++] = value;
    return true;
}

/* 1: taken, 0: unknown, -1: wrong. */
static int take(struct session *s, int argc, char **argv, int *i, struct sentence *why)
{
    if (strcmp(argv[*i], "--fast") == 0) {
        s->fast = true;
        return 1;
    }
    const struct {
        const char *name;
        char **where;
    } texts[] = {{"--usbip", &s->usbip_text},
                 {"--gdb", &s->gdb_text},
                 {"--events", &s->events_path},
                 {"--control", &s->control_path},
                 {"--script", &s->script_path}};
    char *value;
    int taken;
    for (size_t j = 0; j < sizeof texts / sizeof texts[0]; j++) {
        if ((taken = board_args_value(texts[j].name, argc, argv, i, &value, why)) != 0)
            return taken > 0 && take_text(texts[j].where, value, texts[j].name, why) ? 1 : -1;
    }
    if ((taken = board_args_value("--for", argc, argv, i, &value, why)) != 0)
        return taken > 0 && take_for(s, value, why) ? 1 : -1;
    if ((taken = board_args_value("--uart", argc, argv, i, &value, why)) != 0)
        return taken > 0 && take_uart(s, value, why) ? 1 : -1;
    return board_args_take(&s->args, argc, argv, i, why);
}

int main(int argc, char **argv)
{
    struct session s = {.run_ns = UINT64_MAX};
    struct sentence why;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help();
            return output_end("vboard", 0);
        }
        if (strcmp(argv[i], "--version") == 0) {
            (void)printf("vboard (sureboot) %s\n", VBOARD_VERSION);
            return output_end("vboard", 0);
        }
        int taken = parse_twice(i + 1, argv, board_args_again, &why) ? -1 : take(&s, argc, argv, &i, &why);
        if (taken > 0)
            continue;
        if (taken == 0)
            (void)refuse(&why,
                         argv[i][0] == '-' ? "there is no option '%s'; vboard --help lists them"
                                           : "'%s' is no option: --load FILE takes firmware",
                         argv[i]);
        (void)fprintf(stderr, "vboard: %s\n", why.text);
        board_args_free(&s.args);
        return 2;
    }
    return session_run(&s);
}

/* See command.h. One table row is one command: its words and what it does. */
#include "run/command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "board/parse.h"
#include "run/args.h"
#include "run/json.h"

enum { WORDS = 4 };

struct command_kind {
    const char *name, *usage;
    unsigned least, most; /* words after the name */
    bool (*parse)(struct command *c, char **words, unsigned count);
    bool (*run)(const struct command *c, struct command_target *t, struct sentence *why, FILE *answer);
};

/* ---- words ------------------------------------------------------------------------------- */

static bool is(const char *word, const char *one)
{
    return strcmp(word, one) == 0;
}

static bool either(const char *word, const char *no, const char *yes, bool *value)
{
    *value = is(word, yes);
    return *value || is(word, no);
}

static bool keep_in(char name[COMMAND_NAME], const char *word)
{
    if (strlen(word) >= COMMAND_NAME)
        return false;
    strcpy(name, word); // NOLINT: its length was just checked
    return true;
}

static bool keep_name(struct command *c, const char *word)
{
    return keep_in(c->name, word);
}

static bool keep_pin(struct command *c, const char *word)
{
    return vboard_pin_known(word) && keep_name(c, word);
}

static bool keep_bytes(struct command *c, const char *hex)
{
    size_t size;
    c->bytes = malloc(strlen(hex) / 2 + 1);
    if (c->bytes == NULL || !parse_hex(hex, c->bytes, COMMAND_BYTES, &size))
        return false;
    c->size = size;
    return true;
}

/* ---- one pair of functions for each command ---------------------------------------------- */

static bool parse_nothing(struct command *c, char **words, unsigned count)
{
    (void)c;
    (void)words;
    return count == 0;
}

static bool parse_power(struct command *c, char **words, unsigned count)
{
    c->level = count == 1; /* VBAT stays */
    return either(words[0], "off", "on", &c->on) && (count == 1 || (is(words[1], "novbat") && !c->on));
}

static bool run_power(const struct command *c, struct command_target *t, struct sentence *why, FILE *answer)
{
    (void)why;
    (void)answer;
    vboard_power(t->b, c->on, c->level != 0);
    return true;
}

static bool parse_nrst(struct command *c, char **words, unsigned count)
{
    uint64_t ms = 10; /* a short press */
    bool ok = count == 0 || parse_number(words[0], 3600000, &ms);
    c->n = ms * 1000000;
    return ok && ms > 0;
}

static bool run_nrst(const struct command *c, struct command_target *t, struct sentence *why, FILE *answer)
{
    (void)why;
    (void)answer;
    vboard_nrst(t->b, c->n);
    return true;
}

static bool parse_button(struct command *c, char **words, unsigned count)
{
    (void)count;
    return is(words[0], "B1") && either(words[1], "0", "1", &c->on);
}

static bool run_button(const struct command *c, struct command_target *t, struct sentence *why, FILE *answer)
{
    (void)why;
    (void)answer;
    return vboard_button(t->b, c->on);
}

static bool parse_pin(struct command *c, char **words, unsigned count)
{
    (void)count;
    c->level = is(words[1], "z") ? -1 : is(words[1], "1");
    return keep_pin(c, words[0]) && (c->level != 0 || is(words[1], "0"));
}

static bool run_pin(const struct command *c, struct command_target *t, struct sentence *why, FILE *answer)
{
    (void)answer;
    return vboard_drive(t->b, c->name, c->level) || refuse(why, "%s", vboard_error(t->b));
}

static bool parse_wire(struct command *c, char **words, unsigned count)
{
    (void)count;
    return keep_pin(c, words[0]) && vboard_pin_known(words[1]) && keep_in(c->other, words[1]);
}

static bool run_wire(const struct command *c, struct command_target *t, struct sentence *why, FILE *answer)
{
    (void)answer;
    return vboard_wire(t->b, c->name, c->other) || refuse(why, "%s", vboard_error(t->b));
}

static bool parse_usb(struct command *c, char **words, unsigned count)
{
    (void)count;
    return either(words[0], "unplug", "plug", &c->on);
}

static bool run_usb(const struct command *c, struct command_target *t, struct sentence *why, FILE *answer)
{
    (void)answer;
    return t->usb(t->arg, c->on, why);
}

static bool parse_uart(struct command *c, char **words, unsigned count)
{
    (void)count;
    return vboard_uart_known(words[0]) && keep_name(c, words[0]) && keep_bytes(c, words[1]);
}

static bool run_uart(const struct command *c, struct command_target *t, struct sentence *why, FILE *answer)
{
    (void)answer;
    return vboard_uart_send(t->b, c->name, c->bytes, c->size) || refuse(why, "%s", vboard_error(t->b));
}

static bool parse_adc(struct command *c, char **words, unsigned count)
{
    (void)count;
    return keep_pin(c, words[0]) && parse_number(words[1], 5000, &c->n);
}

static bool run_adc(const struct command *c, struct command_target *t, struct sentence *why, FILE *answer)
{
    (void)answer;
    return vboard_adc(t->b, c->name, (unsigned)c->n) || refuse(why, "%s", vboard_error(t->b));
}

static bool parse_cut(struct command *c, char **words, unsigned count)
{
    (void)count;
    return board_args_cut(words[0], &c->n, &c->model);
}

static bool run_cut(const struct command *c, struct command_target *t, struct sentence *why, FILE *answer)
{
    (void)why;
    (void)answer;
    vboard_cut(t->b, c->n, c->model);
    return true;
}

static bool parse_peek(struct command *c, char **words, unsigned count)
{
    (void)count;
    return parse_number(words[0], UINT32_MAX, &c->n) && parse_number(words[1], COMMAND_PEEK, &c->size) &&
           c->size > 0;
}

static bool run_peek(const struct command *c, struct command_target *t, struct sentence *why, FILE *answer)
{
    uint8_t *bytes = malloc(c->size);
    if (bytes == NULL)
        return refuse(why, "out of memory");
    bool ok = vboard_peek(t->b, (uint32_t)c->n, bytes, c->size) || refuse(why, "%s", vboard_error(t->b));
    if (ok) {
        (void)fprintf(answer, ",\"addr\":%" PRIu64 ",\"hex\":", c->n);
        json_hex(answer, bytes, c->size);
    }
    free(bytes);
    return ok;
}

static bool parse_poke(struct command *c, char **words, unsigned count)
{
    (void)count;
    return parse_number(words[0], UINT32_MAX, &c->n) && keep_bytes(c, words[1]);
}

static bool run_poke(const struct command *c, struct command_target *t, struct sentence *why, FILE *answer)
{
    (void)answer;
    return vboard_poke(t->b, (uint32_t)c->n, c->bytes, c->size) || refuse(why, "%s", vboard_error(t->b));
}

static bool run_regs(const struct command *c, struct command_target *t, struct sentence *why, FILE *answer)
{
    static const char *const names[] = {
        "r0",  "r1", "r2", "r3", "r4",   "r5",  "r6",  "r7",      "r8",      "r9",        "r10",     "r11",
        "r12", "sp", "lr", "pc", "xpsr", "msp", "psp", "primask", "basepri", "faultmask", "control", "fpscr"};
    static const struct {
        const char *name;
        uint32_t addr;
    } scb[] = {{"vtor", 0xE000ED08},
               {"cfsr", 0xE000ED28},
               {"hfsr", 0xE000ED2C},
               {"mmfar", 0xE000ED34},
               {"bfar", 0xE000ED38}};
    (void)c;
    (void)why;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)fprintf(answer, ",\"%s\":%" PRIu32, names[i], vboard_reg(t->b, i));
    for (unsigned i = 0; i < sizeof scb / sizeof scb[0]; i++)
        (void)fprintf(answer, ",\"%s\":%" PRIu32, scb[i].name, vboard_peek32(t->b, scb[i].addr));
    const char *function, *line;
    vboard_where(t->b, vboard_reg(t->b, 15), &function, &line);
    (void)fputs(",\"function\":", answer);
    json_string(answer, function);
    (void)fputs(",\"line\":", answer);
    json_string(answer, line);
    return true;
}

static bool run_quit(const struct command *c, struct command_target *t, struct sentence *why, FILE *answer)
{
    (void)c;
    (void)why;
    (void)answer;
    t->quit = true;
    return true;
}

static const struct command_kind kinds[] = {
    {"power", "power on|off [novbat]", 1, 2, parse_power, run_power},
    {"nrst", "nrst [MILLISECONDS], 1 to 3600000", 0, 1, parse_nrst, run_nrst},
    {"button", "button B1 0|1", 2, 2, parse_button, run_button},
    {"pin", "pin PIN 0|1|z", 2, 2, parse_pin, run_pin},
    {"wire", "wire PIN PIN", 2, 2, parse_wire, run_wire},
    {"usb", "usb plug|unplug", 1, 1, parse_usb, run_usb},
    {"uart", "uart VCP|USART1|USART2|USART3|LPUART1 HEX, digits in pairs", 2, 2, parse_uart, run_uart},
    {"adc", "adc PIN MILLIVOLTS, 0 to 5000", 2, 2, parse_adc, run_adc},
    {"cut", "cut N[:before|after|torn|half]", 1, 1, parse_cut, run_cut},
    {"peek", "peek ADDRESS LENGTH, 1 to 262144", 2, 2, parse_peek, run_peek},
    {"poke", "poke ADDRESS HEX, digits in pairs, up to 65536", 2, 2, parse_poke, run_poke},
    {"regs", "regs", 0, 0, parse_nothing, run_regs},
    {"quit", "quit", 0, 0, parse_nothing, run_quit},
};

const char *command_usage(size_t i)
{
    return i < sizeof kinds / sizeof kinds[0] ? kinds[i].usage : NULL;
}

/* ---- lines ------------------------------------------------------------------------------- */

static const char blanks[] = " \t\r";

bool command_is_empty(const char *line)
{
    line += strspn(line, blanks);
    return *line == '\0' || *line == '#';
}

/* Why it is wrong: most of all a pin that is not there, since the usage alone does not tell. */
static bool refuse_use(const struct command_kind *k, char **words, unsigned count, struct sentence *why)
{
    const char *usage = k->usage;
    for (unsigned i = 1; i < count && (usage = strstr(usage, " PIN")) != NULL; i++, usage++)
        if (!vboard_pin_known(words[i]))
            return refuse(why, "this chip has no pin '%.40s'; the use is: %s", words[i], k->usage);
    return refuse(why, "wrong use, it is: %s", k->usage);
}

static bool parse_words(char **words, unsigned count, struct command *c, struct sentence *why)
{
    if (count >= 1 && is(words[0], "at")) {
        if (count < 2 || !parse_seconds(words[1], &c->at))
            return refuse(why, "'at' takes seconds, such as 1.5, at most %u%s%.40s", PARSE_MAX_SECONDS,
                          count < 2 ? "" : ", not ", count < 2 ? "" : words[1]);
        c->timed = true;
        words += 2;
        count -= 2;
    }
    if (count == 0)
        return refuse(why, "there is no command");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct command_kind *k = &kinds[i];
        if (!is(words[0], k->name))
            continue;
        c->kind = k;
        if (count - 1 < k->least || count - 1 > k->most || !k->parse(c, words + 1, count - 1))
            return refuse_use(k, words, count, why);
        return true;
    }
    return refuse(why, "there is no command '%.40s'; vboard --help lists them", words[0]);
}

bool command_parse(const char *line, struct command *c, struct sentence *why)
{
    *c = (struct command){0};
    if (strlen(line) > COMMAND_LINE)
        return refuse(why, "the line is longer than %d characters", COMMAND_LINE);
    char *copy = strdup(line), *rest = NULL, *words[WORDS + 2] = {NULL};
    if (copy == NULL)
        return refuse(why, "out of memory");
    unsigned count = 0;
    for (char *w = strtok_r(copy, blanks, &rest); w != NULL && count < WORDS + 2;
         w = strtok_r(NULL, blanks, &rest))
        words[count++] = w;
    bool ok = parse_words(words, count, c, why);
    free(copy);
    if (!ok)
        command_free(c);
    return ok;
}

void command_free(struct command *c)
{
    free(c->bytes);
    c->bytes = NULL;
}

void command_refused(FILE *answer, const struct sentence *why)
{
    (void)fputs("{\"ok\":false,\"error\":", answer);
    json_string(answer, why->text);
    (void)fputs("}\n", answer);
}

bool command_run(const struct command *c, struct command_target *target, FILE *answer)
{
    struct sentence why = {{0}};
    char *text = NULL;
    size_t size = 0;
    FILE *more = open_memstream(&text, &size); /* what the command adds, if it succeeds */
    bool ok = more != NULL ? c->kind->run(c, target, &why, more) : refuse(&why, "out of memory");
    if (more != NULL && fclose(more) != 0)
        ok = refuse(&why, "out of memory");
    if (ok)
        (void)fprintf(answer, "{\"ok\":true,\"t\":%" PRIu64 "%s}\n", vboard_now(target->b), text);
    else
        command_refused(answer, &why);
    free(text);
    return ok;
}

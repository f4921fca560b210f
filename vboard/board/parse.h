/* Numbers as users type them: on the command line, in scripts and over the control socket.
 * Each function takes the whole string or nothing. */
#ifndef VBOARD_BOARD_PARSE_H
#define VBOARD_BOARD_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/sentence.h"

/* Decimal or 0x-hex, 0..max. No sign, no blanks, no octal: "010" is ten. */
bool parse_number(const char *text, uint64_t max, uint64_t *value);
/* Decimal seconds, "2", "0.25", ".5", and as scripts print them: "0.30000000000000004", "1e-05"; at most
 * PARSE_MAX_SECONDS (virtual time is 64 bits of picoseconds, 213 days). To whole nanoseconds, what is smaller
 * is cut off. */
#define PARSE_MAX_SECONDS 18000000
bool parse_seconds(const char *text, uint64_t *ns);
/* Hex digits in pairs, 1..max bytes. */
bool parse_hex(const char *text, uint8_t *bytes, size_t max, size_t *size);
/* "FILE[@ADDR]": cuts text at the @. *addr is VBOARD_NO_ADDR without one. */
bool parse_place(char *text, uint32_t *addr, struct sentence *why);
/* True if an option stands twice among the words, "--for 1" or "--for=1", other than those in `again`, which
 * ends with NULL. */
bool parse_twice(int argc, char **argv, const char *const *again, struct sentence *why);
/* Value of one hex digit, -1 if it is none. */
int parse_digit(char c);

#endif

/* Writing JSON: the little that events and answers need. Output is ASCII whatever a string holds. */
#ifndef VBOARD_RUN_JSON_H
#define VBOARD_RUN_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A quoted string of UTF-8; NULL becomes null. A byte that belongs to no character is written as the code
 * point of that number. */
void json_string(FILE *f, const char *text);
/* A quoted string of hexadecimal digits. */
void json_hex(FILE *f, const uint8_t *bytes, size_t size);

#endif

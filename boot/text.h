/* Texts that are put together. The room is for the longest there can be. */
#ifndef BOOT_TEXT_H
#define BOOT_TEXT_H

struct findings;
struct session;

/* Copies a text with its NUL; returns its place. */
char *append(char *to, const char *s);

/* The text of the report segment. */
const char *report(const struct findings *f, const struct session *s);

#endif

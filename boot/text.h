/* Texts that are put together. The room is for the longest there can be. */
#ifndef BOOT_TEXT_H
#define BOOT_TEXT_H

/* Copies a text with its NUL; returns its place. */
char *append(char *to, const char *s);

#endif

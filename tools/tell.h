/* What a board has said, in words, on standard output. */
#ifndef TOOLS_TELL_H
#define TOOLS_TELL_H

#include "report.h"

/* file: of the application that ought to be there; NULL: none is named. */
void tell_report(const struct report *r, char *file);
/* How to mend what a sentence of the message table tells of; nothing if there is no such advice. */
void tell_cures(const char *sentence);

#endif

/* The commands of `sureboot`. Each takes its words (argv[0] is its name) and returns the exit status. */
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

#include "board/image.h"
#include "examine.h"

enum { EXIT_GOOD, EXIT_BAD, EXIT_CANNOT }; /* runs, done | will not run, refused | cannot read, usage */

int inspect_command(int argc, char **argv);
int pack_command(int argc, char **argv);
int merge_command(int argc, char **argv);
int why_command(int argc, char **argv);
int flash_command(int argc, char **argv);

/* What all of them share. Reads a file; a raw binary belongs to raw_addr unless FILE@ADDR says otherwise. */
bool read_image(struct image *image, char *file, uint32_t raw_addr, struct sentence *why);
/* An application's content of the slot, for free(), and what was found. NULL: see `why`; also if it would not
 * run. changed: to be packed anew, so it may have been changed since it was packed. */
uint8_t *read_application(char *file, bool changed, uint32_t *size, struct findings *f, struct sentence *why);
/* Length and CRC into its information block, if it has one. */
void fill_in_info(uint8_t *slot, uint32_t size, struct findings *f);
/* One sentence on standard error; returns EXIT_CANNOT. */
int cannot(const struct sentence *why);

#endif

/* System memory of a new board: the stand-in for ST's ROM bootloader (rom/), carried inside the program, so
 * that one file is the whole virtual Nucleo. `--load` of a dump of a real ROM replaces it. */
#include <string.h>

#include "board/internal.h"
#include "chip/memory.h"

#ifndef ROM_FILE
#define ROM_FILE "build/firmware/rom-standin.bin"
#endif

__asm(".section .rodata\n"
      "board_rom: .incbin \"" ROM_FILE "\"\n"
      ".if . - board_rom != 0x7000\n"
      ".error \"the ROM is not as large as system memory\"\n"
      ".endif\n"
      ".text\n");
extern const uint8_t board_rom[SYSMEM_SIZE];

void board_fit_rom(struct vboard *b)
{
    memcpy(chip_nvm(b->chip)->sysmem, board_rom, SYSMEM_SIZE);
}

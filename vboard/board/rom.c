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
      "board_rom_end:\n"
      ".text\n");
extern const uint8_t board_rom[], board_rom_end[];

void board_fit_rom(struct vboard *b)
{
    struct chip_nvm *n = chip_nvm(b->chip);
    size_t size = (size_t)(board_rom_end - board_rom);
    memcpy(n->sysmem, board_rom, size < sizeof n->sysmem ? size : sizeof n->sysmem);
}

/* The same at 0x08000000, without a bootloader. */
#include "test/board/fw/probe/main.c" // NOLINT(bugprone-suspicious-include)

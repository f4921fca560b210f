# The same as atzero, and so large that all its vectors lie behind the bootloader.
largezero.src := test/board/fw/exhibit/main.c

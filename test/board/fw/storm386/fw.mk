# The same program for qemu-system-arm -M mps2-an386: 4 MiB of code memory at 0 (AN386 "Memory map"),
# SRAM where ours is.
FW_AT_an386 := -DROM_ADDR=0 -DROM_SIZE=0x00400000
storm386.at := an386
storm386.src := $(wildcard test/board/fw/storm/*.c test/board/fw/storm/*.S)
storm386.cflags := $(FW_FPU) -DSTORM_AN386 -O2

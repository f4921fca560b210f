# The same program with the flash to itself.
kitalone.kit := yes
kitalone.src := $(addprefix $(PORT)/,clock.c) test/board/fw/kit/main.c
kitalone.cflags := $(FW_FPU)

kit.at := slot
kit.kit := yes
kit.pack :=
kit.src := $(addprefix $(PORT)/,clock.c)
kit.cflags := $(FW_FPU)

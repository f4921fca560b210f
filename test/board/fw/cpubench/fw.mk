cpubench.cflags := $(FW_FPU) -O2

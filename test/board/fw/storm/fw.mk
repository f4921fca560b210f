storm.cflags := $(FW_FPU) -O2

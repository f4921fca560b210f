gdbtarget.at := slot
gdbtarget.cflags := $(FW_FPU) -O1

unlike.at := slot
unlike.startup :=
unlike.cflags := $(FW_FPU)

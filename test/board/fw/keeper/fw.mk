keeper.at := slot
keeper.cflags := $(FW_FPU) '-DSTARTUP_VTOR=(SCB->VTOR)'

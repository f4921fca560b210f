exhibit.at := slot
exhibit.cflags := '-DSTARTUP_VTOR=(SCB->VTOR)'

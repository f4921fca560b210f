# The museum's simple application with VECT_TAB_OFFSET of another project.
vtorwrong.at := slot
vtorwrong.src := test/board/fw/exhibit/main.c
vtorwrong.cflags := -DSTARTUP_VTOR=0x08010000

naive.src := $(addprefix $(PORT)/,clock.c usbfs_attach.c)

thread.src := rom/dfu.c rom/device.c usb/usbd.c usb/standard.c $(addprefix $(PORT)/,board.c clock.c usbfs.c usbfs_attach.c)
thread.cflags := -DUSBD_CONTROL_ONLY=1

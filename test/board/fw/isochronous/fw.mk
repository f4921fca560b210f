isochronous.src := $(EXAMPLE_PORT) $(addprefix $(PORT)/,usbfs.c usbfs_attach.c) usb/usbd.c usb/standard.c

lateusb.at := slot
lateusb.kit := yes
lateusb.src := $(EXAMPLE_PORT) $(EXAMPLE_USB)

tinynumber.at := slot
tinynumber.kit := yes
tinynumber.cflags := -DSUREBOOT_GRACE_MS=0
tinynumber.src := examples/cdc/main.c $(EXAMPLE_PORT) $(filter-out usb/serial.c,$(EXAMPLE_USB))

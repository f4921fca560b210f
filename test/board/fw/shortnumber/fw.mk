shortnumber.at := slot
shortnumber.kit := yes
shortnumber.src := examples/cdc/main.c $(EXAMPLE_PORT) $(filter-out usb/serial.c,$(EXAMPLE_USB))

othernumber.at := slot
othernumber.kit := yes
othernumber.src := examples/cdc/main.c $(EXAMPLE_PORT) $(filter-out usb/serial.c,$(EXAMPLE_USB))

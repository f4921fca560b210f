# The example cdc with the thread's way to look for 0xAA.
firstbyte.at := slot
firstbyte.kit := yes
firstbyte.src := examples/cdc/main.c $(EXAMPLE_PORT) $(EXAMPLE_USB)

# Firmware for the chip, built with arm-none-eabi-gcc.
FIRMWARE :=
firmware: $(FIRMWARE)

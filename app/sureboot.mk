# The application kit for a Makefile as CubeMX writes it. One line, after LDFLAGS is set and before the
# list of objects is made:
#     include sureboot/sureboot.mk
# Other Makefiles use the SUREBOOT_ variables.
SUREBOOT_DIR := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
SUREBOOT_SRC := $(SUREBOOT_DIR)/sureboot.c
SUREBOOT_INCLUDE := -I$(SUREBOOT_DIR)
# Without nmagic a linker with large pages puts the ELF file's headers where the bootloader is.
SUREBOOT_LDFLAGS := -T$(SUREBOOT_DIR)/sureboot.ld -Wl,--nmagic

C_SOURCES += $(SUREBOOT_SRC)
C_INCLUDES += $(SUREBOOT_INCLUDE)
LDFLAGS += $(SUREBOOT_LDFLAGS)

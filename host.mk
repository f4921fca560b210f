# Programs and libraries for the PC: the virtual Nucleo and the host tools.
CC := gcc
HOST_WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror
HOST_CPPFLAGS := -D_GNU_SOURCE -Ivboard -Iboot
HOST_CFLAGS := -std=c11 -O2 -g $(HOST_WARN)
HOST_LDFLAGS := -fuse-ld=lld # takes half as long as ld for some 200 programs
HOST_LIBS := -lelf -ldw -lm

# The virtual board without its commands: linked by vboard, vdfu and every test.
VBOARD_SRC := $(wildcard vboard/*.c vboard/cpu/*.c vboard/chip/*.c vboard/host/*.c vboard/usbip/*.c vboard/gdb/*.c vboard/net/*.c vboard/board/*.c vboard/run/*.c)
VBOARD_OBJ := $(VBOARD_SRC:%.c=$(B)/obj/host/%.o)
VBOARD_LIB := $(B)/host/libvboard.a

# The ROM bootloader's stand-in is part of the program.
$(B)/obj/host/vboard/board/rom.o: $(B)/firmware/rom-standin.bin
$(B)/obj/host/vboard/board/rom.o: HOST_CPPFLAGS += -DROM_FILE='"$(B)/firmware/rom-standin.bin"'

# Logic of the firmware that runs on the PC as well (no register in it).
BOOT_CORE_SRC := $(wildcard boot/core/*.c usb/*.c) boot/pack/pack.c
$(B)/obj/host/usb/%.o $(B)/obj/host/boot/%.o $(B)/obj/host/test/%.o $(B)/obj/host/tools/%.o: HOST_CPPFLAGS += -I.
BOOT_CORE_OBJ := $(BOOT_CORE_SRC:%.c=$(B)/obj/host/%.o)
BOOT_CORE_LIB := $(B)/host/libbootcore.a

# What of it the tools share: what reads and writes files. No chip, and so none of the firmware in it.
FILES_LIB := $(B)/host/libfiles.a
FILES_OBJ := $(patsubst %.c,$(B)/obj/host/%.o,$(wildcard vboard/board/image*.c) $(addprefix vboard/,board/parse.c board/replace.c board/sentence.c board/symbols.c run/json.c run/output.c))

# One file in vboard/cmd is one command of that name.
VBOARD_CMDS := $(patsubst vboard/cmd/%.c,$(B)/host/%,$(wildcard vboard/cmd/*.c))
TOOLS_LIB := $(B)/host/libtools.a
TOOLS_OBJ := $(patsubst %.c,$(B)/obj/host/%.o,$(filter-out tools/sureboot.c,$(wildcard tools/*.c)))

host: $(VBOARD_LIB) $(BOOT_CORE_LIB) $(VBOARD_CMDS) $(B)/host/sureboot

$(B)/obj/host/%.o: %.c host.mk
	@mkdir -p $(@D)
	$(CC) $(HOST_CPPFLAGS) $(HOST_CFLAGS) -MMD -MP -c $< -o $@

$(VBOARD_LIB): $(VBOARD_OBJ)
$(BOOT_CORE_LIB): $(BOOT_CORE_OBJ)
$(TOOLS_LIB): $(TOOLS_OBJ)
$(FILES_LIB): $(FILES_OBJ)
$(VBOARD_LIB) $(BOOT_CORE_LIB) $(TOOLS_LIB) $(FILES_LIB):
	@mkdir -p $(@D)
	@rm -f $@
	ar rcs $@ $^

$(VBOARD_CMDS): $(B)/host/%: $(B)/obj/host/vboard/cmd/%.o $(VBOARD_LIB)
	$(CC) $(HOST_LDFLAGS) $^ $(HOST_LIBS) -o $@

$(B)/host/sureboot: $(B)/obj/host/tools/sureboot.o $(TOOLS_LIB) $(BOOT_CORE_LIB) $(FILES_LIB)
	$(CC) $(HOST_LDFLAGS) $^ $(HOST_LIBS) -lusb-1.0 -o $@

-include $(shell find $(B)/obj/host -name '*.d' 2>/dev/null)

# Firmware for the chip, built with arm-none-eabi-gcc. One firmware is one paragraph:
#
#     NAME.src     := C and assembler files
#     NAME.at      := bare | slot      linked at 0x08000000 or for the bootloader; default slot
#     NAME.startup := files            default: port/stm32l433/startup.c (vector table, .data, .bss, main)
#     NAME.ld      := FILE             own linker script (run through the preprocessor); default app.ld
#     NAME.cflags  := flags            e.g. $(FW_FPU) for the FPU; also given to the linker
#     NAME.kit     := yes              with the application kit, app/
#     NAME.pack    := yes | (empty)    .bin and .hex with the information block filled in; default: if it
#                                      has the kit and is linked for the bootloader
#     NAME.link    := boot             in two passes, as the bootloader is; default: in one
#     $(eval $(call firmware,NAME,build/firmware))
#
# and becomes build/firmware/NAME.{elf,bin,hex,map}; only the first line is needed.
#
# Firmware for tests: every folder test/board/fw/NAME with C or assembler files or fw.mk in it becomes
# build/test/fw/NAME.{elf,bin,hex,map}, linked at 0x08000000 with the start-up code above. Define
# main() and the handlers you need, named as in startup.c; nothing else is necessary. A file fw.mk
# in the folder may set any of the variables above, e.g. `hello.at := slot`.
FW_PREFIX := arm-none-eabi-
FW_CC := $(FW_PREFIX)gcc
FW_CPU := -mcpu=cortex-m4 -mthumb
FW_FPU := -mfloat-abi=hard -mfpu=fpv4-sp-d16
CMSIS := node_modules/@xpack-3rd-party/arm-cmsis-core-m/CMSIS/Core/Include
FW_WARN := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Werror
FW_CPPFLAGS := -I. -isystem $(CMSIS)
FW_CFLAGS := -std=c11 -Os -g -ffreestanding -fno-strict-aliasing -fno-common -ffunction-sections -fdata-sections $(FW_WARN)
FW_LDFLAGS := -nostartfiles --specs=nano.specs -Wl,--gc-sections -Wl,--fatal-warnings -Wl,--no-warn-rwx-segments
PORT := port/stm32l433
FW_AT_bare := -DROM_ADDR=FLASH_ADDR -DROM_SIZE=FLASH_SIZE
FW_AT_slot := -DROM_ADDR=SLOT_ADDR -DROM_SIZE=SLOT_SIZE

# The kit in applications with startup.c, which sets VTOR itself and runs no constructors.
FW_KIT_SRC := app/sureboot.c
FW_KIT_CFLAGS := -DSUREBOOT_CONSTRUCTOR=0
FW_KIT_LDFLAGS := -T app/sureboot.ld
FW_ALONE_bare := -Wl,--defsym=sureboot_alone=1

FIRMWARE :=
FW_NAMES :=

# $(call firmware,NAME,FOLDER): see above.
define firmware
$(1).at ?= slot
$(1).startup ?= $(PORT)/startup.c
$(1).ld ?= $(PORT)/app.ld
$(1).link ?= plain
$(1).pack ?= $$(if $$($(1).kit),$$(filter slot,$$($(1).at)))
$(1).obj := $$(patsubst %,$(B)/obj/fw/$(1)/%.o,$$($(1).startup) $$($(1).src) $$(if $$($(1).kit),$$(FW_KIT_SRC)))
$(1).cflags += $$(if $$($(1).kit),$$(FW_KIT_CFLAGS))
$(1).ldflags := $$(if $$($(1).kit),$$(FW_ALONE_$$($(1).at)) $$(FW_KIT_LDFLAGS))
FW_NAMES += $(1)
FIRMWARE += $(2)/$(1).elf $(2)/$(1).bin $(2)/$(1).hex

$(B)/obj/fw/$(1)/%.c.o: %.c firmware.mk | $(CMSIS)/core_cm4.h
	@mkdir -p $$(@D)
	$(FW_CC) $(FW_CPU) $(FW_CPPFLAGS) $(FW_CFLAGS) $$($(1).cflags) -MMD -MP -c $$< -o $$@
$(B)/obj/fw/$(1)/%.S.o: %.S firmware.mk
	@mkdir -p $$(@D)
	$(FW_CC) $(FW_CPU) $(FW_CPPFLAGS) $$($(1).cflags) -g -MMD -MP -c $$< -o $$@
$(B)/obj/fw/$(1)/link.ld: $$($(1).ld) $(PORT)/memory.h firmware.mk
	@mkdir -p $$(@D)
	$(FW_CC) -E -P -x c -I. $$(FW_AT_$$($(1).at)) $$< -o $$@
$(2)/$(1).elf: $$($(1).obj) $(B)/obj/fw/$(1)/link.ld $$(if $$($(1).kit),app/sureboot.ld)
	@mkdir -p $$(@D)
	$$(call link-$$($(1).link),$(1),$(B)/obj/fw/$(1))
$$(if $$($(1).pack),$$(eval $$(call packed,$(2)/$(1))))
endef
# What is to be flashed is packed, as a user ships it. The ELF file stays as it was linked: it is for the
# debugger, behind which an image that says nothing of its length starts without its starts being counted.
define packed
$(1).bin $(1).hex: $(1)%: $(1).elf $(B)/host/sureboot
	$(B)/host/sureboot pack $$< -o $$@ >/dev/null
endef
define link-plain
	$(FW_CC) $(FW_CPU) $(FW_CFLAGS) $($(1).cflags) $(FW_LDFLAGS) -T $(2)/link.ld $($(1).ldflags) \
	    -Wl,-Map=$(@:.elf=.map) $($(1).obj) -o $@
endef

# The first thing that a plain `make` misses in a fresh clone.
$(CMSIS)/core_cm4.h:
	echo "sureboot: first 'make setup', which installs what is not there yet" >&2; exit 1

# ---- bootloader ----
# The boot path runs from flash; the rest is packed there, to run from SRAM (boot.ld says how). So it is
# linked twice: as it is, to get what is to be packed, and with the packed in its place.
BOOT_PORT := $(addprefix $(PORT)/,boot_vectors.S boot_start.c token.c clock.c reset.c undo.c board.c mem.c flash_read.c flash_write.c usbfs.c usbfs_attach.c)
BOOT_USB := usb/usbd.c usb/standard.c usb/serial.c usb/platform.c
BOOT_SRC := $(wildcard boot/*.c boot/core/*.c)

BOOT_CFLAGS := -flto -fipa-pta -fno-ipa-cp -fno-ipa-sra -DUSBD_CONTROL_ONLY=1 -DUSBD_CONNECTED=1 \
               -DPORT_BOOT=1 -DUSBD_ALTERNATES=0 -DUSBD_DEVICE=usb_device -DUSBD_FUNCTION=dfu_function
# Optimisations that trade bytes for time, which -Os leaves on.
BOOT_CFLAGS += -fno-expensive-optimizations -fno-tree-loop-optimize -fno-move-loop-invariants \
               -fno-schedule-insns2 -fno-tree-reassoc -fno-ipa-icf -fno-optimize-sibling-calls \
               -fno-inline-small-functions -fno-tree-tail-merge -fno-tree-coalesce-vars \
               -freorder-blocks-algorithm=stc
# Fields of a word take short instructions where bytes take long ones.
BOOT_CFLAGS += -fno-short-enums

BOOT_PACK := $(B)/host/pack
BOOT_PACK_OBJ := $(patsubst %.c,$(B)/obj/host/%.o,$(wildcard boot/pack/*.c) boot/core/unpack.c)
$(BOOT_PACK): $(BOOT_PACK_OBJ)
	@mkdir -p $(@D)
	$(CC) $^ -lm -o $@

# $(call bootloader,NAME,FLAGS): a build of the bootloader with other options (boot/core/config.h).
define bootloader
$(1).src := $$(BOOT_PORT) $$(BOOT_USB) $$(BOOT_SRC)
$(1).startup :=
$(1).ld := $$(PORT)/boot.ld
$(1).cflags := $$(BOOT_CFLAGS) $(2)
$(1).link := boot
$$(eval $$(call firmware,$(1),$(B)/firmware))
$(B)/firmware/$(1).elf: $$(BOOT_PACK) boot/pack/packed.S
endef

# $(call link-boot,NAME,OBJECT FOLDER): the recipe, twice, and the addresses have to be the same.
define link-boot
	: >$(2)/world.packed
	$(FW_CC) $(FW_CPU) -DFILE='"$(2)/world.packed"' -c boot/pack/packed.S -o $(2)/packed.o
	$(FW_CC) $(FW_CPU) $(FW_CFLAGS) $($(1).cflags) $(FW_LDFLAGS) -fcallgraph-info=su -T $(2)/link.ld \
	    $($(1).obj) $(2)/packed.o -o $(2)/plain.elf
	$(FW_PREFIX)objcopy -O binary -j .world $(2)/plain.elf $(2)/world.bin
	$(BOOT_PACK) $(2)/world.bin $(2)/world.packed
	$(FW_CC) $(FW_CPU) -DFILE='"$(2)/world.packed"' -c boot/pack/packed.S -o $(2)/packed.o
	$(FW_CC) -E -P -x c -I. -DPACKED $($(1).ld) -o $(2)/packed.ld
	$(FW_CC) $(FW_CPU) $(FW_CFLAGS) $($(1).cflags) $(FW_LDFLAGS) -T $(2)/packed.ld -Wl,-Map=$(@:.elf=.map) \
	    $($(1).obj) $(2)/packed.o -o $@
	for f in $(2)/plain.elf $@; do $(FW_PREFIX)nm -S $$f | grep -v ' N ' >$(2)/$$(basename $$f).symbols; done; \
	    cmp $(2)/plain.elf.symbols $(2)/$(@F).symbols || { echo "$@: the two links differ" >&2; exit 1; }
endef

$(eval $(call bootloader,boot,))
$(eval $(call bootloader,boot-dfu11,-DBOOT_DFU11=1))
$(eval $(call bootloader,boot-buttons,-DBOOT_BUTTON=1 -DBOOT_TWICE_MS=400))

# One of your own: make BOOT_OPTIONS='-DTOKEN_BKP=6 -DBOOT_BUTTON=1' (docs/porting.md lists them). Other options
# than the last time: all of it anew.
ifdef BOOT_OPTIONS
# What can be set is what the sources set under #ifndef; a word that is misspelt would go unnoticed.
BOOT_CAN := $(shell sed -n 's/^#ifndef \(.*\)/-D\1=%/p' boot/core/config.h $(PORT)/memory.h $(PORT)/reset.c)
BOOT_CANNOT := $(filter-out $(BOOT_CAN),$(BOOT_OPTIONS))
$(if $(BOOT_CANNOT),$(error BOOT_OPTIONS: there is no option $(BOOT_CANNOT): docs/porting.md lists those of the form -DNAME=VALUE))
BOOT_OWN := $(B)/obj/fw/boot-own
$(shell echo '$(BOOT_OPTIONS)' | cmp -s - $(BOOT_OWN)/options || { rm -rf $(BOOT_OWN) $(B)/firmware/boot-own.*; \
    mkdir -p $(BOOT_OWN); echo '$(BOOT_OPTIONS)' >$(BOOT_OWN)/options; })
$(eval $(call bootloader,boot-own,$(BOOT_OPTIONS)))
endif

# ---- examples ----
EXAMPLE_PORT := $(PORT)/board.c $(PORT)/clock.c $(PORT)/reset.c
EXAMPLE_USB := $(PORT)/usbfs.c $(PORT)/usbfs_attach.c examples/serial.c usb/cdc.c usb/platform.c usb/usbd.c usb/standard.c usb/serial.c

blink.src := examples/blink/main.c $(EXAMPLE_PORT)
$(eval $(call firmware,blink,$(B)/firmware))

cdc.src := examples/cdc/main.c $(EXAMPLE_PORT) $(EXAMPLE_USB)
cdc.cflags := -DSERIAL_WAKES=1
cdc.kit := yes
$(eval $(call firmware,cdc,$(B)/firmware))

WORKBENCH_SRC := $(addprefix examples/workbench/,main.c adc.c i2c.c rtc.c spi.c timers.c usart.c)
workbench.src := $(WORKBENCH_SRC) $(EXAMPLE_PORT) $(EXAMPLE_USB)
workbench.kit := yes
workbench.cflags := $(FW_FPU)
$(eval $(call firmware,workbench,$(B)/firmware))
# With VTOR back at 0x08000000, as start-up code of ST has it.
workbench-vtorback.src := $(workbench.src)
workbench-vtorback.kit := yes
workbench-vtorback.cflags := $(FW_FPU) -DSTARTUP_VTOR=0x08000000
$(eval $(call firmware,workbench-vtorback,$(B)/firmware))
# Its variant that sleeps in Shutdown, behind the bootloader and with the flash to itself.
sleeper.src := examples/workbench/sleeper.c
sleeper.kit := yes
$(eval $(call firmware,sleeper,$(B)/firmware))
sleeper-alone.src := $(sleeper.src)
sleeper-alone.kit := yes
sleeper-alone.at := bare
$(eval $(call firmware,sleeper-alone,$(B)/firmware))
# The same program with the flash to itself, and behind sureboot.
rom-entry.src := examples/rom-entry/main.c $(EXAMPLE_PORT) $(EXAMPLE_USB)
rom-entry.at := bare
rom-entry.kit := yes
$(eval $(call firmware,rom-entry,$(B)/firmware))
rom-entry-slot.src := $(rom-entry.src)
rom-entry-slot.kit := yes
$(eval $(call firmware,rom-entry-slot,$(B)/firmware))

# ---- the ROM bootloader's stand-in, which the virtual board carries (docs/rom-bootloader.md) ----
rom-standin.src := $(wildcard rom/*.c) $(PORT)/usbfs.c $(PORT)/usbfs_attach.c $(PORT)/mem.c usb/usbd.c usb/standard.c
rom-standin.startup :=
rom-standin.ld := rom/rom.ld
rom-standin.cflags := -DUSBD_CONTROL_ONLY=1
$(eval $(call firmware,rom-standin,$(B)/firmware))

%.bin: %.elf
	$(FW_PREFIX)objcopy -O binary $< $@
%.hex: %.elf
	$(FW_PREFIX)objcopy -O ihex $< $@

silicon.src := $(wildcard examples/silicon/*.c)
silicon.at := bare
$(eval $(call firmware,silicon,$(B)/firmware))

# ---- firmware of the tests ----
TEST_FW := $(sort $(patsubst test/board/fw/%/,%,$(dir $(wildcard test/board/fw/*/*.c test/board/fw/*/*.S test/board/fw/*/fw.mk))))
-include $(wildcard test/board/fw/*/fw.mk)
$(foreach n,$(TEST_FW),$(eval $(n).src += $(wildcard test/board/fw/$(n)/*.c test/board/fw/$(n)/*.S))\
    $(eval $(n).at ?= bare)$(eval $(call firmware,$(n),$(B)/test/fw)))

# All, but what WITHOUT names (test/mutants/run).
firmware: $(filter-out $(WITHOUT),$(FIRMWARE))
-include $(foreach n,$(FW_NAMES),$($(n).obj:.o=.d))

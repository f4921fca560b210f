# sureboot: `make demo` and `make check` do everything, set-up included. See README.md.
# The rules live beside what they build: firmware.mk (arm-none-eabi), host.mk (PC), test/test.mk.
.DEFAULT_GOAL := all
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
# Commands are shown with `make V=1`.
ifndef V
.SILENT:
endif
B := build

all: firmware host

# What everything calls first: installs only what is missing, says what; silent when nothing is.
setup:
	@./setup.sh $(filter check check-long,$(MAKECMDGOALS))

include firmware.mk
include host.mk
include test/test.mk

# These are entered by users on a fresh machine: set-up has to come before make looks at any tool.
demo check check-quick check-long bench: setup
	@echo "building (a minute or two the first time)"
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@$(MAKE) --no-print-directory -j$$(nproc) do-$@

clean:
	rm -rf $(B)/firmware $(B)/host $(B)/test $(B)/obj

.PHONY: all setup demo check check-quick check-long bench clean firmware host

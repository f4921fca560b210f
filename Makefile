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
WHOLE := demo check check-quick check-long bench
# As many as there are processors, unless make was told how many.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc))
$(WHOLE): setup
	@echo "building (a minute or two the first time)"
	@$(MAKE) --no-print-directory $(JOBS) all
	@$(MAKE) --no-print-directory $(JOBS) do-$@

# All but the guest's kernel, which was fetched.
clean:
	rm -rf $(filter-out $(B)/guest,$(wildcard $(B)/*))

# `make -j8 clean all`: one goal after the other.
ifneq ($(filter setup clean $(WHOLE),$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

.PHONY: all setup $(WHOLE) clean firmware host
